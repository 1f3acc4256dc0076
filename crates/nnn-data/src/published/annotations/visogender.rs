//! VisoGender's tables (arXiv 2306.12424, github.com/oxai/visogender): one row per photograph, with the occupation that
//! it shows and the perceived gender of the person.
//!
//! | file | a person | query of an occupation |
//! |---|---|---|
//! | `OO_*.tsv` | alone with an object | `The {occupation} and their {object}.` |
//! | `OP_*.tsv` | with another, the participant | `The {occupation} and their {participant}.` |
//!
//! Queries are the authors' gender-neutral templates, the person of the occupation first, with the full stop of the NNN
//! paper. The class is the occupation, the group the perceived gender of its person; as in the authors' retrieval measures,
//! the participant's is not read. The template of an occupation must be one: an underscore in it is read as a space, which a
//! finding records (the published single-person file has one "mixing_spoon" among its mixing spoons).

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use std::collections::HashMap;

/// What stands for an address that could not be found.
const NO_ADDRESS: &str = "NA";

/// Reads a table into rows. Nothing in it is quoted: a line is a record.
pub(super) fn read(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    let mut lines = (1u64..).zip(text.lines());
    let header: Vec<&str> = lines
        .next()
        .map_or("", |(_, line)| line)
        .split('\t')
        .collect();
    let columns = Columns::find(&header).map_err(|problem| rows.error(Place::Line(1), problem))?;
    let mut others = HashMap::new();
    for (line, content) in lines.filter(|(_, content)| !content.is_empty()) {
        let place = Place::Line(line);
        let fields: Vec<&str> = content.split('\t').map(str::trim).collect();
        let photograph = check_length(&fields, &header)
            .and_then(|()| Photograph::read(&fields, &columns))
            .and_then(|it| it.check_other(&mut others).map(|()| it))
            .map_err(|problem| rows.error(place.clone(), problem))?;
        if photograph.other != fields[columns.other] {
            rows.corrected(&place, fields[columns.other], &photograph.other);
        }
        rows.push(place, photograph.row())?;
    }
    Ok(())
}

fn check_length(fields: &[&str], header: &[&str]) -> Result<(), AnnotationProblem> {
    if fields.len() == header.len() {
        return Ok(());
    }
    Err(AnnotationProblem::Value {
        what: "the line".to_owned(),
        found: format!("{} fields", fields.len()),
        expected: "as many fields as the header has",
    })
}

/// Positions of the columns that are read.
struct Columns {
    id: usize,
    occupation: usize,
    /// The object, or the participant.
    other: usize,
    url: usize,
    gender: usize,
}

impl Columns {
    fn find(header: &[&str]) -> Result<Self, AnnotationProblem> {
        let column = |wanted: &[&str]| {
            let is = |found: &&str| wanted.contains(&found.trim());
            let at = header.iter().position(is);
            at.ok_or_else(|| AnnotationProblem::MissingColumn {
                wanted: super::either(wanted),
                found: header.join(","),
            })
        };
        Ok(Self {
            id: column(&["IDX"])?,
            occupation: column(&["Occupation"])?,
            other: column(&["Object", "Participant"])?,
            url: column(&["URL type (Type NA if can't find)"])?,
            gender: column(&["Occupation_perceived_gender", "Occupation_Gender"])?,
        })
    }
}

/// One row.
struct Photograph<'a> {
    id: &'a str,
    occupation: &'a str,
    other: String,
    url: &'a str,
    gender: &'a str,
}

impl<'a> Photograph<'a> {
    fn read(fields: &[&'a str], columns: &Columns) -> Result<Self, AnnotationProblem> {
        let filled = |what: &str, at: usize| match fields[at] {
            "" => Err(AnnotationProblem::Value {
                what: what.to_owned(),
                found: "empty".to_owned(),
                expected: "a text",
            }),
            text => Ok(text),
        };
        Ok(Self {
            id: filled("IDX", columns.id)?,
            occupation: filled("the occupation", columns.occupation)?,
            other: filled("the object or participant", columns.other)?.replace('_', " "),
            url: fields[columns.url],
            gender: filled("the perceived gender", columns.gender)?,
        })
    }

    /// An occupation with two objects would have two queries.
    fn check_other(&self, others: &mut HashMap<String, String>) -> Result<(), AnnotationProblem> {
        let before = others
            .entry(self.occupation.to_owned())
            .or_insert_with(|| self.other.clone());
        if *before == self.other {
            return Ok(());
        }
        Err(AnnotationProblem::TwoLabels {
            image: self.id.to_owned(),
            what: "object or participant",
            found: self.other.clone(),
            before: before.clone(),
        })
    }

    fn row(&self) -> Row<'_> {
        Row {
            image: self.id,
            captions: vec![format!("The {} and their {}.", self.occupation, self.other)],
            address: Some(self.url).filter(|url| !url.is_empty() && *url != NO_ADDRESS),
            whole: true,
            class: Some(self.occupation),
            group: Some(self.gender),
            ..Row::default()
        }
    }
}
