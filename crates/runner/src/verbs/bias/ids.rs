//! The ids of the items, one file after the other.

use super::request::BiasRequest;
use crate::verbs::arrays::Parts;
use anyhow::{Result, bail, ensure};
use nnn_data::read_labels;
use nnn_export::{BiasFile, Ids};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

/// Ids in the order of their items. Of several files one is held at a time.
pub(super) struct IdFiles {
    files: IntoIter<(PathBuf, Option<String>)>,
    open: IntoIter<String>,
    total: usize,
}

impl IdFiles {
    /// The ids that are given, none of which repeats, nor is in the file that items are appended to, if they `are_new`; `None`: none
    /// are given.
    pub(super) fn read(
        request: &BiasRequest,
        old: Option<&BiasFile>,
        are_new: bool,
    ) -> Result<Option<Self>> {
        let parts = request.id_parts()?;
        if let Some(old) = old {
            let words = match (old.is_named(), parts.is_empty()) {
                (true, true) => "have ids; give those of the new items with --ids",
                (false, false) => "have no ids; leave --ids out",
                _ => "",
            };
            let out = request.out.display();
            ensure!(words.is_empty(), "{out}: its items {words}");
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let old = old.filter(|_| are_new).map(|_| request.out.as_path());
        let total = check_unrepeated(&parts, old)?;
        Ok(Some(Self {
            files: parts.into_iter(),
            open: Vec::new().into_iter(),
            total,
        }))
    }

    /// The ids of the next `count` items.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<String>> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            ids.extend(self.open.by_ref().take(count - ids.len()));
            if ids.len() == count {
                break;
            }
            match self.files.next() {
                Some((path, key)) => self.open = read_labels(&path, key.as_deref())?.into_iter(),
                None => bail!("{} ids, but the gallery has more items", self.total),
            }
        }
        Ok(ids)
    }

    /// Refuses ids that no item has.
    pub(super) fn end(&self, items: usize) -> Result<()> {
        let total = self.total;
        ensure!(
            total == items,
            "{total} ids, but the gallery has {items} items"
        );
        Ok(())
    }
}

/// Refuses ids of the file that items are appended to.
pub(super) fn check_new(request: &BiasRequest) -> Result<()> {
    let parts = request.id_parts()?;
    match parts.is_empty() {
        true => Ok(()),
        false => check_unrepeated(&parts, Some(&request.out)).map(drop),
    }
}

/// Counts the ids and refuses one that repeats. Hashes are compared first, so that no more than these are held of all.
fn check_unrepeated(parts: &Parts, old: Option<&Path>) -> Result<usize> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut hashes = Vec::new();
    each_id(parts, old, |id| hashes.push(hasher.hash_one(id)))?;
    let all = hashes.len();
    hashes.sort_unstable();
    let twice: Vec<u64> = hashes
        .windows(2)
        .filter(|it| it[0] == it[1])
        .map(|it| it[0])
        .collect();
    drop(hashes);
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut row, mut repeated) = (0, None);
    if !twice.is_empty() {
        each_id(parts, old, |id| {
            if twice.binary_search(&hasher.hash_one(id)).is_ok()
                && let Some(first) = seen.insert(id.to_owned(), row)
            {
                repeated.get_or_insert((id.to_owned(), first, row));
            }
            row += 1;
        })?;
    }
    if let Some((id, first, second)) = repeated {
        bail!("id {id:?} stands at rows {first} and {second}; every item needs an id of its own");
    }
    let before = old
        .map(BiasFile::open)
        .transpose()?
        .map_or(0, |it| it.len());
    Ok(all - before)
}

/// The ids of the file that items are appended to, then those given.
fn each_id(parts: &Parts, old: Option<&Path>, mut take: impl FnMut(&str)) -> Result<()> {
    if let Some(old) = old {
        for block in BiasFile::open(old)?.blocks()? {
            if let Ids::Named(names) = block?.ids {
                names.iter().for_each(|id| take(id));
            }
        }
    }
    for (path, key) in parts {
        read_labels(path, key.as_deref())?
            .iter()
            .for_each(|id| take(id));
    }
    Ok(())
}
