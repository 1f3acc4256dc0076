//! Files by what a card says of them: found, or fetched, and checked.

use crate::cache::{CachedRepo, is_commit, lock, record, recorded, url_path};
use crate::error::HubError;
use crate::event::Event;
use crate::http::{Answer, Ask, Client, bad_answer, shown};
use crate::retry::{Fault, Patience, persist};
use crate::settings::Settings;
use crate::transfer::{Expect, Transfer, beside};
use hf_hub::api::sync::{Api, ApiBuilder};
use nnn_files::{HubFile, RemoteFile, RemotePlace, sha256_file};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Finds and fetches files.
#[derive(Debug)]
pub struct Hub {
    pub(crate) settings: Settings,
    pub(crate) patience: Patience,
    pub(crate) client: Client,
    /// Knows the hub's addresses; carries no token and sends nothing.
    addresses: Option<Api>,
    /// Checksums of files as they were when this process read them.
    sums: Mutex<HashMap<PathBuf, Summed>>,
}

/// A checksum, and the state of the file that it is of.
#[derive(Debug)]
struct Summed {
    state: (u64, SystemTime),
    sha256: String,
}

/// Size and time of the last change.
fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// A file that is here and is what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Where it lies.
    pub path: PathBuf,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Whether it was fetched just now.
    pub fetched: bool,
    /// Whether nobody knew its checksum before, so that it has been recorded.
    pub recorded: bool,
}

/// Where a file is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Here, with so many bytes; not checked yet.
    Here(PathBuf, u64),
    /// To be fetched.
    Away,
}

/// What the hub says of a file.
struct Metadata {
    commit: String,
    etag: String,
    bytes: Option<u64>,
}

impl Hub {
    /// A hub and its caches. Nothing is asked and nothing is written yet.
    #[must_use]
    pub fn new(settings: Settings, patience: Patience) -> Self {
        let builder = ApiBuilder::from_cache(hf_hub::Cache::new(settings.hub_cache.clone()));
        let builder = builder.with_endpoint(settings.endpoint.clone());
        Self {
            addresses: builder.with_token(None).with_progress(false).build().ok(),
            client: Client::new(settings.network.clone()),
            settings,
            patience,
            sums: Mutex::default(),
        }
    }

    /// The same hub and caches with other patience.
    #[must_use]
    pub fn with_patience(&self, patience: Patience) -> Self {
        Self::new(self.settings.clone(), patience)
    }

    /// Where it is and where its caches are.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a file is here; the network is not used and no content is read.
    #[must_use]
    pub fn state(&self, file: &RemoteFile) -> State {
        let found = self.find(file);
        let sized = found.and_then(|path| Some((fs::metadata(&path).ok()?.len(), path)));
        sized.map_or(State::Away, |(bytes, path)| State::Here(path, bytes))
    }

    /// The size of a file in bytes: as its server says in one try, or as the card says where the server does not or the
    /// network is not to be used.
    #[must_use]
    pub fn size(&self, file: &RemoteFile) -> Option<u64> {
        let asked = match self.settings.offline {
            true => None,
            false => self.ask_size(file),
        };
        asked.or(file.bytes)
    }

    fn ask_size(&self, file: &RemoteFile) -> Option<u64> {
        match &file.place {
            RemotePlace::Hub(hub) => {
                let url = self.hub_url(file, hub).ok()?;
                self.metadata(&self.hub_ask(file, &url)).ok()?.bytes
            }
            RemotePlace::Urls(urls) => urls.iter().find_map(|url| {
                let answer = self.client.head(&plain_ask(file, url)).ok()?;
                answer.header("content-length")?.parse().ok()
            }),
        }
    }

