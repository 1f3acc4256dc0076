//! Files that are not here where the network must not be used: those that go into one folder in one line.

use nnn_hub::{HubError, elsewhere};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files that go into one folder.
#[derive(Default)]
struct Group<'a> {
    names: Vec<&'a str>,
    origins: Vec<&'a str>,
    others: Vec<String>,
}

/// Lines that name all missing files, where they come from and where to put them.
pub(super) fn together(missing: &[HubError]) -> Vec<String> {
    if let [only] = missing {
        return vec![only.to_string()];
    }
    let mut groups: BTreeMap<PathBuf, Group<'_>> = BTreeMap::new();
    for error in missing {
        let HubError::Missing {
            name,
            origin,
            put_at,
            others,
        } = error
        else {
            continue;
        };
        let folder = put_at.parent().unwrap_or(Path::new("")).to_owned();
        let group = groups.entry(folder).or_default();
        group.names.push(name);
        group.origins.push(origin);
        // Only a commit at which all of them are can take their place.
        match group.names.len() {
            1 => group.others.clone_from(others),
            _ => group.others.retain(|it| others.contains(it)),
        }
    }
    groups
        .iter()
        .map(|(folder, group)| line(folder, group))
        .collect()
}

fn line(folder: &Path, group: &Group<'_>) -> String {
    let Group {
        names,
        origins,
        others,
    } = group;
    format!(
        "{} are not here and the network is not to be used: they come from {}; run `runner fetch CONFIG` where there is a \
         network, or put them into {}{}",
        names.join(", "),
        origin(names, origins),
        folder.display(),
        elsewhere(others)
    )
}

/// The address that all have in common, or all of them.
fn origin(names: &[&str], origins: &[&str]) -> String {
    let above: Vec<Option<&str>> = names
        .iter()
        .zip(origins)
        .map(|(name, origin)| origin.strip_suffix(name))
        .collect();
    match above[..] {
        [Some(first), ref rest @ ..] if rest.iter().all(|it| *it == Some(first)) => {
            first.to_owned()
        }
        _ => origins.join(", "),
    }
}
