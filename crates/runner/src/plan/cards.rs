//! Cards: `configs/models/*.yaml` and `configs/datasets/*.yaml`.

use crate::plan::registry;
use crate::plan::unlisted::{self, Repository};
use crate::spec::read_yaml;
use anyhow::{Context, Result, anyhow, bail, ensure};
use nnn_data::{DatasetCard, DatasetSource, ModelCard, ModelSource};
use nnn_files::hint;
use nnn_files::{RemoteSource, RepoKind, nearby};
use nnn_report::AbsentModel;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A model's card, and the file it was read from; of a model without a card what stands for both.
pub(crate) struct ModelEntry {
    pub(crate) card: ModelCard,
    pub(crate) file: PathBuf,
    /// Where the files are, if they are those of a repository of the hub that no card lists.
    pub(crate) repository: Option<Repository>,
    /// The repository that the config names in the card's place.
    pub(crate) asked: Option<String>,
}

/// The models of a config.
pub(crate) struct Models {
    /// Those whose checkpoints can be had.
    pub(crate) public: Vec<ModelEntry>,
    /// Those that have none, and why.
    pub(crate) absent: Vec<AbsentModel>,
}

/// A data set's card, and the folder that its paths count from.
pub(crate) struct DatasetEntry {
    pub(crate) card: DatasetCard,
    pub(crate) file: PathBuf,
    pub(crate) base: PathBuf,
}

/// The folder of the project's own cards, from where the program is started.
const SHIPPED: &str = "configs";

/// The folder of the cards that go with a config: the nearest one upwards, or `configs` in one, that has `models` or `datasets`
/// in it.
pub(crate) fn folder_of(config: &Path) -> PathBuf {
    let has_cards =
        |folder: &PathBuf| folder.join("models").is_dir() || folder.join("datasets").is_dir();
    let upwards = config.ancestors().skip(1);
    let mut folders = upwards.flat_map(|folder| [folder.to_owned(), folder.join(SHIPPED)]);
    folders
        .find(has_cards)
        .unwrap_or_else(|| PathBuf::from(SHIPPED))
}

/// The cards of the models of a config.
pub(crate) fn models(names: &[String], configs: &Path) -> Result<Models> {
    check_repeats("models", names)?;
    let entries: Vec<ModelEntry> = names
        .iter()
        .map(|name| model(name, configs))
        .collect::<Result<_>>()?;
    // Two cards given by their paths may still carry one name, which would mix their rows.
    let own: Vec<String> = entries
        .iter()
        .map(|entry| entry.card.name.clone())
        .collect();
    check_repeats("models", &own)?;
    part(entries)
}

/// Parts the models that can be had from those that cannot; refuses a list of the latter only.
fn part(entries: Vec<ModelEntry>) -> Result<Models> {
    let mut models = Models {
        public: Vec::new(),
        absent: Vec::new(),
    };
    let mut refusals = Vec::new();
    for entry in entries {
        let ModelSource::Unavailable(reason) = &entry.card.source else {
            models.public.push(entry);
            continue;
        };
        let (file, name) = (entry.file.display(), &entry.card.name);
        refusals.push(format!(
            "{file}: model `{name}` has no public checkpoint: {reason}"
        ));
        models.absent.push(AbsentModel {
            name: name.clone(),
            reason: reason.clone(),
        });
    }
    ensure!(
        !models.public.is_empty() || refusals.is_empty(),
        "{}",
        refusals.join("\n  ")
    );
    Ok(models)
}

/// A card by its name or path; else a folder; else a repository of the hub, by the card that describes it if there is one.
fn model(name: &str, configs: &Path) -> Result<ModelEntry> {
    if let Some(file) = known("model", name, &configs.join("models"))? {
        return listed(file);
    }
    if let Some(folder) = unlisted::folder(name) {
        let card = unlisted::card_of_folder(&folder)?;
        return Ok(ModelEntry::new(card, folder));
    }
    unlisted::refuse_path(name)?;
    let Some(repository) = Repository::parse(name) else {
        return Err(unknown("model", name, &configs.join("models")));
    };
    Ok(match describing(&repository, configs)? {
        Some(entry) => ModelEntry {
            asked: Some(name.to_owned()),
            ..entry
        },
        None => ModelEntry {
            repository: Some(repository.clone()),
            ..ModelEntry::new(
                unlisted::card_of_repository(&repository),
                PathBuf::from(repository.name),
            )
        },
    })
}

/// The card of all whose files are those of a repository, at the commit that was given.
fn describing(repository: &Repository, configs: &Path) -> Result<Option<ModelEntry>> {
    let mut entries = all_models(configs)?;
    if configs != Path::new(SHIPPED) {
        entries.extend(all_models(Path::new(SHIPPED))?);
    }
    let describes = |entry: &ModelEntry| match &entry.card.source {
        ModelSource::Files(sources) => matches!(&sources[..], [RemoteSource::Hub(hub)]
            if hub.kind == RepoKind::Model && hub.repo == repository.name
                && (!repository.pinned || hub.revision == repository.revision)),
        _ => false,
    };
    Ok(entries.into_iter().find(describes))
}

