//! What must not change a result: threads, block sizes, instruction sets, the order of a bank; and what must follow it.

mod own;

use nnn_core::{
    Bank, BankPart, BankStats, Banks, Blocking, Delivery, DotScorer, Embeddings, Fitted, Kernel,
    Nnn, Normalizer, Partial, PassOptions, RankOptions, Rankings, Raw, Relevance, RowSink, Scorer,
    Stat, TieRule, rank,
};
use nnn_testkit::methods::*;
use own::{Centroid, Pool};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn all_stats() -> Vec<Stat> {
    let mut stats = vec![
        Stat::Mean,
        Stat::BestPlace { depth: 1 },
        Stat::BestPlace { depth: 7 },
        Stat::Deviation,
        Stat::Kth { k: 9 },
        Stat::TopDistance { k: 20 },
        Stat::Moments,
    ];
    stats.extend([0.004, 0.03, 1.0].map(|share| Stat::from(Pool { share })));
    stats.extend([1, 6].map(|k| Stat::from(Centroid { k })));
    stats.extend([1, 3, 64, 100].map(|k| Stat::TopMean { k }));
    stats.extend([1e-3, 1.0, 400.0].map(|beta| Stat::LogMeanExp { beta: param(beta) }));
    stats.extend(potentials(false));
    stats
}

fn potentials(stacked: bool) -> [Stat; 3] {
    [(0.01, 10), (0.01, 3), (0.5, 2)].map(|(tau, iterations)| Stat::Potential {
        tau: param(tau),
        iterations,
        stacked,
    })
}

fn rankings(
    queries: &Embeddings,
    gallery: &Embeddings,
    bank: &Embeddings,
    blocking: Blocking,
) -> Vec<Rankings> {
    let scorer = DotScorer::new(queries.rows(), gallery.rows())
        .expect("one dimension")
        .with_blocking(blocking);
    let answers: Vec<Vec<u32>> = (0..queries.len())
        .map(|q| vec![(q * 7 % gallery.len()) as u32, (q % 3) as u32])
        .collect();
    let relevance = Relevance::new(&answers, gallery.len()).expect("in range");
    let fitted = [
        fit(&Raw, gallery, bank),
        fit(
            &Nnn {
                k: 3,
                alpha: param(0.75),
            },
            gallery,
            bank,
        ),
    ];
    let methods: Vec<&Fitted> = fitted.iter().collect();
    let options = RankOptions {
        ties: TieRule::Index,
        top: 10,
        all_relevant: true,
        depth: None,
    };
    rank(&scorer, &relevance, &methods, options)
}

#[test]
fn threads_and_blocks_change_no_bit() {
    let (gallery, bank, queries) = (
        random_rows(150, 48, 1),
        random_rows(1300, 48, 2),
        random_rows(70, 48, 3),
    );
    let at = |threads: usize, columns: usize, rows: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        let blocking = Blocking { columns, rows };
        let options = PassOptions {
            kernel: Kernel::detect(),
            blocking,
            ..PassOptions::default()
        };
        pool.install(|| {
            let stats = BankStats::collect(
                &plan(&all_stats()),
                gallery.rows(),
                query_bank(&bank),
                options,
            );
            (
                stats.expect("valid plan"),
                rankings(&queries, &gallery, &bank, blocking),
            )
        })
    };
    let expected = at(1, 4096, 56);
    for threads in [1, 2, 5] {
        for (columns, rows) in [(4096, 56), (1, 1), (32, 14), (100, 1000), (2000, 5)] {
            assert_eq!(
                at(threads, columns, rows),
                expected,
                "{threads} threads, {columns} columns, {rows} rows"
            );
        }
    }
}

/// More rows than are summed in one chain, so that the tree of chunks shows.
#[test]
fn parts_of_a_large_bank_give_the_bits_of_the_whole() {
    let rows = 2 * Partial::CHUNK + 5000;
    let (items, bank) = (random_rows(3, 32, 1), random_rows(rows, 32, 2));
    let stats = all_stats().into_iter().filter(Stat::merges);
    let plan = plan(&stats.collect::<Vec<_>>());
    let blocking = Blocking {
        columns: 3000,
        rows: 2,
    };
    let options = PassOptions {
        blocking,
        ..PassOptions::default()
    };
    let whole = BankStats::collect(&plan, items.rows(), query_bank(&bank), options);
    let part = |rows: std::ops::Range<usize>| {
        let part = BankPart {
            bank: Bank::Query,
            first: rows.start,
            rows: bank.rows().slice(rows),
            total: bank.len(),
        };
        Partial::collect(&plan, items.rows(), part, PassOptions::default()).expect("a part")
    };
    let mut last = part(Partial::CHUNK..rows);
    last.merge(part(0..Partial::CHUNK)).expect("the other");
    let found = last.finish(items.rows()).expect("all rows");
    assert_eq!(found, whole.expect("valid plan"));
}

