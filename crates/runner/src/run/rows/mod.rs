//! What a trial came to, with names: scores with their signatures, the grid, queries, biases.

mod classes;
mod comparisons;

use crate::open::TaskItems;
use crate::open::trials::Labels;
use crate::plan::Settings;
use crate::plan::names::{marked, method_id};
use crate::provenance::Signature;
use nnn_core::Rankings;
use nnn_report::{
    CellId, ChoosingRow, ChoosingSeconds, ClassRow, ComparisonRow, GridRow, Interval, MethodId,
    QueryColumn, QueryTable, ScoreRow,
};
use nnn_trial::{
    Choose, ChosenPoint, Listed, Method, Number, Outcome, SearchRecord, Seconds, Task, own_points,
    top_means,
};

/// What a trial leaves behind.
pub(crate) struct TrialRows {
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) comparisons: Vec<ComparisonRow>,
    pub(crate) grid: Vec<GridRow>,
    pub(crate) choosing: Vec<ChoosingRow>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) queries: QueryTable,
    /// The lists of raw for the same queries, whether it is reported here or not.
    pub(crate) raw: QueryColumn,
    /// Method name and bias of every reported additive method that reads a bank, with its signature.
    pub(crate) biases: Vec<(String, Vec<f32>)>,
    /// What the index over the query bank was worth, where one was used.
    pub(crate) bank_search: Option<SearchRecord>,
}

/// A trial with its names, and what it came to.
pub(super) struct Named<'a> {
    pub(super) labels: &'a Labels,
    /// The largest `1 - cos` to vectors in single precision, where they are not in it.
    pub(super) parity: Option<f64>,
    pub(super) settings: &'a Settings,
    pub(super) methods: &'a [&'a Method],
    /// The evaluated items by name.
    pub(super) items: &'a TaskItems,
    /// The same as vectors.
    pub(super) test: &'a Task,
    /// How many queries choose parameters.
    pub(super) held_out: usize,
    pub(super) outcome: &'a Outcome<'a>,
}

