//! A folder of images, searched as an archive is.

use super::StoreError;
use super::near::below;
use crate::published::archive::ends_with;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// All files below, listed when a name is not where it says.
    all: OnceLock<Listing>,
}

#[derive(Debug)]
struct Listing {
    names: Vec<String>,
    /// Names by their last part.
    by_base: HashMap<String, Vec<usize>>,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            all: OnceLock::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file that an image is: at its name below the folder; at its name from a folder above; or the one whose name ends with `/`
    /// and the image's.
    pub(super) fn find(&self, image: &str) -> Result<Option<PathBuf>, StoreError> {
        let path = self.root.join(image);
        if path.is_file() {
            return Ok(Some(path));
        }
        match self.named_above(image) {
            Some(path) => Ok(Some(path)),
            None => self.deeper(image),
        }
    }

    /// `photos/a.jpg` in a folder `photos`.
    fn named_above(&self, image: &str) -> Option<PathBuf> {
        let slashes = image.match_indices('/').map(|(at, _)| at);
        let mut paths = slashes.filter_map(|at| {
            let (front, rest) = (&image[..at], &image[at + 1..]);
            self.root.ends_with(front).then(|| self.root.join(rest))
        });
        paths.find(|path| path.is_file())
    }

    fn deeper(&self, image: &str) -> Result<Option<PathBuf>, StoreError> {
        let listing = self.all.get_or_init(|| Listing::of(&self.root));
        let candidates = listing.by_base.get(base(image)).into_iter().flatten();
        let names = candidates.map(|&at| &listing.names[at]);
        let mut found = names.filter(|name| ends_with(name, image));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(name), None) => Ok(Some(self.root.join(name))),
            (Some(first), Some(second)) => Err(StoreError::TwoFiles {
                image: image.to_owned(),
                first: first.clone(),
                second: second.clone(),
                folder: self.root.clone(),
            }),
        }
    }

    /// The names of all files below.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let listing = self.all.get_or_init(|| Listing::of(&self.root));
        listing.names.iter().map(String::as_str)
    }
}

impl Listing {
    fn of(root: &Path) -> Self {
        let names = below(root);
        let mut by_base: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, name) in names.iter().enumerate() {
            by_base.entry(base(name).to_owned()).or_default().push(at);
        }
        Self { names, by_base }
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
