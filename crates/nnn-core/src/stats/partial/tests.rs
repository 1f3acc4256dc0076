//! Any cut of a bank, in any order, sent or not: the bits of one pass.

use super::*;
use crate::kernel::tests::noise;
use crate::score::{Delivery, DotScorer, Keep, RowSink, Scorer};
use crate::stats::{Banks, NeighborStat, Neighbors, Stat};
use crate::{Embeddings, Param};
use proptest::prelude::*;

fn beta(beta: f64) -> Stat {
    Stat::LogMeanExp {
        beta: Param::new(beta).expect("finite"),
    }
}

const BETAS: [f64; 7] = [1e-12, 0.5, 2.0, 20.0, 400.0, 600.0, 1e5];

/// Every statistic that merges, for a bank of so many rows.
fn all(bank: usize) -> Vec<Stat> {
    let k = |most: usize| most.min(bank);
    let mut stats = vec![
        Stat::Mean,
        Stat::Deviation,
        Stat::Moments,
        Stat::TopMean { k: k(7) },
        Stat::TopMean { k: k(40) },
        Stat::Kth { k: k(33) },
        Stat::TopDistance { k: k(3) },
        Stat::Largest { depth: k(5) },
    ];
    stats.extend(BETAS.map(beta));
    stats
}

fn plan(stats: &[Stat]) -> StatPlan {
    stats.iter().map(|stat| (Bank::Query, stat)).collect()
}

/// All numbers as bits, by the names of the statistics.
fn bits(stats: &BankStats) -> Vec<(String, Vec<u64>)> {
    let bits = |column: &[f64]| column.iter().map(|v| v.to_bits()).collect();
    let columns = stats.columns();
    columns
        .map(|(bank, stat, column)| (format!("{bank} {stat}"), bits(column)))
        .collect()
}

fn whole(plan: &StatPlan, items: &Embeddings, bank: &Embeddings, chunk: usize) -> BankStats {
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    BankStats::collect_in(chunk, plan, items.rows(), banks, PassOptions::default())
        .expect("statistics")
}

fn part(
    plan: &StatPlan,
    items: &Embeddings,
    bank: &Embeddings,
    rows: Range<usize>,
    chunk: usize,
) -> Result<Partial, PartialError> {
    let part = BankPart {
        bank: Bank::Query,
        first: rows.start,
        rows: bank.rows().slice(rows),
        total: bank.len(),
    };
    Partial::collect_in(chunk, plan, items.rows(), part, PassOptions::default())
}

/// Which chunks end a part, which two parts are merged next, and which are sent.
type Way = (Vec<bool>, Vec<(usize, usize)>, Vec<bool>);

/// Cuts a bank, merges the parts pair by pair, and finishes.
fn by_parts(
    plan: &StatPlan,
    items: &Embeddings,
    bank: &Embeddings,
    chunk: usize,
    (ends, pairs, sent): &Way,
) -> BankStats {
    let mut parts = Vec::new();
    let mut start = 0;
    for (number, end) in (chunk..).step_by(chunk).enumerate() {
        let end = end.min(bank.len());
        if ends[number % ends.len()] || end == bank.len() {
            parts.push(part(plan, items, bank, start..end, chunk).expect("a part"));
            start = end;
        }
        if end == bank.len() {
            break;
        }
    }
    for (step, &(a, b)) in pairs.iter().cycle().enumerate() {
        if parts.len() == 1 {
            break;
        }
        let mut one = parts.swap_remove(a % parts.len());
        let mut other = parts.swap_remove(b % parts.len());
        if sent[step % sent.len()] {
            other = Partial::from_bytes(&other.to_bytes()).expect("what was written");
        }
        one.merge(other).expect("parts of one bank");
        parts.push(one);
    }
    let last = parts.pop().expect("one is left").to_bytes();
    let last = Partial::from_bytes(&last).expect("what was written");
    last.finish(items.rows()).expect("all rows")
}

