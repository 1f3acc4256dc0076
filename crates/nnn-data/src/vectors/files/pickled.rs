//! `.pt`, `.pth`, `.pkl`: tensors and arrays, alone or in lists and dictionaries. Nothing in such a file is run.

use super::mapped::map;
use super::rows::Rows;
use super::stream::{Layout, Scalar, index, matrix_of};
use crate::file_error::{FileProblem, Held};
use nnn_pickle::{Array, At, Document, Element, Kind, Node};
use std::fs::File;
use std::path::Path;

const VECTORS: &str =
    "vectors: a tensor or array of two dimensions, or vectors of one length in a list or by id";
const ENTRIES: &str = "a list or array of one dimension";

fn bad(error: impl ToString) -> FileProblem {
    FileProblem::malformed("pickle", error)
}

/// Appends the vectors of a file.
pub(super) fn matrix(path: &Path, key: Option<&str>, rows: &mut Rows) -> Result<(), FileProblem> {
    opened(path, |document| {
        let found = find(document, key, VECTORS, vectors)?;
        rows.room(found.count())?;
        match found {
            Vectors::Matrix(array) => append(&array, rows),
            Vectors::Each(items, _) => items.iter().try_for_each(|at| one(document, *at, rows)),
        }
    })
}

/// How many values the vectors of a file have.
pub(super) fn count(path: &Path, key: Option<&str>) -> Result<usize, FileProblem> {
    opened(path, |document| {
        Ok(find(document, key, VECTORS, vectors)?.count())
    })
}

/// A list or array of integers as indices.
pub(super) fn indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    opened(path, |document| {
        let at = find(document, key, ENTRIES, |document, at| {
            entries(document, at, false)
        })?;
        match node(document, at)? {
            Node::Array(array) => with(&array, |layout, bytes| {
                layout.indices(&mut &*bytes, bytes.len() as u64)
            }),
            Node::List(items) => {
                let each = items.iter().enumerate();
                each.map(|(row, at)| one_index(row, &node(document, *at)?))
                    .collect()
            }
            _ => Ok(Vec::new()),
        }
    })
}

fn one_index(row: usize, node: &Node<'_>) -> Result<u32, FileProblem> {
    match node {
        Node::Integer(value) => index(row, i128::from(*value)),
        other => Err(FileProblem::BadIndex {
            row,
            value: format!("{other:?}"),
        }),
    }
}

/// A list or array of strings or integers, or the ids that vectors are under.
pub(super) fn labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    opened(path, |document| {
        let at = find(document, key, ENTRIES, |document, at| {
            entries(document, at, true)
        })?;
        let text = |at: At| match node(document, at)? {
            Node::Text(text) => Ok(text.to_owned()),
            Node::Integer(number) => Ok(number.to_string()),
            _ => Err(FileProblem::WrongType {
                found: document.describe(at),
                expected: "strings or integers",
            }),
        };
        match node(document, at)? {
            Node::Array(array) => with(&array, |layout, bytes| {
                layout.labels(&mut &*bytes, bytes.len() as u64)
            }),
            Node::List(items) => items.iter().map(|at| text(*at)).collect(),
            Node::Map(entries) => entries.iter().map(|(id, _)| text(*id)).collect(),
            _ => Ok(Vec::new()),
        }
    })
}

fn opened<T>(
    path: &Path,
    read: impl FnOnce(&Document<'_>) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Err(bad("the file is empty"));
    }
    let bytes = map(&file)?;
    read(&Document::read(&bytes).map_err(bad)?)
}

fn node<'d>(document: &'d Document<'_>, at: At) -> Result<Node<'d>, FileProblem> {
    document.node(at).map_err(bad)
}

/// Vectors in either shape.
enum Vectors<'d> {
    Matrix(Array<'d>),
    /// So many of a length.
    Each(Vec<At>, usize),
}

impl Vectors<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Matrix(array) => array.shape.iter().product(),
            Self::Each(items, length) => items.len().saturating_mul(*length),
        }
    }
}

