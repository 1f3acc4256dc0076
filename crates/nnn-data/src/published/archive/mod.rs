//! Images (and annotation files) in archives, read one entry at a time and never trusted: an entry's name chooses no
//! path, its size has a limit, and what it holds is compared with what the archive announces.

mod checked;
mod error;
mod images;
mod tarball;
mod zipped;

pub(super) use error::TakeError;
pub use error::{ArchiveError, ArchiveProblem};
pub(super) use images::IdColumn;

use crate::FileError;
use checked::Checked;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The endings of names that are known.
const KINDS: &str = ".zip, .tar, .tar.gz, .tgz or .parquet";

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Largest size of an entry in bytes.
    pub entry: u64,
    /// How many times larger than in the archive an entry may be, once it is larger than `unsuspicious`.
    pub ratio: u64,
    /// Size in bytes below which no ratio is asked for.
    pub unsuspicious: u64,
}

impl ArchiveLimits {
    /// For annotation files, which are larger than images and shrink more.
    pub(crate) const TEXT: Self = Self {
        entry: 4 << 30,
        ratio: 500,
        unsuspicious: 64 << 20,
    };
}

impl Default for ArchiveLimits {
    /// For images: 256 MiB, a ratio of 100 above 16 MiB.
    fn default() -> Self {
        Self {
            entry: 256 << 20,
            ratio: 100,
            unsuspicious: 16 << 20,
        }
    }
}

/// The kind of an archive, by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    TarGz,
    Parquet,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let endings = [
            (".zip", Self::Zip),
            (".tar", Self::Tar),
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
            (".parquet", Self::Parquet),
        ];
        let found = endings.iter().find(|(ending, _)| name.ends_with(ending));
        found.map(|&(_, kind)| kind)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::Parquet => "parquet",
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Nature {
    File,
    Other(&'static str),
    Encrypted,
    Compressed(String),
}

/// One entry, as the archive announces it.
#[derive(Debug, Clone)]
struct Entry {
    name: String,
    nature: Nature,
    /// Size outside and inside of the archive, where that is known beforehand.
    size: Option<u64>,
    packed: Option<u64>,
    /// Where it is: the number of the entry or row, or its place in bytes.
    at: u64,
}

/// An open archive: an index of its entries.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    kind: Kind,
    limits: ArchiveLimits,
    entries: Vec<Entry>,
    /// Entries by the last part of their names.
    by_base: HashMap<String, Vec<usize>>,
}

impl Archive {
    /// Reads the index of the archive at `path`, whose kind `name` says: `.zip`, `.tar`, `.tar.gz`, `.tgz` or
    /// `.parquet`.
    ///
    /// # Errors
    /// [`ArchiveError`]: it is damaged, or an entry's name climbs out of the archive.
    pub fn open(path: &Path, name: &str, limits: ArchiveLimits) -> Result<Self, ArchiveError> {
        Self::open_with(path, name, limits, &IdColumn::default())
    }

