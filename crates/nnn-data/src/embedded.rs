//! Embeddings from any model or API as a data source: by data set, or by role.

use crate::files::{read_embeddings, read_indices, read_labels, read_relevance};
use crate::{Cluster, FileError, Pairs, PairsError, Subset};
use nnn_core::{Embeddings, GroupError, Groups, Relevance, RelevanceError};
use nnn_files::counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// One array, column or list in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrayFile {
    /// The file, relative to the card or config that names it.
    pub file: PathBuf,
    /// Name of the array (`.npz`, `.safetensors`), column (`.parquet`, `.csv`) or member (`.json`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `file` or `file[key]`.
impl fmt::Display for ArrayFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        self.key.iter().try_for_each(|key| write!(f, "[{key}]"))
    }
}

impl ArrayFile {
    pub(crate) fn at(&self, base: &Path) -> PathBuf {
        base.join(&self.file)
    }

    fn embeddings(&self, base: &Path) -> Result<Embeddings, FileError> {
        read_embeddings(&self.at(base), self.key.as_deref())
    }

    pub(crate) fn indices(&self, base: &Path) -> Result<Vec<u32>, FileError> {
        read_indices(&self.at(base), self.key.as_deref())
    }

    fn labels(&self, base: &Path) -> Result<Vec<String>, FileError> {
        read_labels(&self.at(base), self.key.as_deref())
    }
}

/// A data set of which only embeddings are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSource {
    /// One vector an image, `(images, dim)`.
    pub images: ArrayFile,
    /// One vector a text, `(texts, dim)`.
    pub texts: ArrayFile,
    /// For every text the row of its image.
    pub text_to_image: ArrayFile,
    /// For every image the name of its split; texts are in their image's split.
    pub split: ArrayFile,
    /// For every image an id; without it, its row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_ids: Option<ArrayFile>,
    /// For every text its wording or an id; without it, its row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_ids: Option<ArrayFile>,
}

/// Embeddings by what they are used for. Exactly one of `query_to_gallery`, `relevance` and the two classes says what answers
/// what; where groups are given, none may, and every gallery item then answers every query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSource {
    /// The items searched, `(gallery, dim)`.
    pub gallery: ArrayFile,
    /// The evaluated queries, `(queries, dim)`.
    pub queries: ArrayFile,
    /// For every query the row of the one gallery item that answers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_to_gallery: Option<ArrayFile>,
    /// For every query all gallery rows that answer it (`.json`, `.jsonl` or `.csv` pairs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance: Option<ArrayFile>,
    /// For every gallery row its class; with `query_classes`, items answer the queries of their class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery_classes: Option<ArrayFile>,
    /// For every query its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_classes: Option<ArrayFile>,
    /// For every gallery row one of the two `group_names`, or a blank for neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<ArrayFile>,
    /// Names of the two groups: the first is the one that a positive bias favours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_names: Option<[String; 2]>,
    /// Past queries, `(reference, dim)`: the query bank.
    pub reference_queries: ArrayFile,
    /// For every past query the row of the gallery item that answers it, where that is known: parameters can then be
    /// chosen on past queries that are held out of the bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_to_gallery: Option<ArrayFile>,
    /// Items like the gallery's, for methods with a second bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_gallery: Option<ArrayFile>,
}

