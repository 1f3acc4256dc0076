//! The files of data sets: found or fetched, the first alternative of each that can be had.

use super::wanted::{DataFiles, Wanted};
use super::{Ledger, addresses, fetch};
use crate::plan::cards::DatasetEntry;
use crate::plan::needs::Needs;
use crate::warning::Warning;
use anyhow::{Result, bail};
use nnn_data::{CardError, DatasetSource, FilesSource, FoundFile, ImagePart, Needed};
use nnn_files::{RemoteFile, sha256_file};
use nnn_hub::{Hub, HubError, State};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Finds or fetches what a config reads of a data set; annotations first. What is not here and must not be fetched is
/// noted in `ledger`.
pub(super) fn data(wanted: &Wanted<'_>, hub: &Hub, ledger: &mut Ledger) -> Result<DataFiles> {
    let entry = wanted.entry;
    let mut files = DataFiles::default();
    let DatasetSource::Files(source) = &entry.card.source else {
        return Ok(files);
    };
    check_splits(entry, wanted.needs)?;
    let finder = Finder::new(entry, hub)?;
    // Before the first byte arrives.
    files.warn(terms(entry, source), ledger);
    let mut whole = true;
    for needed in all_needed(source, wanted.needs) {
        whole &= finder.obtain(&needed, &mut files, ledger)?;
    }
    let parts = source.images.iter().flat_map(ImagePart::alternatives);
    if whole && parts.into_iter().any(|part| part.addresses) {
        addresses::images(wanted, &mut files, hub, ledger)?;
    }
    Ok(files)
}

/// Nothing is fetched for a split that there is not.
fn check_splits(entry: &DatasetEntry, needs: &Needs) -> Result<(), CardError> {
    let splits = &entry.card.splits;
    match needs
        .splits
        .iter()
        .find(|split| !splits.contains_key(*split))
    {
        None => Ok(()),
        Some(split) => Err(CardError::UnknownSplit {
            dataset: entry.card.name.clone(),
            split: split.clone(),
            expected: splits.keys().cloned().collect(),
        }),
    }
}

/// Terms that whoever uses the data has to meet.
fn terms(entry: &DatasetEntry, source: &FilesSource) -> Option<Warning> {
    Some(Warning::Terms {
        dataset: entry.card.name.clone(),
        notice: source.notice.clone()?,
    })
}

/// The annotations of all splits that are read, then the images of those whose images are.
pub(crate) fn all_needed(source: &FilesSource, needs: &Needs) -> Vec<Needed> {
    let of = |splits: &BTreeSet<String>, what: &str| {
        let splits: Vec<&str> = splits.iter().map(String::as_str).collect();
        let mut needed = source.needed(&splits);
        needed.retain(|it| it.what == what);
        needed
    };
    let mut all = of(&needs.splits, "annotations");
    all.extend(of(&needs.images, "images"));
    all
}

/// Where the files of a card are looked for.
struct Finder<'a> {
    entry: &'a DatasetEntry,
    hub: &'a Hub,
    remote: BTreeMap<String, RemoteFile>,
}

/// Why an alternative cannot be had.
enum Fault {
    /// Another may be had.
    Passing(String),
    /// It is here and wrong, or the disk refuses: nothing else is tried.
    Lasting(anyhow::Error),
}

impl<'a> Finder<'a> {
    fn new(entry: &'a DatasetEntry, hub: &'a Hub) -> Result<Self> {
        let named = entry
            .card
            .remote_files()?
            .into_iter()
            .map(|file| (file.name.clone(), file));
        Ok(Self {
            entry,
            hub,
            remote: named.collect(),
        })
    }

    /// A file that is not downloaded.
    fn local(&self, name: &str) -> PathBuf {
        self.entry.base.join(name)
    }

    fn is_here(&self, name: &str) -> bool {
        match self.remote.get(name) {
            Some(file) => self.hub.state(file) != State::Away,
            None => self.local(name).is_file(),
        }
    }

