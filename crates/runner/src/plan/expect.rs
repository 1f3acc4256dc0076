//! Whether an expectation describes one number that this config measures, before hours are spent on it.

use crate::plan::Plan;
use crate::plan::names::{marked, method_id};
use crate::spec::{EmbeddingsSpec, ROLE_REFERENCE, ReferenceSpec};
use anyhow::{Result, bail, ensure};
use nnn_data::Direction;
use nnn_files::hint;
use nnn_report::Expectation;
use nnn_trial::Choose;
use nnn_trial::{SEARCH_METRIC, top_means};
use thiserror::Error;

/// Names that a message lists.
const NAMED: usize = 12;

/// A model on a data set.
struct Place {
    model: String,
    dataset: String,
    directions: Vec<String>,
    reference_sets: Vec<String>,
}

/// What a method may be reported with.
struct Offer {
    method: String,
    params: String,
    chosen: String,
    /// Position among the plan's methods: of those that are chosen from, one point is reported.
    index: usize,
    reads_bank: bool,
    searchable: bool,
}

/// What a config measures, as far as expectations ask.
pub(crate) struct Measured<'a> {
    plan: &'a Plan,
    places: Vec<Place>,
    offers: Vec<Offer>,
}

/// A key of an expectation whose value is nothing that this config measures.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct Unmeasured {
    pub(crate) key: &'static str,
    message: String,
}

impl<'a> Measured<'a> {
    pub(crate) fn by(plan: &'a Plan) -> Self {
        Self {
            plan,
            places: places(plan),
            offers: offers(plan),
        }
    }

    /// Refuses what no row will answer ([`Unmeasured`]), or more than one.
    pub(crate) fn check(&self, entry: &Expectation) -> Result<()> {
        let places: Vec<_> = self.places.iter().collect();
        let places = narrow("model", &entry.model, places, |it| vec![&it.model])?;
        let places = narrow("dataset", &entry.dataset, places, |it| vec![&it.dataset])?;
        let places = narrow("direction", &entry.direction, places, |it| {
            it.directions.iter().map(String::as_str).collect()
        })?;
        let offers = self.offers(entry)?;
        let sets = reference_sets(entry, &places, &offers)?;
        check_metric(self.plan, entry, &offers)?;
        check_params(self.plan, entry)?;
        let rows = sets * settings(&offers);
        ensure!(
            rows == 1,
            "{rows} rows will answer it: say which `reference_set`, `params` or `chosen`"
        );
        match entry.problem() {
            Some(problem) => bail!("{problem}"),
            None => Ok(()),
        }
    }

    fn offers(&self, entry: &Expectation) -> Result<Vec<&Offer>> {
        let offers: Vec<_> = self.offers.iter().collect();
        let offers = narrow("method", &entry.method, offers, |it| vec![&it.method])?;
        let offers = match &entry.chosen {
            Some(chosen) => narrow("chosen", chosen, offers, |it| vec![&it.chosen])?,
            None => offers,
        };
        match &entry.params {
            Some(params) => narrow("params", params, offers, |it| vec![&it.params]),
            None => Ok(offers),
        }
    }
}

/// What is left where a key has this value; an error names what it may be.
fn narrow<'a, T>(
    key: &'static str,
    value: &str,
    mut among: Vec<&'a T>,
    values: impl Fn(&'a T) -> Vec<&'a str>,
) -> Result<Vec<&'a T>> {
    let mut known: Vec<&str> = among.iter().flat_map(|it| values(it)).collect();
    known.sort_unstable();
    known.dedup();
    among.retain(|it| values(it).contains(&value));
    match among.is_empty() {
        true => Err(unmeasured(key, value, &known).into()),
        false => Ok(among),
    }
}

fn unmeasured(key: &'static str, value: &str, known: &[&str]) -> Unmeasured {
    let near = hint(value, known.iter().copied());
    let quote = |name: &&str| match *name {
        "" => "none, leave the key out".to_owned(),
        name => format!("`{name}`"),
    };
    let quoted: Vec<_> = known.iter().map(quote).collect();
    let more = match known.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let listed = quoted[..known.len().min(NAMED)].join(", ");
    let message = format!(
        "`{key}` is `{value}`, which will not be measured here{near} (to be had: {listed}{more})"
    );
    Unmeasured { key, message }
}

