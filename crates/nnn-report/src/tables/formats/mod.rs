//! The formats that tables are written in.

mod csv;
mod latex;
mod markdown;
mod origin;
mod table;

pub(crate) use csv::csv;
pub(crate) use origin::{MARK, SCORES, origin};
pub(crate) use table::{Row, Table, WIDEST};

/// A format of files in which tables stand one below the other, each with its caption.
pub(crate) struct Format {
    /// Extension of the files.
    pub(crate) extension: &'static str,
    /// The sign of a comment, with which every file begins.
    pub(crate) comment: &'static str,
    /// The text of a file: the name of the file that the tables are made from, and the tables.
    pub(crate) text: fn(&str, &[Table]) -> String,
}

/// Every such format. CSV is none: it has a file for each table, and neither captions nor comments.
pub(crate) const FORMATS: &[Format] = &[
    Format {
        extension: "md",
        comment: "<!-- ",
        text: markdown::markdown,
    },
    Format {
        extension: "tex",
        comment: "% ",
        text: latex::latex,
    },
];

/// Extension and sign of a comment of the pictures that stand beside the tables.
pub(crate) const PICTURE: (&str, &str) = ("svg", "<!-- ");
