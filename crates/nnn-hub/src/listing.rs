//! Which files a repository of the hub has at which commit, for checkpoints of which no card lists them.

use crate::cache::{CachedRepo, is_commit};
use crate::error::HubError;
use crate::event::Event;
use crate::http::{Ask, bad_answer, shown};
use crate::hub::Hub;
use crate::retry::{Fault, persist};
use hf_hub::{Repo, RepoType};
use nnn_files::write_atomically;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files of a repository at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The commit, 40 hexadecimal digits; the branch itself where files were put into the cache by hand and no commit is known.
    pub commit: String,
    /// Paths within the repository, sorted.
    pub files: Vec<String>,
}

/// What the hub answers, as far as it is read.
#[derive(Deserialize)]
struct Answered {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

/// Bytes of a list, which has a line of some 60 bytes for every file.
const MOST: u64 = 1 << 24;

impl Hub {
    /// The files of a repository of models (`owner/name`) at a commit, a branch or a tag.
    ///
    /// A branch is at the commit that it was at when something of it was listed or fetched first, as with
    /// [`open`](Self::open), and a list that was had once is not asked for again. Without a network the list is what the
    /// cache holds of the commit.
    ///
    /// # Errors
    /// [`HubError`]: the list cannot be had, and the cache holds nothing of the commit.
    pub fn list(
        &self,
        repo: &str,
        revision: &str,
        tell: &dyn Fn(Event<'_>),
    ) -> Result<Listing, HubError> {
        let model = Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned());
        let cached = CachedRepo::of(&self.settings, model);
        let commit = cached.commit();
        let known = commit
            .as_ref()
            .and_then(|it| self.recorded_listing(&cached, it));
        if let Some(listing) = known {
            return Ok(listing);
        }
        if self.settings.offline {
            return snapshot(&cached).ok_or_else(|| self.no_listing(&cached));
        }
        match self.ask_listing(&cached, commit.as_deref(), tell) {
            Err(HubError::Unreachable {
                name, url, reason, ..
            }) => snapshot(&cached).ok_or_else(|| HubError::Unreachable {
                name,
                url,
                reason,
                others: cached.elsewhere(""),
            }),
            asked => asked,
        }
    }

    /// Asks for a list, and records it with the commit of the branch.
    fn ask_listing(
        &self,
        cached: &CachedRepo<'_>,
        commit: Option<&str>,
        tell: &dyn Fn(Event<'_>),
    ) -> Result<Listing, HubError> {
        let name = title(cached);
        let url = self.listing_url(cached, commit);
        let ask = Ask {
            name: &name,
            url: &url,
            token: self.settings.token.as_ref(),
            headers: &[],
        };
        let retry = |reason: &str, wait| {
            tell(Event::Retry {
                name: &name,
                reason,
                wait,
            });
        };
        let shown = shown(&url);
        let listing = persist(&self.patience, (&name, &shown), &retry, || {
            self.listing_of(&ask)
        })?;
        if commit.is_none() {
            cached.note_commit(&listing.commit)?;
        }
        self.record_listing(cached, &listing)?;
        Ok(listing)
    }

    fn listing_of(&self, ask: &Ask<'_>) -> Result<Listing, Fault> {
        let mut answer = self.client.get(ask)?;
        answer.refuse_page(ask)?;
        let mut bytes = Vec::new();
        let read = answer.into_reader().take(MOST).read_to_end(&mut bytes);
        read.map_err(|error| Fault::passing(error.to_string()))?;
        let answered: Answered = serde_json::from_slice(&bytes)
            .map_err(|error| bad_answer(ask, format!("no list of files: {error}")))?;
        if !is_commit(&answered.sha) {
            let reason = format!("the commit {:?}; is HF_ENDPOINT a model hub?", answered.sha);
            return Err(bad_answer(ask, reason).into());
        }
        let mut files: Vec<String> = answered
            .siblings
            .into_iter()
            .map(|it| it.rfilename)
            .collect();
        files.sort();
        Ok(Listing {
            commit: answered.sha.to_lowercase(),
            files,
        })
    }

    fn listing_url(&self, cached: &CachedRepo<'_>, commit: Option<&str>) -> String {
        let repo = cached.repo();
        let at = |revision: &str| {
            Repo::with_revision(repo_name(&repo), RepoType::Model, revision.to_owned()).api_url()
        };
        let path = commit.map_or_else(|| repo.api_url(), at);
        format!("{}/api/{path}", self.settings.endpoint)
    }

    fn no_listing(&self, cached: &CachedRepo<'_>) -> HubError {
        HubError::Missing {
            name: format!("{}, or its files themselves,", title(cached)),
            origin: self.listing_url(cached, None),
            put_at: cached.snapshot(),
            others: cached.elsewhere(""),
        }
    }

    fn listing_path(&self, cached: &CachedRepo<'_>, commit: &str) -> PathBuf {
        // Not in the hub's cache, whose content belongs to its tools.
        let folder = self
            .settings
            .downloads
            .join("hub")
            .join(cached.repo().folder_name());
        folder.join(format!("{commit}.files.json"))
    }

    fn recorded_listing(&self, cached: &CachedRepo<'_>, commit: &str) -> Option<Listing> {
        let text = fs::read_to_string(self.listing_path(cached, commit)).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn record_listing(&self, cached: &CachedRepo<'_>, listing: &Listing) -> Result<(), HubError> {
        let path = self.listing_path(cached, &listing.commit);
        let text = serde_json::to_string_pretty(listing).unwrap_or_default();
        write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|error| HubError::disk(&path, error))
    }
}

/// What the cache holds of a commit; none if that is nothing.
fn snapshot(cached: &CachedRepo<'_>) -> Option<Listing> {
    let revision = || cached.repo().revision().to_owned();
    let commit = cached.commit().unwrap_or_else(revision);
    let mut files = Vec::new();
    collect(&cached.snapshot(), "", &mut files);
    files.sort();
    (!files.is_empty()).then_some(Listing { commit, files })
}

fn collect(folder: &Path, below: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => collect(&entry.path(), &format!("{name}/"), files),
            false => files.push(name),
        }
    }
}

fn title(cached: &CachedRepo<'_>) -> String {
    format!("the list of files of {}", repo_name(&cached.repo()))
}

fn repo_name(repo: &Repo) -> String {
    repo.url()
}
