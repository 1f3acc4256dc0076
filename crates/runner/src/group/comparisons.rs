//! Every two methods of a group, as rows.

use super::{Chosen, Group, marked, method_id};
use crate::kind::kind;
use crate::metrics::{Pair, interval};
use nnn_core::{MethodFamily, RawFamily};
use nnn_report::{ComparisonRow, MethodId};

impl Group<'_> {
    /// Rows of pairs of places: 0 is raw, 1 the first of `others`, and so on; the same lists ranked again follow.
    pub(super) fn comparisons(
        &self,
        others: &[&Chosen<'_>],
        pairs: Vec<Pair>,
    ) -> Vec<ComparisonRow> {
        let lists = 1 + others.len();
        let again = |place: usize| self.reranking.filter(|_| place >= lists);
        let id = |place: usize| {
            let method = match place % lists {
                0 => raw(),
                other => method_id(others[other - 1].method, others[other - 1].point),
            };
            marked(method, again(place).map(|it| it.depth))
        };
        let row = |pair: Pair| ComparisonRow {
            cell: self.cell_of(id(pair.method)),
            other: id(pair.other),
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
        // What raw gains by being ranked again has nothing to do with a reference set.
        let here = |pair: &Pair| pair.method != lists || self.labels.reference.is_none();
        pairs.into_iter().filter(here).map(row).collect()
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