    /// Takes the first alternative that is here as a whole, or else the first that can be had; whether there is one.
    fn obtain(&self, needed: &Needed, files: &mut DataFiles, ledger: &mut Ledger) -> Result<bool> {
        let here = |names: &&Vec<String>| names.iter().all(|name| self.is_here(name));
        let here = needed.alternatives.iter().find(here);
        if let Some(names) = here {
            self.take(names, files).map_err(Fault::into_error)?;
            let warning = self.second_choice(needed, names, "they are here, and those are not");
            files.warn(warning, ledger);
            return Ok(true);
        }
        if self.hub.settings().offline {
            self.miss(needed, ledger);
            return Ok(false);
        }
        let mut reasons = Vec::new();
        for names in &needed.alternatives {
            match self.take(names, files) {
                Ok(()) => {
                    let warning = self.second_choice(needed, names, &reasons.join("; "));
                    files.warn(warning, ledger);
                    return Ok(true);
                }
                Err(Fault::Lasting(error)) => return Err(error),
                Err(Fault::Passing(reason)) => reasons.push(reason),
            }
        }
        bail!("{}", reasons.join("\n  "))
    }

    fn take(&self, names: &[String], files: &mut DataFiles) -> Result<(), Fault> {
        let mut taken = Vec::new();
        for name in names.iter().filter(|name| !files.found.contains_key(*name)) {
            let (origin, file) = match self.remote.get(name) {
                Some(remote) => (remote.place.to_string(), self.fetch(remote)?),
                None => self.read(name)?,
            };
            taken.push((name.clone(), origin, file));
        }
        for (name, origin, file) in taken {
            files.origins.push((origin, file.sha256.clone()));
            files.found.insert(name, file);
        }
        Ok(())
    }

    fn fetch(&self, remote: &RemoteFile) -> Result<FoundFile, Fault> {
        match fetch(remote, self.hub) {
            Ok(local) => Ok(FoundFile {
                path: local.path,
                sha256: local.sha256,
            }),
            Err(
                error @ (HubError::Disk { .. }
                | HubError::Changed { .. }
                | HubError::Unreadable { .. }),
            ) => Err(Fault::Lasting(error.into())),
            Err(error) => Err(Fault::Passing(error.to_string())),
        }
    }

    /// A file beside the card.
    fn read(&self, name: &str) -> Result<(String, FoundFile), Fault> {
        let path = self.local(name);
        let sha256 = sha256_file(&path).map_err(|error| {
            Fault::Passing(format!("{}: cannot be read: {error}", path.display()))
        })?;
        let expected = self.entry.card.sha256.get(name);
        match expected.filter(|it| !it.eq_ignore_ascii_case(&sha256)) {
            None => Ok((path.display().to_string(), FoundFile { path, sha256 })),
            Some(expected) => Err(Fault::Lasting(
                CardError::Checksum {
                    path,
                    found: sha256,
                    expected: expected.clone(),
                }
                .into(),
            )),
        }
    }

    /// A warning where files are not the card's first choice.
    fn second_choice(&self, needed: &Needed, taken: &[String], reason: &str) -> Option<Warning> {
        let first = needed.alternatives.first().filter(|it| *it != taken)?;
        Some(Warning::Alternative {
            dataset: self.entry.card.name.clone(),
            what: needed.what.to_owned(),
            taken: taken.to_vec(),
            instead_of: first.clone(),
            reason: reason.to_owned(),
        })
    }

    /// Without a network: what of the card's first choice is not here.
    fn miss(&self, needed: &Needed, ledger: &mut Ledger) {
        let names = needed.alternatives.first().into_iter().flatten();
        for name in names.filter(|name| !self.is_here(name)) {
            let line = match self.remote.get(name) {
                Some(file) => match self.hub.open(file, &|_| {}) {
                    Err(error) => error.to_string(),
                    Ok(_) => continue,
                },
                None => format!("{} is not here", self.local(name).display()),
            };
            ledger.miss(format!("{}: {line}", self.entry.title()));
        }
    }
}

impl Fault {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Passing(reason) => anyhow::Error::msg(reason),
            Self::Lasting(error) => error,
        }
    }
}