#[test]
fn threads_and_blocks_change_no_bit_of_stacked_potentials() {
    let (gallery, bank, other) = (
        random_rows(70, 48, 1),
        random_rows(900, 48, 2),
        random_rows(130, 48, 3),
    );
    let banks = Banks {
        gallery: Some(other.rows()),
        ..query_bank(&bank)
    };
    let at = |threads: usize, columns: usize, rows: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let options = PassOptions {
            kernel: Kernel::detect(),
            blocking: Blocking { columns, rows },
            ..PassOptions::default()
        };
        let stats = pool.expect("threads").install(|| {
            BankStats::collect(&plan(&potentials(true)), gallery.rows(), banks, options)
        });
        stats.expect("valid plan")
    };
    let expected = at(1, 4096, 56);
    for (threads, columns, rows) in [(2, 4096, 56), (5, 1, 1), (3, 32, 14), (4, 100, 1000)] {
        assert_eq!(at(threads, columns, rows), expected, "{threads} threads");
    }
}

/// Whatever the products of a device are within their bound, and wherever they end.
#[test]
fn a_device_changes_no_bit() {
    let stats = [Stat::Kth { k: 9 }, Stat::TopDistance { k: 20 }];
    let mut stats = stats.to_vec();
    stats.extend([1, 3, 64, 100].map(|k| Stat::TopMean { k }));
    stats.extend([1, 6].map(|k| Stat::from(Centroid { k })));
    stats.extend([1, 7].map(|depth| Stat::BestPlace { depth }));
    let plan = plan(&stats);
    for (gallery, bank, dim) in [(1100, 4000, 48), (29, 20_000, 129)] {
        let (gallery, bank) = (random_rows(gallery, dim, 1), random_rows(bank, dim, 2));
        let collect = |options: PassOptions<'_>| {
            let stats = BankStats::collect(&plan, gallery.rows(), query_bank(&bank), options);
            stats.expect("valid plan")
        };
        let expected = collect(PassOptions::default());
        for (error, answers) in [
            (1e-6, 0),
            (1e-6, 1),
            (1e-6, usize::MAX),
            (0.01, 3),
            (0.01, usize::MAX),
            (3.0, usize::MAX),
        ] {
            let noisy = Noisy::new(error, answers);
            let options = PassOptions {
                device: Some(&noisy),
                ..PassOptions::default()
            };
            assert_eq!(collect(options), expected, "{error}, {answers} answers");
            assert!(noisy.asked() > 0, "the device was asked");
        }
    }
}

/// Top means alone may take a shorter way than top means beside statistics that need every score.
#[test]
fn top_means_do_not_depend_on_what_else_is_wanted() {
    let ks = [1, 2, 10].map(|k| Stat::TopMean { k });
    for (gallery, bank, dim) in [(3, 1280, 1), (150, 1300, 48), (29, 9000, 129)] {
        let (gallery, bank) = (random_rows(gallery, dim, 1), random_rows(bank, dim, 2));
        let beside = [&ks[..], &[Stat::Deviation]].concat();
        let beside = collect(&beside, &gallery, &bank);
        let blocks = [(4096, 56), (1, 1), (500, 20)];
        let ways = Kernel::available()
            .into_iter()
            .flat_map(|kernel| blocks.map(|b| (kernel, b)));
        for (kernel, (columns, rows)) in ways {
            let options = PassOptions {
                kernel,
                blocking: Blocking { columns, rows },
                ..PassOptions::default()
            };
            let alone = BankStats::collect(&plan(&ks), gallery.rows(), query_bank(&bank), options);
            for (bank, stat, column) in alone.expect("valid plan").columns() {
                assert_eq!(
                    beside.get(bank, stat),
                    Ok(column),
                    "{stat}, {kernel:?}, {columns} columns"
                );
            }
        }
    }
}