/// What is wanted under a key or, without one, the whole or the only entry that serves.
fn find<'d, T>(
    document: &'d Document<'_>,
    key: Option<&str>,
    expected: &'static str,
    serves: impl Fn(&'d Document<'_>, At) -> Result<Option<T>, FileProblem>,
) -> Result<T, FileProblem> {
    let root = document.root();
    if let Some(key) = key {
        let present = || held(document, root);
        let at = under(document, key)?.ok_or_else(|| FileProblem::MissingKey {
            key: key.to_owned(),
            present: present(),
        })?;
        return serves(document, at)?.ok_or_else(|| FileProblem::WrongType {
            found: document.describe(at),
            expected,
        });
    }
    if let Some(found) = serves(document, root)? {
        return Ok(found);
    }
    let mut found = Vec::new();
    for (name, at) in members(document, root)? {
        if let Some(one) = serves(document, at)? {
            let kind = document.describe(at);
            found.push((Held { name, kind }, one));
        }
    }
    match found.len() {
        0 => Err(none(document, expected)),
        1 => Ok(found.remove(0).1),
        _ => Err(FileProblem::KeyNeeded {
            present: found.into_iter().map(|it| it.0).collect(),
        }),
    }
}

fn none(document: &Document<'_>, expected: &'static str) -> FileProblem {
    let present = held(document, document.root());
    match present.is_empty() {
        false => FileProblem::NoneFits { expected, present },
        true => FileProblem::WrongType {
            found: document.describe(document.root()),
            expected,
        },
    }
}

fn held(document: &Document<'_>, at: At) -> Vec<Held> {
    let members = members(document, at).unwrap_or_default();
    let held = members.into_iter().take(100).map(|(name, at)| Held {
        name,
        kind: document.describe(at),
    });
    held.collect()
}

/// The entries of a dictionary by their keys, or of a short list by their places.
fn members(document: &Document<'_>, at: At) -> Result<Vec<(String, At)>, FileProblem> {
    let named = |(key, value): &(At, At)| match document.node(*key) {
        Ok(Node::Text(text)) => Some((text.to_owned(), *value)),
        Ok(Node::Integer(number)) => Some((number.to_string(), *value)),
        _ => None,
    };
    Ok(match node(document, at)? {
        Node::Map(entries) => entries.iter().filter_map(named).collect(),
        Node::List(items) if items.len() <= 16 => {
            let items = items.iter().enumerate();
            items.map(|(place, at)| (place.to_string(), *at)).collect()
        }
        _ => Vec::new(),
    })
}

/// The value under a key, or under `a.b` in another.
fn under(document: &Document<'_>, key: &str) -> Result<Option<At>, FileProblem> {
    let (mut at, mut rest) = (document.root(), key);
    'deeper: loop {
        let members = members(document, at)?;
        let named = |name: &str| members.iter().rfind(|it| it.0 == name).map(|it| it.1);
        if let Some(found) = named(rest) {
            return Ok(Some(found));
        }
        for (dot, _) in rest.match_indices('.') {
            if let Some(found) = named(&rest[..dot]) {
                (at, rest) = (found, &rest[dot + 1..]);
                continue 'deeper;
            }
        }
        return Ok(None);
    }
}

/// Vectors, if the value is any: a matrix, or vectors in a list or by id. Matrices in a list are not, since nothing says
/// whether they are parts of one.
fn vectors<'d>(document: &'d Document<'_>, at: At) -> Result<Option<Vectors<'d>>, FileProblem> {
    let (items, by_id): (Vec<At>, bool) = match node(document, at)? {
        Node::Array(array) if matrix_of(&array.shape).is_some() => {
            return Ok(Some(Vectors::Matrix(array)));
        }
        Node::List(items) => (items.to_vec(), false),
        Node::Map(entries) => (entries.iter().map(|it| it.1).collect(), true),
        _ => return Ok(None),
    };
    let ids = match node(document, at)? {
        Node::Map(entries) => row_numbers(document, entries),
        _ => None,
    };
    let mut first = None;
    for at in &items {
        let Some(found) = length(document, *at)? else {
            return Ok(None);
        };
        // In a dictionary another length is another thing; in a list it is a mistake, which the row then names.
        if by_id && (*first.get_or_insert(found) != found || is_count(document, *at)?) {
            return Ok(None);
        }
        first.get_or_insert(found);
    }
    if let (Some(ids), Some(_)) = (ids, first) {
        in_order(&ids)?;
    }
    Ok(first.map(|length| Vectors::Each(items, length)))
}

/// The ids of vectors, if all are whole numbers.
fn row_numbers(document: &Document<'_>, entries: &[(At, At)]) -> Option<Vec<i128>> {
    let number = |id: &At| match document.node(*id).ok()? {
        Node::Integer(number) => Some(number.into()),
        Node::Text(text) => text.parse().ok(),
        _ => None,
    };
    entries.iter().map(|(id, _)| number(id)).collect()
}