fn ways() -> impl Strategy<Value = Way> {
    (
        prop::collection::vec(any::<bool>(), 1..12),
        prop::collection::vec((0usize..100, 0usize..100), 1..20),
        prop::collection::vec(any::<bool>(), 1..6),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_cut_and_any_order_of_merging_give_the_bits_of_one_pass(
        (items, rows, chunk) in (0usize..6, 1usize..300, 1usize..40),
        way in ways(),
        alone in any::<prop::sample::Index>(),
    ) {
        let (items, bank) = (noise(items, 24, 1), noise(rows, 24, 2));
        let all = all(rows);
        for stats in [&all[..], &[all[alone.index(all.len())].clone()]] {
            let plan = plan(stats);
            let expected = whole(&plan, &items, &bank, chunk);
            let found = by_parts(&plan, &items, &bank, chunk, &way);
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(bits(&found), bits(&expected));
        }
    }
}

/// Chunks in which the largest are screened, as the whole bank's are.
#[test]
fn largest_of_parts_that_are_screened_are_those_of_the_whole() {
    let (items, bank) = (noise(40, 64, 1), noise(9000, 64, 2));
    let plan = plan(&[Stat::TopMean { k: 10 }, Stat::Kth { k: 40 }]);
    let expected = whole(&plan, &items, &bank, 1500);
    let way = (vec![true, false, true], vec![(2, 1), (0, 0)], vec![true]);
    assert_eq!(
        bits(&by_parts(&plan, &items, &bank, 1500, &way)),
        bits(&expected)
    );
    assert_eq!(bits(&whole(&plan, &items, &bank, CHUNK)), bits(&expected));
}

#[test]
fn banks_of_both_kinds_merge_into_one() {
    let (items, bank) = (noise(5, 24, 1), noise(70, 24, 2));
    let mut plan = plan(&all(70));
    plan.need(Bank::Gallery, Stat::Kth { k: 60 });
    let of = |bank_kind, rows: Range<usize>| {
        let part = BankPart {
            bank: bank_kind,
            first: rows.start,
            rows: bank.rows().slice(rows),
            total: 70,
        };
        Partial::collect_in(32, &plan, items.rows(), part, PassOptions::default()).expect("a part")
    };
    let mut all = of(Bank::Gallery, 32..70);
    all.merge(of(Bank::Query, 0..70)).expect("another bank");
    let all = Partial::from_bytes(&all.to_bytes()).expect("what was written");
    let missing = all
        .clone()
        .finish(items.rows())
        .expect_err("rows are missing");
    assert_eq!(
        missing.to_string(),
        "rows 0 to 31 of the gallery bank, which has 70, are in no part"
    );
    let mut all = all;
    all.merge(of(Bank::Gallery, 0..32)).expect("the rest");
    let banks = Banks {
        query: Some(bank.rows()),
        gallery: Some(bank.rows()),
        evaluated: None,
    };
    let options = PassOptions::default();
    let expected = BankStats::collect_in(32, &plan, items.rows(), banks, options).expect("valid");
    assert_eq!(all.finish(items.rows()).expect("all rows"), expected);
}

/// What one bin's cubic is off by and its roundings (`bins.rs`), or for a high temperature four roundings of an f32
/// exponential and those of its argument, up to 2 beta; and for every level of the tree a few roundings of the logarithms,
/// which are no larger than beta, and of their difference.
fn bound(beta: f64, rows: usize, levels: f64) -> f64 {
    let width = beta / 2048.0;
    let join = 16.0 * levels * f64::EPSILON * beta.max(if beta > 2.0 { 2.0 } else { 0.0 });
    join + match beta {
        ..=2.0 => width.powi(4) * width.exp() / 3072.0 + 64.0 * beta * f64::EPSILON,
        2.0..=512.0 => {
            width.powi(4) * width.exp() / 3072.0 + 8.0 * (beta + rows as f64) * f64::EPSILON
        }
        _ => (4.0 * beta + 8.0) * 2f64.powi(-24),
    }
}

/// `ln((1/M) sum exp(beta s))` in f64 by the library, relative to the largest score.
fn oracle(scores: &[f32], beta: f64) -> f64 {
    let largest = f64::from(scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let terms = scores
        .iter()
        .map(|&s| (beta * (f64::from(s) - largest)).exp_m1());
    beta * largest + (terms.sum::<f64>() / scores.len() as f64).ln_1p()
}

/// Rows that turn from the items' side to the other: the chunks differ as much as they can.
#[test]
fn log_mean_exps_over_many_chunks_are_within_the_bound() {
    let dim = 4;
    let turned = (0..3700).flat_map(|i| {
        let angle = f64::from(i) * std::f64::consts::PI / 3700.0;
        [angle.cos() as f32, angle.sin() as f32, 0.0, 0.1]
    });
    let bank = Embeddings::normalize(turned.collect(), dim).expect("valid");
    let items = Embeddings::normalize(vec![1.0, 0.0, 0.0, 0.0, -0.6, 0.8, 0.0, 0.1], dim);
    let items = items.expect("valid");
    let mut rows = [Keep::default(), Keep::default()];
    let mut sinks: Vec<_> = rows.iter_mut().map(|row| row as &mut dyn RowSink).collect();
    let scorer = DotScorer::new(items.rows(), bank.rows()).expect("one dimension");
    scorer.stream(Delivery::Pieces, 0, &mut sinks);
    for chunk in [1, 7, 100, 2048, CHUNK] {
        let found = whole(&plan(&BETAS.map(beta)), &items, &bank, chunk);
        let levels = 1.0 + (3700.0 / chunk as f64).log2().max(0.0);
        for beta_value in BETAS {
            let logs = found.get(Bank::Query, beta(beta_value)).expect("planned");
            for (row, &got) in rows.iter().zip(logs) {
                let (want, bound) = (oracle(&row.0, beta_value), bound(beta_value, 3700, levels));
                assert!(
                    (got - want).abs() <= bound,
                    "chunks of {chunk}, beta={beta_value}: {got}, expected {want} within {bound:e}"
                );
            }
        }
    }
}

struct Nearest;

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nearest")
    }
}

