//! Images at addresses of their own, fetched one by one.

use super::Ledger;
use super::wanted::{DataFiles, Wanted};
use crate::spec::OnError;
use crate::terminal::progress::Progress;
use anyhow::{Context, Result, bail};
use nnn_data::{Addressed, ImageStore};
use nnn_files::{RemoteFile, RemotePlace, write_atomically};
use nnn_hub::{Hub, HubError, Patience};
use std::fs::File;
use std::io;

/// Addresses rot: one that does not answer twice is given up.
const TRIES: u32 = 2;

/// Images that a message names.
const NAMED: usize = 5;

/// Fetches the images that are read and have addresses of their own. One that cannot be had is an error, or noted as
/// failed, as the config says; without a network it is missing.
pub(super) fn images(
    wanted: &Wanted<'_>,
    files: &mut DataFiles,
    hub: &Hub,
    ledger: &mut Ledger,
) -> Result<()> {
    let hub = hub.with_patience(Patience {
        tries: TRIES,
        ..Patience::default()
    });
    let store = wanted.store(files)?;
    for split in &wanted.needs.images {
        let Some(pairs) = store.splits().get(split) else {
            continue;
        };
        let label = format!("{}/{split}", wanted.entry.card.name);
        store.note_found(pairs.images());
        let away = store.to_fetch(pairs.images());
        let failed = fetch_all(&label, &store, &away, &hub)?;
        let offline = hub.settings().offline;
        match wanted.on_error {
            OnError::Skip => files.failed.extend(failed),
            OnError::Fail if failed.is_empty() => {}
            OnError::Fail if offline => {
                let line = named(&failed, pairs.images().len(), "are not here");
                ledger.miss(format!("{}: `{split}`: {line}", wanted.entry.title()));
            }
            OnError::Fail => bail!(
                "`{split}`: {} (`compute.on_error: skip` leaves such images out)",
                named(&failed, pairs.images().len(), "cannot be fetched")
            ),
        }
    }
    Ok(())
}

/// What went wrong, by image.
type Failed = Vec<(String, String)>;

fn named(failed: &Failed, of: usize, what: &str) -> String {
    let first = failed.iter().take(NAMED);
    let first: Vec<String> = first
        .map(|(image, reason)| format!("{image}: {reason}"))
        .collect();
    let more = match failed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    let count = failed.len();
    format!(
        "{count} of {of} images {what}:\n  {}{more}",
        first.join("\n  ")
    )
}

fn fetch_all(label: &str, store: &ImageStore, away: &[Addressed], hub: &Hub) -> Result<Failed> {
    let label = format!("{label}: fetching images");
    let progress = Progress::new(&label, away.len() as u64, "images");
    let mut failed = Failed::new();
    for image in away {
        match fetch_one(store, image, hub) {
            Ok(()) => {}
            Err(error) => match error.downcast_ref() {
                // Not the image's fault.
                Some(HubError::Disk { .. }) | None => return Err(error),
                Some(_) => failed.push((image.image.clone(), error.to_string())),
            },
        }
        progress.advance(1);
    }
    Ok(failed)
}

fn fetch_one(store: &ImageStore, image: &Addressed, hub: &Hub) -> Result<()> {
    let name = image.path.file_name().unwrap_or_default();
    let local = hub.open(
        &RemoteFile {
            name: name.to_string_lossy().into_owned(),
            place: RemotePlace::Urls(vec![image.address.clone()]),
            sha256: None,
            bytes: None,
        },
        &|_| {},
    )?;
    let copied = write_atomically(&image.path, |out| {
        io::copy(&mut File::open(&local.path)?, out).map(|_| ())
    });
    copied.with_context(|| format!("{}: cannot be written", image.path.display()))?;
    Ok(store.note_fetched(&image.image, local.sha256)?)
}
