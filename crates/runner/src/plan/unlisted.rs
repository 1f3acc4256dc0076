//! Models that are named without a card: a folder, or a repository of the hub. Their family follows from their files.

use crate::plan::registry::MODELS;
use crate::provenance;
use anyhow::{Context, Result, bail, ensure};
use nnn_data::{ModelCard, ModelSource};
use nnn_encode::{CheckpointFiles, LoadError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A repository of the hub that no card describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// As `owner/name`.
    pub(crate) name: String,
    /// A commit, a branch or a tag.
    pub(crate) revision: String,
    /// Whether the revision was given.
    pub(crate) pinned: bool,
}

/// How the tools of the field write that a name is one of the hub, or a folder.
const HUB: [&str; 4] = [
    "hf-hub:",
    "hf://",
    "https://huggingface.co/",
    "https://hf.co/",
];
const LOCAL: &str = "local-dir:";

impl Repository {
    /// Reads `owner/name`, with `@revision` or not, with a prefix of the hub or not.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let plain = HUB.iter().find_map(|it| name.strip_prefix(it));
        let plain = plain.unwrap_or(name).trim_end_matches('/');
        let (repo, revision) = match plain.split_once('@') {
            Some((repo, revision)) => (repo, Some(revision)),
            None => (plain, None),
        };
        let (owner, own) = repo.split_once('/')?;
        let revision_fits = revision.is_none_or(|it| !it.is_empty() && !it.contains(".."));
        (is_word(owner) && is_word(own) && revision_fits).then(|| Self {
            name: repo.to_owned(),
            revision: revision.unwrap_or("main").to_owned(),
            pinned: revision.is_some(),
        })
    }
}

/// A name as the hub allows it.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The folder that a name means: with `~` for the user's own, with or without a slash at its end.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let plain = name.strip_prefix(LOCAL).unwrap_or(name);
    Some(at_home(Path::new(plain))).filter(|folder| folder.is_dir())
}

