//! Files that a card takes from elsewhere: repositories of a model hub, and plain addresses with mirrors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// Some files from one place, as a card lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemoteSource {
    /// Files of a repository on the model hub.
    Hub(HubSource),
    /// One file at a plain address.
    Url(UrlSource),
}

/// Files of a repository on the model hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// What the repository holds.
    #[serde(default, skip_serializing_if = "RepoKind::is_model")]
    pub kind: RepoKind,
    /// The repository, as `owner/name`.
    pub repo: String,
    /// The commit (40 hexadecimal digits), or a branch where the commit is not known.
    pub revision: String,
    /// Paths within the repository.
    pub files: Vec<String>,
    /// Names to use in place of these paths; the last part of the path otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
}

/// What a repository of the hub holds, which is part of its address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepoKind {
    /// A model.
    #[default]
    Model,
    /// A data set; its address begins with `datasets/`.
    Dataset,
}

impl RepoKind {
    fn is_model(&self) -> bool {
        *self == Self::Model
    }
}

/// One file at a plain address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UrlSource {
    /// The name to use.
    pub name: String,
    /// Addresses of the same content, tried in this order.
    pub mirrors: Vec<String>,
}

/// One file to be had: its name, where it is, and how to tell that it is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// The name to use: one plain path part.
    pub name: String,
    /// Where it is.
    pub place: RemotePlace,
    /// SHA-256 as 64 hexadecimal digits, where known.
    pub sha256: Option<String>,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemotePlace {
    /// In a repository of the model hub.
    Hub(HubFile),
    /// At any of these addresses.
    Urls(Vec<String>),
}

/// A file of a repository on the model hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    /// What the repository holds.
    pub kind: RepoKind,
    /// The repository, as `owner/name`.
    pub repo: String,
    /// A commit or a branch.
    pub revision: String,
    /// Path within the repository.
    pub path: String,
}

impl fmt::Display for RemotePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(HubFile {
                kind,
                repo,
                revision,
                path,
            }) => {
                let folder = match kind {
                    RepoKind::Model => "",
                    RepoKind::Dataset => "datasets/",
                };
                let revision = revision.get(..10).unwrap_or(revision);
                write!(f, "{folder}{repo}@{revision}/{path}")
            }
            Self::Urls(urls) => write!(f, "{}", urls.join(" or ")),
        }
    }
}

/// A list of remote files that cannot be right.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RemoteError {
    /// A value has another form.
    #[error("`{key}` is {value:?}, expected {expected}")]
    Form {
        /// The key on the card.
        key: &'static str,
        /// The value received.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Two files would have one name.
    #[error("two files are called {0:?}; rename one")]
    Twice(String),
    /// A key speaks of a file that is not listed.
    #[error("`{key}` names {name:?}, which is not among the files ({})", .files.join(", "))]
    NotListed {
        /// The key on the card.
        key: &'static str,
        /// The name.
        name: String,
        /// Names of the files.
        files: Vec<String>,
    },
}

/// All files of some sources, with what is known of their content by name.
///
/// # Errors
/// [`RemoteError`] if a name, address or checksum has another form, repeats, or belongs to no file.
pub fn remote_files(
    sources: &[RemoteSource],
    sha256: &BTreeMap<String, String>,
    bytes: &BTreeMap<String, u64>,
) -> Result<Vec<RemoteFile>, RemoteError> {
    let mut files: Vec<RemoteFile> = Vec::new();
    for source in sources {
        for (name, place) in source.places()? {
            check("name", &name, is_plain, "a file name without folders")?;
            if files.iter().any(|file| file.name == name) {
                return Err(RemoteError::Twice(name));
            }
            files.push(RemoteFile {
                sha256: sha256.get(&name).map(|sum| sum.to_ascii_lowercase()),
                bytes: bytes.get(&name).copied(),
                name,
                place,
            });
        }
    }
    for sum in sha256.values() {
        check("sha256", sum, is_sha256, "64 hexadecimal digits")?;
    }
    check_listed("sha256", sha256.keys(), &files)?;
    check_listed("bytes", bytes.keys(), &files)?;
    Ok(files)
}

impl RemoteSource {
    fn places(&self) -> Result<Vec<(String, RemotePlace)>, RemoteError> {
        match self {
            Self::Hub(hub) => hub.places(),
            Self::Url(url) => url.places(),
        }
    }
}

impl HubSource {
    fn places(&self) -> Result<Vec<(String, RemotePlace)>, RemoteError> {
        let repo_form = |repo: &str| {
            let parts: Vec<_> = repo.split('/').collect();
            parts.len() <= 2 && parts.iter().all(|part| is_plain(part))
        };
        check("repo", &self.repo, repo_form, "owner/name")?;
        let path_form = |path: &str| path.split('/').all(is_plain);
        check(
            "revision",
            &self.revision,
            path_form,
            "a commit or a branch",
        )?;
        if let Some(other) = self.rename.keys().find(|&it| !self.files.contains(it)) {
            return Err(RemoteError::NotListed {
                key: "rename",
                name: other.clone(),
                files: self.files.clone(),
            });
        }
        let place = |path: &String| {
            check("files", path, path_form, "a path within the repository")?;
            let own = path.rsplit('/').next().unwrap_or(path);
            let name = self.rename.get(path).map_or(own, String::as_str);
            let place = RemotePlace::Hub(HubFile {
                kind: self.kind,
                repo: self.repo.clone(),
                revision: self.revision.clone(),
                path: path.clone(),
            });
            Ok((name.to_owned(), place))
        };
        self.files.iter().map(place).collect()
    }
}

