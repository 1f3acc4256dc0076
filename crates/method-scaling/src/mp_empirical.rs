//! Mutual proximity as counted.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    RowRule, Rows, Stat, StatPlan, rewrite_by_key, signature,
};

/// The paper counts over all items and has no such parameter, so that no grid was published.
const PARAMS: &[ParamInfo] = &[ParamInfo {
    name: "depth",
    doc: "how many of an item's largest similarities to the query bank are known; below them its share counts as zero",
    default: 128.0,
    min: 1.0,
    above_min: false,
    max: f64::INFINITY,
    whole: true,
    grid: &[8.0, 32.0, 128.0, 512.0],
}];

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
    /// bank, at which the counts are exact for every similarity. Takes four bytes an item and place, and twelve while it is
    /// fitted.
    pub depth: Param,
}

impl MpEmpirical {
    fn depth(self) -> usize {
        self.depth.get() as usize
    }

    fn largest(self) -> Stat {
        Stat::Largest {
            depth: self.depth(),
        }
    }
}

impl Normalizer for MpEmpirical {
    fn signature(&self) -> String {
        signature("mp_empirical", PARAMS, &[self.depth])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.largest());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let largest = stats.get(Bank::Query, self.largest())?;
        let bank = stats.bank(Bank::Query);
        let bank = bank.expect("a bank that was read has a size");
        let rule = Rule::new(largest, self.depth(), bank);
        Ok(Fitted::Rescaling(Box::new(rule)))
    }
}

struct Rule {
    /// `(gallery, depth)`, each list descending.
    lists: Vec<f32>,
    depth: usize,
    /// The last of each list, side by side: most queries are below it, and nothing else of the list is read.
    last: Vec<f32>,
    /// Size of the query bank.
    bank: usize,
}

impl Rule {
    fn new(largest: &[f64], depth: usize, bank: usize) -> Self {
        // Similarities are f32 to begin with.
        let lists: Vec<f32> = largest.iter().map(|&s| s as f32).collect();
        Self {
            last: lists
                .chunks_exact(depth)
                .map(|list| list[depth - 1])
                .collect(),
            lists,
            depth,
            bank,
        }
    }

    /// How many bank queries are less similar to the item than `s`; zero where more than its list would have to be known.
    fn bank_below(&self, item: usize, s: f32) -> usize {
        if s <= self.last[item] {
            return 0;
        }
        let list = &self.lists[item * self.depth..][..self.depth];
        self.bank - list.partition_point(|&other| other >= s)
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
