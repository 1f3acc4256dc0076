//! Every two methods of a group, as rows.

use super::{Chosen, Group};
use crate::kind::kind;
use crate::metrics::{Pair, interval};
use nnn_core::{MethodFamily, RawFamily};
use nnn_report::{ComparisonRow, MethodId};

impl Group<'_> {
    /// Rows of pairs of places: 0 is raw, 1 the first of `others`.
    pub(super) fn comparisons(
        &self,
        others: &[&Chosen<'_>],
        pairs: Vec<Pair>,
    ) -> Vec<ComparisonRow> {
        let cell = |place: usize| self.cell(others[place - 1].method, others[place - 1].point);
        let other = |place: usize| match place {
            0 => raw(),
            place => cell(place).into(),
        };
        let row = |pair: Pair| ComparisonRow {
            cell: cell(pair.method),
            other: other(pair.other),
            metric: pair.metric,
            delta: pair.comparison.delta,
            interval: interval(pair.comparison.interval),
            p_value: pair.comparison.p_value,
            p_holm: pair.p_holm,
            wins: pair.comparison.wins,
            ties: pair.comparison.ties,
            losses: pair.comparison.losses,
            n_queries: self.test.queries.len(),
        };
        pairs.into_iter().map(row).collect()
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