fn listed(file: PathBuf) -> Result<ModelEntry> {
    let card: ModelCard = read_yaml(&file)?;
    registry::model_family(&card.family).with_context(|| file.display().to_string())?;
    card.remote_files()
        .with_context(|| file.display().to_string())?;
    let entry = ModelEntry::new(card, file);
    if let Some(folder) = entry.folder() {
        ensure!(
            folder.is_dir(),
            "{}: model `{}` should be in {}",
            entry.file.display(),
            entry.card.name,
            unlisted::not_a_folder(&folder)
        );
    }
    Ok(entry)
}

/// The models that may be each row of a publication's tables: of a config, of the cards beside it and of the project's own.
pub(crate) fn candidates(
    publication: &str,
    names: &[String],
    configs: &Path,
) -> Result<BTreeMap<String, Vec<String>>> {
    let named = names.iter().map(|name| model(name, configs));
    let mut entries: Vec<ModelEntry> = named.collect::<Result<_>>()?;
    entries.extend(all_models(configs)?);
    entries.extend(all_models(Path::new(SHIPPED))?);
    let mut candidates: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ModelEntry { card, .. } in entries {
        if let Some(row) = card.published_rows.get(publication) {
            candidates.entry(row.clone()).or_default().push(card.name);
        }
    }
    for models in candidates.values_mut() {
        models.sort();
        models.dedup();
    }
    Ok(candidates)
}

/// The cards of the data sets of a config.
pub(crate) fn datasets(names: &[String], configs: &Path) -> Result<Vec<DatasetEntry>> {
    check_repeats("datasets", names)?;
    let entries: Vec<DatasetEntry> = names
        .iter()
        .map(|name| dataset(name, configs))
        .collect::<Result<_>>()?;
    let own: Vec<String> = entries
        .iter()
        .map(|entry| entry.card.name.clone())
        .collect();
    check_repeats("datasets", &own)?;
    Ok(entries)
}

fn dataset(name: &str, configs: &Path) -> Result<DatasetEntry> {
    let path = find("data set", name, &configs.join("datasets"))?;
    let mut card: DatasetCard = read_yaml(&path)?;
    let title = format!("{}: data set `{}`", path.display(), card.name);
    card.name_splits(&base_of(&path)).context(title)?;
    let entry = DatasetEntry {
        card,
        base: base_of(&path),
        file: path,
    };
    let checked = || {
        entry.card.remote_files()?;
        if let DatasetSource::Generate(settings) = &entry.card.source {
            registry::generator(settings)?;
        }
        for (split, counts) in &entry.card.splits {
            let most = counts.images.max(counts.texts).unwrap_or(0);
            let fits = u32::try_from(most).is_ok();
            ensure!(
                fits,
                "`splits.{split}` has {most} items, expected at most {}",
                u32::MAX
            );
        }
        anyhow::Ok(entry.card.check_source(&entry.base)?)
    };
    checked().with_context(|| entry.title())?;
    Ok(entry)
}

fn base_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn check_repeats(key: &str, names: &[String]) -> Result<()> {
    let repeated = names
        .iter()
        .enumerate()
        .find(|(index, name)| names[..*index].contains(name));
    repeated.map_or(Ok(()), |(_, name)| bail!("`{key}` lists `{name}` twice"))
}

/// The file of a card, which must be there.
fn find(kind: &str, name: &str, folder: &Path) -> Result<PathBuf> {
    known(kind, name, folder)?.ok_or_else(|| unknown(kind, name, folder))
}

/// The folders of cards: one beside a config comes before that of the project.
fn card_folders(folder: &Path) -> [PathBuf; 2] {
    let shipped = Path::new(SHIPPED).join(folder.file_name().unwrap_or_default());
    [folder.to_owned(), shipped]
}

/// The file of a card: a path that was given, or `<folder>/<name>.yaml`; none if the name is that of no card.
fn known(kind: &str, name: &str, folder: &Path) -> Result<Option<PathBuf>> {
    let given = Path::new(name);
    if given
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
    {
        ensure!(
            given.is_file(),
            "{kind} card {name}: no such file{} (paths of cards count from where the program is started)",
            nearby(given)
        );
        return Ok(Some(given.to_owned()));
    }
    let mut files = card_folders(folder)
        .into_iter()
        .map(|folder| folder.join(format!("{name}.yaml")));
    Ok(files.find(|path| path.is_file()))
}

