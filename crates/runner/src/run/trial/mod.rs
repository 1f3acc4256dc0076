//! The work of one trial: all methods on one model, data set, direction and reference set.
//!
//! One bank pass serves every parameter of every method, and one query pass ranks them all.

mod choosing;
mod classes;
mod comparisons;
mod reranking;
mod rows;
mod search_check;

pub(crate) use reranking::{Matched, PairMatcher, QueryItem, Reranking};

use crate::open::trials::Labels;
use crate::plan::names::{marked, method_id};
use crate::plan::settings::top_means;
use crate::plan::{Method, Settings};
use crate::run::bank_search::{Found, Search, SearchRecord};
use crate::run::clock::Clock;
use crate::run::measuring::standings;
use crate::run::task::{BankVectors, TaskVectors};
use crate::spec::Choose;
use anyhow::{Context, Result};
use nnn_core::{
    BankStats, FitError, Fitted, Normalizer, PassOptions, RankOptions, Rankings, Rows, StatPlan,
    rank, rank_each,
};
use nnn_report::{ChoosingRow, ClassRow, ComparisonRow, GridRow, MethodId, QueryTable, ScoreRow};
use rows::biases;
use std::ops::Range;

/// Everything one trial is computed from.
pub(crate) struct Trial<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) methods: &'a [&'a Method],
    pub(crate) test: &'a TaskVectors,
    pub(crate) validation: Option<&'a TaskVectors>,
    pub(crate) banks: &'a BankVectors,
    pub(crate) settings: &'a Settings,
    pub(crate) pass: PassOptions<'a>,
    /// How the lists of the report are ranked again, if they are.
    pub(crate) reranking: Option<Reranking<'a>>,
}

/// What a trial leaves behind.
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

impl Trial<'_> {
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
        let test = match self.chooses() {
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
            outcome.bank_search = Some(self.search_record(search, found, &stats, &points)?);
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
        StatPlan::of(self.points())
    }

    fn points(&self) -> impl Iterator<Item = &dyn Normalizer> {
        self.methods.iter().flat_map(|method| method.normalizers())
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

    /// Whether any method has parameters to choose.
    fn chooses(&self) -> bool {
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
        task: &TaskVectors,
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
    fn statistics(&self, plan: &StatPlan, task: &TaskVectors) -> Result<BankStats> {
        let search = self.search(plan)?;
        Ok(self.collect(plan, search.as_ref(), task)?.0)
    }

    /// The objective of every point on a task.
    fn objectives(&self, task: &TaskVectors, stats: &BankStats) -> Result<Vec<f64>> {
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
        task: &TaskVectors,
        fitted: &[Fitted],
        all_relevant: bool,
        top: usize,
    ) -> Result<Vec<Rankings>> {
        let scorer = self.pass.scorer(task.queries.rows(), task.gallery.rows())?;
        let methods: Vec<&Fitted> = fitted.iter().collect();
        let options = self.rank_options(all_relevant, top);
        Ok(rank(&scorer, &task.relevance, &methods, options))
    }

    /// The points to report: every point of a fixed method, the best one of a method whose parameters are chosen; the first of equals wins.
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
        let standings = standings(metrics, self.test, &rankings)?;
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