impl NeighborStat for Nearest {
    fn neighbors(&self, _bank: usize) -> usize {
        1
    }

    fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64> {
        nearest
            .iter()
            .map(|(similarity, _)| similarity.into())
            .collect()
    }
}

#[test]
fn what_needs_the_whole_bank_says_so() {
    let (items, bank) = (noise(5, 24, 1), noise(70, 24, 2));
    let potential = Stat::Potential {
        tau: Param::new(0.5).expect("finite"),
        iterations: 2,
        stacked: false,
    };
    let cases = [
        (
            Stat::BestPlace { depth: 3 },
            "best_place(depth=3) cannot be computed from parts of the query bank, as an item's place depends on all other \
             items; give it the whole bank",
        ),
        (
            potential,
            "potential(tau=0.5,iterations=2,stacked=false) cannot be computed from parts of the query bank, as every round \
             reads the whole bank and all items; give it the whole bank",
        ),
        (
            Nearest.into(),
            "nearest cannot be computed from parts of the query bank, as it may read the vectors of all of its rows; give it \
             the whole bank",
        ),
    ];
    for (stat, message) in cases {
        assert!(!stat.merges());
        let plan = plan(&[Stat::Mean, stat]);
        let error = plan.merges().expect_err("refused");
        assert_eq!(error.to_string(), message);
        let refused = part(&plan, &items, &bank, 0..70, 70).expect_err("refused");
        assert_eq!(refused, PartialError::Fit(error));
    }
    assert!(all(70).iter().all(Stat::merges));
    assert_eq!(plan(&all(70)).merges(), Ok(()));
}

#[test]
fn parts_that_cut_a_chunk_in_two_are_refused() {
    let (items, bank) = (noise(5, 24, 1), noise(70, 24, 2));
    let plan = plan(&[Stat::Mean]);
    for rows in [0..31, 1..33, 32..69, 16..70] {
        let refused = part(&plan, &items, &bank, rows.clone(), 32).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            format!(
                "a part has {} rows of the query bank from row {} on; parts of a bank of 70 rows start at a multiple of 32 \
                 and have a multiple of 32 rows, but for the last one, which ends at row 70",
                rows.len(),
                rows.start
            )
        );
    }
    let of = |first, total| {
        let rows = bank.rows().slice(0..32);
        let part = BankPart {
            bank: Bank::Query,
            rows,
            first,
            total,
        };
        Partial::collect_in(32, &plan, items.rows(), part, PassOptions::default())
    };
    for (first, total) in [(64, 70), (32, 40), (usize::MAX - 31, usize::MAX), (0, 31)] {
        assert!(
            matches!(of(first, total), Err(PartialError::Cut { .. })),
            "{first} of {total}"
        );
    }
    assert!(of(32, 64).is_ok());
    let none = part(&plan, &items, &bank, 32..32, 32).expect_err("no rows");
    assert_eq!(
        none,
        PartialError::Fit(FitError::EmptyBank { bank: Bank::Query })
    );
}

