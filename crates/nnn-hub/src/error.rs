//! Why a file cannot be had, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a file cannot be had.
#[derive(Debug, Error)]
pub enum HubError {
    /// It is not here, and the network must not be used.
    #[error(
        "{name} is not here and the network is not to be used: it comes from {origin}; run `runner fetch CONFIG` where \
         there is a network, or put it at {}{}", put_at.display(), elsewhere(others)
    )]
    Missing {
        /// Its name on the card.
        name: String,
        /// The address that it comes from.
        origin: String,
        /// Where it would be found.
        put_at: PathBuf,
        /// Other commits of its repository at which the cache has it.
        others: Vec<String>,
    },
    /// The server does not give it.
    #[error("{name}: {url} answers {status}: {refusal}")]
    Refused {
        /// Its name on the card.
        name: String,
        /// The address asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// What that means.
        refusal: Refusal,
    },
    /// It was tried again as often as allowed.
    #[error(
        "{name}: {url} failed {tries} times, at last: {reason}; what has arrived is kept, and the next run goes on from there"
    )]
    GaveUp {
        /// Its name on the card.
        name: String,
        /// The address asked.
        url: String,
        /// Tries without a new byte.
        tries: u32,
        /// What happened last.
        reason: String,
    },
    /// The network is not there.
    #[error(
        "{name}: {url} cannot be reached: {reason}; run `runner fetch CONFIG` where there is a network, or see with \
         `--offline` where the file can be put{}",
        elsewhere(others)
    )]
    Unreachable {
        /// Its name on the card.
        name: String,
        /// The address asked.
        url: String,
        /// What happened.
        reason: String,
        /// Other commits of its repository at which the cache has it.
        others: Vec<String>,
    },
    /// A variable of the environment, of which the way to servers depends, makes no sense.
    #[error("{variable}: {reason}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer makes no sense.
    #[error("{name}: {url} answers with {reason}")]
    Answer {
        /// Its name on the card.
        name: String,
        /// The address asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A web page arrives where a file was asked for.
    #[error(
        "{name}: {url} answers with a web page (Content-Type {content_type}: {words:?}), not with the file; it may ask for a \
         login or a form, or the file may be gone"
    )]
    Page {
        /// Its name on the card.
        name: String,
        /// The address asked.
        url: String,
        /// What the answer calls itself.
        content_type: String,
        /// Its first words.
        words: String,
    },
    /// What arrived is another content.
    #[error("{name}: {url} gave a file with {found}, expected {expected} ({source_of})")]
    Checksum {
        /// Its name on the card.
        name: String,
        /// The address asked.
        url: String,
        /// What the file has.
        found: String,
        /// What it should have.
        expected: String,
        /// Who says so.
        source_of: String,
    },
    /// What lies in the cache is another content.
    #[error("{}: SHA-256 {found}, expected {expected} ({source_of}); delete the file to fetch it again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its checksum.
        found: String,
        /// What it should be.
        expected: String,
        /// Who says so.
        source_of: String,
    },
    /// No mirror gave it.
    #[error("{name}: no mirror gave it:{}", lines(failures))]
    NoMirror {
        /// Its name on the card.
        name: String,
        /// What each said.
        failures: Vec<HubError>,
    },
    /// A file of the cache cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The disk refuses.
    #[error("{}: {}", path.display(), disk(source))]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

/// What a refusal means.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or one that is not accepted.
    #[error("{0}")]
    Token(String),
    /// The owner lets in whom they accept.
    #[error(
        "the repository is gated; accept its terms at {page} with your account, and set HF_TOKEN to a token of it"
    )]
    Gated {
        /// The page of the repository.
        page: String,
    },
    /// There is no such thing.
    #[error("{0}")]
    Absent(&'static str),
    /// Anything else.
    #[error("not an answer that a later try could change")]
    Other,
}

impl HubError {
    pub(crate) fn disk(path: &Path, source: io::Error) -> Self {
        Self::Disk {
            path: path.to_owned(),
            source,
        }
    }
}

/// Offers what the cache has of the same repository at other commits.
#[must_use]
pub fn elsewhere(commits: &[String]) -> String {
    let Some(first) = commits.first() else {
        return String::new();
    };
    format!(
        "; the cache has another snapshot of the repository, commit {} (`revision: {first}` on the card, or `@{first}` behind \
         the name where there is no card, reads that)",
        commits.join(", ")
    )
}

fn lines(failures: &[HubError]) -> String {
    failures.iter().map(|it| format!("\n  {it}")).collect()
}

fn disk(error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; make room, or choose another folder with HF_HUB_CACHE (hub files) or --cache (others); what has arrived is kept"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that can be written with HF_HUB_CACHE (hub files) or --cache (others)"
        }
        _ => "",
    };
    format!("cannot be written: {error}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_to_do() {
        let error = HubError::disk(Path::new("a"), ErrorKind::StorageFull.into());
        assert!(error.to_string().contains("make room"), "{error}");
    }
}
