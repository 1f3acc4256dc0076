//! The work of one group: all methods on one model, data set, direction and reference set.
//!
//! One bank pass serves every parameter of every method, and one query pass ranks them all.

mod choosing;
mod classes;
mod comparisons;
mod reranking;

pub(crate) use reranking::{Matched, PairMatcher, QueryItem, Reranking};

use crate::bank_search::{Found, Search, SearchRecord, top_means};
use crate::clock::Clock;
use crate::kind::kind;
use crate::metrics::Number;
use crate::plan::{Method, Settings};
use crate::provenance::Signature;
use crate::spec::Choose;
use anyhow::{Context, Result};
use nnn_core::{
    BankSizes, BankStats, Banks, Embeddings, FitError, Fitted, Groups, Normalizer, PassOptions,
    RankOptions, Rankings, Relevance, Rows, StatPlan, rank, rank_each,
};
use nnn_data::Cluster;
use nnn_metrics::{Audit, Clusters, Ranked};
use nnn_report::{
    CellId, ChoosingRow, ClassRow, ComparisonRow, GridRow, MethodId, QueryColumn, QueryTable,
    ScoreRow,
};
use std::ops::Range;
use std::sync::Arc;

/// Queries, a gallery, and which item answers which query.
pub(crate) struct Task {
    pub(crate) queries: Arc<Embeddings>,
    pub(crate) gallery: Arc<Embeddings>,
    pub(crate) relevance: Relevance,
    /// What the bootstrap resamples, of every query: its image, for example.
    pub(crate) clusters: Clusters,
    /// What a cluster is.
    pub(crate) cluster: Cluster,
    pub(crate) query_ids: Vec<String>,
    /// Of every query its class, where it has one.
    pub(crate) query_classes: Option<Vec<String>>,
    /// The groups of the gallery, where they are known.
    pub(crate) groups: Option<Groups>,
}

/// The reference items of one group.
pub(crate) struct BankSet {
    pub(crate) query: Option<Arc<Embeddings>>,
    pub(crate) gallery: Option<Arc<Embeddings>>,
}

impl Task {
    /// Scores of one pass over the queries.
    pub(crate) fn pairs(&self) -> u64 {
        (self.queries.len() * self.gallery.len()) as u64
    }

    /// Rankings of it, with the groups that metrics may read.
    pub(crate) fn ranked<'a>(&'a self, rankings: &'a Rankings) -> Ranked<'a> {
        let audit = |groups| Audit {
            groups,
            relevance: &self.relevance,
        };
        Ranked {
            rankings,
            audit: self.groups.as_ref().map(audit),
        }
    }
}

impl BankSet {
    /// Sizes of all that a correction for the task may learn from.
    pub(crate) fn sizes(&self, task: &Task) -> BankSizes {
        let size = |bank: &Option<Arc<Embeddings>>| bank.as_ref().map(|bank| bank.len());
        BankSizes {
            query: size(&self.query),
            gallery: size(&self.gallery),
            evaluated: Some(task.queries.len()),
        }
    }

    /// With the queries of the task that is evaluated, for what is transductive.
    pub(crate) fn rows<'a>(&'a self, task: &'a Task) -> Banks<'a> {
        Banks {
            query: self.query.as_ref().map(|bank| bank.rows()),
            gallery: self.gallery.as_ref().map(|bank| bank.rows()),
            evaluated: Some(task.queries.rows()),
        }
    }
}

/// How the rows of a group are labelled.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub(crate) experiment: String,
    pub(crate) model: String,
    pub(crate) dataset: String,
    pub(crate) split: String,
    pub(crate) direction: String,
    /// Name and size of the reference set; none for the methods that read no bank.
    pub(crate) reference: Option<(String, usize)>,
    /// `name#checksum` of the data and the model, number type, and bank as they stand in signatures.
    pub(crate) data_signature: String,
    pub(crate) model_signature: String,
    pub(crate) dtype: String,
    pub(crate) bank_signature: Option<String>,
}

/// Everything one group is computed from.
pub(crate) struct Group<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) methods: &'a [&'a Method],
    pub(crate) test: &'a Task,
    pub(crate) validation: Option<&'a Task>,
    pub(crate) banks: &'a BankSet,
    pub(crate) settings: &'a Settings,
    pub(crate) pass: PassOptions<'a>,
    /// How the lists of the report are ranked again, if they are.
    pub(crate) reranking: Option<Reranking<'a>>,
}