#[test]
fn progress_counts_every_score_once() {
    let (gallery, bank) = (random_rows(150, 16, 1), random_rows(5000, 16, 2));
    for stats in [vec![Stat::TopMean { k: 3 }], vec![Stat::Deviation]] {
        let scores = std::sync::atomic::AtomicU64::new(0);
        let count = |n: u64| {
            scores.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
        };
        let options = PassOptions {
            kernel: Kernel::detect(),
            blocking: Blocking::default(),
            progress: Some(&count),
            device: None,
        };
        BankStats::collect(&plan(&stats), gallery.rows(), query_bank(&bank), options)
            .expect("valid");
        assert_eq!(scores.into_inner(), 150 * 5000);
    }
}

struct Row(Vec<f32>);

impl RowSink for Row {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.0.extend_from_slice(scores);
    }
}

#[test]
fn every_kernel_returns_the_documented_chain_at_every_shape() {
    for (rows, columns, dim) in [(1, 1, 1), (13, 31, 7), (15, 33, 100), (57, 700, 512)] {
        let (left, right) = (random_rows(rows, dim, 4), random_rows(columns, dim, 5));
        let expected = chain_matrix(left.rows(), right.rows());
        for kernel in Kernel::available() {
            let scorer = DotScorer::new(left.rows(), right.rows())
                .expect("one dimension")
                .with_kernel(kernel);
            for delivery in [Delivery::Pieces, Delivery::WholeRows] {
                let mut found: Vec<Row> = (0..rows).map(|_| Row(Vec::new())).collect();
                let mut sinks: Vec<&mut dyn RowSink> =
                    found.iter_mut().map(|r| r as &mut dyn RowSink).collect();
                scorer.stream(delivery, 0, &mut sinks);
                let found: Vec<Vec<f32>> = found.into_iter().map(|row| row.0).collect();
                assert_eq!(
                    found, expected,
                    "{kernel:?}, {delivery:?}, {rows}x{columns}x{dim}"
                );
            }
        }
    }
}

/// A fixed shuffle of `0..n`: `i * step mod n` with a step that shares no factor with `n`.
fn shuffled(n: usize) -> Vec<u32> {
    let step = (n / 2 + 1..)
        .find(|step| (2..=n).all(|f| !n.is_multiple_of(f) || !step.is_multiple_of(f)))
        .expect("one exists");
    (0..n).map(|i| (i * step % n) as u32).collect()
}

#[test]
fn permuting_the_gallery_permutes_every_statistic() {
    let (gallery, bank) = (random_rows(101, 24, 6), random_rows(240, 24, 7));
    let order = shuffled(gallery.len());
    let (before, after) = (
        collect(&all_stats(), &gallery, &bank),
        collect(&all_stats(), &gallery.select(&order), &bank),
    );
    for (bank, stat, column) in after.columns() {
        let original = before.get(bank, stat).expect("same plan");
        let each = stat.len(1, gallery.dim());
        let of = |&item: &u32| &original[item as usize * each..][..each];
        let expected: Vec<f64> = match stat {
            Stat::Moments => original.to_vec(),
            _ => order.iter().flat_map(of).copied().collect(),
        };
        let bound = potential_error(stat, gallery.len(), 240);
        for (place, (a, b)) in column.iter().zip(&expected).enumerate() {
            assert!((a - b).abs() <= bound, "{stat}, place {place}: {a} and {b}");
        }
    }
}

/// How far a sum in another order may move a potential: each round is off by two sums and their exponentials, whose
/// exponents are below `8 / tau`, on either side, at some temperatures in f32, and no round enlarges what the ones before were off by (as a function
/// of the potentials it is a composition of two weighted log-sum-exps). Zero for any other statistic.
fn potential_error(stat: &Stat, gallery: usize, bank: usize) -> f64 {
    match *stat {
        Stat::Potential {
            tau, iterations, ..
        } => {
            let tau = tau.get();
            let round = tau * (f64_error(gallery) + f64_error(bank)) + 32.0 * U64;
            2.0 * iterations as f64 * (round + round_in_f32(tau))
        }
        _ => 0.0,
    }
}

#[test]
fn permuting_the_gallery_permutes_the_ranking() {
    let (gallery, bank, queries) = (
        random_rows(101, 24, 6),
        random_rows(240, 24, 7),
        random_rows(9, 24, 8),
    );
    let order = shuffled(gallery.len());
    let moved = gallery.select(&order);
    let before = rankings(&queries, &gallery, &bank, Blocking::default());
    let after = rankings(&queries, &moved, &bank, Blocking::default());
    for (before, after) in before.iter().zip(&after) {
        for query in 0..queries.len() {
            let named: Vec<u32> = after
                .top(query)
                .iter()
                .map(|&g| order[g as usize])
                .collect();
            assert_eq!(named, before.top(query), "random scores have no ties");
        }
    }
}

