//! What a dry run says of data sets: what is read of them, and what of it is here.

use super::Downloads;
use crate::fetch::all_needed;
use crate::fetch::wanted::{self, DataFiles, Wanted, images_in};
use crate::open::card::{own_texts, own_vectors, read_folder};
use crate::plan::Plan;
use crate::plan::cards::DatasetEntry;
use crate::plan::needs::Needs;
use anyhow::{Context, Result};
use nnn_data::{DatasetSource, FilesSource, FoundFile, ImageStore, Needed};
use nnn_files::{RemoteFile, counted};
use nnn_hub::{Hub, State};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// Lines on data sets, and on what is to be downloaded for them. Sizes are asked for. Annotations, queries and embeddings that are
/// here are read as a run would, without their images.
pub(super) struct DataLines {
    pub(super) text: String,
    pub(super) downloads: Downloads,
    /// What a run would stop at.
    pub(super) problem: Option<anyhow::Error>,
}

impl DataLines {
    pub(super) fn new(plan: &Plan, hub: &Hub, cache: &Path, downloads: Downloads) -> Self {
        let mut lines = Self {
            text: String::new(),
            downloads,
            problem: None,
        };
        for (entry, evaluated) in plan.all_datasets() {
            let card = &entry.card;
            let images = card.splits.values().map(|counts| counts.images).sum();
            let texts = card.splits.values().map(|counts| counts.texts).sum();
            let needs = Needs::of(plan, card, evaluated);
            let origin = match &card.source {
                DatasetSource::Generate(_) => "drawn from its seed".to_owned(),
                DatasetSource::Folder(_) => "from its folder".to_owned(),
                DatasetSource::Files(_) => format!("of which is read: {}", read(entry, &needs)),
            };
            let name = &card.name;
            let line = format!(
                "  data {name}: {}, {}, {origin}\n",
                on_card(images, "image"),
                on_card(texts, "text")
            );
            lines.text.push_str(&line);
            if let DatasetSource::Files(source) = &card.source {
                let wanted = Wanted {
                    entry,
                    needs: &needs,
                    on_error: plan.spec.compute.on_error,
                    images: &images_in(cache),
                };
                lines.files(&wanted, source, hub);
            }
            if let DatasetSource::Folder(folder) = &card.source {
                lines.read(read_folder(
                    card,
                    &entry.base.join(folder),
                    plan.spec.compute.on_error,
                ));
            }
        }
        for (_, texts) in own_texts(plan) {
            lines.read(texts);
        }
        let base = plan.config.parent().unwrap_or(Path::new(""));
        for spec in &plan.spec.embeddings {
            lines.read(own_vectors(plan, spec, base));
        }
        lines
    }

    /// What was read; the first problem is kept, at which a run would stop.
    fn read<T>(&mut self, read: Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.problem.get_or_insert(error);
                None
            }
        }
    }

    fn files(&mut self, wanted: &Wanted<'_>, source: &FilesSource, hub: &Hub) {
        let remote = wanted.entry.card.remote_files().unwrap_or_default();
        let remote: BTreeMap<&str, &RemoteFile> =
            remote.iter().map(|it| (it.name.as_str(), it)).collect();
        let here = |name: &String| match remote.get(name.as_str()) {
            Some(file) => hub.state(file) != State::Away,
            None => wanted.entry.base.join(name).is_file(),
        };
        let mut files = DataFiles::default();
        // Of what not all is here.
        let mut away = BTreeSet::new();
        for needed in all_needed(source, wanted.needs) {
            for name in chosen(&needed, &here) {
                if files.found.contains_key(name) {
                    continue;
                }
                let state = match (here(name), remote.get(name.as_str())) {
                    (true, Some(_)) => "cached",
                    (true, None) => "here",
                    (false, Some(_)) => "to download",
                    (false, None) => "missing",
                };
                let _ = writeln!(self.text, "    {}: {name} ({state})", needed.what);
                if !here(name) {
                    away.insert(needed.what);
                    let file = remote.get(name.as_str());
                    file.into_iter().for_each(|it| self.downloads.add(it, hub));
                }
                files
                    .found
                    .insert(name.clone(), known(wanted, name, &remote, hub));
            }
        }
        let store = match away.contains("annotations") {
            true => None,
            false => self.annotations(wanted, &files, away.is_empty()),
        };
        match store {
            Some(store) => self.text.push_str(&extracted(wanted, &store)),
            None if away.is_empty() => {}
            None => self
                .text
                .push_str("    images as files: not known before the download\n"),
        }
        if let Some(notice) = &source.notice {
            let _ = writeln!(self.text, "    terms: {notice}");
        }
    }

    /// Reads the annotations; the result is none where they cannot be read, or where not all images are here.
    fn annotations(
        &mut self,
        wanted: &Wanted<'_>,
        files: &DataFiles,
        whole: bool,
    ) -> Option<ImageStore> {
        let without_images = Needs {
            splits: wanted.needs.splits.clone(),
            images: BTreeSet::new(),
        };
        let needs = if whole { wanted.needs } else { &without_images };
        let read = wanted::read(&Wanted { needs, ..*wanted }, files);
        let (store, _) = self.read(read.with_context(|| wanted.entry.title()))?;
        whole.then_some(store)
    }
}

/// A number of items, where the card gives it.
fn on_card(number: Option<usize>, of: &str) -> String {
    number.map_or_else(
        || format!("{of}s (not counted on the card)"),
        |number| counted(number, of),
    )
}

/// Splits and what of them.
fn read(entry: &DatasetEntry, needs: &Needs) -> String {
    let one = |split: &String| {
        let counts = entry.card.splits.get(split);
        let (images, texts) = counts.map_or((Some(0), Some(0)), |it| (it.images, it.texts));
        let texts = on_card(texts, "text");
        match needs.images.contains(split) {
            true => format!("{split} ({}, {texts})", on_card(images, "image")),
            false => format!("{split} ({texts})"),
        }
    };
    let splits: Vec<String> = needs.splits.iter().map(one).collect();
    splits.join(", ")
}

/// The alternative that would be taken now.
fn chosen<'a>(needed: &'a Needed, here: &impl Fn(&String) -> bool) -> &'a [String] {
    let all_here = |names: &&Vec<String>| names.iter().all(here);
    let found = needed.alternatives.iter().find(all_here);
    found
        .or(needed.alternatives.first())
        .map_or(&[], Vec::as_slice)
}

/// A file as far as it is known without reading it.
fn known(
    wanted: &Wanted<'_>,
    name: &str,
    remote: &BTreeMap<&str, &RemoteFile>,
    hub: &Hub,
) -> FoundFile {
    let Some(file) = remote.get(name) else {
        return FoundFile {
            path: wanted.entry.base.join(name),
            sha256: String::new(),
        };
    };
    let path = match hub.state(file) {
        State::Here(path, _) => path,
        State::Away => hub.put_at(file),
    };
    FoundFile {
        path,
        sha256: hub.known_sha256(file).unwrap_or_default(),
    }
}

/// How many of the images are there as files.
fn extracted(wanted: &Wanted<'_>, store: &ImageStore) -> String {
    let images = wanted.needs.images.iter();
    let images = images.filter_map(|split| store.splits().get(split));
    let (mut here, mut all) = (0, 0);
    for image in images.flat_map(|pairs| pairs.images()) {
        here += usize::from(store.image_path(image).is_file());
        all += 1;
    }
    format!(
        "    images as files: {here} of {all}; others are taken out of archives or fetched as they are needed\n"
    )
}