    /// A file that is here, after fetching it where it is not.
    ///
    /// # Errors
    /// [`HubError`]: it is not here and cannot be had, or is not what it should be. What had arrived is kept for the next
    /// try, and no file of this name appears.
    pub fn open(&self, file: &RemoteFile, tell: &dyn Fn(Event<'_>)) -> Result<Local, HubError> {
        if let Some(path) = self.find(file) {
            let sum = self.sum_of(&path)?;
            return self.settle(file, path, sum, false);
        }
        if self.settings.offline {
            return Err(self.missing(file));
        }
        let (path, sum) = match &file.place {
            RemotePlace::Hub(hub) => self
                .fetch_from_hub(file, hub, tell)
                .map_err(|error| self.offer_others(error, hub))?,
            RemotePlace::Urls(urls) => self.fetch_from_urls(file, urls, tell)?,
        };
        self.settle(file, path, sum, true)
    }

    fn missing(&self, file: &RemoteFile) -> HubError {
        let (origin, others) = match &file.place {
            RemotePlace::Hub(hub) => (
                self.hub_url(file, hub)
                    .unwrap_or_else(|_| file.place.to_string()),
                CachedRepo::new(&self.settings, hub).elsewhere(&hub.path),
            ),
            RemotePlace::Urls(_) => (file.place.to_string(), Vec::new()),
        };
        HubError::Missing {
            name: file.name.clone(),
            origin,
            put_at: self.put_at(file),
            others,
        }
    }

    /// Where the network is not there, what the cache has of other commits is worth knowing.
    fn offer_others(&self, error: HubError, hub: &HubFile) -> HubError {
        match error {
            HubError::Unreachable {
                name, url, reason, ..
            } => HubError::Unreachable {
                name,
                url,
                reason,
                others: CachedRepo::new(&self.settings, hub).elsewhere(&hub.path),
            },
            other => other,
        }
    }

    /// The SHA-256 that a file must have, by its card or as recorded at its first download.
    #[must_use]
    pub fn known_sha256(&self, file: &RemoteFile) -> Option<String> {
        self.expected(file).map(|(sum, _)| sum)
    }

    /// Where a file is looked for.
    #[must_use]
    pub fn put_at(&self, file: &RemoteFile) -> PathBuf {
        match &file.place {
            RemotePlace::Hub(hub) => CachedRepo::new(&self.settings, hub).put_at(&hub.path),
            RemotePlace::Urls(urls) => {
                let first = urls.first().map_or("", String::as_str);
                url_path(&self.settings, first, &file.name)
            }
        }
    }

    fn find(&self, file: &RemoteFile) -> Option<PathBuf> {
        match &file.place {
            RemotePlace::Hub(hub) => CachedRepo::new(&self.settings, hub).find(&hub.path),
            RemotePlace::Urls(urls) => urls
                .iter()
                .map(|url| url_path(&self.settings, url, &file.name))
                .find(|path| path.is_file()),
        }
    }

    /// The checksum that a file must have, and who says so.
    fn expected(&self, file: &RemoteFile) -> Option<(String, String)> {
        let card = file.sha256.clone().map(|sum| (sum, "the card".to_owned()));
        card.or_else(|| {
            let (sum, path) = recorded(&self.settings, file)?;
            Some((
                sum,
                format!("recorded at the first download in {}", path.display()),
            ))
        })
    }

    fn settle(
        &self,
        file: &RemoteFile,
        path: PathBuf,
        sha256: String,
        fetched: bool,
    ) -> Result<Local, HubError> {
        let expected = self.expected(file);
        let recorded = expected.is_none();
        match expected {
            Some((expected, source_of)) if expected != sha256 => {
                return Err(HubError::Changed {
                    // Not the link to it: only without the content itself is it fetched again.
                    path: fs::canonicalize(&path).unwrap_or(path),
                    found: sha256,
                    expected,
                    source_of,
                });
            }
            Some(_) => {}
            None => record(&self.settings, file, &sha256)?,
        }
        self.remember(&path, &sha256);
        Ok(Local {
            path,
            sha256,
            fetched,
            recorded,
        })
    }

    fn hub_url(&self, file: &RemoteFile, hub: &HubFile) -> Result<String, HubError> {
        let repo = CachedRepo::new(&self.settings, hub).repo();
        let api = self.addresses.as_ref();
        api.map(|api| api.repo(repo).url(&hub.path)).ok_or_else(|| {
            bad_answer(
                &plain_ask(file, &self.settings.endpoint),
                "no address: HF_ENDPOINT cannot be used".to_owned(),
            )
        })
    }

    fn hub_ask<'a>(&'a self, file: &'a RemoteFile, url: &'a str) -> Ask<'a> {
        Ask {
            token: self.settings.token.as_ref(),
            ..plain_ask(file, url)
        }
    }

    fn metadata(&self, ask: &Ask<'_>) -> Result<Metadata, Fault> {
        let answer = self.client.head_here(ask)?;
        read_metadata(&answer).map_err(|reason| bad_answer(ask, reason).into())
    }

    fn fetch_from_hub(
        &self,
        file: &RemoteFile,
        hub: &HubFile,
        tell: &dyn Fn(Event<'_>),
    ) -> Result<(PathBuf, String), HubError> {
        let cached = CachedRepo::new(&self.settings, hub);
        let (revision, url) = (&hub.revision, self.hub_url(file, hub)?);
        let ask = self.hub_ask(file, &url);
        let name = file.name.as_str();
        let retry = |reason: &str, wait| tell(Event::Retry { name, reason, wait });
        let shown = shown(&url);
        let metadata = persist(&self.patience, (name, &shown), &retry, || {
            self.metadata(&ask)
        })?;
        if is_commit(revision) && !metadata.commit.eq_ignore_ascii_case(revision) {
            let reason = format!("commit {}, expected {revision}", metadata.commit);
            return Err(bad_answer(&ask, reason));
        }
        let expect = self.expect(&ask, file, &metadata)?;
        let blob = cached.blob(&metadata.etag);
        let _turn = lock(&cached.lock_path(&metadata.etag), name, tell)?;
        // Another process may have been first.
        let sum = if blob.is_file() {
            self.sum_of(&blob)?
        } else {
            let partial = beside(&blob, ".incomplete");
            // A hub may name contents by something that is no checksum.
            let checked = expect.sha256.is_some() || expect.git_sha1.is_some();
            let transfer = self.transfer(ask, &partial, checked, &expect, tell);
            finish(&transfer, &self.patience, &blob)?
        };
        let pointer = cached.link(&metadata.etag, &metadata.commit, &hub.path)?;
        Ok((pointer, sum))
    }

    /// What the card, an earlier download and the hub say of a file, which must agree.
    fn expect(
        &self,
        ask: &Ask<'_>,
        file: &RemoteFile,
        metadata: &Metadata,
    ) -> Result<Expect, HubError> {
        let by_content = |length| {
            let hexadecimal = metadata.etag.bytes().all(|byte| byte.is_ascii_hexdigit());
            (metadata.etag.len() == length && hexadecimal).then(|| metadata.etag.to_lowercase())
        };
        let by_hub = by_content(64);
        let known = self.expected(file);
        if let (Some((expected, source_of)), Some(found)) = (&known, &by_hub)
            && expected != found
        {
            return Err(HubError::Checksum {
                name: file.name.clone(),
                url: shown(ask.url),
                found: format!("SHA-256 {found}"),
                expected: format!("SHA-256 {expected}"),
                source_of: source_of.clone(),
            });
        }
        Ok(Expect {
            bytes: metadata.bytes,
            sha256: known.or_else(|| by_hub.map(|sum| (sum, "the hub".to_owned()))),
            git_sha1: by_content(40),
        })
    }

    /// From the first mirror that gives it.
    fn fetch_from_urls(
        &self,
        file: &RemoteFile,
        urls: &[String],
        tell: &dyn Fn(Event<'_>),
    ) -> Result<(PathBuf, String), HubError> {
        let _turn = lock(&beside(&self.put_at(file), ".lock"), &file.name, tell)?;
        if let Some(path) = self.find(file) {
            let sum = self.sum_of(&path)?;
            return Ok((path, sum));
        }
        let expect = Expect {
            bytes: file.bytes,
            sha256: self.expected(file),
            git_sha1: None,
        };
        let mut failures = Vec::new();
        for url in urls {
            let place = url_path(&self.settings, url, &file.name);
            let partial = beside(&place, ".incomplete");
            let transfer = self.transfer(plain_ask(file, url), &partial, false, &expect, tell);
            match finish(&transfer, &self.patience, &place) {
                Ok(sum) => return Ok((place, sum)),
                // Another mirror would meet the same disk.
                Err(error @ HubError::Disk { .. }) => return Err(error),
                Err(error) => failures.push(error),
            }
        }
        match failures.len() {
            1 => Err(failures.remove(0)),
            _ => Err(HubError::NoMirror {
                name: file.name.clone(),
                failures,
            }),
        }
    }

    /// The checksum of a file that is here. What this process has read or written already, and is as it was, is not read
    /// again: several configs name the same archives.
    fn sum_of(&self, path: &Path) -> Result<String, HubError> {
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sums.get(path).filter(|it| Some(it.state) == state(path));
        if let Some(known) = known {
            return Ok(known.sha256.clone());
        }
        drop(sums);
        sha256_file(path).map_err(|source| HubError::Unreadable {
            path: path.to_owned(),
            source,
        })
    }

    fn remember(&self, path: &Path, sha256: &str) {
        if let Some(state) = state(path) {
            let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
            let sha256 = sha256.to_owned();
            sums.insert(path.to_owned(), Summed { state, sha256 });
        }
    }

    fn transfer<'a>(
        &'a self,
        ask: Ask<'a>,
        partial: &'a Path,
        named_by_content: bool,
        expect: &'a Expect,
        tell: &'a dyn Fn(Event<'_>),
    ) -> Transfer<'a> {
        Transfer {
            client: &self.client,
            ask,
            partial,
            named_by_content,
            expect,
            tell,
        }
    }
}

