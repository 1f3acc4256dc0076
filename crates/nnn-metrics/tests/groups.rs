//! Metrics of two groups: the published arithmetic, an oracle, and what holds for any list.

mod common;

use common::{golden, integers, numbers, query_metric, rank};
use nnn_core::{Groups, Rankings, Relevance, TieRule};
use nnn_metrics::{
    Audit, Clusters, IntervalKind, Metric, MetricError, Ranked, Resampling, compare,
};
use proptest::prelude::*;

/// Sums of a few dozen terms of order one: the last places of f64 and no more.
const ROUNDING: f64 = 1e-12;

/// Lists with what is known of their items.
struct Study {
    rankings: Rankings,
    groups: Groups,
    relevance: Relevance,
}

impl Study {
    fn ranked(&self) -> Ranked<'_> {
        Ranked {
            rankings: &self.rankings,
            audit: Some(Audit {
                groups: &self.groups,
                relevance: &self.relevance,
            }),
        }
    }

    fn value(&self, name: &str) -> f64 {
        let metric: Metric = name.parse().expect("a metric");
        metric.value(self.ranked()).expect("a value")
    }

    fn values(&self, name: &str) -> Vec<f64> {
        query_metric(name).values(self.ranked())
    }
}

fn names() -> [String; 2] {
    ["first", "second"].map(str::to_owned)
}

/// VisoGender's single-person set: item `10 c + i` shows occupation `c`; the first five of each are men.
struct Viso;

const OCCUPATIONS: usize = 23;

impl Viso {
    fn groups() -> Groups {
        let label = |item: usize| if item % 10 < 5 { "first" } else { "second" };
        let labels: Vec<&str> = (0..10 * OCCUPATIONS).map(label).collect();
        Groups::new(&names(), &labels).expect("two groups")
    }

    /// Each query's list begins with `men` men and `women` women of other occupations, of which the first `shown` items are
    /// of its own occupation instead.
    fn study(lists: &[(usize, usize, usize)]) -> Study {
        let class = |query: usize| (0..10).map(move |i| (10 * query + i) as u32);
        let classes: Vec<Vec<u32>> = (0..OCCUPATIONS).map(|q| class(q).collect()).collect();
        let of = |own: bool, query: usize, man: bool, nth: usize| {
            let side = if man { 0 } else { 5 };
            let occupation = if own {
                query
            } else {
                (query + 1 + nth / 5) % OCCUPATIONS
            };
            (10 * occupation + side + nth % 5) as u32
        };
        let list = |(query, &(men, women, shown)): (usize, &(usize, usize, usize))| {
            let people = (0..men)
                .map(|nth| (true, nth))
                .chain((0..women).map(|nth| (false, nth)));
            let mut list: Vec<u32> = people
                .enumerate()
                .map(|(at, (man, nth))| of(at < shown, query, man, nth))
                .collect();
            let rest = (0..10 * OCCUPATIONS as u32).filter(|item| !list.contains(item));
            let rest: Vec<u32> = rest.collect();
            list.extend(rest);
            list
        };
        let tops: Vec<Vec<u32>> = lists.iter().enumerate().map(list).collect();
        let place = |top: &[u32], item: u32| top.iter().position(|&i| i == item).expect("listed");
        let ranks = tops.iter().zip(&classes).map(|(top, class)| {
            class
                .iter()
                .map(|&item| place(top, item) as f64 + 1.0)
                .collect()
        });
        Study {
            rankings: Rankings::new(10 * OCCUPATIONS, ranks.collect(), tops.clone()),
            groups: Self::groups(),
            relevance: Relevance::new(&classes, 10 * OCCUPATIONS).expect("answers"),
        }
    }
}

