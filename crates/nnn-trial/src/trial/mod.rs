//! The work of one trial: all methods on one model, data set, direction and reference set.
//!
//! One bank pass serves every parameter of every method, and one query pass ranks them all.

mod choosing;
mod reranking;
mod search_check;

pub use choosing::{ChosenPoint, Seconds};
pub use reranking::{Matched, PairMatcher, QueryItem, Reranking};

use crate::clock::Clock;
use crate::measuring::{Number, Pair, standings};
use crate::search::{BankSearch, Found, Search, SearchRecord, top_means};
use crate::{BankVectors, Choose, Method, Metrics, Objective, Task, TrialError};
use nnn_core::{
    BankStats, FitError, Fitted, MethodKind, Normalizer, PassOptions, RankOptions, Rankings, Rows,
    StatPlan, TieRule, rank, rank_each,
};
use std::ops::Range;

/// What is measured, and how.
pub struct Measures {
    /// The metrics, and how intervals and tests are drawn.
    pub metrics: Metrics,
    /// What parameters are chosen by.
    pub objective: Objective,
    /// Ranks of items of equal score.
    pub ties: TieRule,
    /// How many best items of every query are kept.
    pub top: usize,
    /// How the query bank is searched, if not exactly.
    pub bank_search: Option<BankSearch>,
    /// Whether every method's parameters are chosen once more by itself, for its time.
    pub time_methods: bool,
}

/// Everything one trial is computed from.
pub struct Trial<'a> {
    /// Raw, against which all are measured, need not be among them.
    pub methods: &'a [&'a Method],
    /// What is evaluated.
    pub test: &'a Task,
    /// Held-out items, on which parameters are chosen.
    pub validation: Option<&'a Task>,
    /// What corrections learn from.
    pub banks: &'a BankVectors,
    /// What is measured.
    pub measures: &'a Measures,
    /// Blocks and progress of all passes.
    pub pass: PassOptions<'a>,
    /// How the lists of the report are ranked again, if they are.
    pub reranking: Option<Reranking<'a>>,
}

/// What a trial came to. A place counts rankings: raw is the first, the other reported points follow in their order, and then the same lists
/// ranked again, if they are.
pub struct Outcome<'a> {
    /// Every reported list.
    pub lists: Vec<Listed<'a>>,
    /// The corrections, by place.
    pub fitted: Vec<Fitted>,
    /// The rankings, by place.
    pub rankings: Vec<Rankings>,
    /// By place, metric by metric.
    pub numbers: Vec<Vec<Number>>,
    /// Every two rankings under every metric that is a mean over queries.
    pub pairs: Vec<Pair>,
    /// The objective of every point of every method on the held-out items, if any is chosen there; [`own_points`] says which is whose.
    pub validation: Option<Vec<f64>>,
    /// The same on the evaluated items, if any method's parameters are chosen.
    pub test: Option<Vec<f64>>,
    /// Every method whose parameters were chosen.
    pub choosing: Vec<ChosenPoint<'a>>,
    /// What the index over the query bank was worth, where one was used.
    pub bank_search: Option<SearchRecord>,
    /// Seconds of every step.
    pub seconds: Vec<(String, f64)>,
}

/// A method's parameters that are reported.
#[derive(Clone, Copy)]
pub struct Chosen<'a> {
    /// The method.
    pub method: &'a Method,
    /// Place among its points.
    pub point: usize,
}

/// A list that is reported.
#[derive(Clone, Copy)]
pub struct Listed<'a> {
    /// What made it.
    pub chosen: Chosen<'a>,
    /// Its place among the rankings.
    pub place: usize,
    /// How many items of it were ranked again.
    pub depth: Option<usize>,
}

/// What a report says before choosing is added to it.
struct Report<'a> {
    lists: Vec<Listed<'a>>,
    fitted: Vec<Fitted>,
    rankings: Vec<Rankings>,
    numbers: Vec<Vec<Number>>,
    pairs: Vec<Pair>,
}

/// Every method with the places of its points among those of all.
pub fn own_points<'a>(methods: &[&'a Method]) -> impl Iterator<Item = (&'a Method, Range<usize>)> {
    let mut first = 0;
    methods.iter().map(move |&method| {
        let own = first..first + method.points.len();
        first = own.end;
        (method, own)
    })
}