/// A request without a token.
fn plain_ask<'a>(file: &'a RemoteFile, url: &'a str) -> Ask<'a> {
    Ask {
        name: &file.name,
        url,
        token: None,
        headers: &[],
    }
}

/// Brings a file and gives it its name.
fn finish(transfer: &Transfer<'_>, patience: &Patience, place: &Path) -> Result<String, HubError> {
    let sum = transfer.run(patience)?;
    fs::rename(transfer.partial, place).map_err(|error| HubError::disk(place, error))?;
    Ok(sum)
}

/// Commit, ETag and size; of a file in large storage the hub says them itself, and its storage may say others.
fn read_metadata(answer: &Answer) -> Result<Metadata, String> {
    let commit = answer.header("x-repo-commit").unwrap_or_default();
    if !is_commit(commit) {
        return Err(format!(
            "the commit {commit:?}; is HF_ENDPOINT a model hub?"
        ));
    }
    let etag = answer
        .header("x-linked-etag")
        .or_else(|| answer.header("etag"));
    let etag = etag
        .unwrap_or_default()
        .trim_start_matches("W/")
        .trim_matches('"');
    // It becomes the name of a file.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if etag.is_empty() || etag.len() > 128 || !etag.chars().all(plain) {
        return Err(format!("the ETag {etag:?}"));
    }
    let linked = answer.header("x-linked-size");
    let own = answer
        .header("content-length")
        .filter(|_| !answer.status.is_redirection());
    Ok(Metadata {
        commit: commit.to_owned(),
        etag: etag.to_owned(),
        bytes: linked.or(own).and_then(|it| it.parse().ok()),
    })
}
