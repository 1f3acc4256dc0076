//! Images out of archives onto the disk, several at a time.

use super::StoreError;
use super::holder::{Holder, Spot};
use super::ledger::Ledgers;
use crate::FileError;
use crate::published::archive::Archive;
use nnn_files::{remove_abandoned, sha256_bytes, write_unsynced};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Threads that write at a time.
const WRITERS: usize = 8;

/// Entries of one archive, with the files that they become.
struct Job<'a> {
    archive: &'a Archive,
    ledgers: &'a Ledgers,
    paths: BTreeMap<usize, Place>,
}

/// Where an image goes: below the folder of its archive's images.
#[derive(Clone)]
struct Place {
    root: PathBuf,
    image: String,
    path: PathBuf,
}

/// Which entries of which archives are wanted and not on disk as a whole.
pub(super) struct Missing<'a> {
    ledgers: &'a Ledgers,
    /// By the numbers of holder and archive.
    jobs: BTreeMap<(usize, usize), Job<'a>>,
}

impl<'a> Missing<'a> {
    /// None so far.
    pub(super) fn new(ledgers: &'a Ledgers) -> Self {
        Self {
            ledgers,
            jobs: BTreeMap::new(),
        }
    }

    /// Takes an image's entry on the list; returns whether it is missing.
    ///
    /// # Errors
    /// What is there in its place cannot be read.
    pub(super) fn add(
        &mut self,
        holder: usize,
        holders: &'a [Holder],
        spot: &Spot,
        image: &str,
    ) -> Result<bool, FileError> {
        let Spot::Entry {
            archive: number,
            entry,
            path,
            root,
        } = spot
        else {
            return Ok(false);
        };
        let Some(archive) = holders[holder].archive(*number) else {
            return Ok(false);
        };
        if is_file(path) && self.ledgers.is_sound(root, image)? {
            return Ok(false);
        }
        let job = self.jobs.entry((holder, *number)).or_insert_with(|| Job {
            archive,
            ledgers: self.ledgers,
            paths: BTreeMap::new(),
        });
        let place = Place {
            root: root.clone(),
            image: image.to_owned(),
            path: path.clone(),
        };
        Ok(job.paths.insert(*entry, place).is_none())
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

/// Removes what extractions that were killed had begun to write, where files are to be written now.
fn remove_leftovers(jobs: &[Job<'_>]) {
    let paths = jobs.iter().flat_map(|job| job.paths.values());
    let folders: BTreeSet<&Path> = paths.filter_map(|it| it.path.parent()).collect();
    folders.into_iter().for_each(remove_abandoned);
}

fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    queue.lock().ok()?.next()
}

impl<'a> Job<'a> {
    /// Parts of about equal size, each with entries that follow one another.
    fn part(self, parts: usize) -> Vec<Self> {
        let (archive, ledgers) = (self.archive, self.ledgers);
        let paths: Vec<(usize, Place)> = self.paths.into_iter().collect();
        let size = paths.len().div_ceil(parts).max(1);
        let chunks = paths.chunks(size).map(|some| Self {
            archive,
            ledgers,
            paths: some.iter().cloned().collect(),
        });
        chunks.collect()
    }

    fn run(&self, stop: &AtomicBool, done: &(dyn Fn(u64) + Sync)) -> Result<(), StoreError> {
        let mut take = |at: usize, content: &mut dyn Read| {
            if let (Some(place), false) = (self.paths.get(&at), stop.load(Ordering::Relaxed)) {
                let sum = save(&place.path, content)?;
                self.ledgers.note(&place.root, &place.image, sum)?;
                done(1);
            }
            Ok(())
        };
        let entries: Vec<usize> = self.paths.keys().copied().collect();
        Ok(self.archive.read_each(&entries, &mut take)?)
    }
}

/// Writes an image, and gives its checksum. An image is small beside what decoding it takes.
fn save(path: &Path, content: &mut dyn Read) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    let written = content
        .read_to_end(&mut bytes)
        .and_then(|_| write_unsynced(path, |out: &mut (dyn Write + Send)| out.write_all(&bytes)));
    written.map_err(|error| FileError::new(path, error))?;
    Ok(sha256_bytes(&bytes))
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|about| about.is_file())
}
