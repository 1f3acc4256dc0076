//! Image-caption folders: images anywhere below a folder, and `captions.csv` in it with the header
//! `image,split,caption` and one row a caption.

use crate::{FileError, Pairs, sha256_file};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

/// The table's name in the folder.
const TABLE: &str = "captions.csv";

/// Why a folder is no data set. Lines count from one, the header being line 1.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The table or an image cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The header lacks a column.
    #[error("{}, line 1: no column {column:?}, expected the header \"image,split,caption\", found {found:?}", table.display())]
    MissingColumn {
        /// The table.
        table: PathBuf,
        /// The column wanted.
        column: &'static str,
        /// The header found.
        found: String,
    },
    /// A row does not say what it should.
    #[error("{}, line {line}: {problem}", table.display())]
    Row {
        /// The table.
        table: PathBuf,
        /// The line on which the row begins.
        line: u64,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// A split that should be there has no row.
    #[error("{}: no row belongs to split {split:?}", table.display())]
    EmptySplit {
        /// The table.
        table: PathBuf,
        /// The split wanted.
        split: String,
    },
}

/// What is wrong with a row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowProblem {
    /// The row is not CSV, or has more or fewer fields than the header.
    #[error("not readable as CSV: {0}")]
    Unreadable(String),
    /// The split is not among those that the data set has.
    #[error("unknown split {found:?}, expected one of {}", .expected.join(", "))]
    UnknownSplit {
        /// The split named.
        found: String,
        /// The splits that exist.
        expected: Vec<String>,
    },
    /// The caption is empty or blank.
    #[error("empty caption for image {image:?}")]
    EmptyCaption {
        /// The image.
        image: String,
    },
    /// The path is empty, absolute or climbs out with `..`.
    #[error("image {image:?} is not a path inside the folder")]
    OutsideFolder {
        /// The path as written.
        image: String,
    },
    /// No such image file.
    #[error("image {image:?} does not exist")]
    MissingImage {
        /// The path as written.
        image: String,
    },
    /// One image in two splits would leak.
    #[error("image {image:?} is in split {found:?}, but in {before:?} on an earlier line")]
    TwoSplits {
        /// The path as written.
        image: String,
        /// The split on this line.
        found: String,
        /// The split on the first line that names the image.
        before: String,
    },
}

/// A folder's splits; images are identified by their paths relative to it, in the order in which the table names them
/// first, and captions keep the table's order.
#[derive(Debug, Clone)]
pub struct ImageFolder {
    root: PathBuf,
    splits: BTreeMap<String, Pairs>,
}

impl ImageFolder {
    /// Reads `captions.csv` in `root`; `splits` names every split that the data set has. Columns beyond the three are
    /// ignored. Paths are checked as written: `..` is refused, links are followed.
    ///
    /// # Errors
    /// [`FolderError`] names the table and the line.
    pub fn open(root: &Path, splits: &[&str]) -> Result<Self, FolderError> {
        let mut table = Table::open(root, splits)?;
        table.read()?;
        Ok(Self {
            root: root.to_path_buf(),
            splits: table.finish()?,
        })
    }

    /// All splits by name.
    #[must_use]
    pub fn splits(&self) -> &BTreeMap<String, Pairs> {
        &self.splits
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

    /// Where an image of one of the splits lies.
    #[must_use]
    pub fn image_path(&self, image: &str) -> PathBuf {
        self.root.join(image)
    }

    /// SHA-256 of the files of `images`, for finding one image under two names.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn contents(&self, images: &[String]) -> Result<Vec<String>, FileError> {
        let one = |image: &String| {
            let path = self.image_path(image);
            sha256_file(&path).map_err(|error| FileError::new(&path, error))
        };
        images.iter().map(one).collect()
    }
}

/// Images, captions and their pairing, while a split is being read.
#[derive(Default)]
struct Growing {
    images: Vec<String>,
    texts: Vec<String>,
    text_to_image: Vec<u32>,
}

struct Table<'a> {
    root: &'a Path,
    path: PathBuf,
    names: &'a [&'a str],
    splits: Vec<Growing>,
    /// For every image its split and its index in it.
    places: HashMap<String, (usize, u32)>,
}

