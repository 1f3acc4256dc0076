//! Opens the data of a plan: data sets are made or read and checked, reference sets are drawn, and the trials are laid out.
//! Up to here no weight has been read.

pub(crate) mod card;
mod counts;
pub(crate) mod images;
mod leakage;
mod look;
mod published;
mod reference;
mod side;
mod skip;
mod task;
pub(crate) mod trials;
mod vectors;

pub(crate) use counts::Counts;
pub(crate) use side::{Side, Table};
pub(crate) use task::TaskItems;

use crate::fetch::checkpoint::Checkpoint;
use crate::provenance::short;
use crate::warning::Warning;
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Groups, Relevance};
use nnn_data::{Cluster, Direction, EmbeddedDataset, EmbeddedRoles, ImageStore, Pairs, Subset};
use nnn_files::Sha256;
use nnn_metrics::Clusters;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Mutex;

/// Everything that a config names, opened and checked.
pub(crate) struct Sources {
    all: Vec<Source>,
    /// The checkpoints of the plan's models, in its order.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

/// One data set, or one set of embedding files.
pub(crate) struct Source {
    /// Position among the sources.
    pub(crate) index: usize,
    pub(crate) name: String,
    /// SHA-256 of the content.
    pub(crate) sha256: String,
    /// The same of every split by itself, where splits may have come from files of their own.
    pub(crate) splits: BTreeMap<String, String>,
    /// Splits whose images are read; all where they lie on disk anyway.
    images: Option<BTreeSet<String>>,
    /// SHA-256 of image files that have been read for it.
    sums: Mutex<HashMap<PathBuf, String>>,
    /// The files behind it, with their SHA-256 where each was read as a whole.
    pub(crate) files: Vec<(String, String)>,
    /// Whether the config evaluates it, or only draws reference sets from it.
    pub(crate) evaluated: bool,
    pub(crate) content: Content,
    /// What came up while it was opened.
    pub(crate) warnings: Vec<Warning>,
}

/// What a source holds.
pub(crate) enum Content {
    /// Images and captions, to be encoded by a model.
    Items(ImageStore),
    /// Texts alone, each as a pseudo-image of its own, of any split.
    Texts(Pairs),
    /// Embeddings of images and texts, and the name of the model that made them.
    Vectors(String, Box<EmbeddedDataset>),
    /// Embeddings by role.
    Roles(String, Direction, Box<EmbeddedRoles>),
}

impl Sources {
    /// The evaluated sources that go with a model of the config, or with none.
    pub(crate) fn evaluated_with(&self, model: Option<usize>) -> impl Iterator<Item = &Source> {
        let fits =
            move |source: &&Source| matches!(source.content, Content::Items(_)) == model.is_some();
        self.all
            .iter()
            .filter(|source| source.evaluated)
            .filter(fits)
    }

    /// What came up while the sources were opened.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.all.iter().flat_map(|source| &source.warnings)
    }

    pub(crate) fn all(&self) -> &[Source] {
        &self.all
    }

    /// The source of a name, among all that the config mentions.
    pub(crate) fn named(&self, name: &str) -> Result<&Source> {
        let found = self.all.iter().find(|source| source.name == name);
        found.with_context(|| {
            let known: Vec<_> = self.all.iter().map(|source| source.name.as_str()).collect();
            format!(
                "there is no data set `{name}` here (opened: {})",
                known.join(", ")
            )
        })
    }

    /// Checksum of which items a side has, given the content of their source.
    pub(crate) fn content_key(&self, side: &Side) -> String {
        let rows: Vec<u8> = side.rows.iter().flat_map(|row| row.to_le_bytes()).collect();
        let source = &self.all[side.source];
        let identity = match &side.table {
            Table::Images(split) | Table::Texts(split) => source.identity(split),
            _ => &source.sha256,
        };
        Sha256::new()
            .part(identity)
            .part(format!("{:?}", side.table))
            .part(rows)
            .hex()
    }
}

impl Source {
    /// Names and sizes of the groups and sizes of the classes that were loaded, split by split.
    pub(crate) fn labels(&self) -> serde_json::Value {
        let groups = |groups: Option<&Groups>| {
            groups.map(|groups| {
                let sizes = groups.names().iter().zip(groups.sizes());
                let sizes = sizes.map(|(name, images)| json!({"name": name, "images": images}));
                sizes.collect::<Vec<_>>()
            })
        };
        let of = |pairs: &Pairs| json!({"groups": groups(pairs.groups()), "classes": pairs.class_sizes()});
        let splits: Vec<(&String, &Pairs)> = match &self.content {
            Content::Items(folder) => folder.splits().iter().collect(),
            Content::Vectors(_, data) => data
                .splits
                .iter()
                .map(|(name, split)| (name, &split.pairs))
                .collect(),
            Content::Texts(_) => Vec::new(),
            Content::Roles(_, _, data) => {
                return json!({"gallery": {"groups": groups(data.groups.as_ref())}});
            }
        };
        let labelled = splits
            .into_iter()
            .filter(|(_, pairs)| pairs.groups().is_some() || pairs.classes().is_some());
        labelled
            .map(|(name, pairs)| (name.clone(), of(pairs)))
            .collect()
    }

    fn new(name: &str, content: Content) -> Self {
        Self {
            index: 0,
            name: name.to_owned(),
            sha256: String::new(),
            splits: BTreeMap::new(),
            images: None,
            sums: Mutex::default(),
            files: Vec::new(),
            evaluated: true,
            content,
            warnings: Vec::new(),
        }
    }

    /// SHA-256 of the content of a split, or of everything where splits have no files of their own.
    pub(crate) fn identity(&self, split: &str) -> &str {
        self.splits.get(split).unwrap_or(&self.sha256)
    }

