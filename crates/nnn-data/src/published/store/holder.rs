//! A place with images: a folder, archives, or addresses.

use super::folder::Folder;
use super::near::nearest;
use super::{Opening, StoreError};
use crate::published::archive::{Archive, ArchiveLimits, IdColumn};
use crate::published::source::{AnnotationFormat, AnnotationPart, FoundFile, ImagePart};
use nnn_files::Sha256;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Letters of a checksum that name a folder.
const KEY: usize = 16;

#[derive(Debug)]
pub(super) struct Holder {
    splits: Vec<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Folder(Folder),
    Archives(Vec<Opened>),
    /// Below this folder fetched images are to lie.
    Addresses(PathBuf),
}

/// An archive.
#[derive(Debug)]
struct Opened {
    archive: Archive,
    /// Its name on the card.
    name: String,
    /// Where its images are extracted to.
    root: PathBuf,
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// A file.
    File(PathBuf),
    /// Entry of an archive of a holder, and the file that it is extracted to.
    Entry {
        archive: usize,
        entry: usize,
        path: PathBuf,
        /// The folder of all images of the archive.
        root: PathBuf,
    },
    /// A file to be fetched.
    Address {
        path: PathBuf,
        /// The folder of all images that are fetched.
        root: PathBuf,
        /// The path below it.
        name: String,
    },
}

impl Holder {
    /// `annotations` say how images are called that lie in the same parquet file.
    pub(super) fn open(
        part: &ImagePart,
        annotations: &[AnnotationPart],
        opening: &Opening<'_>,
    ) -> Result<Self, StoreError> {
        let part = part.available(opening.reading.files);
        let kind = match (&part.folder, part.addresses) {
            (Some(folder), false) if part.archives.is_empty() => {
                // Without the separator at its end that a joined empty path leaves.
                Kind::Folder(Folder::new(
                    opening.base.join(folder).components().collect(),
                ))
            }
            (None, true) if part.archives.is_empty() => {
                Kind::Addresses(opening.cache.join("fetched"))
            }
            (None, false) if !part.archives.is_empty() => {
                let names = part.file_names().into_iter();
                let open = |name: String| {
                    let column = id_column(&name, part, annotations);
                    open_archive(&name, &column, opening)
                };
                Kind::Archives(names.map(open).collect::<Result<_, _>>()?)
            }
            _ => return Err(StoreError::Places),
        };
        Ok(Self {
            splits: part.splits.clone(),
            kind,
        })
    }

    pub(super) fn serves(&self, split: &str) -> bool {
        self.splits.is_empty() || self.splits.iter().any(|it| it == split)
    }

    /// Where an image is, if it is here.
    pub(super) fn find(
        &self,
        image: &str,
        addresses: &HashMap<String, String>,
    ) -> Result<Option<Spot>, StoreError> {
        match &self.kind {
            Kind::Folder(folder) => Ok(folder.find(image)?.map(Spot::File)),
            Kind::Archives(archives) => in_archives(archives, image),
            Kind::Addresses(root) => Ok(addresses.get(image).map(|address| {
                let key = Sha256::new().part(address).hex();
                let name = format!("{}/{image}", &key[..KEY]);
                Spot::Address {
                    path: root.join(&name),
                    root: root.clone(),
                    name,
                }
            })),
        }
    }

    /// An archive by its number.
    pub(super) fn archive(&self, at: usize) -> Option<&Archive> {
        match &self.kind {
            Kind::Archives(archives) => archives.get(at).map(|it| &it.archive),
            Kind::Folder(_) | Kind::Addresses(_) => None,
        }
    }

    /// What is searched for images, in words.
    pub(super) fn places(&self) -> Vec<String> {
        match &self.kind {
            Kind::Folder(folder) => vec![folder.root().display().to_string()],
            Kind::Archives(archives) => archives.iter().map(|it| it.name.clone()).collect(),
            Kind::Addresses(_) => vec!["the addresses of the annotations".to_owned()],
        }
    }

    /// An image here whose name is nearly that of one which is not, and where it is.
    pub(super) fn near(&self, image: &str) -> Option<String> {
        let of = |name: String, place: &str| format!("{name:?} in {place}");
        match &self.kind {
            Kind::Folder(folder) => {
                let found = nearest(image, folder.names().map(str::to_owned))?;
                Some(of(found, &folder.root().display().to_string()))
            }
            Kind::Archives(archives) => archives.iter().find_map(|opened| {
                let names = opened.archive.names().map(str::to_owned);
                Some(of(nearest(image, names)?, &opened.name))
            }),
            Kind::Addresses(_) => None,
        }
    }

    /// The archive or address that an image's file in the cache comes from.
    pub(super) fn origin<'a>(&'a self, spot: &Spot, address: Option<&'a str>) -> Option<&'a str> {
        match (&self.kind, spot) {
            (Kind::Archives(all), Spot::Entry { archive, .. }) => {
                all.get(*archive).map(|it| it.name.as_str())
            }
            (_, Spot::Address { .. }) => address,
            _ => None,
        }
    }
}

/// The column that names the images of a parquet file: the place's own, or that of the annotations in the same file.
fn id_column(name: &str, part: &ImagePart, annotations: &[AnnotationPart]) -> IdColumn {
    let mut parts = annotations.iter().flat_map(AnnotationPart::alternatives);
    let inside = |it: &&AnnotationPart| {
        let here = it.file_names().iter().any(|file| file == name);
        it.format == AnnotationFormat::ImageParquet && here
    };
    let mut annotated = || parts.find(inside)?.columns.image.as_ref();
    IdColumn(
        part.column
            .clone()
            .or_else(|| annotated().map(ToString::to_string)),
    )
}

fn open_archive(
    name: &str,
    column: &IdColumn,
    opening: &Opening<'_>,
) -> Result<Opened, StoreError> {
    let Some(FoundFile { path, sha256 }) = opening.reading.files.get(name) else {
        return Err(StoreError::Absent(name.to_owned()));
    };
    let archive = Archive::open_with(path, name, ArchiveLimits::default(), column)?;
    let key = sha256.get(..KEY).unwrap_or(sha256);
    Ok(Opened {
        archive,
        name: name.to_owned(),
        root: opening.cache.join("extracted").join(key),
    })
}

fn in_archives(archives: &[Opened], image: &str) -> Result<Option<Spot>, StoreError> {
    let mut found: Option<Spot> = None;
    for (number, Opened { archive, root, .. }) in archives.iter().enumerate() {
        let Some(entry) = archive.find(image)? else {
            continue;
        };
        if let Some(Spot::Entry { archive: first, .. }) = found {
            return Err(twice(image, archives[first].archive.path(), archive.path()));
        }
        found = Some(Spot::Entry {
            archive: number,
            entry,
            root: root.clone(),
            path: root.join(image),
        });
    }
    Ok(found)
}

fn twice(image: &str, first: &Path, second: &Path) -> StoreError {
    StoreError::TwoArchives {
        image: image.to_owned(),
        first: first.to_path_buf(),
        second: second.to_path_buf(),
    }
}

impl Spot {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Address { path, .. } | Self::Entry { path, .. } => path,
        }
    }
}