impl Named<'_> {
    /// All rows.
    pub(super) fn rows(&self) -> anyhow::Result<TrialRows> {
        let rankings = &self.outcome.rankings;
        Ok(TrialRows {
            scores: self.scores(),
            comparisons: self.comparisons()?,
            grid: self.grid(),
            choosing: self
                .outcome
                .choosing
                .iter()
                .map(|it| self.choosing(it))
                .collect(),
            classes: self.class_rows(rankings),
            queries: self.query_table(rankings),
            raw: self.query_column(&rankings[0], "raw".to_owned(), ""),
            biases: self.biases(),
            bank_search: self.outcome.bank_search.clone(),
        })
    }

    /// Rows of every list; a ranking that several lists name is measured under the first.
    fn scores(&self) -> Vec<ScoreRow> {
        let mut seen = Vec::new();
        let mut scores = Vec::new();
        for list in &self.outcome.lists {
            if !seen.contains(&list.place) {
                scores.extend(self.score_rows(list, &self.outcome.numbers[list.place]));
                seen.push(list.place);
            }
        }
        scores
    }

    fn score_rows(&self, list: &Listed<'_>, numbers: &[Number]) -> Vec<ScoreRow> {
        let cell = self.cell_of(id(list));
        let row = |number: &Number| ScoreRow {
            cell: cell.clone(),
            signature: self.signature(list, &number.metric),
            metric: number.metric.clone(),
            value: number.value,
            ci: number.ci.map(interval),
            binomial: number.binomial.map(interval),
            gain: number.gain.as_ref().map(gain),
            n_queries: self.test.queries.len(),
            cluster: self.items.cluster.to_string(),
            n_clusters: self.test.clusters.count(),
            n_gallery: self.test.gallery.len(),
        };
        numbers.iter().map(row).collect()
    }

    fn cell(&self, method: &Method, point: usize) -> CellId {
        self.cell_of(method_id(method, point))
    }

    pub(super) fn cell_of(&self, id: MethodId) -> CellId {
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

    fn signature(&self, list: &Listed<'_>, metric: &str) -> String {
        let (labels, chosen) = (self.labels, list.chosen);
        let word = chosen.method.chosen_word();
        let search = self.settings.measures.bank_search.as_ref();
        let search = search.filter(|_| !top_means(&chosen.method.stat_plan()).is_empty());
        let topk = search.map_or("exact".to_owned(), |s| format!("approximate({})", s.ivf));
        let dtype = match self.parity {
            Some(distance) => format!("{}(1-cos={distance:.1e})", labels.dtype),
            None => labels.dtype.clone(),
        };
        let line = Signature {
            metric,
            direction: &labels.direction,
            data: &labels.data_signature,
            split: &labels.split,
            model: &labels.model_signature,
            dtype: &dtype,
            bank: labels.bank_signature.as_deref(),
            method: &list.signature(),
            chosen: (!word.is_empty()).then_some(word),
            topk: &topk,
            ties: self.settings.measures.ties.name(),
        };
        line.line()
    }

    /// Every point of every method whose parameters are chosen, on the held-out and on the evaluated items.
    fn grid(&self) -> Vec<GridRow> {
        let outcome = self.outcome;
        let sides = [
            ("validation", self.held_out, &outcome.validation),
            ("test", self.test.queries.len(), &outcome.test),
        ];
        let mut rows = Vec::new();
        for (method, own) in own_points(self.methods) {
            if method.choose == Choose::Fixed {
                continue;
            }
            let selected = outcome
                .lists
                .iter()
                .find(|list| std::ptr::eq(list.chosen.method, method))
                .map(|list| list.chosen.point);
            for (name, queries, values) in &sides {
                let Some(values) = values else { continue };
                for (point, &value) in values[own.clone()].iter().enumerate() {
                    rows.push(GridRow {
                        cell: self.cell(method, point),
                        evaluated_on: (*name).to_owned(),
                        metric: self.settings.measures.objective.name(),
                        value,
                        n_queries: *queries,
                        selected: selected == Some(point),
                    });
                }
            }
        }
        rows
    }

    fn choosing(&self, it: &ChosenPoint<'_>) -> ChoosingRow {
        let seconds = |it: Seconds| ChoosingSeconds {
            statistics: it.statistics,
            ranking: it.ranking,
        };
        ChoosingRow {
            cell: self.cell(it.chosen.method, it.chosen.point),
            points: it.points,
            seconds: it.seconds.map(seconds),
            metric: self.settings.measures.objective.name(),
            validation: it.validation,
            test: it.test,
        }
    }

    fn query_table(&self, rankings: &[Rankings]) -> QueryTable {
        let methods = self.outcome.lists.iter().map(|list| {
            let chosen = list.chosen.method.chosen_word();
            self.query_column(&rankings[list.place], list.signature(), chosen)
        });
        QueryTable {
            query_ids: self.items.query_ids.clone(),
            clusters: self.test.clusters.of().to_vec(),
            methods: methods.collect(),
        }
    }

    fn query_column(&self, rankings: &Rankings, method: String, chosen: &str) -> QueryColumn {
        let queries = 0..rankings.queries();
        let width = self.settings.measures.top.min(rankings.top_width());
        QueryColumn {
            method,
            chosen: chosen.to_owned(),
            first_rank: queries.clone().map(|q| rankings.first_rank(q)).collect(),
            top: queries
                .flat_map(|q| rankings.top(q)[..width].iter().copied())
                .collect(),
            top_width: width,
        }
    }

    fn biases(&self) -> Vec<(String, Vec<f32>)> {
        let fitted = self.outcome.fitted.iter().skip(1);
        let additive = self.outcome.others().zip(fitted);
        additive
            .filter_map(|(list, fitted)| {
                let bias = fitted.additive()?;
                Some((list.signature(), bias.values().to_vec()))
            })
            .collect()
    }
}

/// A list as results name it.
fn id(list: &Listed<'_>) -> MethodId {
    let id = method_id(list.chosen.method, list.chosen.point);
    marked(id, list.depth)
}

/// An interval as results hold it.
fn interval(interval: nnn_metrics::Interval) -> Interval {
    Interval {
        low: interval.low,
        high: interval.high,
    }
}

fn gain(gain: &nnn_trial::Gain) -> nnn_report::Gain {
    nnn_report::Gain {
        delta: gain.delta,
        interval: gain.interval.map(interval),
        p_value: gain.p_value,
    }
}