/// Why embedding files do not form a data source. Files are named as the source names them.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Matrices of similarities do not fit together.
    #[error(transparent)]
    Similarities(#[from] crate::SimilarityError),
    /// Two files' vectors cannot be compared.
    #[error("{first} has dimension {first_dim}, but {second} has dimension {second_dim}")]
    Dimensions {
        /// One file.
        first: ArrayFile,
        /// Length of its rows.
        first_dim: usize,
        /// The other file.
        second: ArrayFile,
        /// Length of its rows.
        second_dim: usize,
    },
    /// One file has not an entry for every row of another.
    #[error("{entries} has {}, expected {expected}: one for each row of {rows}", counted(*found, "entry"))]
    Entries {
        /// The file with entries.
        entries: ArrayFile,
        /// How many it has.
        found: usize,
        /// The file with rows.
        rows: ArrayFile,
        /// How many it has.
        expected: usize,
    },
    /// A file without any row.
    #[error("{file} has no rows, expected at least one of the {role}")]
    Empty {
        /// What the rows would be.
        role: &'static str,
        /// The file.
        file: ArrayFile,
    },
    /// An entry of `text_to_image` points nowhere.
    #[error("{file}: {error}")]
    Pairs {
        /// The file with the entries.
        file: ArrayFile,
        /// What is wrong with them.
        error: Box<PairsError>,
    },
    /// An entry of `query_to_gallery` points nowhere.
    #[error("{file}: {error}")]
    Relevance {
        /// The file with the entries.
        file: ArrayFile,
        /// What is wrong with them.
        error: RelevanceError,
    },
    /// An entry of `groups` names neither group.
    #[error("{file}: {error}")]
    Groups {
        /// The file with the entries.
        file: ArrayFile,
        /// What is wrong with them.
        error: Box<GroupError>,
    },
    /// One of two keys that go together is missing.
    #[error("`{given}` is given without `{missing}`")]
    Together {
        /// The key that is there.
        given: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// No gallery item is of a query's class.
    #[error("{file}: query {query} has the class {class:?}, which no gallery row has")]
    ClassWithoutItem {
        /// The file with the queries' classes.
        file: ArrayFile,
        /// The query, from zero.
        query: usize,
        /// Its class.
        class: String,
    },
    /// Nothing, or two things, say what answers what.
    #[error("{found} of query_to_gallery, relevance and classes given, expected exactly one")]
    Answers {
        /// `none` or `several`.
        found: &'static str,
    },
}

/// One split of an [`EmbeddedDataset`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSplit {
    /// Ids and pairing, numbered within the split.
    pub pairs: Pairs,
    /// For every image and text of the split its row in the data set's matrices.
    pub rows: Subset,
}

/// A data set of embeddings in memory.
#[derive(Debug, Clone)]
pub struct EmbeddedDataset {
    /// All images of all splits, unit length.
    pub images: Embeddings,
    /// All texts of all splits, unit length, in the same dimension.
    pub texts: Embeddings,
    /// The splits by name.
    pub splits: BTreeMap<String, EmbeddedSplit>,
}

/// Embeddings by role in memory; all of one dimension, none empty.
#[derive(Debug, Clone)]
pub struct EmbeddedRoles {
    /// The items searched.
    pub gallery: Embeddings,
    /// The evaluated queries.
    pub queries: Embeddings,
    /// What answers what.
    pub relevance: Relevance,
    /// For every query what a bootstrap resamples: its gallery item where `query_to_gallery` names one (as captions of
    /// one image), its class where classes are given, else the query itself.
    pub clusters: Vec<u32>,
    /// What a cluster is.
    pub cluster: Cluster,
    /// Of every query its class, where classes are given.
    pub query_classes: Option<Vec<String>>,
    /// The groups of the gallery, where they are given.
    pub groups: Option<Groups>,
    /// The query bank.
    pub reference_queries: Embeddings,
    /// For every past query the gallery item that answers it, if that is known.
    pub reference_to_gallery: Option<Vec<u32>>,
    /// The gallery bank.
    pub reference_gallery: Option<Embeddings>,
}

impl EmbeddingSource {
    /// Reads and checks everything; files lie relative to `base`.
    ///
    /// # Errors
    /// [`SourceError`] names the files that do not fit, with their sizes.
    pub fn load(&self, base: &Path) -> Result<EmbeddedDataset, SourceError> {
        let images = filled(&self.images, base, "images")?;
        let texts = filled(&self.texts, base, "texts")?;
        check_dims((&self.images, &images), (&self.texts, &texts))?;
        let all = self.pairs(base, images.len(), texts.len())?;
        let split = self.split.labels(base)?;
        check_entries((&self.split, split.len()), (&self.images, images.len()))?;
        Ok(EmbeddedDataset {
            images,
            texts,
            splits: part(&all, split),
        })
    }

    fn pairs(&self, base: &Path, images: usize, texts: usize) -> Result<Pairs, SourceError> {
        let text_to_image = self.text_to_image.indices(base)?;
        check_entries(
            (&self.text_to_image, text_to_image.len()),
            (&self.texts, texts),
        )?;
        let image_ids = ids(self.image_ids.as_ref(), base, (&self.images, images))?;
        let text_ids = ids(self.text_ids.as_ref(), base, (&self.texts, texts))?;
        Pairs::new(image_ids, text_ids, text_to_image).map_err(|error| SourceError::Pairs {
            file: self.text_to_image.clone(),
            error: Box::new(error),
        })
    }
}

