//! The splits of a data set of images and captions, and where every image is or will be.

mod extract;
mod folder;
mod holder;
mod ledger;
mod near;

use super::annotations::{
    AnnotationError, AnnotationProblem, Annotations, Finding, Reading, read_annotations,
};
use super::archive::{ArchiveError, TakeError};
use super::source::{
    AnnotationFormat, AnnotationPart, ColumnNames, FilesSource, FoundFile, ImagePart, OnGap,
};
use crate::{FileError, Pairs};
use extract::Missing;
use holder::{Holder, Spot};
use ledger::Ledgers;
use nnn_files::sha256_file;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// An archive cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that the card names is not there.
    #[error("{0:?}, which the card names, is not there")]
    Absent(String),
    /// A place for images that is none, or two.
    #[error("a place for images needs exactly one of `archives`, `folder` and `addresses: true`")]
    Places,
    /// An image that was fetched is another one now.
    #[error("{}: {reason}; delete it, and it is fetched again", file.display())]
    Changed {
        /// The image's file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Two files of a folder could be meant.
    #[error("image {image:?} is {first:?} and also {second:?} in {}", folder.display())]
    TwoFiles {
        /// The image.
        image: String,
        /// A file below the folder.
        first: String,
        /// Another one.
        second: String,
        /// The folder.
        folder: PathBuf,
    },
    /// Two archives have one image.
    #[error("image {image:?} is in {} and in {}", first.display(), second.display())]
    TwoArchives {
        /// The image.
        image: String,
        /// An archive.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
    },
}

impl From<TakeError> for StoreError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Archive(error) => error.into(),
            TakeError::Taker(error) => error.into(),
        }
    }
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
    /// Those of the wanted splits whose images are read; the images of the others are not looked for.
    pub images: &'a [&'a str],
}