impl<'a> Trial<'a> {
    /// Chooses, measures and compares.
    ///
    /// # Errors
    /// A correction cannot be fitted, a metric cannot be computed, or there is nothing to choose parameters on.
    pub fn run(&self) -> Result<Outcome<'a>, TrialError> {
        let mut clock = Clock::default();
        let plan = self.stat_plan();
        let search = self.search(&plan)?;
        let (stats, found) = clock.time("statistics (test)", || {
            self.collect(&plan, search.as_ref(), self.test)
        })?;
        let validation = self.objectives_on_validation(&plan, search.as_ref(), &mut clock)?;
        let test = match self.chooses() {
            true => Some(clock.time("ranking (test)", || self.objectives(self.test, &stats))?),
            false => None,
        };
        let chosen = self.choose(validation.as_deref(), test.as_deref());
        let report = clock.time("report", || self.report(&chosen, &stats))?;
        let choosing = self.choosing(&chosen, validation.as_deref(), test.as_deref())?;
        let bank_search = match (&search, &found) {
            (Some(search), Some(found)) => {
                let points: Vec<_> = chosen.iter().map(Chosen::normalizer).collect();
                Some(self.search_record(search, found, &stats, &points)?)
            }
            _ => None,
        };
        Ok(Outcome {
            lists: report.lists,
            fitted: report.fitted,
            rankings: report.rankings,
            numbers: report.numbers,
            pairs: report.pairs,
            validation,
            test,
            choosing,
            bank_search,
            seconds: clock.0,
        })
    }

    /// Scores of all passes over the banks and the queries: what the progress of [`Trial::pass`] counts up to.
    #[must_use]
    pub fn scores(&self) -> u64 {
        let plan = self.stat_plan();
        let chosen = |choose: Choose| self.methods.iter().any(|method| method.choose == choose);
        let statistics = |task: &Task| plan.scores(task.gallery.len(), self.banks.sizes(task));
        let points = |method: &Method| method.points.len() as u64;
        let ranking = |task: &Task| task.pairs() * (1 + self.moving(points));
        let report = self.test.pairs() * (1 + self.moving(|method| method.reported() as u64));
        let validation = self.validation.filter(|_| chosen(Choose::Validation));
        let validation = validation.map_or(0, |task| statistics(task) + ranking(task));
        let test = if self.chooses() {
            ranking(self.test)
        } else {
            0
        };
        statistics(self.test) + validation + test + report
    }

    /// Passes over the queries that methods with vectors of their own take.
    fn moving(&self, passes: impl Fn(&Method) -> u64) -> u64 {
        let moving = |method: &&&Method| method.family.kind() == MethodKind::VectorMoving;
        let moving = self.methods.iter().filter(moving);
        moving.map(|method| passes(method)).sum()
    }

    /// The index over the query bank, if the experiment has one and a method here reads it.
    fn search(&self, plan: &StatPlan) -> Result<Option<Search<'_>>, TrialError> {
        let settings = self.measures.bank_search;
        let bank = self.banks.query.as_deref();
        match (settings, bank) {
            (Some(settings), Some(bank)) if !top_means(plan).is_empty() => {
                Ok(Some(Search::start(settings, bank, plan)?))
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
        task: &Task,
    ) -> Result<(BankStats, Option<Found>), TrialError> {
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
    ) -> Result<Option<Vec<f64>>, TrialError> {
        if !self
            .methods
            .iter()
            .any(|method| method.choose == Choose::Validation)
        {
            return Ok(None);
        }
        let task = self.validation.ok_or(TrialError::NoHoldOut)?;
        let (stats, _) = clock.time("statistics (validation)", || {
            self.collect(plan, search, task)
        })?;
        let objectives = clock.time("ranking (validation)", || self.objectives(task, &stats))?;
        Ok(Some(objectives))
    }

    /// The statistics of a task, whichever way the config wants them.
    fn statistics(&self, plan: &StatPlan, task: &Task) -> Result<BankStats, TrialError> {
        let search = self.search(plan)?;
        Ok(self.collect(plan, search.as_ref(), task)?.0)
    }

    /// The objective of every point on a task.
    fn objectives(&self, task: &Task, stats: &BankStats) -> Result<Vec<f64>, TrialError> {
        let objective = self.measures.objective;
        let scorer = self.pass.scorer(task.queries.rows(), task.gallery.rows())?;
        let needs = objective.needs();
        let options = RankOptions {
            depth: objective.depth(),
            ..self.rank_options(needs.all_relevant, needs.top)
        };
        let mut values: Vec<Result<f64, TrialError>> = self.points().map(|_| Ok(0.0)).collect();
        // Each point's ranks are reduced at once: a grid of thousands is never held whole.
        let mut measure = |places: &[usize], fitted: &[&Fitted]| {
            rank_each(&scorer, &task.relevance, fitted, options, |at, rankings| {
                values[places[at]] = objective.measure(task.ranked(&rankings));
            });
        };
        let mut rules = (Vec::new(), Vec::new());
        for (place, point) in self.points().enumerate() {
            match point.fit(stats, task.gallery.rows())? {
                // It is ranked by itself, so that what it holds need not be held beside that of the other points.
                large if holds_much(point, &large, task) => measure(&[place], &[&large]),
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
            ties: self.measures.ties,
            top,
            all_relevant,
            depth: None,
        }
    }

    fn rank(
        &self,
        task: &Task,
        fitted: &[Fitted],
        all_relevant: bool,
        top: usize,
    ) -> Result<Vec<Rankings>, TrialError> {
        let scorer = self.pass.scorer(task.queries.rows(), task.gallery.rows())?;
        let methods: Vec<&Fitted> = fitted.iter().collect();
        let options = self.rank_options(all_relevant, top);
        Ok(rank(&scorer, &task.relevance, &methods, options))
    }

    /// The points to report: every point of a fixed method, the best one of a method whose parameters are chosen; the first of equals wins.
    fn choose(&self, validation: Option<&[f64]>, test: Option<&[f64]>) -> Vec<Chosen<'a>> {
        let mut chosen = Vec::new();
        for (method, own) in own_points(self.methods) {
            let values = match method.choose {
                Choose::Fixed => None,
                Choose::Validation => validation,
                Choose::Oracle => test,
            };
            match values {
                None => chosen.extend((0..own.len()).map(|point| Chosen { method, point })),
                Some(values) => chosen.push(Chosen {
                    method,
                    point: self.measures.objective.best(&values[own]),
                }),
            }
        }
        chosen
    }

    /// Ranks the chosen points beside raw and measures everything.
    fn report(&self, chosen: &[Chosen<'a>], stats: &BankStats) -> Result<Report<'a>, TrialError> {
        let metrics = &self.measures.metrics;
        let gallery = self.test.gallery.rows();
        let others = chosen.iter().filter(|c| !c.method.is_raw());
        let mut fitted = vec![nnn_core::Raw.fit(stats, gallery)?];
        fitted.extend(fit(others.map(Chosen::normalizer), stats, gallery)?);
        let (all, top) = (metrics.need_all_relevant(), self.report_width());
        let mut rankings = self.rank(self.test, &fitted, all, top)?;
        rankings.extend(self.reranked(&rankings, all)?);
        let standings = standings(metrics, self.test, &rankings)?;
        Ok(Report {
            lists: self.listed(chosen, fitted.len()),
            fitted,
            rankings,
            numbers: standings.numbers,
            pairs: standings.pairs,
        })
    }

    /// Length of the lists that the report reads.
    fn report_width(&self) -> usize {
        let depth = self.reranking.map_or(0, |it| it.depth);
        let metrics = self.measures.metrics.top_width().max(self.measures.top);
        metrics.max(depth).min(self.test.gallery.len())
    }

    /// All lists of the report: `methods` rankings, and as many behind them if they are ranked again.
    fn listed(&self, chosen: &[Chosen<'a>], methods: usize) -> Vec<Listed<'a>> {
        let lists = |first: usize, depth: Option<usize>| {
            let places = chosen.iter().zip(places(chosen));
            places.map(move |(&chosen, place)| Listed {
                chosen,
                place: first + place,
                depth,
            })
        };
        let again = self.reranking.map(|it| lists(methods, Some(it.depth)));
        lists(0, None).chain(again.into_iter().flatten()).collect()
    }
}

impl<'a> Outcome<'a> {
    /// The reported points but raw, in the order of their places, which begin with 1.
    pub fn others(&self) -> impl Iterator<Item = &Listed<'a>> {
        let first = self.lists.iter().filter(|list| list.depth.is_none());
        first.filter(|list| !list.chosen.method.is_raw())
    }
}

impl<'a> Chosen<'a> {
    /// The method at this point.
    #[must_use]
    pub fn normalizer(&self) -> &'a dyn Normalizer {
        &*self.method.points[self.point]
    }
}

impl Listed<'_> {
    /// That of the method, with what was done to its list: `nnn(k=128,alpha=0.75)+itm(depth=256)`.
    #[must_use]
    pub fn signature(&self) -> String {
        let method = self.chosen.normalizer().signature();
        match self.depth {
            Some(depth) => format!("{method}+itm(depth={depth})"),
            None => method,
        }
    }
}

/// Whether a correction holds vectors or lists for its items, rather than a few numbers.
fn holds_much(point: &dyn Normalizer, fitted: &Fitted, task: &Task) -> bool {
    let (items, dim) = (task.gallery.len(), task.gallery.dim());
    matches!(fitted, Fitted::VectorMoving(_)) || point.held_bytes(items, dim) > 0
}

fn fit<'p>(
    points: impl Iterator<Item = &'p dyn Normalizer>,
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