#[test]
fn permuting_the_bank_moves_nothing_beyond_rounding() {
    let (gallery, bank) = (random_rows(60, 24, 9), random_rows(500, 24, 10));
    let moved = bank.select(&shuffled(bank.len()));
    let (before, after) = (
        collect(&all_stats(), &gallery, &bank),
        collect(&all_stats(), &gallery, &moved),
    );
    for (bank_name, stat, column) in after.columns() {
        let original = before.get(bank_name, stat).expect("same plan");
        // Sums in f64 in another order: one rounding per term on either side. Sorted values and places: none.
        let bound = match *stat {
            Stat::Mean | Stat::Moments => 2.0 * f64_error(bank.len()),
            // A histogram's sums, and `beta` times its highest centre.
            Stat::LogMeanExp { beta } => 2.0 * f64_error(bank.len()) + 4.0 * beta.get() * U64,
            // Of a difference of squares: the root of twice that.
            Stat::Deviation => (4.0 * f64_error(bank.len())).sqrt(),
            Stat::Potential { .. } => potential_error(stat, gallery.len(), bank.len()),
            _ => 0.0,
        };
        for (a, b) in column.iter().zip(original) {
            assert!((a - b).abs() <= bound, "{stat}: {a} and {b}");
        }
    }
}

#[test]
fn a_repeated_bank_has_the_same_means_and_twice_the_neighbours() {
    let (gallery, bank) = (random_rows(20, 16, 11), random_rows(64, 16, 12));
    let twice = bank.select(&(0..128).map(|i| i % 64).collect::<Vec<u32>>());
    let (once, doubled) = (
        collect(
            &[Stat::TopMean { k: 8 }, Stat::BestPlace { depth: 3 }],
            &gallery,
            &bank,
        ),
        collect(
            &[Stat::TopMean { k: 16 }, Stat::BestPlace { depth: 3 }],
            &gallery,
            &twice,
        ),
    );
    let get =
        |stats: &BankStats, stat: &Stat| stats.get(Bank::Query, stat).expect("declared").to_vec();
    // A sum of every value twice rounds as its half does, up to the order of addition.
    for (a, b) in get(&once, &Stat::TopMean { k: 8 })
        .iter()
        .zip(get(&doubled, &Stat::TopMean { k: 16 }))
    {
        assert!((a - b).abs() <= 2.0 * f64_error(16), "{a} and {b}");
    }
    let places = Stat::BestPlace { depth: 3 };
    assert_eq!(get(&once, &places), get(&doubled, &places));
}

#[test]
fn repeated_gallery_items_tie_and_the_first_one_wins() {
    let items = random_rows(30, 16, 13);
    let gallery = items.select(&(0..60).map(|i| i % 30).collect::<Vec<u32>>());
    let (bank, queries) = (random_rows(40, 16, 14), random_rows(12, 16, 15));
    let single = rankings(&queries, &items, &bank, Blocking::default());
    let double = rankings(&queries, &gallery, &bank, Blocking::default());
    for (single, double) in single.iter().zip(&double) {
        for query in 0..queries.len() {
            let pairs: Vec<u32> = single.top(query)[..5]
                .iter()
                .flat_map(|&g| [g, g + 30])
                .collect();
            assert_eq!(double.top(query), pairs);
        }
    }
}

