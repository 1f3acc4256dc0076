//! A config as written: shapes and names only. Nothing here touches a file or knows what is registered.

mod expect;
mod memory;
mod method;
mod problem;
mod read;

pub(crate) use expect::{ExpectItem, ExpectSpec, TablesSpec};
pub(crate) use memory::MemorySpec;
pub(crate) use method::MethodSpec;
pub(crate) use read::read_yaml;
pub use read::{parse_spec, read_spec};

use clap::ValueEnum;
use nnn_data::{ArrayFile, Direction, EmbeddingSource, RoleSource, SimilaritySource};
use nnn_trial::Choose;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sweep: models x data sets x directions x reference sets x methods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Name of the experiment; the results lie in `results/<experiment>/`.
    pub(crate) experiment: String,
    /// What the experiment is for, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Names of model cards (`configs/models/<name>.yaml`) or paths of such files; without a card, folders of checkpoints, or
    /// repositories of the hub as `owner/name` or `owner/name@revision`. Not needed for embeddings.
    #[serde(default)]
    pub(crate) models: Vec<String>,
    /// Names of data set cards (`configs/datasets/<name>.yaml`) or paths of such files.
    #[serde(default)]
    pub(crate) datasets: Vec<String>,
    /// Embeddings from files, each with its own name: a data set and a model at once.
    #[serde(default)]
    pub(crate) embeddings: Vec<EmbeddingsSpec>,
    /// `t2i` (text queries, image gallery), `i2t` (the reverse), or both.
    #[serde(default = "both_directions")]
    pub(crate) directions: Vec<Direction>,
    /// Where the reference items come from; each is measured on its own.
    #[serde(default = "default_reference_sets")]
    pub(crate) reference_sets: Vec<ReferenceSpec>,
    /// Methods, each by its name or as `name: {parameter: values}`.
    pub(crate) methods: Vec<MethodSpec>,
    /// How parameters are chosen where a method does not say otherwise.
    #[serde(default)]
    pub(crate) choose: Choose,
    /// The split that is evaluated.
    #[serde(default = "test_split")]
    pub(crate) split: String,
    /// How many captions of each evaluated and held-out image count, the first ones; all when absent. Some papers take the
    /// first five of COCO's, which has more of a few images. Reference sets keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) captions_per_image: Option<usize>,
    /// The held-out training items that choose parameters.
    #[serde(default)]
    pub(crate) hold_out: HoldOutSpec,
    /// Metrics, by name.
    #[serde(default = "default_metrics")]
    pub(crate) metrics: Vec<String>,
    /// The metric that parameters are chosen by.
    #[serde(default = "default_objective")]
    pub(crate) objective: String,
    /// `index` (lower gallery index first), `optimistic`, `average` or `trec_eval`.
    #[serde(default = "default_ties")]
    pub(crate) ties: String,
    /// How many best items are kept for each query in `queries/`.
    #[serde(default = "default_top")]
    pub(crate) top: usize,
    /// Ranks the top of every list again by the model's matching head and reports that beside; absent: not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rerank: Option<RerankSpec>,
    /// Intervals and tests.
    #[serde(default)]
    pub(crate) statistics: StatisticsSpec,
    /// Chooses every method's parameters once more by itself, for its time alone; no other result changes.
    #[serde(default)]
    pub(crate) time_methods: bool,
    /// Threads and block sizes, which change no result, and the search in the query bank, which may.
    #[serde(default)]
    pub(crate) compute: ComputeSpec,
    /// Numbers that `runner check` holds the results against: published tables, as in
    /// `{published: nnn-emnlp2024, tables: [1, 2]}`, or a list of such items and of single numbers.
    #[serde(default, skip_serializing_if = "ExpectSpec::is_empty")]
    pub(crate) expect: ExpectSpec,
}

