//! The command line.

use crate::plan::Plan;
use crate::spec::{DeviceSpec, read_spec};
use crate::{check, execute, list, plan, schema};
use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
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
}

#[derive(Subcommand)]
enum Verb {
    /// Check, extract, sweep and write the results of one or more configs.
    Run(RunArgs),
    /// Hold results against the numbers in their config's `expect:`; exit status 1 where one fails.
    Check {
        /// A folder that `run` wrote, such as results/quickstart.
        results: PathBuf,
    },
    /// Show what is registered, with parameters, defaults and sources.
    List {
        /// What to list.
        what: list::What,
        /// Folder of the cards.
        #[arg(long, default_value = "configs")]
        configs: PathBuf,
    },
    /// Print the JSON Schema of a config, for editors.
    Schema,
}

/// Options of `run`.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Configs, such as configs/quickstart.yaml.
    #[arg(required = true)]
    configs: Vec<PathBuf>,
    /// Replace one value of the config: `--set compute.threads=1`, `--set methods.1.nnn.k=16`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Where encoders run; short for `--set compute.device=...`.
    #[arg(long)]
    device: Option<DeviceSpec>,
    /// Print what would be done, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Never use the network; say what is missing and how to get it.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Where results go.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub(crate) results: PathBuf,
    /// Where embeddings and finished cells are kept between runs.
    #[arg(long, default_value = "cache", env = "NNN_CACHE", value_name = "DIR")]
    pub(crate) cache: PathBuf,
}

/// Parses the arguments and runs a verb.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let cli = Cli::parse_from(with_default_verb(arguments.collect()));
    match cli.verb {
        Verb::Run(arguments) => run_configs(&arguments),
        Verb::Check { results } => check::run(&results),
        Verb::List { what, configs } => list::run(what, &configs),
        Verb::Schema => schema::run(),
    }
}

fn run_configs(arguments: &RunArgs) -> Result<ExitCode> {
    // All configs are checked before the first is run.
    let mut plans = Vec::new();
    let device = (arguments.device).map(|it| format!("compute.device={}", it.name()));
    let overrides: Vec<String> = arguments.overrides.iter().cloned().chain(device).collect();
    for path in &arguments.configs {
        let spec = read_spec(path, &overrides)?;
        plans.push(plan::resolve(spec, path)?);
    }
    check_names(&plans)?;
    for plan in plans {
        execute::run(&plan, arguments)?;
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