impl UrlSource {
    fn places(&self) -> Result<Vec<(String, RemotePlace)>, RemoteError> {
        let is_address = |url: &str| {
            let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
            // A user and a password have no place on a card, and spaces none in an address.
            rest.is_some_and(|rest| rest.contains('/') && !rest.starts_with('/'))
                && url.chars().all(|c| c.is_ascii_graphic() && c != '@')
        };
        let expected = "an https:// address of a file";
        if self.mirrors.is_empty() {
            check("mirrors", "[]", |_| false, expected)?;
        }
        for url in &self.mirrors {
            check("mirrors", url, is_address, expected)?;
        }
        let place = RemotePlace::Urls(self.mirrors.clone());
        Ok(vec![(self.name.clone(), place)])
    }
}

fn check(
    key: &'static str,
    value: &str,
    form: impl Fn(&str) -> bool,
    expected: &'static str,
) -> Result<(), RemoteError> {
    if form(value) {
        return Ok(());
    }
    Err(RemoteError::Form {
        key,
        value: value.to_owned(),
        expected,
    })
}

fn check_listed<'a>(
    key: &'static str,
    mut names: impl Iterator<Item = &'a String>,
    files: &[RemoteFile],
) -> Result<(), RemoteError> {
    let listed = |name: &str| files.iter().any(|file| file.name == name);
    match names.find(|name| !listed(name)) {
        None => Ok(()),
        Some(name) => Err(RemoteError::NotListed {
            key,
            name: name.clone(),
            files: files.iter().map(|file| file.name.clone()).collect(),
        }),
    }
}

/// Whether a name stays where it is put: one path part of letters, digits, `-`, `_`, `.` and `+`, not hidden.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    (1..=100).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain)
}

fn is_sha256(sum: &str) -> bool {
    sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn hub(repo: &str, revision: &str, files: &[&str]) -> RemoteSource {
        RemoteSource::Hub(HubSource {
            kind: RepoKind::Model,
            repo: repo.to_owned(),
            revision: revision.to_owned(),
            files: files.iter().map(|&file| file.to_owned()).collect(),
            rename: BTreeMap::new(),
        })
    }

    fn url(address: &str) -> RemoteSource {
        RemoteSource::Url(UrlSource {
            name: "a.bin".to_owned(),
            mirrors: vec![address.to_owned()],
        })
    }

    fn listed(sources: &[RemoteSource]) -> Result<Vec<RemoteFile>, RemoteError> {
        remote_files(sources, &BTreeMap::new(), &BTreeMap::new())
    }

    #[test]
    fn a_file_is_called_by_its_last_part_or_as_the_card_says() {
        let mut source = hub("o/n", "main", &["deep/a.json", "b.pth"]);
        if let RemoteSource::Hub(hub) = &mut source {
            hub.rename.insert("b.pth".into(), "c.bin".into());
        }
        let names: Vec<_> = listed(&[source]).expect("files").into_iter().collect();
        let names: Vec<_> = names.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.json", "c.bin"]);
    }

    /// A model where nothing is said, and told from a data set of the same name in messages.
    #[test]
    fn a_repository_holds_a_model_or_data() {
        let mut source = hub("o/n", COMMIT, &["data/a.parquet"]);
        let shown = |source: &RemoteSource| {
            let files = listed(std::slice::from_ref(source)).expect("files");
            files[0].place.to_string()
        };
        assert_eq!(shown(&source), "o/n@0123456789/data/a.parquet");
        if let RemoteSource::Hub(hub) = &mut source {
            hub.kind = RepoKind::Dataset;
        }
        assert_eq!(shown(&source), "datasets/o/n@0123456789/data/a.parquet");
        let written = serde_json::to_value(&source).expect("JSON");
        assert_eq!(written["hub"]["kind"], "dataset");
    }

    #[test]
    fn what_leaves_its_place_is_refused() {
        let wrong = [
            hub("o/n/x", "main", &["a"]),
            hub("../n", "main", &["a"]),
            hub("o/n", "../main", &["a"]),
            hub("o/n", "main", &["../a"]),
            hub("o/n", "main", &["/a"]),
            hub("o/n", "main", &[""]),
            url("file:///etc/passwd"),
            url("https://name:word@host/file"),
            url("https://host"),
        ];
        for source in wrong {
            let found = listed(std::slice::from_ref(&source));
            assert!(matches!(found, Err(RemoteError::Form { .. })), "{source:?}");
        }
    }

    #[test]
    fn a_name_stands_for_one_file() {
        let twice = [hub("o/n", "main", &["a", "deep/a"])];
        assert_eq!(listed(&twice), Err(RemoteError::Twice("a".into())));
        let sums = BTreeMap::from([("b".to_owned(), "0".repeat(64))]);
        let found = remote_files(&[hub("o/n", "main", &["a"])], &sums, &BTreeMap::new());
        assert!(matches!(found, Err(RemoteError::NotListed { .. })));
    }
}
