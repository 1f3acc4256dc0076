//! How long a sweep has to go, as far as it can be known before it runs.

use crate::plan::Plan;
use crate::plan::needs::images_as;
use crate::results::folder::TRIALS;
use crate::results::trial_record::TrialRecord;
use crate::spec::{ROLE_REFERENCE, ReferenceSpec};
use nnn_data::{DatasetCard, Direction};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Model, data set, direction and reference set of a trial; the last is empty for the methods that read none.
type Title = [String; 4];

/// What stands in the results folder and what is left, in lines for a dry run. Whether a record is still of what the config
/// says now is seen when it runs: that depends on the content of all inputs.
pub(super) fn lines(plan: &Plan, results: &Path) -> String {
    let trials = trials(plan);
    let records = records(&results.join(&plan.spec.experiment).join(TRIALS));
    let done = trials.iter().filter(|trial| records.contains_key(*trial));
    let done = done.count();
    let mut text = format!("  trials: {done} of {} are recorded", trials.len());
    text.push_str(" (whether they are still of this config and its inputs is seen when it runs)\n");
    let left: Vec<&Title> = trials
        .iter()
        .filter(|trial| !records.contains_key(*trial))
        .collect();
    text.push_str(&to_encode(plan, &left));
    text.push_str(&extrapolated(&records, left.len()));
    text
}

/// Every trial that the plan has, in order.
fn trials(plan: &Plan) -> Vec<Title> {
    let alone = plan.methods.iter().any(|it| it.stat_plan().is_empty());
    let referenced = !plan.statistics().is_empty();
    let sets = plan.spec.reference_sets.iter().map(ReferenceSpec::title);
    let sets: Vec<String> = sets.filter(|_| referenced).collect();
    let mut trials = Vec::new();
    let mut push = |model: &str, dataset: &str, directions: &[Direction], sets: &[String]| {
        for direction in directions {
            let all = alone.then(String::new).into_iter().chain(sets.to_vec());
            let title = |set| {
                [
                    model.to_owned(),
                    dataset.to_owned(),
                    direction.to_string(),
                    set,
                ]
            };
            trials.extend(all.map(title));
        }
    };
    for model in &plan.models {
        for data in &plan.datasets {
            push(
                &model.card.name,
                &data.card.name,
                &plan.spec.directions,
                &sets,
            );
        }
    }
    for source in &plan.spec.embeddings {
        let model = source.model.as_ref().unwrap_or(&source.name);
        if source.by_dataset.is_none() {
            let direction = [source.direction.unwrap_or(Direction::T2i)];
            let set = [ROLE_REFERENCE.to_owned()];
            let set = if referenced { &set[..] } else { &[] };
            push(model, &source.name, &direction, set);
        } else {
            push(model, &source.name, &plan.spec.directions, &sets);
        }
    }
    trials
}

/// Seconds of every recorded trial: of encoding, and of everything.
fn records(folder: &Path) -> BTreeMap<Title, (f64, f64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let records = entries.filter_map(|entry| {
        let record: TrialRecord =
            serde_json::from_str(&fs::read_to_string(entry.path()).ok()?).ok()?;
        let id = &record.scores.first()?.cell;
        let title = [&id.model, &id.dataset, &id.direction, &id.reference_set].map(Clone::clone);
        let encoding = record.seconds.iter().filter(|step| step.0 == "embeddings");
        let encoding: f64 = encoding.map(|step| step.1).sum();
        Some((
            title,
            (encoding, record.seconds.iter().map(|step| step.1).sum()),
        ))
    });
    records.collect()
}

/// Images and captions that each model with trials left has to encode.
fn to_encode(plan: &Plan, left: &[&Title]) -> String {
    let mut text = String::new();
    for model in &plan.models {
        let mut work = Work::default();
        for [_, dataset, direction, set] in left.iter().filter(|it| it[0] == model.card.name) {
            let entry = plan.datasets.iter().find(|it| it.card.name == *dataset);
            if let Some(entry) = entry {
                work.add(plan, &entry.card, direction, set);
            }
        }
        let images: usize = work.images.values().sum();
        let texts: usize = work.texts.values().sum();
        if images + texts > 0 {
            let _ = writeln!(
                text,
                "  to encode by {}: about {images} images and {texts} captions, less what the cache has",
                model.card.name
            );
        }
    }
    text
}