/// Embeddings from files; paths are relative to the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbeddingsSpec {
    /// Name of the data set in tables.
    pub(crate) name: String,
    /// Name of the model that made the vectors; the data set's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// The direction of a source by role or by similarity; `t2i` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) direction: Option<Direction>,
    /// Images, texts, which belong together, and a split for every image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_dataset: Option<EmbeddingSource>,
    /// A gallery, queries, what answers what, and past queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_role: Option<RoleSource>,
    /// Matrices of similarities, where there are no vectors, as published for video and audio retrieval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_similarity: Option<SimilaritySource>,
}

/// What the past queries of a source by role or by similarity are called: they are its one reference set.
pub(crate) const ROLE_REFERENCE: &str = "reference queries";

/// A share of a split that serves as reference set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReferenceSpec {
    /// Name in tables; made from the other fields when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The data set it is drawn from; the evaluated one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dataset: Option<String>,
    /// The split it is drawn from; `train` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) split: Option<String>,
    /// In place of a data set and its split, queries of your own: a `.txt` file with one per line, or a column of a `.csv` or `.parquet` file
    /// or a list in a `.json` file by its `key`; relative to the config. For `t2i` only, and no second bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) texts: Option<ArrayFile>,
    /// Leaves out captions that repeat an earlier one of the set, letter case and spacing aside.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) deduplicate: bool,
    /// The share of its images that is drawn, with all their captions (of queries of your own, of these); above 0, at most 1.
    #[serde(default = "whole")]
    pub(crate) share: f64,
    /// Seed of the draw.
    #[serde(default)]
    pub(crate) seed: u64,
    /// Allows items that are evaluated too; marked in every table.
    #[serde(default)]
    pub(crate) transductive: bool,
}

impl ReferenceSpec {
    /// The split it is drawn from; of queries of one's own it says nothing.
    pub(crate) fn split(&self) -> &str {
        self.split.as_deref().unwrap_or(TRAIN)
    }

    /// The name in tables with its mark.
    pub(crate) fn title(&self) -> String {
        let mark = if self.transductive {
            " (transductive)"
        } else {
            ""
        };
        format!("{}{mark}", self.label())
    }

    /// The name in tables: as given, or `split share % of dataset`.
    pub(crate) fn label(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let whole = (self.share == 1.0).then(String::new);
        let share = whole.unwrap_or_else(|| format!(" {} %", self.share * 100.0));
        let origin = match (&self.texts, &self.dataset) {
            (Some(file), _) => file.to_string(),
            (None, Some(name)) => format!("{name}/{}", self.split()),
            (None, None) => self.split().to_owned(),
        };
        let seed = if self.seed == 0 {
            String::new()
        } else {
            format!(" seed {}", self.seed)
        };
        let unlike = if self.deduplicate {
            " deduplicated"
        } else {
            ""
        };
        format!("{origin}{share}{seed}{unlike}")
    }
}

/// The held-out items: as many images as the evaluated split has, with their captions, taken out of every bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldOutSpec {
    /// The split they are drawn from.
    #[serde(default = "train_split")]
    pub(crate) split: String,
    /// Seed of the draw.
    #[serde(default)]
    pub(crate) seed: u64,
    /// How many images; as many as the evaluated split has when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) images: Option<usize>,
}

impl Default for HoldOutSpec {
    fn default() -> Self {
        Self {
            split: train_split(),
            seed: 0,
            images: None,
        }
    }
}

/// How lists are ranked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerankSpec {
    /// How many best items of each list, 1 to the size of the gallery. The authors of BLIP and ALBEF take 256 for COCO and
    /// 128 for Flickr30k.
    pub(crate) depth: usize,
}

/// Intervals and tests of every row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatisticsSpec {
    /// Bootstrap resamples, of the images, for example; 40 to 1,000,000.
    #[serde(default = "default_resamples")]
    pub(crate) resamples: usize,
    /// Random sign flips of the paired test; 19 to 1,000,000.
    #[serde(default = "default_permutations")]
    pub(crate) permutations: usize,
    /// Seed of both.
    #[serde(default)]
    pub(crate) seed: u64,
}

impl Default for StatisticsSpec {
    fn default() -> Self {
        Self {
            resamples: default_resamples(),
            permutations: default_permutations(),
            seed: 0,
        }
    }
}