impl<'a> Table<'a> {
    fn open(root: &'a Path, names: &'a [&'a str]) -> Result<Self, FolderError> {
        let path = root.join(TABLE);
        Ok(Self {
            root,
            path,
            names,
            splits: names.iter().map(|_| Growing::default()).collect(),
            places: HashMap::new(),
        })
    }

    fn read(&mut self) -> Result<(), FolderError> {
        let file = std::fs::File::open(&self.path).map_err(|error| self.unreadable(error))?;
        let mut reader = csv::Reader::from_reader(file);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(self.bad_csv(&error)),
        };
        let columns = self.columns(&header)?;
        for record in reader.records() {
            let record = record.map_err(|error| self.bad_csv(&error))?;
            let [image, split, caption] = columns.map(|column| &record[column]);
            self.add(image, split, caption).map_err(|problem| {
                self.row(record.position().map_or(0, csv::Position::line), problem)
            })?;
        }
        Ok(())
    }

    fn columns(&self, header: &csv::StringRecord) -> Result<[usize; 3], FolderError> {
        let column = |name: &'static str| {
            header
                .iter()
                .position(|found| found == name)
                .ok_or_else(|| FolderError::MissingColumn {
                    table: self.path.clone(),
                    column: name,
                    found: header.iter().collect::<Vec<_>>().join(","),
                })
        };
        Ok([column("image")?, column("split")?, column("caption")?])
    }

    fn add(&mut self, image: &str, split: &str, caption: &str) -> Result<(), RowProblem> {
        let Some(at) = self.names.iter().position(|&name| name == split) else {
            return Err(RowProblem::UnknownSplit {
                found: split.to_owned(),
                expected: self.names.iter().map(|&name| name.to_owned()).collect(),
            });
        };
        if caption.trim().is_empty() {
            let image = image.to_owned();
            return Err(RowProblem::EmptyCaption { image });
        }
        let index = self.place(image, at)?;
        self.splits[at].texts.push(caption.to_owned());
        self.splits[at].text_to_image.push(index);
        Ok(())
    }

    /// The image's index in its split; a new image is checked and appended.
    fn place(&mut self, image: &str, split: usize) -> Result<u32, RowProblem> {
        match self.places.get(image) {
            Some(&(before, index)) if before == split => return Ok(index),
            Some(&(before, _)) => {
                return Err(RowProblem::TwoSplits {
                    image: image.to_owned(),
                    found: self.names[split].to_owned(),
                    before: self.names[before].to_owned(),
                });
            }
            None => check_image(self.root, image)?,
        }
        let images = &mut self.splits[split].images;
        // A table of 2^32 images would not be read to its end.
        let index = images.len() as u32;
        images.push(image.to_owned());
        self.places.insert(image.to_owned(), (split, index));
        Ok(index)
    }

    fn finish(self) -> Result<BTreeMap<String, Pairs>, FolderError> {
        let mut splits = BTreeMap::new();
        for (&name, grown) in self.names.iter().zip(self.splits) {
            let Growing {
                images,
                texts,
                text_to_image,
            } = grown;
            // Indices were given out by `place`, so only emptiness can be wrong.
            match Pairs::new(images, texts, text_to_image) {
                Ok(pairs) if !pairs.images().is_empty() => splits.insert(name.to_owned(), pairs),
                _ => {
                    return Err(FolderError::EmptySplit {
                        table: self.path,
                        split: name.to_owned(),
                    });
                }
            };
        }
        Ok(splits)
    }

    fn unreadable(&self, error: io::Error) -> FolderError {
        FileError::new(&self.path, error).into()
    }

    fn bad_csv(&self, error: &csv::Error) -> FolderError {
        let line = error.position().map_or(1, csv::Position::line);
        self.row(line, RowProblem::Unreadable(error.to_string()))
    }

    fn row(&self, line: u64, problem: RowProblem) -> FolderError {
        FolderError::Row {
            table: self.path.clone(),
            line,
            problem,
        }
    }
}

fn check_image(root: &Path, image: &str) -> Result<(), RowProblem> {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    let image_name = image.to_owned();
    if image.is_empty() || !Path::new(image).components().all(inside) {
        return Err(RowProblem::OutsideFolder { image: image_name });
    }
    if !root.join(image).is_file() {
        return Err(RowProblem::MissingImage { image: image_name });
    }
    Ok(())
}