/// What is encoded once for several trials, by data set and purpose.
#[derive(Default)]
struct Work {
    images: BTreeMap<(String, String), usize>,
    texts: BTreeMap<(String, String), usize>,
}

impl Work {
    /// Adds a trial: what is evaluated, held out, and in the banks that a method reads. Numbers are the cards'.
    fn add(&mut self, plan: &Plan, card: &DatasetCard, direction: &str, set: &str) {
        let spec = &plan.spec;
        let test = card.splits.get(&spec.split);
        let counts = test.and_then(|it| Some((it.images?, it.texts?)));
        let Some((test_images, test_texts)) = counts else {
            return;
        };
        let name = |purpose: &str| (card.name.clone(), purpose.to_owned());
        self.images.insert(name("evaluated"), test_images);
        self.texts.insert(name("evaluated"), test_texts);
        let mut sets = spec.reference_sets.iter();
        let Some(reference) = sets.find(|it| it.title() == set) else {
            return;
        };
        let held_out = match plan.chooses_on_hold_out() {
            true => spec.hold_out.images.unwrap_or(test_images),
            false => 0,
        };
        let held_texts = texts_of(card, &spec.hold_out.split, held_out);
        self.images.insert(name("held out"), held_out);
        self.texts.insert(name("held out"), held_texts);
        let Some((images, texts)) = drawn(plan, card, reference, held_out) else {
            return;
        };
        let (images_are, texts_are) = match direction == Direction::I2t.to_string() {
            true => (images_as(Direction::I2t), images_as(Direction::T2i)),
            false => (images_as(Direction::T2i), images_as(Direction::I2t)),
        };
        let statistics = plan.statistics();
        if statistics.uses(images_are) {
            self.images.insert(name(set), images);
        }
        if statistics.uses(texts_are) {
            self.texts.insert(name(set), texts);
        }
    }
}

/// Images and captions of a reference set; none where it is not drawn from a card.
fn drawn(
    plan: &Plan,
    evaluated: &DatasetCard,
    reference: &ReferenceSpec,
    held_out: usize,
) -> Option<(usize, usize)> {
    let origin = match (&reference.dataset, &reference.texts) {
        (None, Some(_)) => return None,
        (None, None) => evaluated,
        (Some(name), _) => {
            let mut all = plan.all_datasets();
            all.find(|it| it.0.card.name == *name)
                .map(|it| &it.0.card)?
        }
    };
    let all = origin.splits.get(reference.split())?.images?;
    let is_parted = origin.name == evaluated.name && reference.split() == plan.spec.hold_out.split;
    let free = all.saturating_sub(if is_parted { held_out } else { 0 });
    let images = (reference.share * free as f64).round() as usize;
    Some((images, texts_of(origin, reference.split(), images)))
}

/// About how many captions go with some images of a split.
fn texts_of(card: &DatasetCard, split: &str, images: usize) -> usize {
    let counts = card.splits.get(split);
    let counts = counts.and_then(|it| Some((it.images?, it.texts?)));
    counts.map_or(0, |(all, texts)| images * texts / all.max(1))
}

/// The time of the trials left at the rate of those that are recorded.
fn extrapolated(records: &BTreeMap<Title, (f64, f64)>, left: usize) -> String {
    let count = records.len();
    if count == 0 || left == 0 {
        return String::new();
    }
    let mean =
        |seconds: fn(&(f64, f64)) -> f64| records.values().map(seconds).sum::<f64>() / count as f64;
    let (encoding, all) = (mean(|it| it.0), mean(|it| it.1));
    format!(
        "  extrapolated: the recorded trials took {all:.1} s each ({encoding:.1} s of it encoding); the {left} left would take \
         {:.0} s if they are like them, which other models and banks need not be\n",
        all * left as f64
    )
}
