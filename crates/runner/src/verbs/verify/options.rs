//! What is asked for.

use crate::verbs::arrays::array_file;
use clap::Args;
use nnn_data::ArrayFile;
use std::path::PathBuf;

/// What is verified, and against what.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// An export that `runner export` wrote.
    #[arg(value_name = "DIR")]
    pub export: PathBuf,
    /// Vectors of queries, as they are before anything is appended: `FILE`, `FILE[KEY]`, patterns or folders.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub queries: Vec<ArrayFile>,
    /// Ids of the queries, one for every row, where answers name queries by ids.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub query_ids: Vec<ArrayFile>,
    /// An engine's answers: `{"query": ROW OR ID, "ids": [...]}` in every line, best first.
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    pub results: Option<PathBuf>,
    /// The biases that were exported: the exact ranking is then computed from them and `--gallery`, and not from the export.
    #[arg(long, value_name = "FILE", requires = "gallery")]
    pub bias: Option<PathBuf>,
    /// The vectors that were exported with `--bias`.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file, requires = "bias")]
    pub gallery: Vec<ArrayFile>,
    /// How many queries are looked at, evenly spread, where there are no answers.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub sample: usize,
    /// Length of the lists.
    #[arg(long, default_value_t = 10)]
    pub k: usize,
    /// Exit with status 1 where recall or the share of queries with the order kept is less.
    #[arg(long, value_name = "SHARE", requires = "results")]
    pub at_least: Option<f64>,
    /// A file for the exact lists, one line of JSON for every query.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
