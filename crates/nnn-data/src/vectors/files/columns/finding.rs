//! Which column of a table is meant.

use super::types;
use super::wide::{self, Wide};
use crate::file_error::{FileProblem, Held};
use arrow_schema::{DataType, Field, Fields, Schema};

/// What a column is to serve as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Vectors,
    Indices,
    Numbers,
    Labels,
}

impl Wanted {
    /// What would serve, for messages.
    fn expected(self) -> &'static str {
        match self {
            Self::Vectors => "a column of lists of numbers, or one column per dimension",
            Self::Indices => "a column of integers",
            Self::Numbers => "a column of numbers",
            Self::Labels => "a column of strings or integers",
        }
    }

    /// Whether a type can serve at all; types of rank 0 are taken before those of rank 1, where no key is given.
    fn rank(self, data_type: &DataType) -> Option<u8> {
        let innermost = types::innermost(data_type);
        match self {
            Self::Vectors if types::is_spark_vector(data_type) => Some(0),
            Self::Vectors if innermost.is_some_and(types::is_fraction) => Some(0),
            Self::Vectors if innermost.is_some_and(DataType::is_integer) => Some(1),
            Self::Indices if data_type.is_integer() => Some(0),
            Self::Indices if types::is_fraction(data_type) => Some(1),
            Self::Numbers if types::is_number(data_type) => Some(0),
            Self::Labels if types::is_string(data_type) || data_type.is_integer() => Some(0),
            // Old writers do not say that bytes are a string.
            Self::Labels if types::is_bytes(data_type) => Some(1),
            _ => None,
        }
    }
}

/// A column, a member of a struct, or columns of one dimension each.
pub(super) struct Found {
    /// Names from the table down to the column, or to the struct whose members are the dimensions.
    pub(super) path: Vec<String>,
    /// One column per dimension; none where one column holds whole vectors.
    pub(super) columns: Vec<String>,
}

/// One that may be meant.
struct Candidate {
    rank: u8,
    held: Held,
    found: Result<Found, FileProblem>,
}

/// A level of a table: its columns, or the members of a struct.
struct Level<'a> {
    path: Vec<String>,
    fields: &'a Fields,
}

/// Finds the column named `key` or, without a key, the only one that serves.
pub(super) fn find(
    schema: &Schema,
    key: Option<&str>,
    wanted: Wanted,
) -> Result<Found, FileProblem> {
    let levels = levels(&schema.fields);
    match key {
        Some(key) => named(&levels, key, wanted),
        None => only(&levels, wanted),
    }
}

/// The table and, below it, all structs.
fn levels(fields: &Fields) -> Vec<Level<'_>> {
    let path = Vec::new();
    let mut levels = vec![Level { path, fields }];
    let mut at = 0;
    while at < levels.len() {
        let Level { path, fields } = &levels[at];
        let below = |field: &'_ std::sync::Arc<Field>| below(path, field.name());
        let deeper = fields.iter().filter_map(|field| {
            let fields = types::members(field)?;
            Some((below(field), fields))
        });
        let deeper: Vec<Level<'_>> = deeper
            .map(|(path, fields)| Level { path, fields })
            .collect();
        levels.extend(deeper);
        at += 1;
    }
    levels
}

fn below(path: &[String], name: &str) -> Vec<String> {
    let name = name.to_owned();
    path.iter().cloned().chain([name]).collect()
}