/// What a group leaves behind.
pub(crate) struct Outcome {
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) comparisons: Vec<ComparisonRow>,
    pub(crate) grid: Vec<GridRow>,
    pub(crate) choosing: Vec<ChoosingRow>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) queries: QueryTable,
    /// Method name and bias of every reported additive method that reads a bank, with its signature.
    pub(crate) biases: Vec<(String, Vec<f32>)>,
    /// What the index over the query bank was worth, where one was used.
    pub(crate) bank_search: Option<SearchRecord>,
    /// Seconds of every step.
    pub(crate) seconds: Vec<(String, f64)>,
}

/// A method's parameters that will be reported.
struct Chosen<'a> {
    method: &'a Method,
    point: usize,
}

/// A list that will be reported.
struct Listed<'c, 'a> {
    chosen: &'c Chosen<'a>,
    /// Its place among the rankings.
    place: usize,
    /// How many items of it were ranked again.
    depth: Option<usize>,
}

impl Group<'_> {
    /// Chooses, measures and compares.
    pub(crate) fn run(&self) -> Result<Outcome> {
        let mut clock = Clock::default();
        let plan = self.stat_plan();
        let search = self.search(&plan)?;
        let (stats, found) = clock.time("statistics (test)", || {
            self.collect(&plan, search.as_ref(), self.test)
        })?;
        let validation = self.objectives_on_validation(&plan, search.as_ref(), &mut clock)?;
        let validation = validation.as_deref();
        let test = match self.searches() {
            true => Some(clock.time("ranking (test)", || self.objectives(self.test, &stats))?),
            false => None,
        };
        let test = test.as_deref();
        let chosen = self.choose(validation, test);
        let mut outcome = clock.time("report", || self.report(&chosen, &stats))?;
        outcome.grid = self.grid(&chosen, validation, test);
        outcome.choosing = self.choosing(&chosen, validation, test)?;
        if let (Some(search), Some(found)) = (&search, &found) {
            let points: Vec<_> = chosen.iter().map(Chosen::normalizer).collect();
            outcome.bank_search = Some(search.record(self, found, &stats, &points)?);
        }
        outcome.seconds = clock.0;
        Ok(outcome)
    }

    /// The index over the query bank, if the experiment has one and a method here reads it.
    fn search(&self, plan: &StatPlan) -> Result<Option<Search<'_>>> {
        let settings = self.settings.bank_search;
        let bank = self.banks.query.as_deref();
        match (settings, bank) {
            (Some(settings), Some(bank)) if !top_means(plan).is_empty() => {
                Search::start(settings, bank, plan).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn stat_plan(&self) -> StatPlan {
        let mut plan = StatPlan::default();
        for point in self.points() {
            point.needs(&mut plan);
        }
        plan
    }

    fn points(&self) -> impl Iterator<Item = &dyn Normalizer> {
        self.methods
            .iter()
            .flat_map(|method| method.points.iter().map(|point| &**point))
    }

    /// Every method with the places of its points among those of all.
    fn own_points(&self) -> impl Iterator<Item = (&Method, Range<usize>)> {
        let mut first = 0;
        self.methods.iter().map(move |&method| {
            let own = first..first + method.points.len();
            first = own.end;
            (method, own)
        })
    }

    fn searches(&self) -> bool {
        self.methods
            .iter()
            .any(|method| method.choose != Choose::Fixed)
    }

    /// All statistics for a task, the means of the largest similarities from what is found through `search` if there is
    /// one.
    fn collect(
        &self,
        plan: &StatPlan,
        search: Option<&Search<'_>>,
        task: &Task,
    ) -> Result<(BankStats, Option<Found>)> {
        let exactly = |plan: &StatPlan| {
            BankStats::collect(plan, task.gallery.rows(), self.banks.rows(task), self.pass)
        };
        let Some(search) = search else {
            return Ok((exactly(plan)?, None));
        };
        let found = search.find(task.gallery.rows())?;
        let stats = found.add_to(exactly(search.exact_part())?);
        Ok((stats, Some(found)))
    }

    /// The objective of every point on the held-out items, if any method asks for it.
    fn objectives_on_validation(
        &self,
        plan: &StatPlan,
        search: Option<&Search<'_>>,
        clock: &mut Clock,
    ) -> Result<Option<Vec<f64>>> {
        if !self
            .methods
            .iter()
            .any(|method| method.choose == Choose::Validation)
        {
            return Ok(None);
        }
        let task = self
            .validation
            .context("there are no held-out items to choose parameters on")?;
        let (stats, _) = clock.time("statistics (validation)", || {
            self.collect(plan, search, task)
        })?;
        let objectives = clock.time("ranking (validation)", || self.objectives(task, &stats))?;
        Ok(Some(objectives))
    }

    /// The statistics of a task, whichever way the config wants them.
    fn statistics(&self, plan: &StatPlan, task: &Task) -> Result<BankStats> {
        let search = self.search(plan)?;
        Ok(self.collect(plan, search.as_ref(), task)?.0)
    }

    /// The objective of every point on a task.
    fn objectives(&self, task: &Task, stats: &BankStats) -> Result<Vec<f64>> {
        let objective = self.settings.objective;
        let scorer = self.pass.scorer(task.queries.rows(), task.gallery.rows())?;
        let needs = objective.needs();
        let options = RankOptions {
            depth: objective.depth(),
            ..self.rank_options(needs.all_relevant, needs.top)
        };
        let mut values: Vec<Result<f64>> = self.points().map(|_| Ok(0.0)).collect();
        // Each point's ranks are reduced at once: a grid of thousands is never held whole.
        let mut measure = |places: &[usize], fitted: &[&Fitted]| {
            rank_each(&scorer, &task.relevance, fitted, options, |at, rankings| {
                values[places[at]] = objective.measure(task.ranked(&rankings));
            });
        };
        let mut rules = (Vec::new(), Vec::new());
        for (place, point) in self.points().enumerate() {
            match point.fit(stats, task.gallery.rows())? {
                // It is ranked by itself, so that its gallery need not be held beside those of the other points.
                moved @ Fitted::VectorMoving(_) => measure(&[place], &[&moved]),
                rule => {
                    rules.0.push(place);
                    rules.1.push(rule);
                }
            }
        }
        measure(&rules.0, &rules.1.iter().collect::<Vec<_>>());
        values.into_iter().collect()
    }

    fn rank_options(&self, all_relevant: bool, top: usize) -> RankOptions {
        RankOptions {
            ties: self.settings.ties,
            top,
            all_relevant,
            depth: None,
        }
    }

    pub(crate) fn rank(
        &self,
        task: &Task,
        fitted: &[Fitted],
        all_relevant: bool,
        top: usize,
    ) -> Result<Vec<Rankings>> {
        let scorer = self.pass.scorer(task.queries.rows(), task.gallery.rows())?;
        let methods: Vec<&Fitted> = fitted.iter().collect();
        let options = self.rank_options(all_relevant, top);
        Ok(rank(&scorer, &task.relevance, &methods, options))
    }

    /// The points to report: every point of a fixed method, the best one of a searched method; the first of equals wins.
    fn choose(&self, validation: Option<&[f64]>, test: Option<&[f64]>) -> Vec<Chosen<'_>> {
        let mut chosen = Vec::new();
        for (method, own) in self.own_points() {
            let values = match method.choose {
                Choose::Fixed => None,
                Choose::Validation => validation,
                Choose::Oracle => test,
            };
            match values {
                None => chosen.extend((0..own.len()).map(|point| Chosen { method, point })),
                Some(values) => chosen.push(Chosen {
                    method,
                    point: self.settings.objective.best(&values[own]),
                }),
            }
        }
        chosen
    }

    /// Ranks the chosen points beside raw and measures everything.
    fn report(&self, chosen: &[Chosen<'_>], stats: &BankStats) -> Result<Outcome> {
        let metrics = &self.settings.metrics;
        let gallery = self.test.gallery.rows();
        let others: Vec<&Chosen<'_>> = chosen.iter().filter(|c| !c.method.is_raw()).collect();
        let mut fitted = vec![nnn_core::Raw.fit(stats, gallery)?];
        fitted.extend(fit(others.iter().map(|c| c.normalizer()), stats, gallery)?);
        let (all, top) = (metrics.need_all_relevant(), self.report_width());
        let mut rankings = self.rank(self.test, &fitted, all, top)?;
        rankings.extend(self.reranked(&rankings, all)?);
        let standings = metrics.standings(self.test, &rankings)?;
        let mut numbers: Vec<_> = standings.numbers.into_iter().map(Some).collect();
        let mut scores = Vec::new();
        let listed = self.listed(chosen, fitted.len());
        for list in &listed {
            let numbers = numbers[list.place].take().unwrap_or_default();
            scores.extend(self.score_rows(list, numbers));
        }
        Ok(Outcome {
            scores,
            comparisons: self.comparisons(&others, standings.pairs)?,
            grid: Vec::new(),
            choosing: Vec::new(),
            classes: self.class_rows(&listed, &rankings),
            queries: self.query_table(&listed, &rankings),
            biases: biases(&others, &fitted[1..]),
            bank_search: None,
            seconds: Vec::new(),
        })
    }

    /// Length of the lists that the report reads.
    fn report_width(&self) -> usize {
        let depth = self.reranking.map_or(0, |it| it.depth);
        let metrics = self.settings.metrics.top_width().max(self.settings.top);
        metrics.max(depth).min(self.test.gallery.len())
    }

    /// All lists of the report: `methods` rankings, and as many behind them if they are ranked again.
    fn listed<'c, 'p>(&self, chosen: &'c [Chosen<'p>], methods: usize) -> Vec<Listed<'c, 'p>> {
        let lists = |first: usize, depth: Option<usize>| {
            let places = chosen.iter().zip(places(chosen));
            places.map(move |(chosen, place)| Listed {
                chosen,
                place: first + place,
                depth,
            })
        };
        let again = self.reranking.map(|it| lists(methods, Some(it.depth)));
        lists(0, None).chain(again.into_iter().flatten()).collect()
    }

    fn score_rows(&self, list: &Listed<'_, '_>, numbers: Vec<Number>) -> Vec<ScoreRow> {
        let cell = self.cell_of(list.id());
        let row = |number: Number| ScoreRow {
            cell: cell.clone(),
            signature: self.signature(list, &number.metric),
            metric: number.metric,
            value: number.value,
            ci: number.ci,
            binomial: number.binomial,
            gain: number.gain,
            n_queries: self.test.queries.len(),
            cluster: self.test.cluster.to_string(),
            n_clusters: self.test.clusters.count(),
            n_gallery: self.test.gallery.len(),
        };
        numbers.into_iter().map(row).collect()
    }

    fn cell(&self, method: &Method, point: usize) -> CellId {
        self.cell_of(method_id(method, point))
    }

    fn cell_of(&self, id: MethodId) -> CellId {
        let labels = self.labels;
        let (reference_set, reference_size) = labels.reference.clone().unwrap_or_default();
        CellId {
            experiment: labels.experiment.clone(),
            model: labels.model.clone(),
            dataset: labels.dataset.clone(),
            split: labels.split.clone(),
            direction: labels.direction.clone(),
            reference_set,
            reference_size,
            method: id.method,
            kind: id.kind,
            params: id.params,
            chosen: id.chosen,
        }
    }

    fn signature(&self, list: &Listed<'_, '_>, metric: &str) -> String {
        let (labels, chosen) = (self.labels, list.chosen);
        let word = chosen.method.chosen_word();
        let search = self.settings.bank_search.as_ref();
        let search = search.filter(|_| !top_means(&chosen.method.stat_plan()).is_empty());
        let topk = search.map_or("exact".to_owned(), |s| format!("approximate({})", s.ivf));
        let line = Signature {
            metric,
            direction: &labels.direction,
            data: &labels.data_signature,
            split: &labels.split,
            model: &labels.model_signature,
            dtype: &labels.dtype,
            bank: labels.bank_signature.as_deref(),
            method: &list.signature(),
            chosen: (!word.is_empty()).then_some(word),
            topk: &topk,
            ties: self.settings.ties.name(),
        };
        line.line()
    }

    /// Every point of every searched method, on the held-out and on the evaluated items.
    fn grid(
        &self,
        chosen: &[Chosen<'_>],
        validation: Option<&[f64]>,
        test: Option<&[f64]>,
    ) -> Vec<GridRow> {
        let mut rows = Vec::new();
        for (method, own) in self.own_points() {
            if method.choose == Choose::Fixed {
                continue;
            }
            let selected = chosen
                .iter()
                .find(|c| std::ptr::eq(c.method, method))
                .map(|c| c.point);
            for (name, task, values) in [
                ("validation", self.validation, validation),
                ("test", Some(self.test), test),
            ] {
                let (Some(task), Some(values)) = (task, values) else {
                    continue;
                };
                for (point, &value) in values[own.clone()].iter().enumerate() {
                    rows.push(GridRow {
                        cell: self.cell(method, point),
                        evaluated_on: name.to_owned(),
                        metric: self.settings.objective.name(),
                        value,
                        n_queries: task.queries.len(),
                        selected: selected == Some(point),
                    });
                }
            }
        }
        rows
    }

    fn query_table(&self, listed: &[Listed<'_, '_>], rankings: &[Rankings]) -> QueryTable {
        let keep = self.settings.top;
        let methods = listed.iter().map(|list| {
            let rankings = &rankings[list.place];
            let queries = 0..rankings.queries();
            let width = keep.min(rankings.top_width());
            QueryColumn {
                method: list.signature(),
                chosen: list.chosen.method.chosen_word().to_owned(),
                first_rank: queries.clone().map(|q| rankings.first_rank(q)).collect(),
                top: queries
                    .flat_map(|q| rankings.top(q)[..width].iter().copied())
                    .collect(),
                top_width: width,
            }
        });
        QueryTable {
            query_ids: self.test.query_ids.clone(),
            clusters: self.test.clusters.of().to_vec(),
            methods: methods.collect(),
        }
    }
}

impl<'a> Chosen<'a> {
    fn normalizer(&self) -> &'a dyn Normalizer {
        &*self.method.points[self.point]
    }
}

