//! `.h5`: data sets of vectors, read some rows at a time, and groups with one data set per item.

mod numbers;

use super::rows::Rows;
use super::stream::{index, matrix_of};
use super::{INTEGERS, MATRIX, STRINGS, VECTOR};
use crate::file_error::{FileProblem, Held, shape_text};
use hdf5_reader::error::Error;
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, H5Type, Hdf5File, SliceInfo, SliceInfoElem};
use nnn_files::contained;
use numbers::{Fraction, Whole, options, type_name};
use std::path::Path;

/// Numbers decoded at a time, unless a chunk of the file has more.
const BLOCK: u64 = 1 << 19;

/// Groups in each other at most, and data sets at most: a link may lead back up.
const DEEPEST: usize = 16;

const VECTORS: &str =
    "a data set of numbers with two dimensions (items, dim), or one vector per item in a group";

fn bad(error: impl ToString) -> FileProblem {
    FileProblem::malformed(".h5", error)
}

/// The library's errors; what it cannot unpack is said with what to do.
fn failed(error: &Error) -> FileProblem {
    let mut innermost = error;
    while let Error::Context { source, .. } = innermost {
        innermost = source;
    }
    match innermost {
        Error::UnsupportedFilter(what) | Error::UnsupportedEncoding(what) => {
            FileProblem::Unusable(format!(
                "packed in a way that is not read ({what}); write it anew in Python: \
                 numpy.save(\"vectors.npy\", h5py.File(name)[key][:])"
            ))
        }
        other => bad(other),
    }
}

/// Appends the vectors of a data set or group.
pub(super) fn matrix(path: &Path, key: Option<&str>, rows: &mut Rows) -> Result<(), FileProblem> {
    opened(path, |file| {
        let found = find(file, key, VECTORS, vectors)?;
        rows.room(found.count()?)?;
        match found {
            Vectors::Matrix(dataset) => blocks(&dataset, rows),
            Vectors::Each(items) => items.iter().try_for_each(|it| one(it, rows)),
        }
    })
}

/// How many values the vectors have.
pub(super) fn count(path: &Path, key: Option<&str>) -> Result<usize, FileProblem> {
    opened(path, |file| find(file, key, VECTORS, vectors)?.count())
}

/// A data set of integers as indices.
pub(super) fn indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    opened(path, |file| {
        let dataset = find(file, key, INTEGERS, |it| Ok(entries(it, false)))?;
        let values = whole(&line(dataset)?)?;
        values
            .into_iter()
            .enumerate()
            .map(|(row, value)| index(row, value))
            .collect()
    })
}

/// A data set of strings or integers, or the names of the items in a group.
pub(super) fn labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    opened(path, |file| {
        match find(file, key, STRINGS, |it| Ok(entries(it, true)))? {
            Place::Group(_, items) => {
                Ok(items.iter().map(|it| base(it.name()).to_owned()).collect())
            }
            Place::Dataset(_, dataset) => {
                let dataset = line(Place::Dataset(String::new(), dataset))?;
                match type_name(&dataset).0.as_str() {
                    "string" => dataset.read_strings().map_err(|it| failed(&it)),
                    _ => Ok(whole(&dataset)?.iter().map(ToString::to_string).collect()),
                }
            }
        }
    })
}

fn opened<T>(
    path: &Path,
    read: impl FnOnce(&Hdf5File) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    contained(
        || read(&Hdf5File::open_with_options(path, options()).map_err(|it| failed(&it))?),
        |said| bad(said),
    )
}

/// Something in a file, by its path.
enum Place {
    Dataset(String, Box<Dataset>),
    /// With the data sets in it, in the natural order of their names.
    Group(String, Vec<Dataset>),
}

impl Place {
    fn held(&self) -> Held {
        let (name, kind) = match self {
            Self::Dataset(name, it) => {
                let kind = format!("{} {}", type_name(it).0, shape_text(it.shape()));
                (name, kind)
            }
            Self::Group(name, items) => (name, format!("group of {}", items.len())),
        };
        let name = name.clone();
        Held { name, kind }
    }
}