/// A column by its name first, then a member of a struct by `a.b`, then columns of one dimension each by their stem.
fn named(levels: &[Level<'_>], key: &str, wanted: Wanted) -> Result<Found, FileProblem> {
    for level in levels {
        let called =
            |field: &&std::sync::Arc<Field>| below(&level.path, field.name()).join(".") == key;
        if let Some(field) = level.fields.iter().find(called) {
            return take(level, field, wanted);
        }
    }
    for level in levels.iter().filter(|_| wanted == Wanted::Vectors) {
        let groups = wide::groups(level.fields);
        if let Some(group) = groups.iter().find(|it| it.is_called(key)) {
            return all_of(level, group);
        }
    }
    let present = held(&levels[0]);
    let key = key.to_owned();
    Err(FileProblem::MissingKey { key, present })
}

/// The column of a name, if its type serves.
fn take(level: &Level<'_>, field: &Field, wanted: Wanted) -> Result<Found, FileProblem> {
    let path = below(&level.path, field.name());
    let data_type = field.data_type();
    if wanted.rank(data_type).is_some() {
        let columns = Vec::new();
        return Ok(Found { path, columns });
    }
    if let (Wanted::Vectors, Some(fields)) = (wanted, types::members(field)) {
        let inner = Level { path, fields };
        if let [group] = wide::groups(fields).as_slice() {
            return all_of(&inner, group);
        }
    }
    if wanted == Wanted::Vectors && types::is_bytes(data_type) {
        return Err(bytes(field.name()));
    }
    Err(FileProblem::WrongType {
        found: types::name(data_type),
        expected: wanted.expected(),
    })
}

/// Bytes may be numbers of any type, or a picture.
fn bytes(column: &str) -> FileProblem {
    FileProblem::Unusable(format!(
        "column {column:?} is of type bytes, which do not say what numbers they are; write lists of numbers instead, \
         in pandas: df[{column:?}] = [numpy.frombuffer(it, \"float32\") for it in df[{column:?}]]"
    ))
}

fn all_of(level: &Level<'_>, group: &Wide<'_>) -> Result<Found, FileProblem> {
    let (path, columns) = (level.path.clone(), group.names()?);
    Ok(Found { path, columns })
}

/// The only one that serves best.
fn only(levels: &[Level<'_>], wanted: Wanted) -> Result<Found, FileProblem> {
    let mut candidates: Vec<Candidate> = levels
        .iter()
        .flat_map(|it| candidates(it, wanted))
        .collect();
    let best = candidates.iter().map(|it| it.rank).min();
    candidates.retain(|it| Some(it.rank) == best);
    match candidates.len() {
        0 => Err(FileProblem::NoneFits {
            expected: wanted.expected(),
            present: held(&levels[0]),
        }),
        // Of several that do not serve either, such as columns of bytes, the first says why.
        _ if candidates.iter().all(|it| it.found.is_err()) => candidates.remove(0).found,
        1 => candidates.remove(0).found,
        _ => {
            let mut present: Vec<Held> = candidates.into_iter().map(|it| it.held).collect();
            present.sort();
            Err(FileProblem::KeyNeeded { present })
        }
    }
}

/// What of a level may be meant. Members of structs are, where there is nothing else.
fn candidates(level: &Level<'_>, wanted: Wanted) -> Vec<Candidate> {
    let deeper = if level.path.is_empty() { 0 } else { 10 };
    let single = level.fields.iter().filter_map(|field| {
        let rank = match wanted {
            // They do not serve, but make it doubtful that columns beside them do.
            Wanted::Vectors if types::is_bytes(field.data_type()) => 1,
            _ => wanted.rank(field.data_type())?,
        };
        Some(Candidate {
            rank: rank + deeper,
            held: of(level, field),
            found: take(level, field, wanted),
        })
    });
    let mut all: Vec<Candidate> = single.collect();
    if wanted == Wanted::Vectors {
        all.extend(wide::groups(level.fields).iter().map(|group| Candidate {
            rank: 1 + deeper,
            held: Held {
                name: group.label(),
                kind: group.kind(),
            },
            found: all_of(level, group),
        }));
    }
    all
}

fn held(level: &Level<'_>) -> Vec<Held> {
    level.fields.iter().map(|field| of(level, field)).collect()
}

fn of(level: &Level<'_>, field: &Field) -> Held {
    Held {
        name: below(&level.path, field.name()).join("."),
        kind: types::name(field.data_type()),
    }
}
