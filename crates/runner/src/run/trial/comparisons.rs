//! Every two methods of a trial, as rows.

use super::{Chosen, Trial};
use crate::plan::names::{kind, marked, method_id};
use crate::run::measuring::{Pair, interval};
use anyhow::Result;
use nnn_core::{MethodFamily, RawFamily};
use nnn_metrics::holm;
use nnn_report::{ComparisonRow, MethodId};

impl Trial<'_> {
    /// Rows of pairs of places: 0 is raw, 1 the first of `others`, and so on; the same lists ranked again follow.
    pub(super) fn comparisons(
        &self,
        others: &[&Chosen<'_>],
        mut pairs: Vec<Pair>,
    ) -> Result<Vec<ComparisonRow>> {
        let lists = 1 + others.len();
        let again = |place: usize| self.reranking.filter(|_| place >= lists);
        let id = |place: usize| {
            let method = match place % lists {
                0 => raw(),
                other => method_id(others[other - 1].method, others[other - 1].point),
            };
            marked(method, again(place).map(|it| it.depth))
        };
        let row = |(pair, p_holm): (&Pair, f64)| ComparisonRow {
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
            cluster: self.test.cluster.to_string(),
            n_clusters: self.test.clusters.count(),
        };
        // What raw gains by being ranked again has nothing to do with a reference set.
        pairs.retain(|pair| pair.method != lists || self.labels.reference.is_none());
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