    /// The same, with the column of a parquet file that names the images.
    pub(crate) fn open_with(
        path: &Path,
        name: &str,
        limits: ArchiveLimits,
        column: &IdColumn,
    ) -> Result<Self, ArchiveError> {
        let fail = |problem| fault(path, None, problem);
        let kind = Kind::of(name).ok_or_else(|| fail(ArchiveProblem::UnknownKind))?;
        let entries = match kind {
            Kind::Zip => zipped::index(path),
            Kind::Tar => tarball::index(path),
            Kind::TarGz => tarball::index_packed(path, limits),
            Kind::Parquet => images::index(path, name, column),
        }?;
        let mut by_base: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            if kind != Kind::Parquet && !stays_inside(&entry.name) {
                return Err(fault(path, Some(&entry.name), ArchiveProblem::Escapes));
            }
            by_base
                .entry(base(&entry.name).to_owned())
                .or_default()
                .push(at);
        }
        Ok(Self {
            path: path.to_path_buf(),
            kind,
            limits,
            entries,
            by_base,
        })
    }

    /// The names of all entries, in the archive's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The entry that an image is: its name is the image's, or ends with `/` and the image's.
    ///
    /// # Errors
    /// Two entries are, or the entry is no plain file of acceptable size.
    pub fn find(&self, image: &str) -> Result<Option<usize>, ArchiveError> {
        let is = |at: &&usize| ends_with(&self.entries[**at].name, image);
        let mut found = self
            .by_base
            .get(base(image))
            .into_iter()
            .flatten()
            .filter(is);
        let Some(&at) = found.next() else {
            return Ok(None);
        };
        if let Some(&other) = found.next() {
            let other = self.entries[other].name.clone();
            let image = image.to_owned();
            let problem = match other == self.entries[at].name {
                true => ArchiveProblem::Twice,
                false => ArchiveProblem::Ambiguous { image, other },
            };
            return Err(self.fault(at, problem));
        }
        self.check(at)?;
        Ok(Some(at))
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether any part of it can be read without what comes before.
    pub(crate) fn is_seekable(&self) -> bool {
        matches!(self.kind, Kind::Zip | Kind::Tar)
    }

    /// The whole content of an entry.
    ///
    /// # Errors
    /// As [`find`](Self::find), and where the content is not what the archive announces.
    pub fn read(&self, at: usize) -> Result<Vec<u8>, ArchiveError> {
        let mut content = Vec::new();
        let read = self.read_each(&[at], &mut |_, entry| {
            entry
                .read_to_end(&mut content)
                .map(drop)
                .map_err(|error| FileError::new(&self.path, error))
        });
        match read {
            Ok(()) => Ok(content),
            Err(TakeError::Archive(error)) => Err(error),
            Err(TakeError::Taker(error)) => Err(self.fault(at, self.damaged(error))),
        }
    }

    /// Hands entries (ascending) to `take` one after the other, each with a reader that fails where the content is not
    /// what the archive announces.
    pub(crate) fn read_each(&self, wanted: &[usize], take: &mut Take<'_>) -> Result<(), TakeError> {
        wanted.iter().try_for_each(|&at| self.check(at))?;
        match self.kind {
            Kind::Zip => zipped::read(self, wanted, take),
            Kind::Tar => tarball::read(self, wanted, take),
            Kind::TarGz => tarball::read_packed(self, wanted, take),
            Kind::Parquet => images::read(self, wanted, take),
        }
    }

    /// Lets `take` read one entry; a fault of the archive comes before one of `take`'s own.
    fn hand(
        &self,
        at: usize,
        size: u64,
        content: &mut dyn Read,
        take: &mut Take<'_>,
    ) -> Result<(), TakeError> {
        let mut checked = Checked::new(content, size, self.kind.name());
        let taken = take(at, &mut checked);
        match checked.problem() {
            Some(problem) => Err(self.fault(at, problem).into()),
            None => taken.map_err(TakeError::Taker),
        }
    }

    fn check(&self, at: usize) -> Result<(), ArchiveError> {
        let entry = &self.entries[at];
        let size = entry.size.unwrap_or(0);
        let ratio = size / entry.packed.unwrap_or(size).max(1);
        let problem = match &entry.nature {
            Nature::Other(found) => ArchiveProblem::NotAFile { found },
            Nature::Encrypted => ArchiveProblem::Encrypted,
            Nature::Compressed(found) => ArchiveProblem::Compression {
                found: found.clone(),
            },
            Nature::File if size > self.limits.entry => ArchiveProblem::TooLarge {
                found: size,
                limit: self.limits.entry,
            },
            Nature::File if size > self.limits.unsuspicious && ratio > self.limits.ratio => {
                ArchiveProblem::Bomb {
                    packed: entry.packed.unwrap_or(size),
                    size,
                    limit: self.limits.ratio,
                }
            }
            Nature::File => return Ok(()),
        };
        Err(self.fault(at, problem))
    }

    fn fault(&self, at: usize, problem: ArchiveProblem) -> ArchiveError {
        fault(&self.path, Some(&self.entries[at].name), problem)
    }

    fn damaged(&self, problem: impl ToString) -> ArchiveProblem {
        damaged(self.kind.name(), problem)
    }
}

/// Reads one entry, given its number and its content.
pub(crate) type Take<'a> = dyn FnMut(usize, &mut dyn Read) -> Result<(), FileError> + 'a;

fn fault(archive: &Path, entry: Option<&str>, problem: ArchiveProblem) -> ArchiveError {
    ArchiveError {
        archive: archive.to_path_buf(),
        entry: entry.map(str::to_owned),
        problem,
    }
}

fn damaged(kind: &'static str, problem: impl ToString) -> ArchiveProblem {
    ArchiveProblem::Damaged {
        kind,
        problem: problem.to_string(),
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether `name` is `image`, or a path that ends with it.
pub(super) fn ends_with(name: &str, image: &str) -> bool {
    let rest = name.strip_suffix(image);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Whether a name is relative on every system, without `..`.
fn stays_inside(name: &str) -> bool {
    let parts = || name.split(['/', '\\']);
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    !drive && !name.contains('\0') && parts().next() != Some("") && parts().all(|it| it != "..")
}

#[cfg(test)]
mod tests {
    use super::{ends_with, stays_inside};

    #[test]
    fn names_that_leave_the_folder() {
        for name in [
            "../a", "a/../b", "/a", "\\a", "a\\..\\b", "C:/a", "c:a", "", "a\0b",
        ] {
            assert!(!stays_inside(name), "{name:?}");
        }
        for name in ["a", "a/b.jpg", "a..b", "..a/b", "./a", "é:b"] {
            assert!(stays_inside(name), "{name:?}");
        }
    }

    #[test]
    fn an_image_is_a_whole_part_of_a_path() {
        assert!(ends_with("x/a.jpg", "a.jpg") && ends_with("a.jpg", "a.jpg"));
        assert!(ends_with("x/y/a.jpg", "y/a.jpg"));
        assert!(!ends_with("x/ba.jpg", "a.jpg") && !ends_with("xy/a.jpg", "y/a.jpg"));
    }
}