impl Listed<'_, '_> {
    fn id(&self) -> MethodId {
        let id = method_id(self.chosen.method, self.chosen.point);
        marked(id, self.depth)
    }

    /// That of the method, with what was done to its list: `nnn(k=128,alpha=0.75)+itm(depth=256)`.
    fn signature(&self) -> String {
        let method = self.chosen.normalizer().signature();
        match self.depth {
            Some(depth) => format!("{method}+itm(depth={depth})"),
            None => method,
        }
    }
}

/// A point of a method as results name it.
pub(crate) fn method_id(method: &Method, point: usize) -> MethodId {
    MethodId {
        method: method.family.name().to_owned(),
        kind: kind(method.family),
        params: method.params(point),
        chosen: method.chosen_word().to_owned(),
    }
}

/// The method of a list that was ranked again, `nnn+itm` with `depth` behind its parameters; or as it is.
pub(crate) fn marked(id: MethodId, depth: Option<usize>) -> MethodId {
    let Some(depth) = depth else {
        return id;
    };
    let comma = if id.params.is_empty() { "" } else { "," };
    MethodId {
        method: format!("{}+itm", id.method),
        kind: format!("{}, re-ranked", id.kind),
        params: format!("{}{comma}depth={depth}", id.params),
        chosen: id.chosen,
    }
}

pub(crate) fn fit<'a>(
    points: impl Iterator<Item = &'a dyn Normalizer>,
    stats: &BankStats,
    gallery: Rows<'_>,
) -> Result<Vec<Fitted>, FitError> {
    points.map(|point| point.fit(stats, gallery)).collect()
}

/// Where each chosen point is ranked: raw is the first, the others follow in their order.
fn places(chosen: &[Chosen<'_>]) -> Vec<usize> {
    let mut last = 0;
    let place = |chosen: &Chosen<'_>| {
        if chosen.method.is_raw() {
            return 0;
        }
        last += 1;
        last
    };
    chosen.iter().map(place).collect()
}

fn biases(others: &[&Chosen<'_>], fitted: &[Fitted]) -> Vec<(String, Vec<f32>)> {
    let additive = others.iter().zip(fitted);
    additive
        .filter_map(|(chosen, fitted)| {
            let bias = fitted.additive()?;
            Some((chosen.normalizer().signature(), bias.values().to_vec()))
        })
        .collect()
}
