//! Embeddings by what they are used for: a gallery, queries, and banks of past ones.

use super::array_file::{ArrayFiles, paths_of};
use super::checks::{check_dims, check_entries, filled};
use super::error::SourceError;
use super::relevance::{RowNames, read_judgements};
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
    /// What answers what, with or without grades: pairs or judgements (`.csv`, `.tsv`, `.parquet`, TREC) or lists (`.json`, `.jsonl`).
    /// Items graded 0 or below do not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance: Option<ArrayFiles>,
    /// For every query its id, where `relevance` has ids; without it, row numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_ids: Option<ArrayFiles>,
    /// For every gallery row its id, where `relevance` has ids; without it, row numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery_ids: Option<ArrayFiles>,
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
    /// The evaluated queries; of those in the file, the ones that something answers.
    pub queries: Embeddings,
    /// The id of every evaluated query; without ids, its row in the file.
    pub query_ids: Vec<String>,
    /// The id of every gallery item, where ids are given.
    pub gallery_ids: Option<Vec<String>>,
    /// What a reader of the results should know about how answers were understood.
    pub findings: Vec<String>,
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
            &self.relevance,
            &self.query_ids,
            &self.gallery_ids,
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
        paths_of(all, base)
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
        let gallery_ids = self.labels_of(self.gallery_ids.as_ref(), base, gallery.len())?;
        let names = RowNames::queries(queries.len());
        let names = names.with_ids(self.query_ids.as_ref(), base, &self.queries)?;
        let Answers {
            relevance,
            kept,
            findings,
            clusters,
            cluster,
            query_classes,
        } = self.answers(base, &names, gallery.len())?;
        let (queries, query_ids) = only(kept.as_deref(), queries, names.into_names());
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
            query_ids,
            gallery_ids,
            findings,
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

    /// The labels of all gallery items, if a file of them is given.
    fn labels_of(
        &self,
        file: Option<&ArrayFiles>,
        base: &Path,
        gallery: usize,
    ) -> Result<Option<Vec<String>>, SourceError> {
        let Some(file) = file else { return Ok(None) };
        let labels = file.labels(base)?;
        check_entries((file, labels.len()), (&self.gallery, gallery))?;
        Ok(Some(labels))
    }

    fn answers(
        &self,
        base: &Path,
        names: &RowNames,
        gallery: usize,
    ) -> Result<Answers, SourceError> {
        let queries = names.len();
        let classes = together(
            ("gallery_classes", &self.gallery_classes),
            ("query_classes", &self.query_classes),
        )?;
        let relevance = match (&self.query_to_gallery, &self.relevance, classes) {
            (Some(file), None, None) => {
                let (relevance, items) = one_each(file, base, (&self.queries, queries), gallery)?;
                return Ok(Answers {
                    clusters: items,
                    cluster: Cluster::Item,
                    ..Answers::new(relevance)
                });
            }
            (None, Some(file), None) => return self.judged(file, base, names, gallery),
            (None, None, Some(files)) => return self.by_class(files, base, queries, gallery),
            (None, None, None) if self.groups.is_some() => everything(queries, gallery),
            (None, None, None) => return Err(SourceError::Answers { found: "none" }),
            _ => return Err(SourceError::Answers { found: "several" }),
        };
        Ok(Answers::new(relevance))
    }

    /// Answers from a file of judgements.
    fn judged(
        &self,
        file: &ArrayFiles,
        base: &Path,
        queries: &RowNames,
        gallery: usize,
    ) -> Result<Answers, SourceError> {
        let gallery = RowNames::gallery(gallery);
        let gallery = gallery.with_ids(self.gallery_ids.as_ref(), base, &self.gallery)?;
        let read = read_judgements(&file.parts(base)?, queries, &gallery)?;
        let named = |finding| format!("{file}: {finding}");
        Ok(Answers {
            kept: read.kept,
            findings: read.findings.into_iter().map(named).collect(),
            ..Answers::new(read.relevance)
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
            // A class by its first item.
            clusters: lists.iter().map(|items| items[0]).collect(),
            cluster: Cluster::Class,
            query_classes: Some(asked),
            ..Answers::new(relevance)
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
    /// The rows of the queries that something answers, where these are not all.
    kept: Option<Vec<u32>>,
    findings: Vec<String>,
    clusters: Vec<u32>,
    cluster: Cluster,
    query_classes: Option<Vec<String>>,
}

impl Answers {
    /// Every query by itself.
    fn new(relevance: Relevance) -> Self {
        Self {
            clusters: (0u32..).take(relevance.queries()).collect(),
            cluster: Cluster::Query,
            kept: None,
            findings: Vec::new(),
            query_classes: None,
            relevance,
        }
    }
}

/// The rows that are kept, all without a list.
fn only(kept: Option<&[u32]>, rows: Embeddings, names: Vec<String>) -> (Embeddings, Vec<String>) {
    let Some(kept) = kept else {
        return (rows, names);
    };
    let names = kept.iter().map(|&row| names[row as usize].clone());
    (rows.select(kept), names.collect())
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
fn everything(queries: usize, gallery: usize) -> Relevance {
    let all: Vec<u32> = (0u32..).take(gallery).collect();
    // The gallery is not empty, and its own indices lie in it.
    Relevance::new(&vec![all; queries], gallery).expect("items of the gallery")
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
