//! `results/<experiment>/`: cells as they finish, and the files made from them.

use crate::bank_search::SearchRecord;
use crate::group::Outcome;
use crate::plan::Plan;
use crate::progress::say;
use crate::warning::Warning;
use anyhow::{Context, Result, bail};
use nnn_files::{counted, sha256_file, write_atomically};
use nnn_report::{
    ChoosingRow, ClassRow, ComparisonRow, GridRow, OccurrenceRow, Records, ScoreRow, SearchRow,
    occurrences, write_bias, write_choosing, write_classes, write_comparisons, write_grid,
    write_queries, write_scores, write_tables,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The results folder of one experiment.
pub(crate) struct ResultsFolder {
    folder: PathBuf,
    /// Locked until the run ends, however it does.
    _lock: Option<File>,
}

/// A finished group on disk. Written last, so that whatever it names is there whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) comparisons: Vec<ComparisonRow>,
    pub(crate) grid: Vec<GridRow>,
    pub(crate) choosing: Vec<ChoosingRow>,
    pub(crate) classes: Vec<ClassRow>,
    /// Files of the group, relative to the results folder, with their SHA-256.
    pub(crate) files: Vec<(String, String)>,
    /// What came up while the group was computed.
    pub(crate) warnings: Vec<Warning>,
    /// Seconds that the group took, by step.
    pub(crate) seconds: Vec<(String, f64)>,
    /// What the index over the query bank was worth, where one was used.
    pub(crate) bank_search: Option<SearchRecord>,
    /// How often gallery items are found first.
    pub(crate) occurrences: Vec<OccurrenceRow>,
}

impl Cell {
    /// The methods that read what an index found.
    pub(crate) fn searches(&self) -> Vec<SearchRow> {
        let search = self.bank_search.as_ref();
        search.map_or(Vec::new(), |search| search.rows(&self.scores))
    }
}

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

    /// A finished group, if it is there, whole and of this key.
    pub(crate) fn finished(&self, key: &str) -> Option<Cell> {
        let text = fs::read_to_string(self.cell_path(key)).ok()?;
        let cell: Cell = serde_json::from_str(&text).ok()?;
        let intact = |(name, sum): &(String, String)| {
            sha256_file(&self.folder.join(name)).is_ok_and(|found| found == *sum)
        };
        cell.files.iter().all(intact).then_some(cell)
    }

    /// Writes a group's files and then its record.
    pub(crate) fn finish(
        &self,
        key: &str,
        name: &str,
        outcome: Outcome,
        warnings: Vec<Warning>,
        seconds: Vec<(String, f64)>,
    ) -> Result<Cell> {
        let mut files = vec![format!("queries/{name}.parquet")];
        write_queries(&self.folder.join(&files[0]), &outcome.queries)?;
        for (signature, bias) in &outcome.biases {
            let file = format!("bias/{name}--{}.npy", file_part(signature));
            write_bias(&self.folder.join(&file), bias)?;
            files.push(file);
        }
        let summed = files.into_iter().map(|file| {
            let sum = sha256_file(&self.folder.join(&file))?;
            Ok((file, sum))
        });
        let cell = Cell {
            occurrences: occurrences(&outcome.queries, &outcome.scores, DRAWN),
            scores: outcome.scores,
            comparisons: outcome.comparisons,
            grid: outcome.grid,
            choosing: outcome.choosing,
            classes: outcome.classes,
            files: summed.collect::<Result<_>>()?,
            warnings,
            seconds,
            bank_search: outcome.bank_search,
        };
        write_json(&self.cell_path(key), &cell)?;
        Ok(cell)
    }

    fn cell_path(&self, key: &str) -> PathBuf {
        self.folder.join("cells").join(format!("{key}.json"))
    }

    /// Writes the tables of all finished groups; comparisons are laid out under the objective.
    pub(crate) fn write_tables(
        &self,
        cells: &[Cell],
        plan: &Plan,
        objective: &str,
    ) -> Result<Vec<ScoreRow>> {
        let scores = gather(cells, |cell| &cell.scores);
        let comparisons = gather(cells, |cell| &cell.comparisons);
        let choosing = gather(cells, |cell| &cell.choosing);
        let searches: Vec<_> = cells.iter().flat_map(Cell::searches).collect();
        let occurrences = gather(cells, |cell| &cell.occurrences);
        let classes = gather(cells, |cell| &cell.classes);
        write_scores(&self.folder, &scores)?;
        write_comparisons(&self.folder, &comparisons)?;
        write_grid(&self.folder, &gather(cells, |cell| &cell.grid))?;
        write_choosing(&self.folder, &choosing)?;
        write_classes(&self.folder, &classes)?;
        let records = Records {
            scores: &scores,
            comparisons: &comparisons,
            choosing: &choosing,
            searches: &searches,
            occurrences: &occurrences,
            classes: &classes,
            narrowed: None,
            absent_models: &plan.absent_models,
            objective,
        };
        write_tables(&self.folder, &records)?;
        Ok(scores)
    }

    /// Removes what an earlier config of this experiment left and this one does not have.
    pub(crate) fn remove_stale(&self, keys: &[String], cells: &[Cell]) -> Result<()> {
        let records = keys.iter().map(|key| format!("cells/{key}.json"));
        let files = cells
            .iter()
            .flat_map(|cell| cell.files.iter().map(|file| file.0.clone()));
        let current: BTreeSet<String> = records.chain(files).collect();
        for folder in ["cells", "queries", "bias"] {
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

/// The rows of one kind of all groups.
fn gather<T: Clone>(cells: &[Cell], rows: impl Fn(&Cell) -> &[T]) -> Vec<T> {
    cells.iter().flat_map(|cell| rows(cell).to_vec()).collect()
}

/// Removes the temporary files of writes that were killed, here and in all folders below.
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

/// Writes pretty JSON, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    write_atomically(path, |out| {
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")
    })
    .with_context(|| format!("{}: cannot be written", path.display()))
}

/// A name that every file system takes: letters, digits, `-`, `_`, `.`, `=`, and `,` are kept.
pub(crate) fn file_part(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-_.=,".contains(c);
    let replaced: String = text
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .collect();
    replaced.trim_matches('_').to_owned()
}
