//! The command line.

use crate::signals;
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use nnn_data::ArrayFile;
use runner::verbs::{BiasRequest, Format};
use runner::{DeviceSpec, Folders, Plan, read_plans, verbs};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Hubness correction for contrastive retrieval, measured: YAML sweeps of models, data sets, reference sets and methods.
#[derive(Parser)]
#[command(
    name = "runner",
    version,
    after_help = "`runner CONFIG` is short for `runner run CONFIG`."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Print nothing but errors: no results, no progress, no warnings, which are recorded with the results in any case.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Check, extract, sweep and write the results of one or more configs.
    Run(RunArgs),
    /// Download everything that `run` would download, and nothing else.
    Fetch(FetchArgs),
    /// Hold results against the numbers in their config's `expect:`; exit status 1 where one fails.
    Check {
        /// Folders that `run` wrote, such as results/quickstart.
        #[arg(required = true)]
        results: Vec<PathBuf>,
        /// Folder for one check of all results together, in every format of tables, beside those of each.
        #[arg(long, value_name = "DIR")]
        summary: Option<PathBuf>,
    },
    /// Write the page of one or more results again: report.html.
    Report {
        /// Folders that `run` wrote, such as results/quickstart.
        #[arg(required = true)]
        results: Vec<PathBuf>,
        /// The file to write, in place of report.html in the folder, or in the folder of several.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compute the bias of every gallery item, from files of vectors and without a sweep.
    Bias(BiasArgs),
    /// Write item vectors by which a search engine ranks as a correction does, and the lines that load and ask them.
    Export(verbs::ExportOptions),
    /// Compute the exact corrected ranking from an export, and compare an engine's answers with it.
    Verify(verbs::VerifyOptions),
    /// Show what is registered, with parameters, defaults and sources.
    List {
        /// What to list.
        what: verbs::What,
        /// Folder of the cards.
        #[arg(long, default_value = "configs")]
        configs: PathBuf,
        /// Where downloads from outside the hub are kept.
        #[arg(long, default_value = "cache", env = "NNN_CACHE", value_name = "DIR")]
        cache: PathBuf,
    },
    /// Print the JSON Schema of a config, for editors.
    Schema {
        /// Print it as a page of Markdown, as in docs/config.md.
        #[arg(long)]
        markdown: bool,
    },
}

/// Options of `bias`.
#[derive(Args)]
struct BiasArgs {
    /// Vectors of the gallery, in the order of its items: files, folders or patterns. `'FILE[KEY]'` names an array in a file.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE", value_parser = verbs::array_file)]
    gallery: Vec<ArrayFile>,
    /// Ids of the items, in the same order: `items.txt`, `'items.parquet[id]'`; without, items are called by their rows.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = verbs::array_file)]
    ids: Vec<ArrayFile>,
    /// Vectors of the query bank: past queries, of which no answer need be known.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = verbs::array_file)]
    reference: Vec<ArrayFile>,
    /// Vectors of the gallery bank, for methods that read two.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = verbs::array_file)]
    reference_gallery: Vec<ArrayFile>,
    /// An additive method, such as 'nnn(k=128,alpha=0.75)'; parameters left out have their default.
    #[arg(long, default_value = "nnn", value_name = "METHOD")]
    method: String,
    /// The file to write, such as bias.parquet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Add the items to those of the file: new items of a gallery.
    #[arg(long, conflicts_with = "overwrite")]
    append: bool,
    /// Replace a file that is there.
    #[arg(long)]
    overwrite: bool,
    /// Number of threads; all cores unless said.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Options of `run`.
#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    fetch: FetchArgs,
    /// Where encoders run; short for `--set compute.device=...`.
    #[arg(long)]
    device: Option<DeviceSpec>,
    /// Print what would be done, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Where results go.
    #[arg(long, default_value = "results", value_name = "DIR")]
    results: PathBuf,
    /// What is printed as each config ends: a summary, or everything in one line of JSON, which `--quiet` leaves.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Options of `fetch`, which `run` has too.
#[derive(Args)]
struct FetchArgs {
    /// Configs, such as configs/quickstart.yaml.
    #[arg(required = true)]
    configs: Vec<PathBuf>,
    /// Replace one value of the config: `--set compute.threads=1`, `--set methods.1.nnn.k=16`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Never use the network; say what is missing and how to get it.
    #[arg(long)]
    offline: bool,
    /// Where embeddings, drawn data sets and downloads from outside the hub are kept between runs.
    #[arg(long, default_value = "cache", env = "NNN_CACHE", value_name = "DIR")]
    cache: PathBuf,
}

impl From<BiasArgs> for BiasRequest {
    fn from(arguments: BiasArgs) -> Self {
        Self {
            gallery: arguments.gallery,
            ids: arguments.ids,
            reference: arguments.reference,
            reference_gallery: arguments.reference_gallery,
            method: arguments.method,
            out: arguments.out,
            append: arguments.append,
            overwrite: arguments.overwrite,
            threads: arguments.threads,
        }
    }
}

impl RunArgs {
    /// All configs, on the device asked for.
    fn plans(&self) -> Result<Vec<Plan>> {
        let device = self
            .device
            .map(|it| format!("compute.device={}", it.name()));
        self.fetch.plans(device)
    }