impl RoleSource {
    /// Reads and checks everything; files lie relative to `base`.
    ///
    /// # Errors
    /// [`SourceError`] names the files that do not fit, with their sizes.
    pub fn load(&self, base: &Path) -> Result<EmbeddedRoles, SourceError> {
        let gallery = filled(&self.gallery, base, "gallery")?;
        let beside_gallery = |file: &ArrayFile, role| {
            let rows = filled(file, base, role)?;
            check_dims((&self.gallery, &gallery), (file, &rows))?;
            Ok::<_, SourceError>(rows)
        };
        let queries = beside_gallery(&self.queries, "queries")?;
        let reference_queries = beside_gallery(&self.reference_queries, "reference queries")?;
        let reference_gallery = match &self.reference_gallery {
            Some(file) => Some(beside_gallery(file, "reference gallery")?),
            None => None,
        };
        let Answers {
            relevance,
            clusters,
            cluster,
            query_classes,
        } = self.answers(base, queries.len(), gallery.len())?;
        let groups = self.groups(base, gallery.len())?;
        let reference_to_gallery = match &self.reference_to_gallery {
            Some(file) => {
                let rows = (&self.reference_queries, reference_queries.len());
                Some(one_each(file, base, rows, gallery.len())?.1)
            }
            None => None,
        };
        Ok(EmbeddedRoles {
            gallery,
            queries,
            relevance,
            clusters,
            cluster,
            query_classes,
            groups,
            reference_queries,
            reference_to_gallery,
            reference_gallery,
        })
    }

    fn answers(&self, base: &Path, queries: usize, gallery: usize) -> Result<Answers, SourceError> {
        let classes = together(
            ("gallery_classes", &self.gallery_classes),
            ("query_classes", &self.query_classes),
        )?;
        let (relevance, clusters) = match (&self.query_to_gallery, &self.relevance, classes) {
            (Some(file), None, None) => {
                let (relevance, items) = one_each(file, base, (&self.queries, queries), gallery)?;
                return Ok(Answers {
                    relevance,
                    clusters: items,
                    cluster: Cluster::Item,
                    query_classes: None,
                });
            }
            (None, Some(file), None) => {
                let key = file.key.as_deref();
                let relevance = read_relevance(&file.at(base), key, queries, gallery)?;
                (relevance, (0u32..).take(queries).collect())
            }
            (None, None, Some(files)) => return self.by_class(files, base, queries, gallery),
            (None, None, None) if self.groups.is_some() => everything(queries, gallery),
            (None, None, None) => return Err(SourceError::Answers { found: "none" }),
            _ => return Err(SourceError::Answers { found: "several" }),
        };
        Ok(Answers {
            relevance,
            clusters,
            cluster: Cluster::Query,
            query_classes: None,
        })
    }

    /// Items answer the queries of their class.
    fn by_class(
        &self,
        (of_gallery, of_queries): (&ArrayFile, &ArrayFile),
        base: &Path,
        queries: usize,
        gallery: usize,
    ) -> Result<Answers, SourceError> {
        let items = of_gallery.labels(base)?;
        check_entries((of_gallery, items.len()), (&self.gallery, gallery))?;
        let asked = of_queries.labels(base)?;
        check_entries((of_queries, asked.len()), (&self.queries, queries))?;
        let mut classes: HashMap<&str, Vec<u32>> = HashMap::new();
        for (item, class) in (0u32..).zip(&items) {
            classes.entry(class).or_default().push(item);
        }
        let answering = |(query, class): (usize, &String)| {
            let found = classes.get(class.as_str());
            found.ok_or_else(|| SourceError::ClassWithoutItem {
                file: of_queries.clone(),
                query,
                class: class.clone(),
            })
        };
        let lists = asked.iter().enumerate().map(answering);
        let lists: Vec<&Vec<u32>> = lists.collect::<Result<_, _>>()?;
        let relevance =
            Relevance::new(&lists, gallery).map_err(|error| SourceError::Relevance {
                file: of_gallery.clone(),
                error,
            })?;
        Ok(Answers {
            relevance,
            // A class by its first item.
            clusters: lists.iter().map(|items| items[0]).collect(),
            cluster: Cluster::Class,
            query_classes: Some(asked),
        })
    }