/// A path with `~` at its beginning read as the user's own folder.
pub(crate) fn at_home(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// What is wrong with a folder of a checkpoint that is none.
pub(crate) fn not_a_folder(folder: &Path) -> String {
    let shown = folder.display();
    match std::fs::read_link(folder) {
        Ok(target) if !folder.exists() => {
            format!(
                "{shown}, which is a link to {}, and nothing is there",
                target.display()
            )
        }
        _ => format!("{shown}, which is no folder"),
    }
}

/// Whether a name can only be meant as a path.
pub(crate) fn is_path(name: &str) -> bool {
    let parts = name.matches('/').count();
    name.starts_with(['/', '.', '~']) || name.starts_with(LOCAL) || parts > 1 || name.contains('\\')
}

/// What stands for the card of a folder: its name and the family that its files say.
pub(crate) fn card_of_folder(folder: &Path) -> Result<ModelCard> {
    let shown = folder.display();
    let files = CheckpointFiles::folder(folder)?;
    let family = family(&files).with_context(|| shown.to_string())?;
    // Of `.` and `..` the name is known only so.
    let whole = folder
        .canonicalize()
        .with_context(|| format!("{shown}: cannot be read"))?;
    let source = ModelSource::Path(PathBuf::new());
    Ok(card(folder_name(&whole), family, source))
}

/// What stands for the card of a repository, whose family is known once its files are here.
pub(crate) fn card_of_repository(repository: &Repository) -> ModelCard {
    let name = match repository.pinned {
        true => format!("{}@{}", repository.name, short(&repository.revision)),
        false => repository.name.clone(),
    };
    card(name, "", ModelSource::Files(Vec::new()))
}

fn card(name: String, family: &str, source: ModelSource) -> ModelCard {
    ModelCard {
        name,
        family: family.to_owned(),
        source,
        sha256: BTreeMap::new(),
        bytes: BTreeMap::new(),
        config: None,
        preprocessor: None,
        published_rows: BTreeMap::new(),
        trained_on: Vec::new(),
        uncertain: Vec::new(),
        notes: Vec::new(),
    }
}

/// The first digits of a commit; a branch or a tag as it is.
fn short(revision: &str) -> &str {
    let is_commit = revision.len() == 40 && revision.bytes().all(|it| it.is_ascii_hexdigit());
    if is_commit {
        provenance::short(revision)
    } else {
        revision
    }
}

/// The last part of a path; of a snapshot in the hub's cache the repository with its commit.
fn folder_name(folder: &Path) -> String {
    let part = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let own = part(folder);
    let above: Vec<String> = folder.ancestors().skip(1).take(2).map(part).collect();
    let repo = match &above[..] {
        [snapshots, repo] if snapshots == "snapshots" => repo.strip_prefix("models--"),
        _ => None,
    };
    match repo {
        Some(repo) => format!("{}@{}", repo.replace("--", "/"), short(&own)),
        None if own.is_empty() => "root".to_owned(),
        None => own,
    }
}

/// The family of a checkpoint, by what its files say.
///
/// # Errors
/// No family is recognised: what was looked for, what was found, and which families there are.
pub(crate) fn family(files: &CheckpointFiles) -> Result<&'static str> {
    let model_type = model_type(files)?;
    let by_type = MODELS
        .iter()
        .find(|it| model_type.as_deref().is_some_and(|kind| it.is_of(kind)));
    let by_file = MODELS
        .iter()
        .find(|it| it.files.iter().any(|name| files.has(name)));
    // A repository may hold both: then the layout whose weights are there decides what reads it.
    let found = match files.is_open_clip() {
        true => by_file.or(by_type),
        false => by_type.or(by_file),
    };
    if let Some(family) = found {
        return Ok(family.name);
    }
    let seen = match model_type {
        Some(kind) => format!("config.json says `model_type: {kind}`"),
        None if files.has("config.json") => "config.json says no `model_type`".to_owned(),
        None => match files.text("config.json") {
            // What lies in its place is the better message.
            Err(error) if !matches!(error, LoadError::Absent { .. }) => return Err(error.into()),
            _ => format!("config.json is missing from {files}"),
        },
    };
    bail!(
        "no model family is recognised: {seen}, and there is no {}; families: {} (a card says which one where files do not)",
        marks(),
        MODELS
            .iter()
            .map(|it| it.name)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn marks() -> String {
    let files = MODELS.iter().flat_map(|it| it.files.iter().copied());
    files.collect::<Vec<_>>().join(" or ")
}

/// `model_type` of `config.json`, if it has one.
fn model_type(files: &CheckpointFiles) -> Result<Option<String>> {
    if !files.has("config.json") {
        return Ok(None);
    }
    let text = files.text("config.json")?;
    let config: Value = serde_json::from_str(&text)
        .with_context(|| format!("{}: not JSON", files.origin("config.json").display()))?;
    Ok(config["model_type"].as_str().map(str::to_owned))
}

/// Refuses what looks like a folder or a repository and is none, in words that fit what it looks like.
pub(crate) fn refuse_path(name: &str) -> Result<()> {
    let path = Path::new(name);
    ensure!(
        !path.is_file(),
        "model `{name}` is a file, expected the folder of a checkpoint, with its configuration and its tokenizer beside the \
         weights, or a card (*.yaml)"
    );
    let folder = at_home(path);
    ensure!(
        folder.read_link().is_err(),
        "model `{name}` is in {}",
        not_a_folder(&folder)
    );
    ensure!(
        !is_path(name) || Repository::parse(name).is_some(),
        "model `{name}`: no such folder (paths count from where the program is started)"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_read_in_the_spellings_that_people_use() {
        for (name, repo, revision, pinned) in [
            (
                "openai/clip-vit-base-patch32",
                "openai/clip-vit-base-patch32",
                "main",
                false,
            ),
            ("a/b@refs/pr/1", "a/b", "refs/pr/1", true),
            (
                "hf-hub:laion/CLIP-ViT-B-32",
                "laion/CLIP-ViT-B-32",
                "main",
                false,
            ),
            ("https://huggingface.co/a/b_c.d/", "a/b_c.d", "main", false),
        ] {
            let found = Repository::parse(name).expect(name);
            assert_eq!(
                (&*found.name, &*found.revision, found.pinned),
                (repo, revision, pinned)
            );
        }
        for name in [
            "clip",
            "a/b/c",
            "../a",
            "a/",
            "/a",
            "a b/c",
            "a/b@",
            "~/a",
            "a/b@x/../y",
        ] {
            assert_eq!(Repository::parse(name), None, "{name}");
        }
    }

    /// Guards against an address of the hub that was taken for a folder, and a revision that was cut within a letter.
    #[test]
    fn a_repository_is_no_path_whatever_its_revision() {
        for name in ["https://huggingface.co/a/b", "a/b@refs/pr/1", "a/b"] {
            refuse_path(name).expect(name);
        }
        for name in ["a/b/c", "./a/b", "a\\b"] {
            refuse_path(name).expect_err(name);
        }
        let revision = format!("{}é{}", "x".repeat(9), "x".repeat(29));
        let repository = Repository::parse(&format!("a/b@{revision}")).expect("a repository");
        assert_eq!(revision.len(), 40);
        assert_eq!(
            card_of_repository(&repository).name,
            format!("a/b@{revision}")
        );
    }

    #[test]
    fn a_snapshot_is_called_after_its_repository() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let path = format!("/hub/models--a--b/snapshots/{commit}");
        assert_eq!(folder_name(Path::new(&path)), "a/b@0123456789");
        assert_eq!(folder_name(Path::new("/x/mine")), "mine");
    }
}
