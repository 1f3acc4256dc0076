//! Generators of data: what a card's `generate:` says becomes what a `dataset-*` crate draws.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a card says of a data set to draw.
pub(crate) type Settings = serde_json::Map<String, serde_json::Value>;

/// Draws splits of so many images into a folder, unless they are there already, and says how many images it has drawn.
pub(crate) type Generate =
    fn(&Settings, &[(String, u64)], &Path, &(dyn Fn(u64) + Sync)) -> Result<Generated>;

/// The files of a drawn data set.
pub(crate) struct Generated {
    /// SHA-256 of every file, which has just been read or written.
    pub(crate) sums: HashMap<PathBuf, String>,
    /// Files that were damaged and have been made again, each with what was wrong.
    pub(crate) rebuilt: Vec<(PathBuf, String)>,
}

/// Blocks and its styles, by `dataset-blocks`.
pub(super) fn blocks(
    settings: &Settings,
    splits: &[(String, u64)],
    folder: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Generated> {
    let settings: BlocksSettings =
        serde_json::from_value(settings.clone().into()).context("`source.generate`")?;
    let drawn = dataset_blocks::open(&settings.spec(splits)?, folder, progress)?;
    match settings.sha256 {
        Some(expected) if expected != drawn.sha256 => bail!(
            "{} has content {}, the card expects {expected}; delete the folder to draw it again",
            folder.display(),
            drawn.sha256
        ),
        _ => Ok(Generated {
            sums: drawn
                .files
                .into_iter()
                .map(|(name, sum)| (folder.join(name), sum))
                .collect(),
            rebuilt: drawn.rebuilt,
        }),
    }
}

/// `generate:` of the data sets drawn by `dataset-blocks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlocksSettings {
    seed: u64,
    image_size: u32,
    style: String,
    /// Of the content, as `dataset_blocks::content_checksum` defines it.
    sha256: Option<String>,
}

impl BlocksSettings {
    /// The specification, with the splits of the card in the generator's order, which its checksum depends on.
    fn spec(&self, splits: &[(String, u64)]) -> Result<dataset_blocks::BlocksSpec> {
        let style = dataset_blocks::Style::from_name(&self.style);
        let style = style.with_context(|| {
            format!(
                "unknown style `{}`, expected everyday, catalogue, shifted or roles",
                self.style
            )
        })?;
        let mut spec = match style {
            dataset_blocks::Style::Everyday => dataset_blocks::BlocksSpec::blocks(self.seed),
            dataset_blocks::Style::Catalogue => {
                dataset_blocks::BlocksSpec::blocks_styled(self.seed)
            }
            dataset_blocks::Style::Shifted => dataset_blocks::BlocksSpec::blocks_shifted(self.seed),
            dataset_blocks::Style::Roles => dataset_blocks::BlocksSpec::blocks_roles(self.seed),
        };
        spec.image_size = self.image_size;
        for (name, _) in splits {
            ensure!(
                spec.splits.iter().any(|split| split.name == *name),
                "style `{}` has no split `{name}`",
                self.style
            );
        }
        spec.splits.retain_mut(|split| {
            let wanted = splits.iter().find(|(name, _)| *name == split.name);
            split.images = wanted.map_or(0, |(_, images)| *images);
            wanted.is_some()
        });
        Ok(spec)
    }
}