#[test]
fn a_k_is_held_against_the_whole_bank() {
    let (items, bank) = (noise(5, 24, 1), noise(70, 24, 2));
    assert!(part(&plan(&[Stat::Kth { k: 70 }]), &items, &bank, 0..32, 32).is_ok());
    let beyond = part(&plan(&[Stat::Kth { k: 71 }]), &items, &bank, 0..32, 32);
    let expected = "k = 71 is larger than the query bank, which has 70 items";
    assert_eq!(beyond.expect_err("refused").to_string(), expected);
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let (items, bank) = (noise(5, 24, 1), noise(70, 24, 2));
    let mean = plan(&[Stat::Mean]);
    let one = part(&mean, &items, &bank, 0..32, 32).expect("a part");
    let message = |other: Partial| {
        let mut merged = one.clone();
        let error = merged.merge(other).expect_err("refused");
        assert_eq!(merged, one, "nothing was added");
        error.to_string()
    };
    let of = |plan: &StatPlan, items: &Embeddings, rows| {
        part(plan, items, &bank, rows, 32).expect("a part")
    };
    assert_eq!(
        message(of(&mean, &items, 0..64)),
        "rows 0 to 31 of the query bank are in both parts; every row counts once"
    );
    assert_eq!(
        message(of(&plan(&[Stat::Mean, Stat::Deviation]), &items, 32..70)),
        "deviation of the query bank is in the plan of one part of a bank and not in that of the other"
    );
    let [here, there] = [&items, &noise(5, 24, 3)].map(|items| Items::of(items.rows()));
    assert_eq!(
        message(of(&mean, &noise(5, 24, 3), 32..70)),
        format!(
            "one part of a bank has seen {here}, the other {there}; all parts see the same items"
        )
    );
    assert_eq!(
        message(part(&mean, &items, &noise(71, 24, 2), 32..71, 32).expect("a part")),
        "one part is of a query bank of 70 rows, the other of one of 71"
    );
    assert_eq!(
        message(part(&mean, &items, &bank, 35..70, 35).expect("a part")),
        "one part of a bank was summed in chunks of 32 rows, the other in chunks of 35"
    );
}

#[test]
fn what_is_missing_is_named_at_the_end() {
    let (items, bank) = (noise(5, 24, 1), noise(70, 24, 2));
    let mut plan = plan(&[Stat::Mean]);
    let of = |plan: &StatPlan, rows| part(plan, &items, &bank, rows, 16).expect("a part");
    let mut ends = of(&plan, 0..16);
    ends.merge(of(&plan, 48..70)).expect("another part");
    assert_eq!(
        ends.clone()
            .finish(items.rows())
            .expect_err("refused")
            .to_string(),
        "rows 16 to 47 of the query bank, which has 70, are in no part"
    );
    let start = of(&plan, 0..48).finish(items.rows()).expect_err("refused");
    assert_eq!(
        start.to_string(),
        "rows 48 to 69 of the query bank, which has 70, are in no part"
    );
    ends.merge(of(&plan, 16..48)).expect("the rest");
    let fewer = items.rows().slice(0..4);
    let [seen, given] = [items.rows(), fewer].map(Items::of);
    assert_eq!(
        ends.finish(fewer).expect_err("refused").to_string(),
        format!("the parts of a bank have seen {seen}, but {given} are given")
    );
    plan.need(Bank::Gallery, Stat::Mean);
    let no_gallery = of(&plan, 0..70).finish(items.rows()).expect_err("refused");
    assert_eq!(
        no_gallery.to_string(),
        "mean needs a gallery bank, but this reference set has none"
    );
}

/// A partial with every kind of number.
fn written() -> Vec<u8> {
    let (items, bank) = (noise(2, 3, 1), noise(7, 3, 2));
    let stats = [
        Stat::Moments,
        Stat::Deviation,
        Stat::Kth { k: 4 },
        beta(0.1),
    ];
    part(&plan(&stats), &items, &bank, 2..7, 2)
        .expect("a part")
        .to_bytes()
}