/// Spreads `surplus` more men than women over lists of `n` (of even length, so that each has an even surplus).
fn lists(n: usize, surplus: usize, shown: impl Fn(usize) -> usize) -> Vec<(usize, usize, usize)> {
    let pairs = surplus / 2;
    let more = |query: usize| pairs / OCCUPATIONS + usize::from(query < pairs % OCCUPATIONS);
    let list = |query| (n / 2 + more(query), n / 2 - more(query), shown(query));
    (0..OCCUPATIONS).map(list).collect()
}

#[track_caller]
fn close(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() < ROUNDING,
        "{value} is not {expected}"
    );
}

/// Section 3.3 of the NNN paper: the printed values are whole numbers of people over 23 queries times n.
#[test]
fn biases_are_the_papers() {
    for (n, surplus, printed) in [
        (6, 48, 0.348),
        (6, 10, 0.072),
        (10, 62, 0.270),
        (10, 18, 0.078),
    ] {
        let study = Viso::study(&lists(n, surplus, |_| 0));
        let value = study.value(&format!("bias@{n}"));
        close(value, surplus as f64 / (OCCUPATIONS * n) as f64);
        assert_eq!(format!("{value:.3}"), format!("{printed:.3}"));
        // Every image counts: none of those listed shows the query's occupation.
        assert_eq!(study.value("P@5"), 0.0);
    }
}

/// The paper's Retrieval@1 and @5 are the share of the first n that show the occupation.
#[test]
fn precisions_are_the_papers() {
    for (n, found, printed) in [
        (1, 13, "56.5"),
        (1, 16, "69.6"),
        (5, 57, "49.6"),
        (5, 65, "56.5"),
    ] {
        let shown = |query| found / OCCUPATIONS + usize::from(query < found % OCCUPATIONS);
        let value = Viso::study(&lists(10, 0, shown)).value(&format!("P@{n}"));
        close(value, found as f64 / (OCCUPATIONS * n) as f64);
        assert_eq!(format!("{:.1}", 100.0 * value), printed);
    }
}

/// One query of ten images, five of each group, in the order 1 1 1 2 1 2 2 1 2 2, among others.
#[test]
fn the_authors_measures_read_the_class_only() {
    let order = [0, 1, 2, 5, 3, 6, 7, 4, 8, 9];
    let others = (10..230).rev();
    let mut list: Vec<u32> = others.collect();
    // Women of other occupations stand first and between.
    for (at, item) in order.into_iter().enumerate() {
        list.insert(3 * at + 2, item);
    }
    let study = Study {
        rankings: Rankings::new(230, vec![vec![3.0]], vec![list]),
        groups: Viso::groups(),
        relevance: Relevance::new(&[(0..10).collect::<Vec<u32>>()], 230).expect("answers"),
    };
    close(study.value("bias@2"), -1.0);
    close(study.value("class_bias@5"), 3.0 / 5.0);
    close(study.value("class_bias@10"), 0.0);
    close(study.value("class_bias@99"), 0.0);
    close(study.value("skew@5"), (0.8_f64 / 0.5).ln());
    close(study.value("max_skew@5"), (0.8_f64 / 0.5).ln());
    // No woman among the first three: her share counts as 1/3, not as 0.
    close(study.value("max_skew@3"), 2.0_f64.ln());
    let log = f64::log2;
    let kl = |p: f64| {
        let term = |p: f64| if p > 0.0 { p * (p / 0.5).ln() } else { 0.0 };
        term(p) + term(1.0 - p)
    };
    let men = [1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.0];
    let parts = men
        .iter()
        .zip(1..)
        .map(|(men, k)| kl(men / f64::from(k)) / log(f64::from(k) + 1.0));
    let weights: f64 = (1..=10).map(|k| 1.0 / log(f64::from(k) + 1.0)).sum();
    close(study.value("NDKL"), parts.sum::<f64>() / weights);
    assert_eq!(
        "sd(NDKL)"
            .parse::<Metric>()
            .expect("a metric")
            .value(study.ranked()),
        Err(MetricError::OneQuery)
    );
}

