//! The image files of a side: taken out of their archives when they are first wanted, and read once for their checksums.

use super::{Content, Side, Source, Table};
use crate::terminal::progress::Progress;
use crate::warning::Warning;
use anyhow::{Context, Result, bail};
use nnn_data::ImageStore;
use nnn_encode::ExtractError;
use nnn_files::sha256_file;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// Sees to it that images are on disk.
pub(super) fn provide(label: &str, store: &ImageStore, images: &[String]) -> Result<()> {
    let label = format!("{label}: taking images out of their archives");
    let progress = Progress::new(&label, images.len() as u64, "images");
    store
        .provide(images, &|images| progress.advance(images))
        .context(label)
}

/// An error with the name of the image that it is about before it, where its file in the cache does not say that.
pub(crate) fn named(store: &ImageStore, error: ExtractError) -> anyhow::Error {
    let origin = match &error {
        ExtractError::Image(image) => store.origin(image.file()),
        _ => None,
    };
    match origin {
        Some(origin) => anyhow::Error::new(error).context(origin),
        None => error.into(),
    }
}

impl Source {
    /// Whether anything reads the images of a split. Those of others are not looked at: they would have to be fetched or
    /// extracted for it.
    pub(crate) fn reads_images(&self, split: &str) -> bool {
        self.images.as_ref().is_none_or(|read| read.contains(split))
    }

    /// All images of a split.
    pub(crate) fn all_images(&self, split: &str) -> Result<Side> {
        let rows = self.pairs(split)?.everything().images;
        Ok(self.side(Table::Images(split.to_owned()), rows))
    }

    /// The files of the images of a side.
    pub(crate) fn image_files(&self, side: &Side) -> Result<Vec<PathBuf>> {
        let (Content::Items(store), Table::Images(split)) = (&self.content, &side.table) else {
            bail!("`{}` has no image files for {:?}", self.name, side.table);
        };
        let all = self.pairs(split)?.images();
        let rows = side.rows.iter();
        let images: Vec<String> = rows.map(|&row| all[row as usize].clone()).collect();
        provide(&format!("{}/{split}", self.name), store, &images)?;
        Ok(images.iter().map(|image| store.image_path(image)).collect())
    }

    fn known_sum(&self, file: &Path) -> Option<String> {
        match &self.content {
            Content::Items(store) => store.sum(file),
            _ => None,
        }
    }

    /// Images that were damaged in the cache and have been taken out of their archives again, since this was asked last.
    pub(crate) fn take_rebuilt(&self) -> Vec<Warning> {
        let Content::Items(store) = &self.content else {
            return Vec::new();
        };
        let rebuilt = store.take_rebuilt().into_iter();
        let warning = |(file, reason): (PathBuf, String)| Warning::CacheRebuilt {
            file: file.display().to_string(),
            reason,
        };
        rebuilt.map(warning).collect()
    }

    /// SHA-256 of the images of a side, in order. A file is read for it once a run.
    pub(crate) fn image_sums(&self, side: &Side) -> Result<Vec<String>> {
        let files = self.image_files(side)?;
        let sums = || self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<&PathBuf> = {
            let known = sums();
            let new = files.iter().filter(|file| !known.contains_key(*file));
            new.collect()
        };
        let read = new.par_iter().map(|&file| {
            let sum = match self.known_sum(file) {
                Some(sum) => sum,
                None => sha256_file(file)
                    .with_context(|| format!("{}: cannot be read", file.display()))?,
            };
            Ok((file.clone(), sum))
        });
        let read: Vec<(PathBuf, String)> = read.collect::<Result<_>>()?;
        let mut known = sums();
        known.extend(read);
        Ok(files.iter().map(|file| known[file].clone()).collect())
    }
}