#[test]
fn a_cut_or_changed_file_is_refused() {
    let written = written();
    assert!(Partial::from_bytes(&written).is_ok());
    for length in 0..written.len() {
        assert!(
            Partial::from_bytes(&written[..length]).is_err(),
            "{length} bytes"
        );
    }
    for place in 0..written.len() {
        for bit in 0..8 {
            let mut changed = written.clone();
            changed[place] ^= 1 << bit;
            assert!(
                Partial::from_bytes(&changed).is_err(),
                "bit {bit} of byte {place}"
            );
        }
    }
}

/// The bytes with a text in the description replaced by one of the same length; its checksum is mended.
fn edited(from: &str, to: &str) -> Result<Partial, PartialError> {
    let mut bytes = written();
    assert_eq!(from.len(), to.len());
    let find = |bytes: &[u8], text: &str| {
        let mut windows = bytes.windows(text.len());
        windows.position(|window| window == text.as_bytes())
    };
    let place = find(&bytes, from).expect("the text is there");
    bytes[place..][..to.len()].copy_from_slice(to.as_bytes());
    // The message of the wrong checksum has the right one.
    if let Err(PartialError::Bytes { problem }) = Partial::from_bytes(&bytes)
        && let Some((_, rest)) = problem.split_once("have the checksum ")
    {
        let place = find(&bytes, "numbers ").expect("a checksum") + "numbers ".len();
        bytes[place..][..16].copy_from_slice(&rest.as_bytes()[..16]);
    }
    Partial::from_bytes(&bytes)
}

/// Texts of a description, what they are replaced with, and what is said of it.
const MISFITS: [(&str, &str, &str); 15] = [
    (
        "version 1",
        "version 2",
        "partial statistics of version 2; this program reads version 1",
    ),
    (
        "chunk 2\\n",
        "chunk 0\\n",
        "no partial statistics: a chunk of no rows",
    ),
    (
        "items 2 3 ",
        "items 9 3 ",
        "powers is F64 of shape [2, 2], expected F64 of shape [9, 2]",
    ),
    (
        "kth(k=4)",
        "kth(k=9)",
        "k = 9 is larger than the query bank, which has 7 items",
    ),
    ("kth(k=4)", "kth(k=0)", "kth(k=0) is out of range"),
    (
        "kth(k=4)",
        "kth(j=4)",
        "expected a bank and a statistic that merges",
    ),
    (
        "kth(k=4)",
        "kth(k=3)",
        "query.largest is F32 of shape [2, 4], expected F32 of shape [2, 3]",
    ),
    (
        "deviation",
        "deviatiom",
        "expected a bank and a statistic that merges",
    ),
    (
        "sum query 1 0",
        "sum query 3 0",
        "the tensor query.3.powers is missing",
    ),
    (
        "sum query 1 0",
        "sum query 9 0",
        "expected chunks of its bank",
    ),
    (
        "sum query 1 0",
        "sum query 1 1",
        "expected chunks of its bank",
    ),
    (
        "sum query 1 0",
        "sum query 1 x",
        "expected `sum` and whole numbers",
    ),
    (
        "sum query 1 0",
        "sum quern 1 0",
        "expected a bank, `query`, `gallery` or `evaluated`",
    ),
    (
        "sum query 1 0",
        "mum query 1 0",
        "expected `need`, `bank`, `sum` or `numbers`",
    ),
    (
        "bank query 7",
        "bank query 4",
        "expected chunks of its bank",
    ),
];

/// A description that its checksum fits, as another program might write it.
#[test]
fn a_description_that_does_not_fit_its_numbers_is_refused() {
    for (from, to, message) in MISFITS {
        let error = edited(from, to).expect_err("refused").to_string();
        assert!(error.contains(message), "{to}: {error}");
    }
    assert!(edited("kth(k=4)", "kth(k=4)").is_ok());
}

/// Of two machines, one may have written what the other wrote.
#[test]
fn equal_partials_have_equal_bytes() {
    assert_eq!(written(), written());
    let again = Partial::from_bytes(&written()).expect("what was written");
    assert_eq!(again.to_bytes(), written());
}