/// Everything in a file: data sets, and groups with nothing but data sets in them.
fn places(file: &Hdf5File) -> Result<Vec<Place>, FileProblem> {
    let root = file.root_group().map_err(|it| failed(&it))?;
    let mut all = Vec::new();
    let mut groups = vec![(String::new(), root, 0)];
    while let Some((path, group, depth)) = groups.pop() {
        let (below, mut datasets) = group.members().map_err(|it| failed(&it))?;
        let of = |name: &str| match path.as_str() {
            "" => base(name).to_owned(),
            _ => format!("{path}/{}", base(name)),
        };
        if depth < DEEPEST {
            groups.extend(below.into_iter().map(|it| (of(it.name()), it, depth + 1)));
        }
        datasets.sort_by(|a, b| natord::compare(a.name(), b.name()));
        // One vector per item is meant by the group; then its items are not places of their own.
        if datasets.iter().all(|it| length(it).is_some()) && datasets.len() > 1 {
            all.push(Place::Group(path, datasets));
            continue;
        }
        all.extend(
            datasets
                .into_iter()
                .map(|it| Place::Dataset(of(it.name()), Box::new(it))),
        );
    }
    Ok(all)
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What is wanted under a key or, without one, the only place that serves.
fn find<T>(
    file: &Hdf5File,
    key: Option<&str>,
    expected: &'static str,
    serves: impl Fn(Place) -> Result<Result<T, Place>, FileProblem>,
) -> Result<T, FileProblem> {
    if let Some(key) = key {
        let place = under(file, key)?;
        return serves(place)?.map_err(|place| FileProblem::WrongType {
            found: place.held().kind,
            expected,
        });
    }
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for place in places(file)? {
        let held = place.held();
        match serves(place)? {
            Ok(one) => found.push((held, one)),
            Err(_) => others.push(held),
        }
    }
    match found.len() {
        0 => Err(FileProblem::NoneFits {
            expected,
            present: others,
        }),
        1 => Ok(found.remove(0).1),
        _ => Err(FileProblem::KeyNeeded {
            present: found.into_iter().map(|it| it.0).collect(),
        }),
    }
}

/// The data set or group of a path; a dot parts it as a stroke does, where no name has one.
fn under(file: &Hdf5File, key: &str) -> Result<Place, FileProblem> {
    for path in [key.to_owned(), key.replace('.', "/")] {
        if let Ok(dataset) = file.dataset(&path) {
            return Ok(Place::Dataset(path, Box::new(dataset)));
        }
        if let Ok(group) = file.group(&path) {
            return Ok(Place::Group(path, sorted(&group)?));
        }
    }
    Err(FileProblem::MissingKey {
        key: key.to_owned(),
        present: places(file)?.iter().map(Place::held).collect(),
    })
}

fn sorted(group: &Group) -> Result<Vec<Dataset>, FileProblem> {
    let mut datasets = group.datasets().map_err(|it| failed(&it))?;
    datasets.sort_by(|a, b| natord::compare(a.name(), b.name()));
    Ok(datasets)
}

enum Vectors {
    Matrix(Box<Dataset>),
    Each(Vec<Dataset>),
}

impl Vectors {
    fn count(&self) -> Result<usize, FileProblem> {
        let of = |dataset: &Dataset| dataset.num_elements().map_err(|it| failed(&it));
        let values = match self {
            Self::Matrix(dataset) => of(dataset)?,
            Self::Each(items) => {
                let counts = items.iter().map(of).collect::<Result<Vec<u64>, _>>()?;
                counts.iter().fold(0u64, |all, it| all.saturating_add(*it))
            }
        };
        usize::try_from(values).map_err(|_| FileProblem::TooLarge { values })
    }
}

/// Vectors, if the place holds any.
fn vectors(place: Place) -> Result<Result<Vectors, Place>, FileProblem> {
    Ok(match place {
        Place::Dataset(_, it) if type_name(&it).1 && it.ndim() == 2 => Ok(Vectors::Matrix(it)),
        Place::Group(path, items) => {
            let each = items.iter().all(|it| length(it).is_some()) && !items.is_empty();
            match each {
                true => Ok(Vectors::Each(items)),
                false => Err(Place::Group(path, items)),
            }
        }
        other => Err(other),
    })
}

/// The length of a data set that is one vector: floats or bytes of one dimension, or of one row. Wider integers are ids and
/// labels, which lie beside each other in a group, too.
fn length(dataset: &Dataset) -> Option<u64> {
    let (name, read) = type_name(dataset);
    let length = match dataset.shape() {
        [length] | [1, length] => Some(*length),
        _ => None,
    };
    let vector = name.starts_with("float") || name.ends_with("int8");
    length.filter(|it| *it > 0 && read && vector)
}

/// Rows of a data set, in blocks of whole chunks.
fn blocks(dataset: &Dataset, rows: &mut Rows) -> Result<(), FileProblem> {
    let shape = matrix_of(dataset.shape());
    let (count, dim) = shape.ok_or_else(|| wrong_shape(dataset, MATRIX))?;
    let width = usize::try_from(dim).map_err(|_| FileProblem::TooLarge { values: dim })?;
    rows.block(0, width)?;
    let chunk = dataset
        .chunks()
        .and_then(|it| it.first().copied())
        .unwrap_or(1);
    let chunk = u64::from(chunk).max(1);
    let step = (BLOCK / dim.max(1) / chunk).max(1) * chunk;
    let mut start = 0;
    while start < count {
        let end = count.min(start + step);
        let mut block = SliceInfo::all(dataset.ndim()).selections;
        block[0] = SliceInfoElem::Slice {
            start,
            end,
            step: 1,
        };
        let values = slice::<Fraction>(dataset, block)?;
        for row in values.chunks(width.max(1)) {
            rows.start();
            rows.extend_wide(row.iter().map(|it| it.0))?;
            rows.end()?;
        }
        start = end;
    }
    Ok(())
}

/// A data set that is one vector.
fn one(dataset: &Dataset, rows: &mut Rows) -> Result<(), FileProblem> {
    let values = slice::<Fraction>(dataset, SliceInfo::all(dataset.ndim()).selections)?;
    rows.start();
    rows.extend_wide(values.iter().map(|it| it.0))?;
    rows.end()
}

fn slice<T: H5Type>(
    dataset: &Dataset,
    selections: Vec<SliceInfoElem>,
) -> Result<Vec<T>, FileProblem> {
    let values = dataset.read_slice::<T>(&SliceInfo { selections });
    let values = values.map_err(|it| failed(&it))?;
    Ok(values.iter().cloned().collect())
}

fn wrong_shape(dataset: &Dataset, expected: &'static str) -> FileProblem {
    FileProblem::WrongShape {
        found: dataset.shape().to_vec(),
        expected,
    }
}

/// A data set with one entry per row, if the place is that; with `ids` also one vector per item in a group.
fn entries(place: Place, ids: bool) -> Result<Place, Place> {
    let serves = match &place {
        Place::Dataset(_, it) => {
            let name = type_name(it).0;
            it.ndim() == 1 && (name.contains("int") || (ids && name == "string"))
        }
        Place::Group(_, items) => ids && items.iter().all(|it| length(it).is_some()),
    };
    if serves { Ok(place) } else { Err(place) }
}

/// A data set of one dimension.
fn line(place: Place) -> Result<Dataset, FileProblem> {
    match place {
        Place::Dataset(_, dataset) if dataset.ndim() == 1 => Ok(*dataset),
        Place::Dataset(_, dataset) => Err(wrong_shape(&dataset, VECTOR)),
        Place::Group(..) => Err(FileProblem::WrongType {
            found: "group".to_owned(),
            expected: STRINGS,
        }),
    }
}

fn whole(dataset: &Dataset) -> Result<Vec<i128>, FileProblem> {
    let (found, read) = type_name(dataset);
    if !read || !found.contains("int") {
        return Err(FileProblem::WrongType {
            found,
            expected: INTEGERS,
        });
    }
    let values = slice::<Whole>(dataset, SliceInfo::all(1).selections)?;
    Ok(values.into_iter().map(|it| it.0).collect())
}