/// Splits by name; images are identified by the names that the annotations give them, in the order in which these name
/// them first, and captions keep their order.
#[derive(Debug)]
pub struct ImageStore {
    splits: BTreeMap<String, Pairs>,
    addresses: HashMap<String, String>,
    findings: Vec<Finding>,
    holders: Vec<Holder>,
    /// For every image the number of its holder, and where it is there.
    spots: HashMap<String, (usize, Spot)>,
    ledgers: Ledgers,
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
    /// row per caption; `splits` names every split that the data set has, `groups` its two groups, if it has some. Of further
    /// columns `class` and `group` are read, others ignored. Paths are checked as written: `..` is refused, links are
    /// followed.
    ///
    /// # Errors
    /// [`StoreError`] names the table and the line.
    pub fn folder(
        root: &Path,
        splits: &[&str],
        on_gap: OnGap,
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
                on_gap,
                groups,
            },
            images: splits,
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
            .filter(|part| part.serves(opening.images));
        let holders = holders
            .map(|part| Holder::open(part, &source.annotations, opening))
            .collect::<Result<_, _>>()?;
        let mut store = Self {
            splits: BTreeMap::new(),
            addresses: HashMap::new(),
            findings: Vec::new(),
            holders,
            spots: HashMap::new(),
            ledgers: Ledgers::default(),
        };
        store.find(annotations, opening)?;
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
            Some((_, spot)) => spot.path().to_path_buf(),
            None => PathBuf::from(image),
        }
    }

    /// What a file in the cache was taken out of or fetched from, as `image "a.jpg" of images.zip`; none for other files, which lie
    /// under their own names.
    #[must_use]
    pub fn origin(&self, file: &Path) -> Option<String> {
        let mut spots = self.spots.iter();
        let (image, (holder, spot)) = spots.find(|(_, (_, spot))| spot.path() == file)?;
        let origin = self.holders[*holder].origin(spot, self.address(image))?;
        Some(format!("image {image:?} of {origin}"))
    }

    /// The address that the annotations give an image.
    #[must_use]
    pub fn address(&self, image: &str) -> Option<&str> {
        self.addresses.get(image).map(String::as_str)
    }

    /// Those of `images` that are fetched from addresses and whose files are not there yet.
    #[must_use]
    pub fn to_fetch(&self, images: &[String]) -> Vec<Addressed> {
        let absent = images
            .iter()
            .filter_map(|image| match self.spots.get(image) {
                Some((_, Spot::Address { path, .. })) if !path.is_file() => Some(Addressed {
                    image: image.clone(),
                    address: self.addresses.get(image)?.clone(),
                    path: path.clone(),
                }),
                _ => None,
            });
        absent.collect()
    }

    /// Notes the checksum of an image that has been fetched, by which a later change of its file is noticed.
    ///
    /// # Errors
    /// The list of checksums cannot be written.
    pub fn note_fetched(&self, image: &str, sha256: String) -> Result<(), FileError> {
        match self.spots.get(image) {
            Some((_, Spot::Address { root, name, .. })) => self.ledgers.note(root, name, sha256),
            _ => Ok(()),
        }
    }

    /// Notes the checksums of those of `images` that were fetched and of which none is noted, as an earlier version or a crash leaves
    /// them; their files are whole where they are. A list that cannot be written stays as it is: nothing was noted before either.
    pub fn note_found(&self, images: &[String]) {
        let spots = images.iter().filter_map(|image| self.spots.get(image));
        for (_, spot) in spots {
            if let Spot::Address { path, root, name } = spot
                && path.is_file()
                && matches!(self.ledgers.noted(root, name), Ok(None))
                && let Ok(sum) = sha256_file(path)
            {
                let _ = self.ledgers.note(root, name, sum);
            }
        }
    }

    /// Extracts those of `images` that are in archives and not on disk yet; `progress` is told of each of `images` once
    /// it is there. Files appear whole or not at all, so that a killed extraction goes on where it stopped. What comes
    /// from an archive lies in a folder that its checksum names, with a list of the images' own checksums: one that does not have
    /// its own any more is extracted again, and [`ImageStore::take_rebuilt`] names it.
    ///
    /// # Errors
    /// [`StoreError`]: an archive is damaged or not to be trusted, or a file cannot be written; an image that was fetched is another one
    /// now.
    pub fn provide(
        &self,
        images: &[String],
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), StoreError> {
        let spots = images.iter().filter_map(|image| self.spots.get(image));
        let there = spots.filter_map(|(_, spot)| match spot {
            Spot::Entry { path, .. } | Spot::Address { path, .. }
                if path.is_file() && !self.ledgers.knows(path) =>
            {
                Some(path)
            }
            _ => None,
        });
        self.ledgers.read(&there.cloned().collect::<Vec<_>>());
        self.check_fetched(images)?;
        let mut missing = Missing::new(&self.ledgers);
        for image in images {
            let spot = self.spots.get(image);
            let absent = spot.map(|(at, spot)| missing.add(*at, &self.holders, spot, image));
            if !absent.transpose()?.unwrap_or(false) {
                progress(1);
            }
        }
        missing.extract(progress)
    }

    /// An image of which nothing is noted is taken as it is.
    fn check_fetched(&self, images: &[String]) -> Result<(), StoreError> {
        let spots = images.iter().filter_map(|image| self.spots.get(image));
        for (_, spot) in spots {
            let Spot::Address { path, root, name } = spot else {
                continue;
            };
            if path.is_file()
                && let Some(reason) = self.ledgers.changed(root, name)?
            {
                let file = path.clone();
                return Err(StoreError::Changed { file, reason });
            }
        }
        Ok(())
    }

    /// Images that were damaged and have been extracted again since this was asked last, each with what was wrong.
    #[must_use]
    pub fn take_rebuilt(&self) -> Vec<(PathBuf, String)> {
        self.ledgers.take_damaged()
    }

    /// SHA-256 of an image's file, where it has been read or written here.
    #[must_use]
    pub fn sum(&self, file: &Path) -> Option<String> {
        self.ledgers.sum(file)
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

    /// Finds every image, those that are nowhere being an error or a finding.
    fn find(
        &mut self,
        mut annotations: Annotations,
        opening: &Opening<'_>,
    ) -> Result<(), StoreError> {
        let on_gap = opening.reading.on_gap;
        self.addresses = std::mem::take(&mut annotations.addresses);
        self.findings = std::mem::take(&mut annotations.findings);
        self.splits = std::mem::take(&mut annotations.splits);
        let mut gone: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let read = |it: &(&String, &Pairs)| opening.images.contains(&it.0.as_str());
        for (split, pairs) in self.splits.iter().filter(read) {
            for image in pairs.images() {
                match (self.spot(split, image)?, on_gap) {
                    (Some(found), _) => drop(self.spots.insert(image.clone(), found)),
                    (None, OnGap::Fail) => return Err(self.missing(split, image, &annotations)),
                    (None, OnGap::LeaveOut) => {
                        gone.entry(split.clone()).or_default().push(image.clone());
                    }
                }
            }
        }
        gone.into_iter()
            .try_for_each(|(split, images)| self.leave_out(split, images, &annotations))
    }

    fn spot(&self, split: &str, image: &str) -> Result<Option<(usize, Spot)>, StoreError> {
        let holders = self.holders.iter().enumerate();
        for (at, holder) in holders.filter(|(_, holder)| holder.serves(split)) {
            if let Some(spot) = holder.find(image, &self.addresses)? {
                return Ok(Some((at, spot)));
            }
        }
        Ok(None)
    }

    /// The error of an image that is nowhere.
    fn missing(&self, split: &str, image: &str, annotations: &Annotations) -> StoreError {
        let holders = || self.holders.iter().filter(|it| it.serves(split));
        let problem = AnnotationProblem::MissingImage {
            image: image.to_owned(),
            searched: holders().flat_map(Holder::places).collect(),
            near: holders().find_map(|it| it.near(image)),
        };
        annotations.about(image, problem).into()
    }

    fn leave_out(
        &mut self,
        split: String,
        images: Vec<String>,
        annotations: &Annotations,
    ) -> Result<(), StoreError> {
        let texts = |store: &Self| store.splits.get(&split).map_or(0, |it| it.texts().len());
        let before = texts(self);
        let spots = std::mem::take(&mut self.spots);
        self.retain(&split, |image| spots.contains_key(image));
        self.spots = spots;
        let captions = before - texts(self);
        if let (0, Some(image)) = (before - captions, images.first()) {
            return Err(self.missing(&split, image, annotations));
        }
        self.findings.push(Finding::MissingImages {
            split,
            images,
            captions,
        });
        Ok(())
    }
}

/// The splits that the table of a plain folder names; none if it cannot be read or has no such column.
pub(crate) fn split_names(root: &Path) -> Option<BTreeSet<String>> {
    let mut reader = csv::Reader::from_path(root.join(TABLE)).ok()?;
    let mut header = reader.headers().ok()?.iter();
    let column = header.position(|name| name.trim_start_matches('\u{feff}').trim() == "split")?;
    let names = reader.records().flatten();
    let names = names.filter_map(|record| Some(record.get(column)?.trim().to_owned()));
    Some(names.filter(|name| !name.is_empty()).collect())
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
            column: None,
            folder: Some(PathBuf::new()),
            addresses: false,
            splits: Vec::new(),
            otherwise: None,
        }],
        notice: None,
    }
}