    fn folders(&self) -> Folders {
        Folders {
            results: self.results.clone(),
            cache: self.fetch.cache.clone(),
        }
    }
}

impl FetchArgs {
    /// All configs with one more value replaced, checked before the first is run.
    fn plans(&self, more: Option<String>) -> Result<Vec<Plan>> {
        let overrides: Vec<String> = self.overrides.iter().cloned().chain(more).collect();
        read_plans(&self.configs, &overrides)
    }
}

impl Verb {
    /// What is kept where a signal ends the verb, and how to go on.
    fn kept(&self) -> &'static str {
        match self {
            Self::Run(arguments) if !arguments.dry_run => {
                "finished trials, encoded batches and downloads are kept, and the same command goes on from there"
            }
            Self::Fetch(_) => {
                "what has arrived is kept, parts of files too, and the same command goes on from there"
            }
            Self::Bias(_) => {
                "finished blocks of items are kept beside the file, and the same command goes on from there"
            }
            Self::Export(_) => "nothing of the export is kept, and the same command begins anew",
            Self::Report { .. } | Self::Check { .. } => {
                "every file is as it was or whole, and the same command begins anew"
            }
            Self::Verify(_) | Self::Run(_) | Self::List { .. } | Self::Schema { .. } => {
                "nothing is kept, and the same command begins anew"
            }
        }
    }
}

/// Parses the arguments and runs a verb.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let cli = Cli::parse_from(with_default_verb(arguments.collect()));
    if cli.quiet {
        runner::be_quiet();
    }
    signals::end_with(cli.verb.kept()).context("signals cannot be waited for")?;
    match cli.verb {
        Verb::Run(arguments) => run_configs(&arguments)?,
        Verb::Fetch(arguments) => {
            verbs::fetch(&arguments.plans(None)?, &arguments.cache, arguments.offline)?;
        }
        Verb::Check { results, summary } => {
            if !verbs::check(&results, summary.as_deref())? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Verb::Report { results, out } => verbs::report(&results, out.as_deref())?,
        Verb::Bias(arguments) => verbs::bias(&arguments.into())?,
        Verb::Export(options) => verbs::export(&options)?,
        Verb::Verify(options) => {
            if !verbs::verify(&options)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Verb::List {
            what,
            configs,
            cache,
        } => verbs::list(what, &configs, &cache)?,
        Verb::Schema { markdown } => verbs::schema(markdown)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_configs(arguments: &RunArgs) -> Result<()> {
    let (plans, folders) = (arguments.plans()?, arguments.folders());
    let offline = arguments.fetch.offline;
    match (arguments.dry_run, arguments.format) {
        (true, Format::Text) => verbs::dry_run(&plans, &folders, offline),
        (true, Format::Json) => {
            bail!("--format json prints what a run finds; a --dry-run finds nothing")
        }
        (false, format) => verbs::run(&plans, &folders, offline, format),
    }
}

/// Makes `runner CONFIG` mean `runner run CONFIG`.
fn with_default_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_config = |argument: &OsString| {
        let text = argument.to_string_lossy();
        // What lies in a folder is no verb either, whatever it ends with.
        text.ends_with(".yaml") || text.ends_with(".yml") || text.contains(['/', '\\'])
    };
    let is_quiet = |argument: &OsString| argument == "-q" || argument == "--quiet";
    let first = 1 + arguments
        .iter()
        .skip(1)
        .take_while(|it| is_quiet(it))
        .count();
    if arguments.get(first).is_some_and(is_config) {
        arguments.insert(first, "run".into());
    }
    arguments
}
