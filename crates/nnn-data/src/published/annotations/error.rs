//! What can be wrong with annotation files, and where.

use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// Why an annotation file cannot be used: the file, the place in it, and the problem.
#[derive(Debug, Error)]
#[error("{}{}: {problem}", file.display(), At(place.as_ref()))]
pub struct AnnotationError {
    /// The file; a member of an archive as a path below the archive's.
    pub file: PathBuf,
    /// Where in the file, if it is one place.
    pub place: Option<Place>,
    /// What is wrong.
    pub problem: Box<AnnotationProblem>,
}

/// A place in an annotation file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A line, from one; a record that spans lines is named by its first.
    Line(u64),
    /// A row of a parquet file, from zero.
    Row(u64),
    /// An element of a JSON list, from zero.
    Item(&'static str, usize),
    /// An entry of an archive.
    Entry(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Item("", index) => write!(f, "item {index}"),
            Self::Item(list, index) => write!(f, "{list}[{index}]"),
            Self::Entry(name) => write!(f, "entry {name:?}"),
        }
    }
}

/// `, line 3`, or nothing.
struct At<'a>(Option<&'a Place>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |place| write!(f, ", {place}"))
    }
}

/// The first fields of a line, each cut.
fn fields(all: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = all.iter().take(SHOWN).map(|it| excerpt(it));
    if all.is_empty() {
        return "none".to_owned();
    }
    let more = if all.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
}

/// The field's beginning, for messages.
pub(super) fn excerpt(field: &str) -> String {
    const SHOWN: usize = 60;
    let start: String = field.chars().take(SHOWN).collect();
    match start.len() < field.len() {
        true => format!("{start:?}..."),
        false => format!("{start:?}"),
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; there is {near}"))
}

/// What is wrong with an annotation file or with a place in it.
#[derive(Debug, Error)]
pub enum AnnotationProblem {
    /// The file, or the archive that it is in, cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The content is not of the format.
    #[error("not readable as {format}: {problem}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What its parser says.
        problem: String,
    },
    /// The format does not come in files of this kind.
    #[error("a file of this kind holds no annotations as `{format}`, expected {expected}")]
    Kind {
        /// The format, as on the card.
        format: &'static str,
        /// The kinds that it has.
        expected: &'static str,
    },
    /// No such column.
    #[error("no column {wanted}, found {found:?}")]
    MissingColumn {
        /// The columns that would do, such as `"image" or "filename"`.
        wanted: String,
        /// The columns there are, joined by commas.
        found: String,
    },
    /// The first line of a table lacks a column.
    #[error(
        "no column {wanted}: separated by {separator}, the first line is {}; name what is there with \
         `columns: {{image: ..., caption: ...}}`, or by numbers from 0 if the table has no header",
        fields(found)
    )]
    NoHeader {
        /// The columns that would do, such as `"image" or "filename"`.
        wanted: String,
        /// The fields of the line.
        found: Vec<String>,
        /// What separates them, such as "tab".
        separator: &'static str,
    },
    /// An object lacks a key.
    #[error("no key {wanted}, found {}", fields(found))]
    NoKey {
        /// The keys that would do.
        wanted: String,
        /// The keys there are.
        found: Vec<String>,
    },
    /// A value has another type or form.
    #[error("{what} is {found}, expected {expected}")]
    Value {
        /// Which value.
        what: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Neither the file nor the card says which split an item belongs to.
    #[error("nothing says which split it belongs to; give `split`")]
    NoSplit,
    /// The split is not among those that the data set has.
    #[error("unknown split {found:?}, expected one of {}", .expected.join(", "))]
    UnknownSplit {
        /// The split named.
        found: String,
        /// The splits that exist.
        expected: Vec<String>,
    },
    /// `splits` names a split that the files do not name.
    #[error("`splits` names {wanted:?}, but no item belongs to it; the files name {}", .found.join(", "))]
    AbsentSplit {
        /// The name under `splits`.
        wanted: String,
        /// The names that occur.
        found: Vec<String>,
    },
    /// The caption is empty or blank.
    #[error("empty caption for image {image:?}")]
    EmptyCaption {
        /// The image.
        image: String,
    },
    /// An image without any caption.
    #[error("image {image:?} has no caption")]
    NoCaption {
        /// The image.
        image: String,
    },
    /// A caption of an image that the file does not list.
    #[error("image {image:?} does not exist")]
    UnlistedImage {
        /// The image.
        image: String,
    },
    /// An image that is in none of the places for images.
    #[error("image {image:?} is not in {}{}", .searched.join(" nor in "), meant(near.as_deref()))]
    MissingImage {
        /// The image.
        image: String,
        /// The archives, folders and the like that were searched.
        searched: Vec<String>,
        /// What is in one of them under a name that differs in letter case, in the form of accented letters or in its folder.
        near: Option<String>,
    },
    /// The image's name is empty, absolute or climbs out with `..`.
    #[error("image {image:?} is not a path inside the folder")]
    OutsideFolder {
        /// The name as written.
        image: String,
    },
    /// An image is listed twice in a format with one row per image.
    #[error("image {image:?} is listed twice, first {first}")]
    Twice {
        /// The image.
        image: String,
        /// File and place of its first row.
        first: String,
    },
    /// The group is neither of the card's two.
    #[error("image {image:?} has the group {found:?}, expected {first:?}, {second:?} or nothing")]
    Group {
        /// The image.
        image: String,
        /// The group as written.
        found: String,
        /// Name of the first group.
        first: String,
        /// Name of the second group.
        second: String,
    },
    /// A column of groups is named, but the groups are not.
    #[error("`columns.group` is given, but the card names no `groups`")]
    NoGroups,
    /// Some images of a split have a class, others have none.
    #[error("image {image:?} has the class {found:?}: in a split all images have one, or none has")]
    SomeClasses {
        /// The image.
        image: String,
        /// Its class.
        found: String,
    },
    /// Two rows disagree.
    #[error("image {image:?} has the {what} {found:?}, but {before:?} on an earlier line")]
    TwoLabels {
        /// The image.
        image: String,
        /// Which label.
        what: &'static str,
        /// The label here.
        found: String,
        /// The label before.
        before: String,
    },
    /// One image in two splits would leak.
    #[error("image {image:?} is in split {found:?}, but in {before:?} {first}")]
    TwoSplits {
        /// The image.
        image: String,
        /// The split here.
        found: String,
        /// The split of the first place that names the image.
        before: String,
        /// That place.
        first: String,
    },
    /// A split without items.
    #[error("no row belongs to split {split:?}")]
    EmptySplit {
        /// The split.
        split: String,
    },
}