/// Where encoders run, and the products that screen scores.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSpec {
    /// All cores, or `threads` of them.
    #[default]
    Cpu,
    /// The first NVIDIA GPU; only in a program built with the feature `cuda`.
    Cuda,
}

impl DeviceSpec {
    /// Its name in configs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// In which numbers encoders compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NumberSpec {
    /// Single precision.
    #[default]
    F32,
    /// Half precision.
    F16,
    /// Single precision's range in sixteen bits; on the CPU for the factors of linear layers alone.
    Bf16,
}

impl NumberSpec {
    /// Its name in configs and signatures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Threads, blocks, how the query bank is searched, and where and in which numbers encoders run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComputeSpec {
    /// Worker threads; all cores when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<usize>,
    /// Where encoders run, and the products that tell which scores can matter; everything else runs on the CPU, with the same results.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) device: DeviceSpec,
    /// In which numbers encoders compute; their results are kept in single precision.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) dtype: NumberSpec,
    /// Bank items whose scores are computed at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) block_columns: Option<usize>,
    /// Gallery items or queries that one task takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) block_rows: Option<usize>,
    /// Finds the largest similarities to the query bank, which `nnn` and `csls` average, through an index that may miss
    /// some; all similarities are computed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bank_search: Option<BankSearchSpec>,
    /// Images that share one forward pass, which decides the memory that encoding takes; by the model's size when absent.
    /// No result depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image_batch: Option<usize>,
    /// Most memory that the run may take, such as `2GiB`. Fewer images then share one forward pass, and a trial that would take more
    /// all the same is refused before it begins, with what takes how much. No result depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<MemorySpec>,
    /// What happens to images that cannot be loaded, and to gaps in annotations.
    #[serde(default, skip_serializing_if = "OnError::is_fail")]
    pub(crate) on_error: OnError,
}

/// What happens to images that cannot be fetched or decoded, and to gaps in annotations: images without captions, empty
/// captions, captions of images that are nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnError {
    /// The first that is needed stops the run.
    #[default]
    Fail,
    /// All images are decoded once before anything else. Those that cannot be are left out of their data set, with their
    /// captions, as is whatever is incomplete, and named in `run.json`.
    Skip,
}

impl OnError {
    fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

/// An approximate search in the query bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BankSearchSpec {
    /// An inverted file.
    pub(crate) ivf: IvfSpec,
    /// Whether recall, errors of the means and changes of R@1 are measured. It costs what the index is to save and more:
    /// the exact pass over the bank, and another ranking of the reported points.
    #[serde(default = "yes")]
    pub(crate) check: bool,
}

/// The bank cut into lists by k-means, of which a search reads the nearest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IvfSpec {
    /// Number of lists, 1 to the number of bank rows.
    pub(crate) lists: usize,
    /// Number of lists that a search reads, 1 to `lists`.
    pub(crate) probes: usize,
    /// Seed of k-means.
    #[serde(default)]
    pub(crate) seed: u64,
}

fn both_directions() -> Vec<Direction> {
    vec![Direction::T2i, Direction::I2t]
}

pub(crate) fn default_reference_sets() -> Vec<ReferenceSpec> {
    vec![ReferenceSpec {
        name: None,
        dataset: None,
        split: None,
        texts: None,
        deduplicate: false,
        share: whole(),
        seed: 0,
        transductive: false,
    }]
}

pub(crate) fn test_split() -> String {
    "test".to_owned()
}

/// The split that reference sets and hold-outs are drawn from where nothing else is said.
const TRAIN: &str = "train";

fn train_split() -> String {
    TRAIN.to_owned()
}

fn whole() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

fn default_metrics() -> Vec<String> {
    ["R@1", "R@5", "R@10", "MedR", "MRR", "k_skewness@10"]
        .map(str::to_owned)
        .to_vec()
}

fn default_objective() -> String {
    "R@1".to_owned()
}

fn default_ties() -> String {
    nnn_core::TieRule::Index.name().to_owned()
}

fn default_top() -> usize {
    10
}

fn default_resamples() -> usize {
    2000
}

fn default_permutations() -> usize {
    10_000
}
