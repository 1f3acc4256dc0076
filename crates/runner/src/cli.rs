//! The command line.

use crate::plan::Plan;
use crate::progress::say;
use crate::spec::{DeviceSpec, read_spec};
use crate::{check, dry_run, execute, expect, fetch, list, plan, schema};
use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
use nnn_files::counted;
use nnn_hub::Hub;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
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
        /// Folder for one check.md, check.tex and check.csv of all results together, beside those of each.
        #[arg(long, value_name = "DIR")]
        summary: Option<PathBuf>,
    },
    /// Show what is registered, with parameters, defaults and sources.
    List {
        /// What to list.
        what: list::What,
        /// Folder of the cards.
        #[arg(long, default_value = "configs")]
        configs: PathBuf,
        /// Where downloads from outside the hub are kept.
        #[arg(long, default_value = "cache", env = "NNN_CACHE", value_name = "DIR")]
        cache: PathBuf,
    },
    /// Print the JSON Schema of a config, for editors.
    Schema(schema::SchemaArgs),
}

/// Options of `run`.
#[derive(Args)]
pub(crate) struct RunArgs {
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
    pub(crate) results: PathBuf,
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
    /// Where embeddings, finished cells and downloads from outside the hub are kept between runs.
    #[arg(long, default_value = "cache", env = "NNN_CACHE", value_name = "DIR")]
    cache: PathBuf,
}

impl RunArgs {
    /// All configs, on the device asked for.
    fn plans(&self) -> Result<Vec<Plan>> {
        let device = self
            .device
            .map(|it| format!("compute.device={}", it.name()));
        self.fetch.plans(device)
    }

    /// Where everything is kept that is not a result.
    pub(crate) fn cache(&self) -> &Path {
        &self.fetch.cache
    }
}

impl FetchArgs {
    /// All configs with one more value replaced, checked before the first is run.
    fn plans(&self, more: Option<String>) -> Result<Vec<Plan>> {
        let mut plans = Vec::new();
        let overrides: Vec<String> = self.overrides.iter().cloned().chain(more).collect();
        for path in &self.configs {
            let spec = read_spec(path, &overrides)?;
            let plan = Plan {
                overrides: overrides.clone(),
                ..plan::resolve(spec, path)?
            };
            expect::check(&plan)?;
            plans.push(plan);
        }
        check_names(&plans)?;
        Ok(plans)
    }

    fn hub(&self) -> Hub {
        fetch::hub(&self.cache, self.offline)
    }
}

/// Parses the arguments and runs a verb.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let cli = Cli::parse_from(with_default_verb(arguments.collect()));
    match cli.verb {
        Verb::Run(arguments) => run_configs(&arguments),
        Verb::Fetch(arguments) => fetch_configs(&arguments),
        Verb::Check { results, summary } => check::run(&results, summary.as_deref()),
        Verb::List {
            what,
            configs,
            cache,
        } => list::run(what, &configs, &cache),
        Verb::Schema(arguments) => schema::run(&arguments),
    }
}

fn run_configs(arguments: &RunArgs) -> Result<ExitCode> {
    let plans = arguments.plans()?;
    let hub = arguments.fetch.hub();
    if arguments.dry_run {
        for plan in &plans {
            dry_run::print(plan, &hub, &arguments.results, arguments.cache())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    // What any of them needs is here before the first begins.
    for (plan, ready) in plans
        .iter()
        .zip(fetch::all(&plans, &hub, arguments.cache())?)
    {
        execute::run(plan, ready, arguments)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch_configs(arguments: &FetchArgs) -> Result<ExitCode> {
    let hub = arguments.hub();
    let plans = arguments.plans(None)?;
    for (plan, ready) in plans
        .iter()
        .zip(fetch::all(&plans, &hub, &arguments.cache)?)
    {
        let (models, data) = (ready.checkpoints.len(), ready.data.len());
        let config = plan.config.display();
        say(&format!(
            "{config}: {}, {}, nothing left to download",
            counted(models, "model"),
            counted(data, "data set")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Two experiments of one name would write into one folder, and the second would remove what the first wrote.
fn check_names(plans: &[Plan]) -> Result<()> {
    for (index, plan) in plans.iter().enumerate() {
        let name = &plan.spec.experiment;
        let same = |other: &&Plan| other.spec.experiment == *name;
        if let Some(earlier) = plans[..index].iter().find(same) {
            bail!(
                "{} and {} both have the experiment `{name}`; give each a name of its own",
                earlier.config.display(),
                plan.config.display()
            );
        }
    }
    Ok(())
}

/// Makes `runner CONFIG` mean `runner run CONFIG`.
fn with_default_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_config = |argument: &OsString| {
        let text = argument.to_string_lossy();
        text.ends_with(".yaml") || text.ends_with(".yml")
    };
    if arguments.get(1).is_some_and(is_config) {
        arguments.insert(1, "run".into());
    }
    arguments
}
