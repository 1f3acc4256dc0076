//! What a dry run says of data sets: what is read of them, and what of it is here.

use super::Downloads;
use crate::fetch::{DataFiles, all_needed};
use crate::needs::Needs;
use crate::plan::Plan;
use crate::sources::cards::DatasetEntry;
use crate::sources::files::{Wanted, images_in};
use nnn_data::{DatasetSource, FilesSource, FoundFile, Needed, RemoteFile, counted};
use nnn_hub::{Hub, State};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Lines on data sets, and on what is to be downloaded for them. Sizes are asked for.
pub(super) struct DataLines {
    pub(super) text: String,
    pub(super) downloads: Downloads,
}

impl DataLines {
    pub(super) fn new(plan: &Plan, hub: &Hub, cache: &Path, downloads: Downloads) -> Self {
        let mut lines = Self {
            text: String::new(),
            downloads,
        };
        for (entry, evaluated) in plan.all_datasets() {
            let card = &entry.card;
            let images: usize = card.splits.values().map(|counts| counts.images).sum();
            let texts: usize = card.splits.values().map(|counts| counts.texts).sum();
            let needs = Needs::of(plan, card, evaluated);
            let origin = match &card.source {
                DatasetSource::Generate(_) => "drawn from its seed".to_owned(),
                DatasetSource::Folder(_) => "from its folder".to_owned(),
                DatasetSource::Files(_) => format!("of which is read: {}", read(entry, &needs)),
            };
            let name = &card.name;
            let line = format!(
                "  data {name}: {}, {}, {origin}\n",
                counted(images, "image"),
                counted(texts, "text")
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
        }
        lines
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
        let mut whole = true;
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
                whole &= here(name);
                if let Some(file) = remote.get(name.as_str()).filter(|_| !here(name)) {
                    self.downloads.add(file, hub);
                }
                files
                    .found
                    .insert(name.clone(), known(wanted, name, &remote, hub));
            }
        }
        self.text.push_str(&extracted(wanted, &files, whole));
        if let Some(notice) = &source.notice {
            let _ = writeln!(self.text, "    terms: {notice}");
        }
    }
}

/// Splits and what of them.
fn read(entry: &DatasetEntry, needs: &Needs) -> String {
    let one = |split: &String| {
        let counts = entry.card.splits.get(split);
        let (images, texts) = counts.map_or((0, 0), |it| (it.images, it.texts));
        match needs.images.contains(split) {
            true => format!(
                "{split} ({}, {})",
                counted(images, "image"),
                counted(texts, "text")
            ),
            false => format!("{split} ({})", counted(texts, "text")),
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
fn extracted(wanted: &Wanted<'_>, files: &DataFiles, whole: bool) -> String {
    let unknown = |reason: &str| format!("    images as files: not known before {reason}\n");
    if !whole {
        return unknown("the download");
    }
    let store = match wanted.store(files) {
        Ok(store) => store,
        Err(error) => return format!("    it cannot be opened: {error:#}\n"),
    };
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