/// The error of a name that is none, with the nearest that is.
fn unknown(kind: &str, name: &str, folder: &Path) -> anyhow::Error {
    let [folder, shipped] = card_folders(folder);
    let mut known = [names(&folder), names(&shipped)].concat();
    known.sort();
    known.dedup();
    let near = hint(name, known.iter().map(String::as_str));
    let known = match known.is_empty() {
        true => "none".to_owned(),
        false => known.join(", "),
    };
    let others = match kind {
        "model" => {
            "; a folder with a checkpoint and a repository of the hub, `owner/name`, need none"
        }
        _ => "",
    };
    anyhow!(
        "unknown {kind} `{name}`{near} (cards in {} and {}: {known}; a card elsewhere is named by its path{others})",
        folder.display(),
        shipped.display()
    )
}

/// Names of the cards in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let cards = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let mut names: Vec<String> = cards
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// Every model card.
pub(crate) fn all_models(configs: &Path) -> Result<Vec<ModelEntry>> {
    let entry = |(file, card)| ModelEntry::new(card, file);
    let cards = all(&configs.join("models"))?;
    Ok(cards.into_iter().map(entry).collect())
}

/// Every data set card.
pub(crate) fn all_datasets(configs: &Path) -> Result<Vec<DatasetEntry>> {
    let entry = |(file, card): (PathBuf, _)| DatasetEntry {
        card,
        base: base_of(&file),
        file,
    };
    let cards = all(&configs.join("datasets"))?;
    Ok(cards.into_iter().map(entry).collect())
}

fn all<T: DeserializeOwned>(folder: &Path) -> Result<Vec<(PathBuf, T)>> {
    let paths = names(folder)
        .into_iter()
        .map(|name| folder.join(format!("{name}.yaml")));
    paths
        .map(|path| Ok((path.clone(), read_yaml(&path)?)))
        .collect()
}

impl DatasetEntry {
    /// Its card and its name, for messages.
    pub(crate) fn title(&self) -> String {
        format!("{}: data set `{}`", self.file.display(), self.card.name)
    }
}

impl ModelEntry {
    fn new(card: ModelCard, file: PathBuf) -> Self {
        Self {
            card,
            file,
            repository: None,
            asked: None,
        }
    }

    /// Its card and its name, for messages.
    pub(crate) fn title(&self) -> String {
        format!("{}: model `{}`", self.file.display(), self.card.name)
    }

    /// The folder of a checkpoint that is not downloaded.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        match &self.card.source {
            // A folder without a card stands for one.
            ModelSource::Path(folder) if folder.as_os_str().is_empty() => Some(self.file.clone()),
            ModelSource::Path(folder) => Some(base_of(&self.file).join(unlisted::at_home(folder))),
            ModelSource::Files(_) | ModelSource::Unavailable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_card_is_sound() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let cards = all_models(&configs).expect("cards");
        assert!(cards.len() > 20);
        for ModelEntry { card, file, .. } in cards {
            let stem = file.file_stem().and_then(|stem| stem.to_str());
            assert_eq!(stem, Some(card.name.as_str()));
            registry::model_family(&card.family).expect("a registered family");
            let files = card.remote_files().expect("a list of files");
            let public = !matches!(card.source, ModelSource::Unavailable(_));
            let local = matches!(card.source, ModelSource::Path(_));
            assert_eq!(!files.is_empty(), public && !local, "{}", card.name);
            assert!(!card.notes.is_empty(), "{}", card.name);
        }
    }

    /// Names, checksums and sizes fit together, every split has annotations and images, and what is uncertain is said.
    #[test]
    fn every_shipped_data_set_is_sound() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let entries = all_datasets(&configs).expect("cards");
        assert!(entries.iter().any(|entry| entry.card.name == "coco"));
        for entry in entries {
            let card = &entry.card;
            let stem = entry.file.file_stem().and_then(|stem| stem.to_str());
            assert_eq!(stem, Some(card.name.as_str()));
            card.check_source(&entry.base).expect("a sound source");
            let downloads = card.remote_files().expect("a list of files");
            let unsure = downloads.iter().any(|file| file.sha256.is_none());
            assert!(!unsure || !card.notes.is_empty(), "{}", card.name);
            if let DatasetSource::Files(source) = &card.source {
                let read = source.file_names();
                let unread = downloads.iter().find(|file| !read.contains(&file.name));
                assert_eq!(unread, None, "{}", card.name);
            }
        }
    }

    /// A small number in YAML stays one in the JSON that an encoder reads.
    #[test]
    fn numbers_of_a_card_stay_numbers() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let entry: ModelCard = read_yaml(&configs.join("models/albef-coco.yaml")).expect("a card");
        let inline: Vec<_> = entry.inline_files().collect();
        let [(config, text), (preprocessor, _)] = &inline[..] else {
            panic!("two files, found {}", inline.len());
        };
        let names = [*config, *preprocessor];
        assert_eq!(names, ["config.json", "preprocessor_config.json"]);
        assert_eq!(text["bert_config"]["layer_norm_eps"].as_f64(), Some(1e-12));
        assert_eq!(text["image_res"].as_u64(), Some(384));
    }
}
