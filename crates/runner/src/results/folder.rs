//! `results/<experiment>/`: the records of trials as they finish, and the files made from them.

use crate::plan::Plan;
use crate::plan::names::bias_file;
use crate::results::trial_record::TrialRecord;
use crate::run::FinishedTrial;
use crate::terminal::progress::say;
use crate::warning::Warning;
use anyhow::{Context, Result, bail};
use nnn_files::{counted, sha256_file, sync_folder, write_atomically};
use nnn_report::{
    Records, ScoreRow, occurrences, write_bias, write_choosing, write_classes, write_comparisons,
    write_grid, write_queries, write_scores, write_shown, write_tables,
};
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The results folder of one experiment.
pub(crate) struct ResultsFolder {
    folder: PathBuf,
    /// Locked until the run ends, however it does.
    _lock: Option<File>,
}

/// Folder of the records.
pub(crate) const TRIALS: &str = "trials";

/// The name of the page.
pub(crate) const PAGE: &str = "report.html";

/// Folder of what the page shows besides numbers.
pub(crate) const SHOWN: &str = "shown";

/// The k of the k-occurrences that are drawn: the paper's.
const DRAWN: usize = 1;

impl ResultsFolder {
    /// Makes the folder and proves that it can be written, before anything is computed for it. What killed runs left
    /// half written is removed.
    pub(crate) fn create(results: &Path, experiment: &str) -> Result<Self> {
        let folder = results.join(experiment);
        let probe = folder.join(".writable");
        write_atomically(&probe, |_| Ok(()))
            .and_then(|()| fs::remove_file(&probe))
            .with_context(|| format!("{}: results cannot be written", folder.display()))?;
        let lock = lock(&folder)?;
        remove_leftovers(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// A finished trial of this key, if there is one and every file of it is as it was written; which files are not.
    pub(crate) fn finished(&self, key: &str) -> Result<Option<TrialRecord>, Vec<Warning>> {
        let path = self.record_path(key);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| vec![rebuilt(&path, error)])?,
        };
        let record = TrialRecord::parse(&text, key).map_err(|error| vec![rebuilt(&path, error)])?;
        let damaged = record.files.iter().filter_map(|(name, sum)| {
            let path = self.folder.join(name);
            match sha256_file(&path) {
                Ok(found) if found == *sum => None,
                Ok(found) => Some(rebuilt(
                    &path,
                    format!("checksum {sum} expected, content has {found}"),
                )),
                Err(error) => Some(rebuilt(&path, error)),
            }
        });
        let damaged: Vec<Warning> = damaged.collect();
        match damaged.is_empty() {
            true => Ok(Some(record)),
            false => Err(damaged),
        }
    }

    /// Writes a trial's files and then its record.
    pub(crate) fn finish(
        &self,
        key: &str,
        name: &str,
        finished: FinishedTrial,
    ) -> Result<TrialRecord> {
        let FinishedTrial {
            rows,
            shown,
            warnings,
            seconds,
        } = finished;
        let mut files = vec![format!("queries/{name}.parquet")];
        write_queries(&self.folder.join(&files[0]), &rows.queries)?;
        for (signature, bias) in &rows.biases {
            let file = bias_file(name, signature);
            write_bias(&self.folder.join(&file), bias)?;
            files.push(file);
        }
        if let Some(shown) = &shown {
            let file = format!("{SHOWN}/{name}.json");
            write_shown(&self.folder.join(&file), shown)?;
            files.push(file);
        }
        let summed = files.into_iter().map(|file| {
            let sum = sha256_file(&self.folder.join(&file))?;
            Ok((file, sum))
        });
        let record = TrialRecord {
            key: key.to_owned(),
            occurrences: occurrences(&rows.queries, &rows.scores, DRAWN),
            scores: rows.scores,
            comparisons: rows.comparisons,
            grid: rows.grid,
            choosing: rows.choosing,
            classes: rows.classes,
            files: summed.collect::<Result<_>>()?,
            warnings,
            seconds,
            bank_search: rows.bank_search,
        };
        let path = self.record_path(key);
        let text = record.text()?;
        write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
        Ok(record)
    }

    fn record_path(&self, key: &str) -> PathBuf {
        self.folder.join(TRIALS).join(format!("{key}.json"))
    }

