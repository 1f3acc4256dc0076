//! The rows that ids stand for.

use super::Place;
use crate::file_error::FileProblem;
use crate::vectors::array_file::ArrayFiles;
use crate::vectors::checks::check_entries;
use crate::vectors::error::SourceError;
use std::collections::HashMap;
use std::path::Path;

/// The rows of one side and, where they are given, their ids.
#[derive(Debug, Clone)]
pub struct RowNames {
    /// `query` or `gallery`.
    side: &'static str,
    rows: usize,
    ids: Option<Ids>,
}

#[derive(Debug, Clone)]
struct Ids {
    file: ArrayFiles,
    names: Vec<String>,
    rows: HashMap<String, u32>,
}

impl RowNames {
    /// Queries that are known by the numbers of their rows, from 0.
    #[must_use]
    pub fn queries(rows: usize) -> Self {
        let (side, ids) = ("query", None);
        Self { side, rows, ids }
    }

    /// Gallery items that are known by the numbers of their rows, from 0.
    #[must_use]
    pub fn gallery(rows: usize) -> Self {
        let (side, ids) = ("gallery", None);
        Self { side, rows, ids }
    }

    /// The same rows with the ids in a file, if one is given; `rows` is the file of the vectors.
    pub(crate) fn with_ids(
        mut self,
        ids: Option<&ArrayFiles>,
        base: &Path,
        rows: &ArrayFiles,
    ) -> Result<Self, SourceError> {
        let read = |file| Ids::read(file, base, (rows, self.rows));
        self.ids = ids.map(read).transpose()?;
        Ok(self)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// A row by its id, or by its number where it has none.
    pub(super) fn name(&self, row: u32) -> String {
        match &self.ids {
            Some(ids) => format!("{:?}", ids.names[row as usize]),
            None => format!("row {row}"),
        }
    }

    /// The ids of all rows, or their numbers.
    pub(crate) fn into_names(self) -> Vec<String> {
        match self.ids {
            Some(ids) => ids.names,
            None => (0..self.rows).map(|row| row.to_string()).collect(),
        }
    }

    /// The row that each id stands for. Without ids of the rows they must be numbers of rows, alone (`8`) or all behind one stem (`d_8`);
    /// the latter is noted in `findings`.
    pub(super) fn rows_of<'a>(
        &self,
        ids: impl Iterator<Item = (&'a str, &'a Place)> + Clone,
        findings: &mut Vec<String>,
    ) -> Result<Vec<u32>, FileProblem> {
        if let Some(known) = &self.ids {
            return ids
                .map(|(id, place)| self.known(known, id, place))
                .collect();
        }
        let stem = self.stem(ids.clone(), findings)?;
        ids.map(|(id, place)| self.numbered(id, &id[stem.len()..], place))
            .collect()
    }

    fn known(&self, ids: &Ids, id: &str, place: &Place) -> Result<u32, FileProblem> {
        ids.rows.get(id.trim()).copied().ok_or_else(|| {
            let example = ids.names.first().map_or("", String::as_str);
            place.problem(format!(
                "{id:?} is not in the {}_ids ({}: {} ids such as {example:?})",
                self.side, ids.file, self.rows
            ))
        })
    }

    /// What is before the number in every id.
    fn stem<'a>(
        &self,
        mut ids: impl Iterator<Item = (&'a str, &'a Place)>,
        findings: &mut Vec<String>,
    ) -> Result<&'a str, FileProblem> {
        let Some((first, place)) = ids.next() else {
            return Ok("");
        };
        let stem = first.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let fits = |id: &str| id.strip_prefix(stem).is_some_and(is_number);
        let misfit = match fits(first) {
            true => ids.find(|(id, _)| !fits(id)),
            false => Some((first, place)),
        };
        if let Some((id, place)) = misfit {
            return Err(self.no_number(id, place));
        }
        if !stem.is_empty() {
            let side = self.side;
            findings.push(format!(
                "{first:?} and its like are taken for {side} rows by their numbers (from 0), as no {side}_ids are given"
            ));
        }
        Ok(stem)
    }

    fn no_number(&self, id: &str, place: &Place) -> FileProblem {
        let side = self.side;
        place.problem(format!(
            "{id:?} is no {side} row from 0 to {}; if it is an id, name the file that has the id of every row: \
             {side}_ids: {{file: ...}}",
            self.rows.saturating_sub(1)
        ))
    }

    fn numbered(&self, id: &str, number: &str, place: &Place) -> Result<u32, FileProblem> {
        match number.parse::<u32>() {
            Ok(row) if (row as usize) < self.rows => Ok(row),
            _ => Err(self.no_number(id, place)),
        }
    }
}

/// Whether it is a row's number: digits, without a sign or a point.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Ids {
    fn read(
        file: &ArrayFiles,
        base: &Path,
        rows: (&ArrayFiles, usize),
    ) -> Result<Self, SourceError> {
        let names = file.labels(base)?;
        let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        check_entries((file, names.len()), rows)?;
        let mut by_name = HashMap::with_capacity(names.len());
        for (row, name) in (0u32..).zip(&names) {
            if let Some(before) = by_name.insert(name.clone(), row) {
                return Err(SourceError::RepeatedId {
                    file: file.clone(),
                    id: name.clone(),
                    rows: [before, row],
                });
            }
        }
        Ok(Self {
            file: file.clone(),
            names,
            rows: by_name,
        })
    }
}
