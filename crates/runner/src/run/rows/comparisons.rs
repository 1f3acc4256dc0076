//! Every two methods of a trial, as rows.

use super::{Named, interval};
use crate::plan::names::{marked, method_id};
use anyhow::Result;
use nnn_core::{MethodFamily, RawFamily};
use nnn_metrics::holm;
use nnn_report::{ComparisonRow, MethodId};
use nnn_trial::{Listed, Pair, kind};

impl Named<'_> {
    /// Rows of all pairs of places: 0 is raw, 1 the first of the others, and so on; the same lists ranked again follow.
    pub(super) fn comparisons(&self) -> Result<Vec<ComparisonRow>> {
        let others: Vec<&Listed<'_>> = self.outcome.others().collect();
        let lists = 1 + others.len();
        let depth = self.settings.rerank;
        let id = |place: usize| {
            let method = match place % lists {
                0 => raw(),
                other => {
                    let chosen = others[other - 1].chosen;
                    method_id(chosen.method, chosen.point)
                }
            };
            marked(method, depth.filter(|_| place >= lists))
        };
        let row = |(pair, p_holm): (&&Pair, f64)| ComparisonRow {
            cell: self.cell_of(id(pair.method)),
            other: id(pair.other),
            metric: pair.metric.clone(),
            delta: pair.comparison.delta,
            interval: interval(pair.comparison.interval),
            p_value: pair.comparison.p_value,
            p_holm,
            wins: pair.comparison.wins,
            ties: pair.comparison.ties,
            losses: pair.comparison.losses,
            n_queries: self.test.queries.len(),
            cluster: self.items.cluster.to_string(),
            n_clusters: self.test.clusters.count(),
        };
        // What raw gains by being ranked again has nothing to do with a reference set.
        let told = |pair: &&Pair| pair.method != lists || self.labels.reference.is_none();
        let pairs: Vec<&Pair> = self.outcome.pairs.iter().filter(told).collect();
        let mut rows = Vec::new();
        // A family is what stands in one table: what is left out above is not corrected for.
        for family in pairs.chunk_by(|a, b| a.metric == b.metric) {
            let p_values: Vec<f64> = family.iter().map(|it| it.comparison.p_value).collect();
            rows.extend(family.iter().zip(holm(&p_values)?).map(row));
        }
        Ok(rows)
    }
}

fn raw() -> MethodId {
    MethodId {
        method: RawFamily.name().to_owned(),
        kind: kind(&RawFamily),
        params: String::new(),
        chosen: String::new(),
    }
}
