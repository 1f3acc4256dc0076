//! Mutual proximity as counted.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, LargestLists, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, RowRule, Rows, Stat, StatPlan, rewrite_by_key, signature,
};

/// The paper counts over all items and has no such parameter, so that no grid was published.
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "depth",
    "how many of an item's largest similarities to the query bank are known; below them its \
     share counts as zero",
)
.default(128.0)
.min(1.0)
.grid(&[8.0, 32.0, 128.0, 512.0])];

/// The family `mp_empirical`.
#[derive(Debug, Clone, Copy)]
pub struct MpEmpiricalFamily;

impl MethodFamily for MpEmpiricalFamily {
    fn name(&self) -> &'static str {
        "mp_empirical"
    }

    fn doc(&self) -> &'static str {
        "share of the row below s(q,g) times share of s(d,g) below it over the query bank, then s: mutual proximity (JMLR 13, 2012)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(MpEmpirical { depth: point[0] })
    }
}

/// Mutual proximity as counted, at one depth.
#[derive(Debug, Clone, Copy)]
pub struct MpEmpirical {
    /// How many of an item's largest similarities are kept; a whole number, at least 1 and at most the size of the query
    /// bank, at which the counts are exact for every similarity. Takes four bytes per item and place, and twelve while it is
    /// fitted.
    pub depth: Param,
}

impl MpEmpirical {
    fn depth(self) -> usize {
        self.depth.get() as usize
    }
}

impl Normalizer for MpEmpirical {
    fn signature(&self) -> String {
        signature("mp_empirical", PARAMS, &[self.depth])
    }

    fn needs(&self, plan: &mut StatPlan) {
        let depth = self.depth();
        plan.need(Bank::Query, Stat::Largest { depth });
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let lists = LargestLists::new(stats, Bank::Query, self.depth())?;
        let bank = stats.bank(Bank::Query);
        let bank = bank.expect("a bank that was read has a size");
        Ok(Fitted::Rescaling(Box::new(Rule { lists, bank })))
    }
}

struct Rule {
    lists: LargestLists,
    /// Size of the query bank.
    bank: usize,
}

impl Rule {
    /// How many bank queries are less similar to the item than `s`; zero where more than its list would have to be known.
    fn bank_below(&self, item: usize, s: f32) -> usize {
        if s <= self.lists.lowest(item) {
            return 0;
        }
        self.bank - self.lists.of(item).partition_point(|&other| other >= s)
    }
}

impl RowRule for Rule {
    /// The shares' denominators are the same for a whole row, so that whole numbers are compared, without rounding.
    fn apply(&self, row: &mut [f32]) {
        let mut ascending = row.to_vec();
        ascending.sort_unstable_by(f32::total_cmp);
        let row_below = |s: f32| ascending.partition_point(|&other| other < s);
        rewrite_by_key(row, |item, s| match self.bank_below(item, s) {
            0 => (0, s),
            below => (below as u64 * row_below(s) as u64, s),
        });
    }
}