    fn groups(&self, base: &Path, gallery: usize) -> Result<Option<Groups>, SourceError> {
        let given = together(("groups", &self.groups), ("group_names", &self.group_names))?;
        let Some((file, names)) = given else {
            return Ok(None);
        };
        let labels = file.labels(base)?;
        check_entries((file, labels.len()), (&self.gallery, gallery))?;
        let groups = Groups::new(names, &labels).map_err(|error| SourceError::Groups {
            file: file.clone(),
            error: Box::new(error),
        })?;
        Ok(Some(groups))
    }
}

/// What answers what, what a bootstrap resamples, and the queries' classes.
struct Answers {
    relevance: Relevance,
    clusters: Vec<u32>,
    cluster: Cluster,
    query_classes: Option<Vec<String>>,
}

/// Two keys of which one means nothing without the other.
fn together<'a, A, B>(
    first: (&'static str, &'a Option<A>),
    second: (&'static str, &'a Option<B>),
) -> Result<Option<(&'a A, &'a B)>, SourceError> {
    let missing = |given, missing| Err(SourceError::Together { given, missing });
    match (first, second) {
        ((_, None), (_, None)) => Ok(None),
        ((_, Some(a)), (_, Some(b))) => Ok(Some((a, b))),
        ((given, Some(_)), (absent, None)) => missing(given, absent),
        ((absent, None), (given, Some(_))) => missing(given, absent),
    }
}

/// Every item answers every query: what is read of a list is then read of all of it.
fn everything(queries: usize, gallery: usize) -> (Relevance, Vec<u32>) {
    let all: Vec<u32> = (0u32..).take(gallery).collect();
    // The gallery is not empty, and its own indices lie in it.
    let relevance = Relevance::new(&vec![all; queries], gallery).expect("items of the gallery");
    (relevance, (0u32..).take(queries).collect())
}

/// One answer for each row, which is also what a bootstrap resamples.
fn one_each(
    file: &ArrayFile,
    base: &Path,
    rows: (&ArrayFile, usize),
    gallery: usize,
) -> Result<(Relevance, Vec<u32>), SourceError> {
    let items = file.indices(base)?;
    check_entries((file, items.len()), rows)?;
    let relevance =
        Relevance::one_each(&items, gallery).map_err(|error| SourceError::Relevance {
            file: file.clone(),
            error,
        })?;
    Ok((relevance, items))
}

fn filled(file: &ArrayFile, base: &Path, role: &'static str) -> Result<Embeddings, SourceError> {
    let rows = file.embeddings(base)?;
    if rows.is_empty() {
        let file = file.clone();
        return Err(SourceError::Empty { role, file });
    }
    Ok(rows)
}

fn check_dims(
    first: (&ArrayFile, &Embeddings),
    second: (&ArrayFile, &Embeddings),
) -> Result<(), SourceError> {
    let (first_dim, second_dim) = (first.1.dim(), second.1.dim());
    if first_dim == second_dim {
        return Ok(());
    }
    Err(SourceError::Dimensions {
        first: first.0.clone(),
        first_dim,
        second: second.0.clone(),
        second_dim,
    })
}

fn check_entries(
    entries: (&ArrayFile, usize),
    rows: (&ArrayFile, usize),
) -> Result<(), SourceError> {
    if entries.1 == rows.1 {
        return Ok(());
    }
    Err(SourceError::Entries {
        entries: entries.0.clone(),
        found: entries.1,
        rows: rows.0.clone(),
        expected: rows.1,
    })
}

fn ids(
    file: Option<&ArrayFile>,
    base: &Path,
    rows: (&ArrayFile, usize),
) -> Result<Vec<String>, SourceError> {
    let Some(file) = file else {
        return Ok((0..rows.1).map(|row| row.to_string()).collect());
    };
    let ids = file.labels(base)?;
    check_entries((file, ids.len()), rows)?;
    Ok(ids)
}

/// Parts a data set by the split of every image.
fn part(all: &Pairs, split: Vec<String>) -> BTreeMap<String, EmbeddedSplit> {
    let mut images: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (image, name) in (0u32..).zip(split) {
        images.entry(name).or_default().push(image);
    }
    let split = |(name, images)| {
        let rows = all.with_texts(images);
        let pairs = all.select(&rows);
        (name, EmbeddedSplit { pairs, rows })
    };
    images.into_iter().map(split).collect()
}
