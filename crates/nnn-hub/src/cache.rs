//! Where files lie: the hub's cache as the Python tools lay it out, and a folder for everything else.

use crate::error::HubError;
use crate::event::Event;
use crate::settings::Settings;
use crate::transfer::beside;
use hf_hub::{Cache, CacheRepo, Repo, RepoType};
use nnn_files::{
    HubFile, RemoteFile, RemotePlace, RepoKind, remove_abandoned, sha256_bytes, write_atomically,
};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A repository of the hub at a revision, in the cache.
pub(crate) struct CachedRepo<'a> {
    root: &'a Path,
    repo: Repo,
    cache: CacheRepo,
}

impl<'a> CachedRepo<'a> {
    pub(crate) fn new(settings: &'a Settings, file: &HubFile) -> Self {
        Self::of(settings, repository(file))
    }

    pub(crate) fn of(settings: &'a Settings, repo: Repo) -> Self {
        Self {
            root: &settings.hub_cache,
            cache: Cache::new(settings.hub_cache.clone()).repo(repo.clone()),
            repo,
        }
    }

    pub(crate) fn repo(&self) -> Repo {
        self.repo.clone()
    }

    /// A file of the cache: at the commit, or at the one that the branch was at when it was fetched last.
    pub(crate) fn find(&self, path: &str) -> Option<PathBuf> {
        Some(self.put_at(path)).filter(|path| path.is_file())
    }

    /// Where a file is looked for: where it is found once it is put there.
    pub(crate) fn put_at(&self, path: &str) -> PathBuf {
        self.snapshot().join(path)
    }

    /// The folder of the revision.
    pub(crate) fn snapshot(&self) -> PathBuf {
        let commit = self.commit();
        let revision = commit.as_deref().unwrap_or(self.repo.revision());
        self.cache.pointer_path(revision)
    }

    /// The commit that the revision is, or was when something of the branch was fetched last.
    pub(crate) fn commit(&self) -> Option<String> {
        let revision = self.repo.revision();
        // The tools note no `ref` for a commit.
        if is_commit(revision) {
            return Some(revision.to_lowercase());
        }
        let noted = fs::read_to_string(self.ref_path()).ok()?;
        Some(noted.trim().to_lowercase()).filter(|it| is_commit(it))
    }

    /// Other commits of the repository at which the cache has a file.
    pub(crate) fn elsewhere(&self, path: &str) -> Vec<String> {
        let here = self.snapshot();
        let snapshots = self.root.join(self.repo.folder_name()).join("snapshots");
        let folders = fs::read_dir(snapshots).into_iter().flatten().flatten();
        let others = folders
            .map(|entry| entry.path())
            .filter(|it| *it != here && it.join(path).exists());
        let mut commits: Vec<String> = others
            .filter_map(|it| Some(it.file_name()?.to_str()?.to_owned()))
            .collect();
        commits.sort();
        commits
    }

    /// The content of an ETag, shared by all revisions.
    pub(crate) fn blob(&self, etag: &str) -> PathBuf {
        self.cache.blob_path(etag)
    }

    /// The lock that the Python tools take, too.
    pub(crate) fn lock_path(&self, etag: &str) -> PathBuf {
        let folder = self.root.join(".locks").join(self.repo.folder_name());
        folder.join(format!("{etag}.lock"))
    }

    /// Makes a blob the file of a commit, and notes the commit of a branch.
    pub(crate) fn link(&self, etag: &str, commit: &str, path: &str) -> Result<PathBuf, HubError> {
        let pointer = self.cache.pointer_path(commit).join(path);
        let folder = pointer.parent().unwrap_or(&pointer);
        fs::create_dir_all(folder).map_err(|error| HubError::disk(folder, error))?;
        let up = "../".repeat(2 + path.matches('/').count());
        let target = format!("{up}blobs/{etag}");
        match point(Path::new(&target), &self.blob(etag), &pointer) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(HubError::disk(&pointer, error));
            }
            _ => {}
        }
        if !is_commit(self.repo.revision()) {
            self.note_commit(commit)?;
        }
        Ok(pointer)
    }

    fn ref_path(&self) -> PathBuf {
        let refs = self.root.join(self.repo.folder_name()).join("refs");
        refs.join(self.repo.revision())
    }

    /// As `hf_hub::CacheRepo::create_ref`, but whole or not at all. What a killed call was writing a day ago or earlier goes.
    pub(crate) fn note_commit(&self, commit: &str) -> Result<(), HubError> {
        let path = self.ref_path();
        remove_abandoned(path.parent().unwrap_or(&path));
        write_atomically(&path, |out| out.write_all(commit.as_bytes()))
            .map_err(|error| HubError::disk(&path, error))
    }
}

fn repository(file: &HubFile) -> Repo {
    let kind = match file.kind {
        RepoKind::Model => RepoType::Model,
        RepoKind::Dataset => RepoType::Dataset,
    };
    Repo::with_revision(file.repo.clone(), kind, file.revision.clone())
}

#[cfg(unix)]
fn point(target: &Path, _blob: &Path, pointer: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, pointer)
}

/// Links need a privilege there; the Python tools copy, too.
#[cfg(not(unix))]
fn point(_target: &Path, blob: &Path, pointer: &Path) -> io::Result<()> {
    fs::copy(blob, pointer).map(|_| ())
}

/// Whether a revision names one commit for ever.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The place of a file from a plain address: below a folder that its address names.
pub(crate) fn url_path(settings: &Settings, url: &str, name: &str) -> PathBuf {
    let address = &sha256_bytes(url.as_bytes())[..16];
    settings.downloads.join("urls").join(address).join(name)
}

/// Where the checksum at the first download is kept, for a file of which no card knows it: all places to look at, the
/// one to write at first.
pub(crate) fn record_paths(settings: &Settings, file: &RemoteFile) -> Vec<PathBuf> {
    match &file.place {
        RemotePlace::Hub(hub) => {
            // Not in the hub's cache, whose content belongs to its tools.
            let folder = repository(hub).folder_name();
            let root = settings.downloads.join("hub").join(folder);
            vec![beside(&root.join(&hub.revision).join(&hub.path), ".sha256")]
        }
        RemotePlace::Urls(urls) => {
            let place = |url: &String| beside(&url_path(settings, url, &file.name), ".sha256");
            urls.iter().map(place).collect()
        }
    }
}

/// The recorded checksum and where it stands.
pub(crate) fn recorded(settings: &Settings, file: &RemoteFile) -> Option<(String, PathBuf)> {
    record_paths(settings, file).into_iter().find_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        let sum = text.split_whitespace().next()?;
        (sum.len() == 64).then(|| (sum.to_owned(), path))
    })
}

/// Records a checksum in the form of `sha256sum`.
pub(crate) fn record(settings: &Settings, file: &RemoteFile, sum: &str) -> Result<(), HubError> {
    let Some(path) = record_paths(settings, file).into_iter().next() else {
        return Ok(());
    };
    let line = format!("{sum}  {}\n", file.name);
    write_atomically(&path, |out| out.write_all(line.as_bytes()))
        .map_err(|error| HubError::disk(&path, error))
}

/// Takes a lock, after whoever has it; it is let go with the value, and by the system when a process ends.
pub(crate) fn lock(path: &Path, name: &str, tell: &dyn Fn(Event<'_>)) -> Result<File, HubError> {
    let disk = |error| HubError::disk(path, error);
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(disk)?;
    let mut options = File::options();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(disk)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => tell(Event::Waiting { name, lock: path }),
        Err(TryLockError::Error(error)) => return Err(disk(error)),
    }
    file.lock().map_err(disk)?;
    Ok(file)
}
