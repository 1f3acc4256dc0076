//! Downloads: what a config needs is here before anything is computed.

mod addresses;
pub(crate) mod checkpoint;
mod data;
mod missing;
pub(crate) mod wanted;

pub(crate) use data::all_needed;

use crate::plan::Plan;
use crate::plan::cards::ModelEntry;
use crate::plan::checks::matching_head;
use crate::plan::needs::Needs;
use crate::plan::unlisted::Repository;
use crate::terminal::progress::{Progress, say};
use crate::threads::with_threads;
use crate::warning::Warning;
use anyhow::{Context, Result, ensure};
use checkpoint::Checkpoint;
use data::data;
use missing::together;
use nnn_encode::files_to_fetch;
use nnn_files::{HubFile, RemoteFile, RemotePlace, RepoKind};
use nnn_hub::{Event, Hub, HubError, Listing, Local, Patience, Settings, State};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use wanted::{DataFiles, Wanted, images_in};

/// The hub of the environment, with downloads from elsewhere in `cache`.
pub(crate) fn hub(cache: &Path, offline: bool) -> Hub {
    let mut settings = Settings::from_env(&cache.join("downloads"));
    settings.offline |= offline;
    Hub::new(settings, Patience::default())
}

/// What a plan reads, here and checked.
pub(crate) struct Ready {
    /// The checkpoints of its models, in its order.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// The files of its data sets: of those that are evaluated, then of those that only reference sets are drawn from.
    pub(crate) data: Vec<DataFiles>,
}

/// What comes up for all plans together.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What is not here where the network must not be used, to be named at once.
    missing: Vec<String>,
    /// Warnings that have been said: two configs may read the same data.
    said: Vec<Warning>,
}

impl Ledger {
    fn miss(&mut self, line: String) {
        if !self.missing.contains(&line) {
            self.missing.push(line);
        }
    }

    /// Says a warning once.
    fn warn(&mut self, warning: &Warning) {
        if !self.said.contains(warning) {
            say(&format!("warning: {warning}"));
            self.said.push(warning.clone());
        }
    }

    fn check(self) -> Result<()> {
        ensure!(self.missing.is_empty(), "{}", self.missing.join("\n  "));
        Ok(())
    }
}

/// Finds or fetches what all plans read, before the first of them begins.
pub(crate) fn all(plans: &[Plan], hub: &Hub, cache: &Path) -> Result<Vec<Ready>> {
    let threads: Option<Vec<_>> = plans.iter().map(|it| it.spec.compute.threads).collect();
    let most = threads.and_then(|threads| threads.into_iter().max());
    with_threads(most, || {
        let mut ledger = Ledger::default();
        let ready = plans
            .iter()
            .map(|plan| ready(plan, hub, cache, &mut ledger));
        let ready = ready.collect::<Result<_>>()?;
        ledger.check()?;
        Ok(ready)
    })?
}

fn ready(plan: &Plan, hub: &Hub, cache: &Path, ledger: &mut Ledger) -> Result<Ready> {
    let mut ready = Ready {
        checkpoints: Vec::new(),
        data: Vec::new(),
    };
    for model in &plan.models {
        if let Some(asked) = &model.asked {
            let card = model.file.display();
            say(&format!("`{asked}` is described by {card}, which is used"));
        }
        let opened = checkpoint(model, hub, ledger).with_context(|| model.title())?;
        if let Some(opened) = &opened
            && plan.settings.rerank.is_some()
        {
            matching_head(&model.card.name, opened.family)?;
        }
        ready.checkpoints.extend(opened);
    }
    for (entry, evaluated) in plan.all_datasets() {
        let wanted = Wanted {
            entry,
            needs: &Needs::of(plan, &entry.card, evaluated),
            on_error: plan.spec.compute.on_error,
            images: &images_in(cache),
        };
        let found = data(&wanted, hub, ledger).with_context(|| entry.title())?;
        ready.data.push(found);
    }
    Ok(ready)
}

/// The checkpoint of a model; none where something of it is missing.
fn checkpoint(model: &ModelEntry, hub: &Hub, ledger: &mut Ledger) -> Result<Option<Checkpoint>> {
    if let Some(repository) = &model.repository {
        return of_repository(model, repository, hub, ledger);
    }
    if let Some(folder) = model.folder() {
        return Checkpoint::folder(&model.card, &folder).map(Some);
    }
    let found = whole(model, model.card.remote_files()?, hub, ledger)?;
    found
        .map(|files| Checkpoint::remote(&model.card, &files))
        .transpose()
}