#[test]
fn opposite_biases_cancel_only_in_the_signed_mean() {
    let mut lists = lists(6, 0, |_| 0);
    lists[0] = (6, 0, 0);
    lists[1] = (0, 6, 0);
    let study = Viso::study(&lists);
    close(study.value("bias@6"), 0.0);
    close(study.value("abs_bias@6"), 2.0 / 23.0);
    close(study.value("sd(bias@6)"), (2.0_f64 / 22.0).sqrt());
}

#[test]
fn what_is_missing_is_named() {
    let study = Viso::study(&lists(6, 0, |_| 0));
    let metric: Metric = "class_bias@5".parse().expect("a metric");
    let error = metric.value(&study.rankings).expect_err("no groups");
    assert_eq!(
        error.to_string(),
        "`class_bias@5` reads which of two groups the gallery items belong to, and no groups are given"
    );
    let tops = (0..OCCUPATIONS)
        .map(|q| study.rankings.top(q)[..10].to_vec())
        .collect();
    let rankings = Rankings::new(230, vec![vec![1.0]; OCCUPATIONS], tops);
    let short = Ranked {
        rankings: &rankings,
        ..study.ranked()
    };
    assert!(query_metric("bias@10").check(short).is_ok());
    let error = metric.value(short).expect_err("the head of the list");
    assert_eq!(
        error.to_string(),
        "`class_bias@5` needs the 230 best items of every query, the rankings keep 10 of 230"
    );
}

/// A shift towards zero is a win on both sides of it, and the test has a p-value.
#[test]
fn closer_to_zero_wins() {
    let before = [0.5, -0.5, 0.25, 0.0];
    let after = [0.25, -0.25, -0.5, 0.0];
    let clusters = Clusters::single(4);
    let compared = compare(
        query_metric("bias@4"),
        &after,
        &before,
        &clusters,
        &Resampling::default(),
    );
    let compared = compared.expect("a comparison");
    assert_eq!((compared.wins, compared.ties, compared.losses), (2, 1, 1));
    close(compared.delta, -0.1875);
    assert!((0.0..=1.0).contains(&compared.p_value));
}

#[test]
fn means_carry_bootstrap_intervals() {
    let study = Viso::study(&lists(6, 10, |_| 0));
    let metric: Metric = "bias@6".parse().expect("a metric");
    let clusters = Clusters::single(OCCUPATIONS);
    let measured = metric
        .measure(
            study.ranked(),
            IntervalKind::Binomial,
            &clusters,
            &Resampling::default(),
        )
        .expect("a measurement");
    let interval = measured.interval.expect("an interval");
    assert!(interval.low < measured.value && measured.value < interval.high);
    assert_eq!(measured.n, OCCUPATIONS);
}

#[test]
fn values_are_those_of_the_definitions() {
    for case in golden("groups.json").as_array().expect("cases") {
        let scores = integers(&case["scores"]);
        let relevant: Vec<Vec<usize>> = integers(&case["relevant"])
            .iter()
            .map(|items| items.iter().map(|&item| item as usize).collect())
            .collect();
        let labels = case["groups"].as_array().expect("labels");
        let labels: Vec<&str> = labels
            .iter()
            .map(|label| label.as_str().expect("a label"))
            .collect();
        let study = study(&scores, &relevant, &labels);
        for (name, expected) in case["per_query"].as_object().expect("metrics") {
            let expected = numbers(expected);
            assert_eq!(expected.len(), scores.len());
            for (value, expected) in study.values(name).into_iter().zip(expected) {
                assert!(
                    (value - expected).abs() < ROUNDING,
                    "{name}: {value}, not {expected}"
                );
            }
            close(
                study.value(name),
                case["mean"][name].as_f64().expect("a mean"),
            );
            let spread = case["sd"][name].as_f64().expect("a spread");
            // The squared deviations cancel to as many places as the values have.
            assert!(
                (study.value(&format!("sd({name})")) - spread).abs() < 1e-9,
                "{name}"
            );
        }
    }
}

