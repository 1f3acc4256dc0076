//! TREC's judgements: lines of query, iteration, document and grade, parted by any space.

use super::{Judgement, Judgements, Key, Place, grade};
use crate::file_error::FileProblem;

const EXPECTED: &str = "query, iteration, document and grade";

/// Whether a line is a judgement: four fields, the last one a number.
pub(super) fn is_judgement(line: &str) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    fields.len() == 4 && fields[3].parse::<f64>().is_ok()
}

/// Reads all lines that are not blank.
pub(super) fn read(text: &str) -> Result<Judgements, FileProblem> {
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let all = lines.map(|(number, line)| judgement(line, Place::Line(number)));
    Ok(Judgements {
        all: all.collect::<Result<_, _>>()?,
        ..Judgements::default()
    })
}

fn judgement(line: &str, place: Place) -> Result<Judgement, FileProblem> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[query, _, item, given] = fields.as_slice() else {
        let detail = format!("{} fields, expected four: {EXPECTED}", fields.len());
        return Err(place.problem(detail));
    };
    Ok(Judgement {
        query: Key::Id(query.to_owned()),
        item: item.to_owned(),
        grade: grade(given, &place)?,
        place,
    })
}
