//! How long a sweep has to go, as far as it can be known before it runs.

use crate::files::Cell;
use crate::needs::images_as;
use crate::plan::Plan;
use crate::spec::ReferenceSpec;
use nnn_core::{Bank, StatPlan};
use nnn_data::{DatasetCard, Direction};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Model, data set, direction and reference set of a group; the last is empty for the methods that read none.
type Title = [String; 4];

/// What stands in the results folder and what is left, in lines for a dry run. Whether a record is still of what the config
/// says now is seen when it runs: that depends on the content of all inputs.
pub(super) fn lines(plan: &Plan, results: &Path) -> String {
    let groups = groups(plan);
    let records = records(&results.join(&plan.spec.experiment).join("cells"));
    let done = groups.iter().filter(|group| records.contains_key(*group));
    let done = done.count();
    let mut text = format!("  groups: {done} of {} are recorded", groups.len());
    text.push_str(" (whether they are still of this config and its inputs is seen when it runs)\n");
    let left: Vec<&Title> = groups
        .iter()
        .filter(|group| !records.contains_key(*group))
        .collect();
    text.push_str(&to_encode(plan, &left));
    text.push_str(&extrapolated(&records, left.len()));
    text
}

/// Every group that the plan has, in order.
fn groups(plan: &Plan) -> Vec<Title> {
    let alone = plan.methods.iter().any(|it| it.stat_plan().is_empty());
    let referenced = !plan.statistics().is_empty();
    let sets = plan.spec.reference_sets.iter().map(ReferenceSpec::title);
    let sets: Vec<String> = sets.filter(|_| referenced).collect();
    let mut groups = Vec::new();
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
            groups.extend(all.map(title));
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
        if source.by_role.is_some() {
            let direction = [source.direction.unwrap_or(Direction::T2i)];
            let set = ["reference queries".to_owned()];
            let set = if referenced { &set[..] } else { &[] };
            push(model, &source.name, &direction, set);
        } else {
            push(model, &source.name, &plan.spec.directions, &sets);
        }
    }
    groups
}

/// Seconds of every recorded group: of encoding, and of everything.
fn records(folder: &Path) -> BTreeMap<Title, (f64, f64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let cells = entries.filter_map(|entry| {
        let cell: Cell = serde_json::from_str(&fs::read_to_string(entry.path()).ok()?).ok()?;
        let id = &cell.scores.first()?.cell;
        let title = [&id.model, &id.dataset, &id.direction, &id.reference_set].map(Clone::clone);
        let encoding = cell.seconds.iter().filter(|step| step.0 == "embeddings");
        let encoding: f64 = encoding.map(|step| step.1).sum();
        Some((
            title,
            (encoding, cell.seconds.iter().map(|step| step.1).sum()),
        ))
    });
    cells.collect()
}

/// Images and captions that a model with groups left has to encode.
fn to_encode(plan: &Plan, left: &[&Title]) -> String {
    let mut text = String::new();
    for model in &plan.models {
        let mut sides = BTreeMap::new();
        for [_, dataset, direction, set] in left.iter().filter(|it| it[0] == model.card.name) {
            let Some(entry) = plan.datasets.iter().find(|it| it.card.name == *dataset) else {
                continue;
            };
            let side = Sides {
                plan,
                card: &entry.card,
                statistics: plan.statistics(),
            };
            side.add(direction, set, &mut sides);
        }
        let sum = |texts: bool| -> usize {
            let all = sides.iter().filter(|side| side.0.1 == texts);
            all.map(|side| side.1).sum()
        };
        let (images, captions) = (sum(false), sum(true));
        if images + captions > 0 {
            let _ = writeln!(
                text,
                "  to encode by {}: about {images} images and {captions} captions, less what the cache has",
                model.card.name
            );
        }
    }
    text
}

/// What is encoded once: its name and whether it is texts.
type SideName = (String, bool);

/// What the groups of one data set encode.
struct Sides<'a> {
    plan: &'a Plan,
    card: &'a DatasetCard,
    statistics: StatPlan,
}

impl Sides<'_> {
    fn add(&self, direction: &str, set: &str, sides: &mut BTreeMap<SideName, usize>) {
        let spec = &self.plan.spec;
        let name = &self.card.name;
        let Some(test) = self.card.splits.get(&spec.split) else {
            return;
        };
        let mut put = |what: String, texts: bool, count| {
            sides.insert((what, texts), count);
        };
        put(format!("{name} evaluated"), false, test.images);
        put(format!("{name} evaluated"), true, test.texts);
        let drawn = |it: &&ReferenceSpec| it.title() == set;
        let Some(reference) = spec.reference_sets.iter().find(drawn) else {
            return;
        };
        let held_out = match self.plan.searches() {
            true => spec.hold_out.images.unwrap_or(test.images),
            false => 0,
        };
        let texts_of = |split: &str, card: &DatasetCard, images: usize| {
            let counts = card.splits.get(split);
            counts.map_or(0, |all| images * all.texts / all.images.max(1))
        };
        put(format!("{name} held out"), false, held_out);
        let texts = texts_of(&spec.hold_out.split, self.card, held_out);
        put(format!("{name} held out"), true, texts);
        let Some(origin) = self.origin(reference) else {
            return;
        };
        let all = origin
            .splits
            .get(&reference.split)
            .map_or(0, |it| it.images);
        let holds_out_here =
            origin.name == self.card.name && reference.split == spec.hold_out.split;
        let free = all.saturating_sub(if holds_out_here { held_out } else { 0 });
        let images = (reference.share * free as f64).round() as usize;
        let direction = match direction {
            "i2t" => Direction::I2t,
            _ => Direction::T2i,
        };
        let as_images = images_as(direction);
        if self.statistics.uses(as_images) {
            put(format!("{name} {set}"), false, images);
        }
        let as_texts = match as_images {
            Bank::Query => Bank::Gallery,
            _ => Bank::Query,
        };
        if self.statistics.uses(as_texts) {
            let texts = texts_of(&reference.split, origin, images);
            put(format!("{name} {set}"), true, texts);
        }
    }

    /// The card that a reference set is drawn from.
    fn origin(&self, reference: &ReferenceSpec) -> Option<&DatasetCard> {
        match &reference.dataset {
            None => Some(self.card),
            Some(name) => {
                let mut all = self.plan.all_datasets();
                all.find(|it| it.0.card.name == *name).map(|it| &it.0.card)
            }
        }
    }
}

/// The time of the groups left at the rate of those that are recorded.
fn extrapolated(records: &BTreeMap<Title, (f64, f64)>, left: usize) -> String {
    let count = records.len();
    if count == 0 || left == 0 {
        return String::new();
    }
    let mean =
        |seconds: fn(&(f64, f64)) -> f64| records.values().map(seconds).sum::<f64>() / count as f64;
    let (encoding, all) = (mean(|it| it.0), mean(|it| it.1));
    format!(
        "  extrapolated: the recorded groups took {all:.1} s each ({encoding:.1} s of it encoding); the {left} left would take \
         {:.0} s if they are like them, which other models and banks need not be\n",
        all * left as f64
    )
}
