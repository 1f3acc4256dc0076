//! The index against exact statistics and against a case worked out by hand.

use nnn_ann::{AnnError, BankIndex, Ivf};
use nnn_core::{Bank, BankStats, Banks, Embeddings, PassOptions, Stat, StatPlan};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIM: usize = 24;
const KS: [usize; 2] = [3, 20];

/// Seeded rows about one of eight directions each.
fn rows(count: usize, seed: u64) -> Embeddings {
    let mut directions = ChaCha8Rng::seed_from_u64(1);
    let centres: Vec<f32> = (0..8 * DIM)
        .map(|_| directions.random_range(-1.0..1.0))
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..count).flat_map(|row| {
        let centre = &centres[row % 8 * DIM..][..DIM];
        let near = |c: &f32| c + random.random_range(-0.8..0.8f32);
        centre.iter().map(near).collect::<Vec<_>>()
    });
    Embeddings::normalize(data.collect(), DIM).expect("valid rows")
}

fn ivf(lists: usize, probes: usize) -> Ivf {
    Ivf {
        lists,
        probes,
        seed: 5,
    }
}

fn exact(gallery: &Embeddings, bank: &Embeddings, ks: &[usize]) -> BankStats {
    let both = |&k: &usize| [Stat::TopMean { k }, Stat::Kth { k }].map(|stat| (Bank::Query, stat));
    let plan: StatPlan = ks.iter().flat_map(both).collect();
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default()).expect("statistics")
}

fn columns(index: &BankIndex<'_>, gallery: &Embeddings) -> Vec<Vec<f64>> {
    let nearest = index.nearest(gallery.rows(), 20).expect("a search");
    KS.map(|k| nearest.top_mean(k)).to_vec()
}

/// The library sums in another order: it may take one row for another whose similarity differs by as much as two sums of
/// `DIM` products in f32 do.
const NEAR_TIE: f64 = 4.0 * DIM as f64 / (1u64 << 24) as f64;

#[test]
fn all_lists_give_the_exact_means() {
    let (gallery, bank) = (rows(50, 2), rows(600, 3));
    let index = BankIndex::build(&bank, ivf(12, 12)).expect("an index");
    let stats = exact(&gallery, &bank, &KS);
    for (k, found) in KS.into_iter().zip(columns(&index, &gallery)) {
        let means = stats.get(Bank::Query, Stat::TopMean { k }).expect("means");
        for (mean, found) in means.iter().zip(found) {
            assert!((0.0..=NEAR_TIE).contains(&(mean - found)), "{mean} {found}");
        }
    }
}

#[test]
fn more_lists_miss_less_and_no_mean_is_above_the_exact_one() {
    let (gallery, bank) = (rows(50, 2), rows(600, 3));
    let stats = exact(&gallery, &bank, &KS);
    let mut recalls = Vec::new();
    let mut index = BankIndex::build(&bank, ivf(12, 1)).expect("an index");
    for probes in [1, 2, 4, 12] {
        index = index.with_probes(probes).expect("in range");
        let nearest = index.nearest(gallery.rows(), 20).expect("a search");
        let accuracy = nearest.accuracy(20, &stats).expect("compared");
        let means = stats
            .get(Bank::Query, Stat::TopMean { k: 20 })
            .expect("means");
        let above = means.iter().zip(nearest.top_mean(20)).any(|(e, a)| a > *e);
        assert!(!above);
        assert!(accuracy.largest_error >= accuracy.mean_error);
        recalls.push(accuracy.recall);
    }
    assert!(recalls.is_sorted(), "{recalls:?}");
    assert!(recalls[0] < 0.99 && recalls[3] > 0.999, "{recalls:?}");
}

#[test]
fn recall_and_error_are_those_worked_out_by_hand() {
    let on_circle = |degrees: &[f32]| {
        let point = |d: &f32| [d.to_radians().cos(), d.to_radians().sin()];
        Embeddings::normalize(degrees.iter().flat_map(point).collect(), 2).expect("valid")
    };
    // Two lists: the three rows about 7 degrees and the three about 84. The item at 48 is nearer to the latter, so that
    // of its nearest rows 72, 20 and 90 the second is missed and 91 taken instead.
    let bank = on_circle(&[0.0, 1.0, 20.0, 90.0, 91.0, 72.0]);
    let gallery = on_circle(&[48.0]);
    let index = BankIndex::build(&bank, ivf(2, 1)).expect("an index");
    let nearest = index.nearest(gallery.rows(), 3).expect("a search");
    let accuracy = nearest
        .accuracy(3, &exact(&gallery, &bank, &[3]))
        .expect("compared");
    let cosine = |degrees: f64| degrees.to_radians().cos();
    let error = (cosine(28.0) - cosine(43.0)) / 3.0;
    assert_eq!(accuracy.items, 1);
    assert!((accuracy.recall - 2.0 / 3.0).abs() < 1e-12, "{accuracy:?}");
    assert!((accuracy.mean_error - error).abs() < 1e-6, "{accuracy:?}");
    assert_eq!(accuracy.largest_error, accuracy.mean_error);
}

#[test]
fn a_seed_gives_one_result_on_any_number_of_threads() {
    let (gallery, bank) = (rows(40, 2), rows(900, 3));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| {
            let index = BankIndex::build(&bank, ivf(30, 2)).expect("an index");
            columns(&index, &gallery)
        })
    };
    let first = on(1);
    assert_eq!(on(4), first);
    assert_eq!(on(4), first);
}

#[test]
fn a_search_fills_k_from_further_lists_where_the_nearest_are_short() {
    let (gallery, bank) = (rows(10, 2), rows(100, 3));
    let index = BankIndex::build(&bank, ivf(50, 1)).expect("an index");
    let nearest = index.nearest(gallery.rows(), 100).expect("a search");
    let accuracy = nearest.accuracy(100, &exact(&gallery, &bank, &[100]));
    assert_eq!(accuracy.expect("compared").recall, 1.0);
}

#[test]
fn counts_out_of_range_are_refused_with_both_numbers() {
    let bank = rows(100, 3);
    let refused = |lists, probes, message: &str| {
        let error = BankIndex::build(&bank, ivf(lists, probes)).err();
        assert_eq!(error.expect("refused").to_string(), message);
    };
    refused(0, 1, "lists is 0, expected 1 to 100 (the bank's rows)");
    refused(101, 1, "lists is 101, expected 1 to 100 (the bank's rows)");
    refused(10, 0, "probes is 0, expected 1 to 10 (lists)");
    refused(10, 11, "probes is 11, expected 1 to 10 (lists)");
    let index = BankIndex::build(&bank, ivf(10, 2)).expect("an index");
    let error = index.nearest(bank.rows(), 101).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "k is 101, expected 1 to 100 (the bank's rows)"
    );
    let other = Embeddings::normalize(vec![1.0, 2.0], 2).expect("valid");
    let error = index.nearest(other.rows(), 1).expect_err("refused");
    assert!(matches!(error, AnnError::Dimension(_)), "{error}");
}
