//! Which column of a table is what.

use super::super::builder::Rows;
use super::super::error::AnnotationProblem;
use super::super::names::{CAPTION, IMAGE};
use crate::published::source::{ColumnName, ColumnNames};

/// Positions of the columns that are read.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) image: usize,
    /// One column, or several with a caption each.
    pub(super) captions: Vec<usize>,
    pub(super) split: Option<usize>,
    pub(super) url: Option<usize>,
    pub(super) class: Option<usize>,
    pub(super) group: Option<usize>,
}

impl Columns {
    /// Finds them in a header.
    pub(super) fn named(
        header: &Header<'_>,
        rows: &Rows<'_, '_>,
    ) -> Result<Self, AnnotationProblem> {
        let names = &rows.part().columns;
        let split = match (
            header.find(names.split.as_ref(), &["split"]),
            &rows.part().split,
        ) {
            (Ok(at), _) => Some(at),
            (Err(_), Some(_)) => None,
            (Err(problem), None) => return Err(problem),
        };
        Ok(Self {
            image: header.find(names.image.as_ref(), &IMAGE)?,
            captions: header.captions(names)?,
            split,
            url: header.optional(names.url.as_ref(), "url")?,
            class: header.optional(names.class.as_ref(), "class")?,
            group: header.group(rows)?,
        })
    }

    /// The columns that the card numbers, of a table without a header; none where it gives names or nothing.
    pub(super) fn numbered(rows: &Rows<'_, '_>) -> Result<Option<Self>, AnnotationProblem> {
        let names = &rows.part().columns;
        let number = |name: &ColumnName| match name {
            ColumnName::Number(number) => Some(*number),
            ColumnName::Name(_) => None,
        };
        let numbers: Vec<Option<usize>> = names.given().map(number).collect();
        if numbers.iter().all(Option::is_none) {
            return Ok(None);
        }
        let one = |name: &Option<ColumnName>| name.as_ref().and_then(number);
        let captions = names.caption.iter().flat_map(|it| it.names());
        let captions: Vec<usize> = captions.filter_map(number).collect();
        match one(&names.image) {
            Some(image) if !captions.is_empty() && numbers.iter().all(Option::is_some) => {
                Ok(Some(Self {
                    image,
                    captions,
                    split: one(&names.split),
                    url: one(&names.url),
                    class: one(&names.class),
                    group: one(&names.group),
                }))
            }
            _ => Err(AnnotationProblem::Value {
                what: "`columns`".to_owned(),
                found: "a mixture of names and numbers".to_owned(),
                expected: "`image` and `caption` both as numbers, for a table without a header, or both as names",
            }),
        }
    }

    /// The largest number.
    pub(super) fn last(&self) -> usize {
        let others = [self.split, self.url, self.class, self.group];
        let all = self
            .captions
            .iter()
            .copied()
            .chain(others.into_iter().flatten());
        all.chain([self.image]).max().unwrap_or(0)
    }
}

/// The names in the first line.
pub(super) struct Header<'a> {
    pub(super) names: Vec<&'a str>,
    /// What separates them, in words.
    pub(super) separator: &'static str,
}

impl Header<'_> {
    /// The column called `named`, or the first there is of the format's own.
    fn find(&self, named: Option<&ColumnName>, own: &[&str]) -> Result<usize, AnnotationProblem> {
        let named = named.map(ToString::to_string);
        let wanted: Vec<&str> = named.as_deref().map_or(own.to_vec(), |name| vec![name]);
        // What the card names is exact; the usual names are also written with capitals.
        let is = |found: &str, name: &str| {
            found == name || named.is_none() && found.eq_ignore_ascii_case(name)
        };
        let position = |name: &&str| self.names.iter().position(|found| is(found, name));
        let at = wanted.iter().find_map(position);
        let at = at.ok_or_else(|| self.lacks(&wanted))?;
        self.check_single(at)
    }

    fn check_single(&self, at: usize) -> Result<usize, AnnotationProblem> {
        let name = self.names[at];
        let times = self.names.iter().filter(|found| **found == name).count();
        if times == 1 {
            return Ok(at);
        }
        Err(AnnotationProblem::Value {
            what: format!("the column {name:?}"),
            found: format!("there {times} times"),
            expected: "one column of a name",
        })
    }

    fn lacks(&self, wanted: &[&str]) -> AnnotationProblem {
        AnnotationProblem::NoHeader {
            wanted: super::super::either(wanted),
            found: self.names.iter().map(|&name| name.to_owned()).collect(),
            separator: self.separator,
        }
    }

    /// The columns of captions; a name with `*` stands for all that fit.
    fn captions(&self, names: &ColumnNames) -> Result<Vec<usize>, AnnotationProblem> {
        let Some(given) = &names.caption else {
            return Ok(vec![self.find(None, &CAPTION)?]);
        };
        let mut all = Vec::new();
        for name in given.names() {
            let text = name.to_string();
            match text.split_once('*') {
                None => all.push(self.find(Some(name), &[])?),
                Some((front, back)) => all.extend(self.fitting(&text, front, back)?),
            }
        }
        all.dedup();
        Ok(all)
    }

    fn fitting(
        &self,
        name: &str,
        front: &str,
        back: &str,
    ) -> Result<Vec<usize>, AnnotationProblem> {
        let fits = |found: &str| {
            let rest = found.strip_prefix(front);
            rest.is_some_and(|rest| rest.ends_with(back))
        };
        let columns = self.names.iter().enumerate();
        let found: Vec<usize> = columns
            .filter(|(_, found)| fits(found))
            .map(|(at, _)| at)
            .collect();
        match found.is_empty() {
            true => Err(self.lacks(&[name])),
            false => Ok(found),
        }
    }

    /// A column that must exist only if the card names it.
    fn optional(
        &self,
        named: Option<&ColumnName>,
        own: &str,
    ) -> Result<Option<usize>, AnnotationProblem> {
        match named {
            Some(name) => self.find(Some(name), &[]).map(Some),
            None => Ok(self.find(None, &[own]).ok()),
        }
    }

    /// The column with groups, which mean nothing without their names.
    fn group(&self, rows: &Rows<'_, '_>) -> Result<Option<usize>, AnnotationProblem> {
        let named = rows.part().columns.group.as_ref();
        match (named, rows.groups()) {
            (Some(_), None) => Err(AnnotationProblem::NoGroups),
            _ => self.optional(named, "group"),
        }
    }
}