    /// Whether nothing is known of its items but their similarities.
    pub(crate) fn is_given_as_similarities(&self) -> bool {
        matches!(&self.content, Content::Roles(_, _, data) if data.gallery.is_basis())
    }

    /// The directions to evaluate: those asked for, or the one that a source by role has.
    pub(crate) fn directions(&self, asked: &[Direction]) -> Vec<Direction> {
        match &self.content {
            Content::Roles(_, direction, _) => vec![*direction],
            _ => asked.to_vec(),
        }
    }

    /// Ids and pairing of a split.
    pub(crate) fn pairs(&self, split: &str) -> Result<&Pairs> {
        let found = match &self.content {
            Content::Items(folder) => folder.splits().get(split),
            Content::Texts(texts) => Some(texts),
            Content::Vectors(_, data) => data.splits.get(split).map(|split| &split.pairs),
            Content::Roles(..) => bail!("`{}` is given by role and has no splits", self.name),
        };
        found.with_context(|| {
            format!(
                "data set `{}` has no split {split:?} (it has {})",
                self.name,
                quoted(&self.split_names())
            )
        })
    }

    fn split_names(&self) -> Vec<&str> {
        match &self.content {
            Content::Items(folder) => folder.splits().keys().map(String::as_str).collect(),
            Content::Vectors(_, data) => data.splits.keys().map(String::as_str).collect(),
            Content::Roles(..) | Content::Texts(_) => Vec::new(),
        }
    }

    /// The evaluated task; with `most`, of so many texts an image.
    pub(crate) fn evaluated_task(
        &self,
        split: &str,
        direction: Direction,
        most: Option<usize>,
    ) -> Result<TaskItems> {
        match &self.content {
            Content::Roles(_, _, data) => {
                ensure!(
                    most.is_none(),
                    "`captions_per_image` goes with data sets, but `{}` is given by role",
                    self.name
                );
                Ok(self.role_task(data))
            }
            _ => self.task(split, &self.pairs(split)?.everything(), direction, most),
        }
    }

    /// The task of some images of a split and their texts, all or the first `most` of each.
    pub(crate) fn task(
        &self,
        split: &str,
        subset: &Subset,
        direction: Direction,
        most: Option<usize>,
    ) -> Result<TaskItems> {
        let all = self.pairs(split)?;
        let subset = most.map_or_else(|| subset.clone(), |most| all.first_texts(subset, most));
        let chosen = all.select(&subset);
        let task = chosen
            .task(direction)
            .with_context(|| format!("split `{split}` of `{}` as {direction}", self.name))?;
        let images = self.side(Table::Images(split.to_owned()), subset.images.clone());
        let texts = self.side(Table::Texts(split.to_owned()), subset.texts.clone());
        let (queries, gallery) = match direction {
            Direction::T2i => (texts, images),
            Direction::I2t => (images, texts),
        };
        Ok(TaskItems {
            queries,
            gallery,
            clusters: Clusters::from_ids(&task.clusters),
            cluster: task.cluster,
            query_ids: task.queries.to_vec(),
            relevance: task.relevance,
            query_classes: task.query_classes,
            groups: task.groups.cloned(),
        })
    }

    fn role_task(&self, data: &EmbeddedRoles) -> TaskItems {
        TaskItems {
            queries: self.all_rows(Table::Queries, data.queries.len()),
            gallery: self.all_rows(Table::Gallery, data.gallery.len()),
            relevance: data.relevance.clone(),
            clusters: Clusters::from_ids(&data.clusters),
            cluster: data.cluster,
            query_ids: data.query_ids.clone(),
            query_classes: data.query_classes.clone(),
            groups: data.groups.clone(),
        }
    }

    /// The task of some past queries whose answers are known.
    pub(crate) fn past_task(
        &self,
        data: &EmbeddedRoles,
        answers: &[u32],
        rows: Vec<u32>,
    ) -> Result<TaskItems> {
        let items: Vec<u32> = rows.iter().map(|&row| answers[row as usize]).collect();
        Ok(TaskItems {
            gallery: self.all_rows(Table::Gallery, data.gallery.len()),
            relevance: Relevance::one_each(&items, data.gallery.len())?,
            clusters: Clusters::from_ids(&items),
            cluster: Cluster::Item,
            query_ids: rows.iter().map(u32::to_string).collect(),
            query_classes: None,
            groups: data.groups.clone(),
            queries: self.side(Table::ReferenceQueries, rows),
        })
    }

    /// The name of the evaluated split in tables.
    pub(crate) fn split_label(&self, split: &str, most: Option<usize>) -> String {
        match (&self.content, most) {
            (Content::Roles(..), _) => "queries".to_owned(),
            (_, Some(most)) => format!("{split}, first {most} captions"),
            _ => split.to_owned(),
        }
    }

    /// Name, signature and number type of the model behind vectors from files.
    pub(crate) fn vector_labels(&self) -> (String, String, String) {
        let model = match &self.content {
            Content::Items(_) | Content::Texts(_) => "-",
            Content::Vectors(model, _) | Content::Roles(model, ..) => model,
        };
        (
            model.to_owned(),
            format!("{model}#{}", short(&self.sha256)),
            "f32".to_owned(),
        )
    }

    pub(crate) fn side(&self, table: Table, rows: Vec<u32>) -> Side {
        Side {
            source: self.index,
            table,
            rows,
        }
    }

    /// All rows of a role.
    pub(crate) fn all_rows(&self, table: Table, rows: usize) -> Side {
        self.side(table, (0..rows as u32).collect())
    }
}

/// Names in quotes, so that blanks in them are seen.
fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}