fn study(scores: &[Vec<i64>], relevant: &[Vec<usize>], labels: &[&str]) -> Study {
    let answers: Vec<Vec<u32>> = relevant
        .iter()
        .map(|items| items.iter().map(|&item| item as u32).collect())
        .collect();
    Study {
        rankings: rank(scores, relevant, TieRule::Index, labels.len()),
        groups: Groups::new(&names(), labels).expect("groups"),
        relevance: Relevance::new(&answers, labels.len()).expect("answers"),
    }
}

const SIGNED: [&str; 2] = ["bias@3", "class_bias@3"];
const UNSIGNED: [&str; 3] = ["abs_bias@3", "max_skew@3", "NDKL"];

fn runs() -> impl Strategy<Value = (Vec<Vec<i64>>, Vec<Vec<usize>>, Vec<&'static str>)> {
    (1_usize..6, 3_usize..16).prop_flat_map(|(queries, gallery)| {
        let items = proptest::sample::subsequence((0..gallery).collect::<Vec<_>>(), 1..=gallery);
        (
            prop::collection::vec(prop::collection::vec(0_i64..6, gallery), queries),
            prop::collection::vec(items, queries),
            prop::collection::vec(
                proptest::sample::select(vec!["first", "second", ""]),
                gallery,
            ),
        )
    })
}

proptest! {
    #[test]
    fn swapping_the_groups_flips_the_sign((scores, relevant, labels) in runs()) {
        let swap = |&label: &&'static str| match label {
            "first" => "second",
            "second" => "first",
            other => other,
        };
        let one = study(&scores, &relevant, &labels);
        let other = study(&scores, &relevant, &labels.iter().map(swap).collect::<Vec<_>>());
        for name in SIGNED {
            for (a, b) in one.values(name).into_iter().zip(other.values(name)) {
                prop_assert!((a + b).abs() < ROUNDING, "{name}: {a} and {b}");
            }
        }
        for name in UNSIGNED {
            for (a, b) in one.values(name).into_iter().zip(other.values(name)) {
                prop_assert!((a - b).abs() < ROUNDING, "{name}: {a} and {b}");
            }
        }
    }

    #[test]
    fn values_keep_their_range((scores, relevant, labels) in runs()) {
        let study = study(&scores, &relevant, &labels);
        for name in ["bias@1", "bias@3", "class_bias@1", "class_bias@30"] {
            prop_assert!(study.values(name).iter().all(|v| (-1.0..=1.0).contains(v)), "{name}");
        }
        prop_assert!(study.values("abs_bias@3").iter().all(|v| (0.0..=1.0).contains(v)));
        for name in ["max_skew@1", "max_skew@4", "NDKL"] {
            prop_assert!(study.values(name).iter().all(|&v| v >= -ROUNDING), "{name}");
        }
        let (bias, size) = (study.value("bias@3"), study.value("abs_bias@3"));
        prop_assert!(bias.abs() <= size + ROUNDING);
    }

    /// First, second, second, first and so on: even at every even place, and off by one item in between.
    #[test]
    fn a_balanced_list_is_unbiased(pairs in 1_usize..20, flip in any::<bool>()) {
        let labels: Vec<&str> = (0..2 * pairs)
            .map(|at| if (at % 4 == 0 || at % 4 == 3) != flip { "first" } else { "second" })
            .collect();
        let scores: Vec<i64> = (0..2 * pairs as i64).rev().collect();
        let study = study(&[scores], &[(0..2 * pairs).collect()], &labels);
        for k in (2..=2 * pairs).step_by(2) {
            for name in ["bias", "abs_bias", "class_bias", "skew", "max_skew"] {
                prop_assert!(study.value(&format!("{name}@{k}")).abs() < ROUNDING, "{name}@{k}");
            }
        }
        prop_assert!(study.value("class_bias@1000").abs() < ROUNDING);
    }
}
