//! Embeddings by what they are used for: a gallery, queries, and banks of past ones.

use super::array_file::{ArrayFile, ArrayFiles, paths_of};
use super::checks::{check_dims, check_entries, filled};
use super::error::SourceError;
use super::files::read_relevance;
use crate::{Cluster, FileError};
use nnn_core::{Embeddings, Groups, Relevance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Embeddings by what they are used for. What answers what is given by exactly one of `query_to_gallery`, `relevance` and the
/// two classes. Where groups are given it may be left out: every gallery item then answers every query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSource {
    /// The items searched, `(gallery, dim)`.
    pub gallery: ArrayFiles,
    /// The evaluated queries, `(queries, dim)`.
    pub queries: ArrayFiles,
    /// For every query the row of the one gallery item that answers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_to_gallery: Option<ArrayFiles>,
    /// For every query all gallery rows that answer it (`.json`, `.jsonl` or `.csv` pairs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance: Option<ArrayFile>,
    /// For every gallery row its class; with `query_classes`, items answer the queries of their class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery_classes: Option<ArrayFiles>,
    /// For every query its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_classes: Option<ArrayFiles>,
    /// For every gallery row one of the two `group_names`, or a blank for neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<ArrayFiles>,
    /// Names of the two groups: the first is the one that a positive bias favours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_names: Option<[String; 2]>,
    /// Past queries, `(reference, dim)`: the query bank.
    pub reference_queries: ArrayFiles,
    /// For every past query the row of the gallery item that answers it, where that is known: parameters can then be
    /// chosen on past queries that are held out of the bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_to_gallery: Option<ArrayFiles>,
    /// Items like the gallery's, for methods with a second bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_gallery: Option<ArrayFiles>,
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
    /// The class of every query, where classes are given.
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

impl RoleSource {
    /// All files, for their checksums, in the order of their rows.
    ///
    /// # Errors
    /// As [`ArrayFiles::paths`].
    pub fn files(&self, base: &Path) -> Result<Vec<PathBuf>, FileError> {
        let needed = [&self.gallery, &self.queries, &self.reference_queries].map(Some);
        let optional = [
            &self.query_to_gallery,
            &self.gallery_classes,
            &self.query_classes,
            &self.groups,
            &self.reference_to_gallery,
            &self.reference_gallery,
        ];
        let all = needed
            .into_iter()
            .chain(optional.map(Option::as_ref))
            .flatten();
        let mut files = paths_of(all, base)?;
        files.extend(self.relevance.iter().map(|file| file.at(base)));
        Ok(files)
    }

    /// Reads and checks everything; files lie relative to `base`.
    ///
    /// # Errors
    /// [`SourceError`] names the files that do not fit, with their sizes.
    pub fn load(&self, base: &Path) -> Result<EmbeddedRoles, SourceError> {
        let gallery = filled(&self.gallery, base, "gallery")?;
        let beside_gallery = |file: &ArrayFiles, role| {
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
        (of_gallery, of_queries): (&ArrayFiles, &ArrayFiles),
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
    file: &ArrayFiles,
    base: &Path,
    rows: (&ArrayFiles, usize),
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
