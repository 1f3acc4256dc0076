//! Images out of archives onto the disk, several at a time.

use super::StoreError;
use super::holder::{Holder, Spot};
use crate::FileError;
use crate::published::archive::Archive;
use nnn_files::{is_temporary, write_unsynced};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Threads that write at a time.
const WRITERS: usize = 8;

/// Age at which nobody is writing a temporary file any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Entries of one archive, with the files that they become.
struct Job<'a> {
    archive: &'a Archive,
    paths: BTreeMap<usize, PathBuf>,
}

/// Which entries of which archives are wanted and not on disk as a whole.
#[derive(Default)]
pub(super) struct Missing<'a> {
    /// By the numbers of holder and archive.
    jobs: BTreeMap<(usize, usize), Job<'a>>,
}

impl<'a> Missing<'a> {
    /// Takes an image's entry on the list; returns whether it is missing.
    pub(super) fn add(&mut self, holder: usize, holders: &'a [Holder], spot: &Spot) -> bool {
        let Spot::Entry {
            archive: number,
            entry,
            path,
        } = spot
        else {
            return false;
        };
        let Some(archive) = holders[holder].archive(*number) else {
            return false;
        };
        if is_whole(path, archive.size(*entry)) {
            return false;
        }
        let job = self.jobs.entry((holder, *number)).or_insert_with(|| Job {
            archive,
            paths: BTreeMap::new(),
        });
        job.paths.insert(*entry, path.clone()).is_none()
    }

    fn into_jobs(self, writers: usize) -> Vec<Job<'a>> {
        let parted = self.jobs.into_values().flat_map(|job| {
            let parts = if job.archive.is_seekable() {
                writers
            } else {
                1
            };
            job.part(parts)
        });
        parted.collect()
    }

    /// Writes them all; `done` is told of every file.
    ///
    /// # Errors
    /// The first job's that failed. Files that are written stay.
    pub(super) fn extract(self, done: &(dyn Fn(u64) + Sync)) -> Result<(), StoreError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let writers = cores.min(WRITERS);
        let jobs = self.into_jobs(writers);
        remove_leftovers(&jobs);
        let queue = Mutex::new(jobs.iter().enumerate());
        let failed: Mutex<BTreeMap<usize, StoreError>> = Mutex::default();
        let stop = AtomicBool::new(false);
        let work = || {
            while let Some((number, job)) = next(&queue).filter(|_| !stop.load(Ordering::Relaxed)) {
                if let Err(error) = job.run(&stop, done) {
                    stop.store(true, Ordering::Relaxed);
                    if let Ok(mut failed) = failed.lock() {
                        failed.insert(number, error);
                    }
                }
            }
        };
        thread::scope(|scope| {
            // This thread writes, too. Where the system gives no more threads, it and those that are there do it all.
            for _ in 1..writers.min(jobs.len()) {
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        let failed = failed.into_inner().unwrap_or_default();
        failed.into_values().next().map_or(Ok(()), Err)
    }
}

/// Removes what extractions that were killed had begun to write, where files are to be written now. A failure is no
/// matter: the files are only in the way.
fn remove_leftovers(jobs: &[Job<'_>]) {
    let paths = jobs.iter().flat_map(|job| job.paths.values());
    let folders: BTreeSet<&Path> = paths.filter_map(|path| path.parent()).collect();
    for entry in folders
        .into_iter()
        .filter_map(|it| fs::read_dir(it).ok())
        .flatten()
        .flatten()
    {
        let modified = entry.metadata().and_then(|about| about.modified());
        let age = modified.ok().and_then(|time| time.elapsed().ok());
        if is_temporary(&entry.path()) && age.is_some_and(|age| age > ABANDONED) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    queue.lock().ok()?.next()
}

impl<'a> Job<'a> {
    /// Parts of about equal size, each with entries that follow one another.
    fn part(self, parts: usize) -> Vec<Self> {
        let archive: &'a Archive = self.archive;
        let paths: Vec<(usize, PathBuf)> = self.paths.into_iter().collect();
        let size = paths.len().div_ceil(parts).max(1);
        let chunks = paths.chunks(size).map(|some| Self {
            archive,
            paths: some.iter().cloned().collect(),
        });
        chunks.collect()
    }

    fn run(&self, stop: &AtomicBool, done: &(dyn Fn(u64) + Sync)) -> Result<(), StoreError> {
        let mut take = |at: usize, content: &mut dyn Read| {
            if let (Some(path), false) = (self.paths.get(&at), stop.load(Ordering::Relaxed)) {
                save(path, content)?;
                done(1);
            }
            Ok(())
        };
        let entries: Vec<usize> = self.paths.keys().copied().collect();
        Ok(self.archive.read_each(&entries, &mut take)?)
    }
}

fn save(path: &Path, content: &mut dyn Read) -> Result<(), FileError> {
    write_unsynced(path, |out| io::copy(content, out).map(drop))
        .map_err(|error| FileError::new(path, error))
}

/// Whether a file is there with the size that the archive announces, or with any where that is not known.
fn is_whole(path: &Path, size: Option<u64>) -> bool {
    let Ok(about) = path.symlink_metadata() else {
        return false;
    };
    about.is_file() && size.map_or(about.len() > 0, |size| about.len() == size)
}