#[test]
fn a_bank_of_one_item_and_constant_vectors_are_no_special_case() {
    let (gallery, bank) = (random_rows(10, 8, 16), random_rows(1, 8, 17));
    let stats = [
        Stat::Kth { k: 1 },
        Stat::TopMean { k: 1 },
        Stat::LogMeanExp { beta: param(1.0) },
    ];
    let rounding = [0.0, 0.0, 16.0 * U64];
    let found = collect(&stats, &gallery, &bank);
    assert_eq!(found.bank(Bank::Query), Some(1));
    assert_eq!(found.bank(Bank::Gallery), None);
    // The mean is a product with the mean vector in f64: of one vector, the similarity before it is rounded.
    let mean = collect(&[Stat::Mean, Stat::Deviation], &gallery, &bank);
    for g in 0..gallery.len() {
        let want = dot64(gallery.rows().row(g), bank.rows().row(0));
        let got = mean.get(Bank::Query, Stat::Mean).expect("declared")[g];
        assert!((got - want).abs() <= 16.0 * U64, "{got}, expected {want}");
    }
    assert_eq!(
        mean.get(Bank::Query, Stat::Deviation).expect("declared"),
        [0.0; 10]
    );
    let scores: Vec<f64> = chain_matrix(gallery.rows(), bank.rows())
        .iter()
        .map(|row| f64::from(row[0]))
        .collect();
    for (stat, rounding) in stats.into_iter().zip(rounding) {
        let column = found.get(Bank::Query, &stat).expect("declared");
        for (got, want) in column.iter().zip(&scores) {
            assert!((got - want).abs() <= rounding, "{stat}: {got}, {want}");
        }
    }
    // All vectors equal: all scores equal, every mean is that score, the first item leads every list.
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(40), 3).expect("valid");
    let score = f64::from(chain(same.rows().row(0), same.rows().row(0)));
    let found = collect(
        &[Stat::TopMean { k: 16 }, Stat::BestPlace { depth: 2 }],
        &same,
        &same,
    );
    assert_eq!(
        found
            .get(Bank::Query, Stat::TopMean { k: 16 })
            .expect("declared"),
        [score; 40]
    );
    let places = found
        .get(Bank::Query, Stat::BestPlace { depth: 2 })
        .expect("declared");
    assert_eq!(places[..3], [1.0, 2.0, 3.0]);
    assert!(places[3..].iter().all(|&place| place == 3.0));
}