/// How many reference sets the entry describes; a method that reads none has one row.
fn reference_sets(entry: &Expectation, places: &[&Place], offers: &[&Offer]) -> Result<usize> {
    let reads = offers.iter().any(|offer| offer.reads_bank);
    let known = places.iter().flat_map(|place| &place.reference_sets);
    let known: Vec<&str> = known.map(String::as_str).collect();
    match entry.reference_set.as_deref() {
        None if reads => Ok(known.len()),
        None | Some("") if !reads => Ok(1),
        Some(set) if !reads => bail!(
            "`reference_set` is `{set}`, but `{}` reads none: leave it out",
            entry.method
        ),
        set => {
            let set = set.unwrap_or_default();
            ensure!(
                known.contains(&set),
                unmeasured("reference_set", set, &known)
            );
            Ok(1)
        }
    }
}

/// Metrics by their names in scores, what they gain over raw, and what a search through an index is worth.
fn check_metric(plan: &Plan, entry: &Expectation, offers: &[&Offer]) -> Result<()> {
    let measured = plan.settings.measures.metrics.names();
    let gains = measured.iter().map(|metric| format!("gain:{metric}"));
    let gains = gains.filter(|_| entry.method != "raw");
    let searched =
        plan.settings.measures.bank_search.is_some() && offers.iter().any(|it| it.searchable);
    let searches = search_metrics().into_iter().filter(|_| searched);
    let known: Vec<String> = measured
        .iter()
        .cloned()
        .chain(gains)
        .chain(searches)
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    ensure!(
        known.contains(&entry.metric.as_str()),
        unmeasured("metric", &entry.metric, &known)
    );
    Ok(())
}

/// What a search through an index is worth, by the names of expectations.
pub(crate) fn search_metrics() -> [String; 4] {
    [
        format!("exact_search:{SEARCH_METRIC}"),
        "exact_search:seconds".to_owned(),
        "index_search:seconds".to_owned(),
        "index_search:factor".to_owned(),
    ]
}

/// Published parameters are the method's own.
fn check_params(plan: &Plan, entry: &Expectation) -> Result<()> {
    let own = plan.methods.iter().map(|method| method.family);
    let own = own.filter(|family| family.name() == entry.method);
    let own = own.flat_map(|family| family.params().iter().map(|info| info.name));
    let known: Vec<&str> = own.collect();
    let mut named = entry.paper_params.iter().flat_map(|params| params.keys());
    match named.find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unmeasured("paper_params", name, &known).into()),
        None => Ok(()),
    }
}

/// How many rows the offers are: every fixed point is one, a choice from a grid is one.
fn settings(offers: &[&Offer]) -> usize {
    let fixed = |offer: &&&Offer| offer.chosen.is_empty() || offer.chosen == Choose::Fixed.name();
    let mut chosen: Vec<_> = offers
        .iter()
        .filter(|it| !fixed(it))
        .map(|it| it.index)
        .collect();
    chosen.dedup();
    offers.iter().filter(fixed).count() + chosen.len()
}

fn places(plan: &Plan) -> Vec<Place> {
    let spec = &plan.spec;
    let titles: Vec<_> = spec
        .reference_sets
        .iter()
        .map(ReferenceSpec::title)
        .collect();
    let place = |model: &str, dataset: &str, directions: &[Direction], sets: &[String]| Place {
        model: model.to_owned(),
        dataset: dataset.to_owned(),
        directions: directions.iter().map(Direction::to_string).collect(),
        reference_sets: sets.to_vec(),
    };
    let models = plan.models.iter().map(|entry| &entry.card.name);
    let models = models.chain(plan.absent_models.iter().map(|absent| &absent.name));
    let mut places = Vec::new();
    for model in models {
        let datasets = plan.datasets.iter().map(|entry| &entry.card.name);
        places.extend(datasets.map(|name| place(model, name, &spec.directions, &titles)));
    }
    let of_vectors = |source: &EmbeddingsSpec| {
        let model = source.model.as_ref().unwrap_or(&source.name);
        match source.by_dataset {
            Some(_) => place(model, &source.name, &spec.directions, &titles),
            None => {
                let direction = source.direction.unwrap_or(Direction::T2i);
                place(
                    model,
                    &source.name,
                    &[direction],
                    &[ROLE_REFERENCE.to_owned()],
                )
            }
        }
    };
    places.extend(spec.embeddings.iter().map(of_vectors));
    places
}

fn offers(plan: &Plan) -> Vec<Offer> {
    let mut offers = Vec::new();
    for (index, method) in plan.methods.iter().enumerate() {
        let reads_bank = !method.stat_plan().is_empty();
        let searchable = !top_means(&method.stat_plan()).is_empty();
        for point in 0..method.points.len() {
            let offer = |again: Option<usize>| {
                let id = marked(method_id(method, point), again);
                Offer {
                    method: id.method,
                    params: id.params,
                    chosen: id.chosen,
                    index,
                    reads_bank,
                    searchable,
                }
            };
            offers.push(offer(None));
            offers.extend(plan.settings.rerank.map(|depth| offer(Some(depth))));
        }
    }
    offers
}
