//! The rows that a trial leaves: scores with their signatures, the grid, queries, biases.

use super::{Chosen, Listed, Trial};
use crate::plan::Method;
use crate::plan::names::method_id;
use crate::plan::settings::top_means;
use crate::provenance::Signature;
use crate::run::measuring::Number;
use crate::spec::Choose;
use nnn_core::{Fitted, Rankings};
use nnn_report::{CellId, GridRow, MethodId, QueryColumn, QueryTable, ScoreRow};

impl Trial<'_> {
    pub(super) fn score_rows(&self, list: &Listed<'_, '_>, numbers: Vec<Number>) -> Vec<ScoreRow> {
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

    pub(super) fn cell(&self, method: &Method, point: usize) -> CellId {
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

    /// Every point of every method whose parameters are chosen, on the held-out and on the evaluated items.
    pub(super) fn grid(
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

    pub(super) fn query_table(
        &self,
        listed: &[Listed<'_, '_>],
        rankings: &[Rankings],
    ) -> QueryTable {
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

pub(super) fn biases(others: &[&Chosen<'_>], fitted: &[Fitted]) -> Vec<(String, Vec<f32>)> {
    let additive = others.iter().zip(fitted);
    additive
        .filter_map(|(chosen, fitted)| {
            let bias = fitted.additive()?;
            Some((chosen.normalizer().signature(), bias.values().to_vec()))
        })
        .collect()
}