/// An engine that multiplies `<item, bias>` with `<query, -1>` ranks as subtraction does.
#[test]
fn one_more_dimension_ranks_as_subtraction() {
    let (gallery, bank, queries) = (
        random_rows(200, 32, 18),
        random_rows(500, 32, 19),
        random_rows(50, 32, 20),
    );
    let method = Nnn {
        k: 8,
        alpha: param(0.75),
    };
    let (bias, fitted) = (
        bias(&method, &gallery, &bank),
        fit(&method, &gallery, &bank),
    );
    for q in 0..queries.len() {
        let query = queries.rows().row(q);
        let appended: Vec<f32> = (0..gallery.len())
            .map(|g| {
                chain(
                    &[query, &[-1.0]].concat(),
                    &[gallery.rows().row(g), &[bias[g]]].concat(),
                )
            })
            .collect();
        let mut row: Vec<f32> = (0..gallery.len())
            .map(|g| chain(query, gallery.rows().row(g)))
            .collect();
        fitted.apply(&mut row);
        // The last step of the chain is `fma(-1, bias, s)`: the difference, rounded once, as subtraction is.
        assert_eq!(appended, row, "query {q}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn alpha_zero_ranks_as_raw(seed in 0u64..1000, k in 1usize..40) {
        let (gallery, bank, queries) = (tied_rows(50, seed), tied_rows(40, seed + 1), tied_rows(10, seed + 2));
        let nnn = Nnn { k, alpha: param(0.0) };
        prop_assert_eq!(bias(&nnn, &gallery, &bank), bias(&Raw, &gallery, &bank));
        let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
        let relevance = Relevance::one_each(&[0; 10], 50).expect("in range");
        let options = RankOptions { ties: TieRule::Index, top: 50, all_relevant: false, depth: None };
        let fitted = [fit(&Raw, &gallery, &bank), fit(&nnn, &gallery, &bank)];
        let methods: Vec<&Fitted> = fitted.iter().collect();
        let found = rank(&scorer, &relevance, &methods, options);
        prop_assert_eq!(&found[0], &found[1]);
        let expected: Vec<Vec<usize>> = chain_matrix(queries.rows(), gallery.rows()).iter().map(|r| ranked(r)).collect();
        for (q, want) in expected.iter().enumerate() {
            let got: Vec<usize> = found[0].top(q).iter().map(|&g| g as usize).collect();
            prop_assert_eq!(&got, want);
        }
    }

    #[test]
    fn top_means_fall_with_k_and_stay_between_mean_and_maximum(seed in 0u64..1000, size in 1usize..200) {
        let (gallery, bank) = (random_rows(5, 12, seed), random_rows(size, 12, seed + 1));
        let stats: Vec<Stat> = (1..=size).map(|k| Stat::TopMean { k }).collect();
        let found = collect(&stats, &gallery, &bank);
        let scores = chain_matrix(gallery.rows(), bank.rows());
        for (g, scores) in scores.iter().enumerate() {
            let column = |k| found.get(Bank::Query, Stat::TopMean { k }).expect("declared")[g];
            prop_assert_eq!(column(1), f64::from(scores.iter().copied().fold(f32::MIN, f32::max)));
            for k in 1..size {
                prop_assert!(column(k + 1) <= column(k) + 2.0 * f64_error(size));
            }
        }
    }
}

/// Signatures read back to the same point.
#[test]
fn a_signature_names_its_point() {
    let nnn = Nnn {
        k: 128,
        alpha: param(0.75),
    };
    assert_eq!(nnn.signature(), "nnn(k=128,alpha=0.75)");
    assert_eq!(Raw.signature(), "raw");
}

/// Every kind of rule ranked in batches, beside each ranked by a sort of its own row; and with a depth, up to which nothing
/// changes.
#[test]
fn batches_rank_as_sorted_rows_do() {
    use nnn_core::{GalleryBias, GatedBias};
    let (gallery, queries) = (tied_rows(300, 21), tied_rows(40, 22));
    let bias = |seed: usize| {
        let value = move |g: usize| ((g * 7 + seed * 13) % 11) as f64 / 16.0 - 0.2;
        GalleryBias::from_f64((0..300).map(value))
    };
    let mut fitted: Vec<Fitted> = (0..70).map(|seed| Fitted::Additive(bias(seed))).collect();
    let choice: Vec<u8> = (0..300).map(|g| (g % 3) as u8).collect();
    for seed in 0..40 {
        let biases = (0..3).map(|c| bias(100 + seed * 3 + c)).collect();
        fitted.push(Fitted::Gated(GatedBias::new(choice.clone(), biases)));
    }
    let methods: Vec<&Fitted> = fitted.iter().collect();
    let answers: Vec<Vec<u32>> = (0..40).map(|q| vec![q * 3, q * 5 % 300]).collect();
    let relevance = Relevance::new(&answers, 300).expect("within the gallery");
    let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
    let at = |depth| RankOptions {
        ties: TieRule::Index,
        top: 0,
        all_relevant: false,
        depth,
    };
    let all = rank(&scorer, &relevance, &methods, at(None));
    let to = [1usize, 5].map(|depth| (depth, rank(&scorer, &relevance, &methods, at(Some(depth)))));
    for (q, row) in chain_matrix(queries.rows(), gallery.rows())
        .into_iter()
        .enumerate()
    {
        for (place, method) in methods.iter().enumerate() {
            let mut row = row.clone();
            method.apply(&mut row);
            let order = ranked(&row);
            let position = |item: &u32| order.iter().position(|o| o == &(*item as usize));
            let want = answers[q]
                .iter()
                .filter_map(position)
                .min()
                .expect("listed")
                + 1;
            assert_eq!(all[place].first_rank(q), want as f64);
            for (depth, some) in &to {
                let got = some[place].first_rank(q);
                let same = got == want as f64 || want > *depth && got > *depth as f64;
                assert!(same, "depth {depth}: {got}, {want}");
            }
        }
    }
}

/// Guards against passes that compute all blocks of a step before what was asked to end ends.
#[test]
fn a_pass_ends_where_what_it_is_told_unwinds() {
    let (gallery, bank) = (random_rows(3000, 40, 1), random_rows(2000, 40, 2));
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    for stat in [
        Stat::Deviation,
        Stat::TopMean { k: 5 },
        Stat::BestPlace { depth: 3 },
    ] {
        let (blocks, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let tell = |scores: u64| {
            blocks.fetch_add(usize::from(scores > 0), Ordering::Relaxed);
            if stop.fetch_or(scores > 0, Ordering::Relaxed) {
                resume_unwind(Box::new("stopped"));
            }
        };
        let options = PassOptions {
            progress: Some(&tell),
            ..PassOptions::default()
        };
        let pass = || {
            BankStats::collect(
                &plan(std::slice::from_ref(&stat)),
                gallery.rows(),
                banks,
                options,
            )
        };
        let ended = catch_unwind(AssertUnwindSafe(pass)).expect_err("unwound");
        assert_eq!(ended.downcast_ref(), Some(&"stopped"), "{stat}");
        let blocks = blocks.load(Ordering::Relaxed);
        assert!(
            blocks <= 2 * rayon::current_num_threads(),
            "{stat}: {blocks} blocks"
        );
    }
}