/// The checkpoint of a repository without a card: those of its files that a checkpoint is made of, at one commit.
fn of_repository(
    model: &ModelEntry,
    Repository { name, revision, .. }: &Repository,
    hub: &Hub,
    ledger: &mut Ledger,
) -> Result<Option<Checkpoint>> {
    let bar = Mutex::new(None);
    let Listing { commit, files } = match hub.list(name, revision, &|event| show(event, &bar)) {
        Ok(listing) => listing,
        Err(error @ HubError::Missing { .. }) => {
            ledger.miss(format!("{}: {error}", model.title()));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let top: Vec<&str> = files.iter().map(String::as_str).collect();
    let top: Vec<&str> = top.into_iter().filter(|it| !it.contains('/')).collect();
    let wanted = files_to_fetch(&top)?.into_iter().map(|path| RemoteFile {
        name: path.to_owned(),
        place: RemotePlace::Hub(HubFile {
            kind: RepoKind::Model,
            repo: name.clone(),
            revision: commit.clone(),
            path: path.to_owned(),
        }),
        sha256: None,
        bytes: None,
    });
    let found = whole(model, wanted.collect(), hub, ledger)?;
    let opened = found.map(|files| Checkpoint::remote(&model.card, &files));
    Ok(opened.transpose()?.map(|it| it.at(commit)))
}

/// All files of a checkpoint; none where some are missing, which are then named together.
fn whole(
    model: &ModelEntry,
    files: Vec<RemoteFile>,
    hub: &Hub,
    ledger: &mut Ledger,
) -> Result<Option<Vec<(RemoteFile, Local)>>> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for file in files {
        match fetch(&file, hub) {
            Ok(local) => found.push((file, local)),
            Err(error @ HubError::Missing { .. }) => missing.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    if missing.is_empty() {
        return Ok(Some(found));
    }
    for line in together(&missing) {
        ledger.miss(format!("{}: {line}", model.title()));
    }
    Ok(None)
}

/// How much of a checkpoint is here.
pub(crate) struct Availability {
    /// How many files are.
    pub(crate) here: usize,
    /// Those that are not.
    pub(crate) away: Vec<RemoteFile>,
    /// Bytes of those that are.
    pub(crate) bytes: u64,
}

/// How much of a checkpoint is here. Nothing is read, and the network is not used.
pub(crate) fn availability(model: &ModelEntry, hub: &Hub) -> Availability {
    let mut found = Availability {
        here: 0,
        away: Vec::new(),
        bytes: 0,
    };
    if let Some(folder) = model.folder() {
        let sizes = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let sizes = sizes.filter_map(|entry| Some(std::fs::metadata(entry.path()).ok()?.len()));
        found.bytes = sizes.sum();
    }
    for file in model.card.remote_files().unwrap_or_default() {
        match hub.state(&file) {
            State::Here(_, bytes) => {
                found.here += 1;
                found.bytes += bytes;
            }
            State::Away => found.away.push(file),
        }
    }
    found
}

/// Fetches a file with a bar of its bytes, and says what was trusted.
fn fetch(file: &RemoteFile, hub: &Hub) -> Result<Local, HubError> {
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    let local = hub.open(file, &|event| show(event, &bar))?;
    if local.recorded {
        say(&format!(
            "{}: no checksum is known; recorded SHA-256 {}, expected from now on",
            file.name, local.sha256
        ));
    }
    Ok(local)
}

fn show(event: Event<'_>, bar: &Mutex<Option<Progress>>) {
    let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Event::Start { name, total, have } => {
            let progress = Progress::bytes(&format!("fetching {name}"), total.unwrap_or(0));
            progress.advance(have);
            *bar = Some(progress);
        }
        Event::Bytes(count) => {
            if let Some(progress) = &*bar {
                progress.advance(count);
            }
        }
        Event::Retry { name, reason, wait } => {
            *bar = None;
            let seconds = wait.as_secs_f64();
            say(&format!("{name}: {reason}; again in {seconds:.1} s"));
        }
        Event::Waiting { name, lock } => say(&format!(
            "{name}: another process is fetching it (it holds {})",
            lock.display()
        )),
        Event::Done { name } => {
            *bar = None;
            say(&format!("fetched {name}"));
        }
    }
}

/// `12.3 MB`, or `size unknown`.
pub(crate) fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or("size unknown".to_owned(), |bytes| {
        format!("{:.1} MB", bytes as f64 / 1e6)
    })
}