/// Refuses ids that are the numbers of the rows in another order: whoever names a row by such a number means the id.
fn in_order(ids: &[i128]) -> Result<(), FileProblem> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let are_rows = sorted.iter().copied().eq(0..ids.len() as i128);
    if !are_rows || sorted == ids {
        return Ok(());
    }
    Err(FileProblem::Unusable(format!(
        "its ids are the numbers 0 to {} in another order than its vectors have in the file; write it in their order: \
         dict(sorted(vectors.items(), key=lambda it: int(it[0])))",
        ids.len() - 1
    )))
}

/// Whether an array holds integers as ids and labels are, which lie beside each other under names, too.
fn is_count(document: &Document<'_>, at: At) -> Result<bool, FileProblem> {
    use Kind::{I16, I32, I64, U16, U32, U64};
    let counts = [I16, I32, I64, U16, U32, U64];
    Ok(match node(document, at)? {
        Node::Array(array) => counts
            .iter()
            .any(|it| array.element == Element::Number(*it)),
        _ => false,
    })
}

/// The length of one vector: an array of one dimension or of one row, or a list of numbers.
fn length(document: &Document<'_>, at: At) -> Result<Option<usize>, FileProblem> {
    Ok(match node(document, at)? {
        Node::Array(array) => match array.shape.as_slice() {
            [length] | [1, length] if *length > 0 => Some(*length),
            _ => None,
        },
        Node::List(items) => {
            let number =
                |at: &At| matches!(document.node(*at), Ok(Node::Number(_) | Node::Integer(_)));
            (!items.is_empty() && items.iter().all(number)).then_some(items.len())
        }
        _ => None,
    })
}

/// Appends one vector.
fn one(document: &Document<'_>, at: At, rows: &mut Rows) -> Result<(), FileProblem> {
    match node(document, at)? {
        Node::Array(mut array) => {
            let length = array.shape.iter().product();
            array.shape = vec![1, length];
            array.fortran = false;
            append(&array, rows)
        }
        Node::List(items) => {
            rows.start();
            for at in items {
                let number = match node(document, *at)? {
                    Node::Number(number) => number,
                    Node::Integer(number) => number as f64,
                    _ => return Err(rows.null()),
                };
                rows.extend_wide([number])?;
            }
            rows.end()
        }
        _ => Err(rows.null()),
    }
}

/// One entry per row, if the value is that: an array of one dimension, a list of numbers or texts; with `ids` also vectors
/// by id.
fn entries(document: &Document<'_>, at: At, ids: bool) -> Result<Option<At>, FileProblem> {
    let plain = |at: &At| matches!(document.node(*at), Ok(Node::Text(_) | Node::Integer(_)));
    let serves = match node(document, at)? {
        Node::Array(array) => array.shape.len() == 1,
        Node::List(items) => items.iter().all(plain),
        Node::Map(entries) => {
            ids && entries.iter().all(|(id, _)| plain(id)) && vectors(document, at)?.is_some()
        }
        _ => false,
    };
    Ok(serves.then_some(at))
}

fn append(array: &Array<'_>, rows: &mut Rows) -> Result<(), FileProblem> {
    with(array, |layout, bytes| {
        layout.matrix(&mut &*bytes, bytes.len() as u64, rows)
    })
}

/// Does something with the layout and the bytes of an array.
fn with<T>(
    array: &Array<'_>,
    read: impl FnOnce(&Layout, &[u8]) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    let layout = Layout {
        shape: array.shape.iter().map(|&side| side as u64).collect(),
        scalar: scalar(array.element),
        type_name: array.element.name(),
        big_endian: array.big_endian,
        fortran: array.fortran,
    };
    read(&layout, &array.bytes)
}

fn scalar(element: Element) -> Scalar {
    match element {
        Element::Characters(count) => Scalar::Characters(count),
        Element::Bytes(count) => Scalar::Bytes(count),
        Element::Number(kind) => match kind {
            Kind::F64 => Scalar::F64,
            Kind::F32 => Scalar::F32,
            Kind::F16 => Scalar::F16,
            Kind::BF16 => Scalar::Bf16,
            Kind::I64 => Scalar::I64,
            Kind::I32 => Scalar::I32,
            Kind::I16 => Scalar::I16,
            Kind::I8 => Scalar::I8,
            Kind::U64 => Scalar::U64,
            Kind::U32 => Scalar::U32,
            Kind::U16 => Scalar::U16,
            Kind::U8 => Scalar::U8,
            Kind::Bool => Scalar::Bool,
        },
    }
}
