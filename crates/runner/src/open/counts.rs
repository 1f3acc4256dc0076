//! How many items were found, for cards that do not say how many there are.

use super::{Content, Sources};
use crate::plan::Plan;
use crate::warning::Warning;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers of items of one split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    images: usize,
    texts: usize,
}

/// What was found, by data set and split.
pub(crate) type Counts = BTreeMap<String, BTreeMap<String, Found>>;

impl Sources {
    /// The numbers of items of all data sets that were read.
    pub(crate) fn counts(&self) -> Counts {
        let counted = self.all.iter().filter_map(|source| {
            let Content::Items(store) = &source.content else {
                return None;
            };
            let splits = store.splits().iter().map(|(split, pairs)| {
                let found = Found {
                    images: pairs.images().len(),
                    texts: pairs.texts().len(),
                };
                (split.clone(), found)
            });
            Some((source.name.clone(), splits.collect()))
        });
        counted.collect()
    }

    /// What has other numbers than the last run found, of splits whose cards give none.
    pub(crate) fn changed(&self, plan: &Plan, before: &Counts) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (dataset, splits) in self.counts() {
            let mut entries = plan.all_datasets();
            let entry = entries.find(|(entry, _)| entry.card.name == dataset);
            for (split, now) in splits {
                let counts = entry.and_then(|(entry, _)| entry.card.splits.get(&split));
                let is_checked = counts.is_some_and(|it| it.images.is_some() && it.texts.is_some());
                let last = before.get(&dataset).and_then(|it| it.get(&split));
                match last {
                    Some(last) if *last != now && !is_checked => {
                        warnings.push(Warning::CountsChanged {
                            dataset: dataset.clone(),
                            split,
                            images: [last.images, now.images],
                            texts: [last.texts, now.texts],
                        })
                    }
                    _ => {}
                }
            }
        }
        warnings
    }
}