    /// Writes the tables of all finished trials; comparisons are laid out under the objective.
    pub(crate) fn write_tables(
        &self,
        records: &[TrialRecord],
        plan: &Plan,
    ) -> Result<Vec<ScoreRow>> {
        let objective = plan.settings.measures.objective.name();
        let scores = gather(records, |record| &record.scores);
        let comparisons = gather(records, |record| &record.comparisons);
        let choosing = gather(records, |record| &record.choosing);
        let searches: Vec<_> = records.iter().flat_map(TrialRecord::searches).collect();
        let occurrences = gather(records, |record| &record.occurrences);
        let classes = gather(records, |record| &record.classes);
        write_scores(&self.folder, &scores)?;
        write_comparisons(&self.folder, &comparisons)?;
        write_grid(&self.folder, &gather(records, |record| &record.grid))?;
        write_choosing(&self.folder, &choosing)?;
        write_classes(&self.folder, &classes)?;
        let tables = Records {
            scores: &scores,
            comparisons: &comparisons,
            choosing: &choosing,
            searches: &searches,
            occurrences: &occurrences,
            classes: &classes,
            narrowed: None,
            absent_models: &plan.absent_models,
            objective: &objective,
        };
        write_tables(&self.folder, &tables)?;
        Ok(scores)
    }

    /// Waits until the names of all files are on the disk: from here on a record may say that they are there.
    pub(crate) fn sync(&self) -> Result<()> {
        let below = [TRIALS, "queries", "bias", SHOWN, "tables"].map(|it| self.folder.join(it));
        let there = below.iter().filter(|folder| folder.is_dir());
        for folder in there.chain([&self.folder]) {
            sync_folder(folder)
                .with_context(|| format!("{}: cannot be written", folder.display()))?;
        }
        Ok(())
    }

    /// Removes the page of an earlier run, which would not be that of what is here now.
    pub(crate) fn remove_page(&self) -> Result<()> {
        let page = self.folder.join(PAGE);
        match fs::remove_file(&page) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{}: cannot be removed", page.display()))
            }
            _ => Ok(()),
        }
    }

    /// Removes what an earlier config of this experiment left and this one does not have.
    pub(crate) fn remove_stale(&self, keys: &[String], records: &[TrialRecord]) -> Result<()> {
        let own = keys.iter().map(|key| format!("{TRIALS}/{key}.json"));
        let files = records
            .iter()
            .flat_map(|record| record.files.iter().map(|file| file.0.clone()));
        let current: BTreeSet<String> = own.chain(files).collect();
        for folder in [TRIALS, "queries", "bias", SHOWN] {
            self.remove_others(folder, &current)?;
        }
        Ok(())
    }

    fn remove_others(&self, folder: &str, current: &BTreeSet<String>) -> Result<()> {
        let path = self.folder.join(folder);
        if !path.is_dir() {
            return Ok(());
        }
        let mut removed = 0;
        for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
            let entry = entry?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if !current.contains(&name) {
                fs::remove_file(entry.path())
                    .with_context(|| format!("{}: cannot be removed", entry.path().display()))?;
                removed += 1;
            }
        }
        if removed > 0 {
            let files = counted(removed, "file");
            let folder = path.display();
            say(&format!(
                "removed {files} of an earlier config from {folder}"
            ));
        }
        Ok(())
    }
}

/// The warning of a damaged file whose trial is computed again.
fn rebuilt(path: &Path, reason: impl ToString) -> Warning {
    Warning::CacheRebuilt {
        file: path.display().to_string(),
        reason: reason.to_string(),
    }
}

/// The rows of one kind of all trials.
fn gather<T: Clone>(records: &[TrialRecord], rows: impl Fn(&TrialRecord) -> &[T]) -> Vec<T> {
    records
        .iter()
        .flat_map(|record| rows(record).to_vec())
        .collect()
}

/// Locks the folder itself, so that no file of a lock stays behind. None where the system cannot open a folder as a file or
/// the file system has no locks.
fn lock(folder: &Path) -> Result<Option<File>> {
    let Ok(file) = File::open(folder) else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "{}: another run is writing its results here; wait for its end, or give this one another `--results` folder",
            folder.display()
        ),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Removes what killed calls left half written in a folder that something is written into, unless somebody is writing there now. The
/// lock keeps others from doing the same until it is dropped.
pub(crate) fn tidy(folder: &Path) -> Option<File> {
    let lock = lock(folder).ok().flatten()?;
    // What cannot be removed is only in the way.
    drop(remove_leftovers(folder));
    Some(lock)
}

/// Removes the temporary files of writes that were killed, here and in all folders below.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_leftovers(&entry.path())?;
        } else if nnn_files::is_temporary(&entry.path()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
