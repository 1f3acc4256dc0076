//! Rankings beside a sort of every row, whatever is asked for, and those of a gallery in parts beside those of the whole.

use nnn_core::{
    Blocking, Counts, DotScorer, Embeddings, Fitted, GalleryBias, GatedBias, Kernel, MovedVectors,
    RankOptions, Rankings, Relevance, RowRule, Shard, ShardError, Thresholds, TieRule, VectorMap,
    Vectors, best, rank,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

const GALLERY: usize = 150;
const QUERIES: usize = 40;

/// Few distinct values, so that corrected scores tie as well.
fn bias(seed: usize, items: Range<usize>) -> GalleryBias {
    let value = move |g: usize| ((g * 7 + seed * 13) % 11) as f64 / 16.0 * (seed % 3) as f64;
    GalleryBias::from_f64(items.map(value))
}

fn gated(seed: usize, items: Range<usize>) -> Fitted {
    // The second kind of gate differs from the first at the gallery's first items only.
    let choice = |g: usize| (if g < 20 { g + seed % 2 } else { g } % 3) as u8;
    let biases = (0..3).map(|choice| bias(100 + seed * 3 + choice, items.clone()));
    let biases = biases.collect();
    Fitted::Gated(GatedBias::new(items.map(choice).collect(), biases))
}

/// More biases than a batch holds, gates of two kinds, and one that is alone.
fn biases(items: Range<usize>) -> Vec<Fitted> {
    let additive = (0..40).map(|seed| Fitted::Additive(bias(seed, items.clone())));
    let gates = (0..15).map(|seed| gated(seed, items.clone()));
    additive.chain(gates).collect()
}

struct Squares;

impl RowRule for Squares {
    fn apply(&self, row: &mut [f32]) {
        row.iter_mut().for_each(|score| *score *= *score);
    }
}

fn others(gallery: &Embeddings) -> [Fitted; 2] {
    let turned: Vec<f32> = gallery.rows().data().iter().map(|v| -v).collect();
    let moved = MovedVectors {
        gallery: Vectors::new(turned, gallery.dim()),
        query: VectorMap::default(),
    };
    [
        Fitted::Rescaling(Box::new(Squares)),
        Fitted::VectorMoving(moved),
    ]
}

/// Some queries have one relevant item, some three; all are graded or none is.
fn relevance(graded: bool, several: bool) -> Relevance {
    let items = |q: usize| [q * 3, q * 5 + 1, q * 7 + 2].map(|item| (item % GALLERY) as u32);
    let list = |q: usize| items(q)[..if several && q.is_multiple_of(2) { 3 } else { 1 }].to_vec();
    let lists: Vec<Vec<u32>> = (0..QUERIES).map(list).collect();
    if !graded {
        return Relevance::new(&lists, GALLERY).expect("within the gallery");
    }
    let grade = |&item: &u32| (item, f64::from(item % 3 + 1));
    let graded = lists.iter().map(|list| list.iter().map(grade).collect());
    Relevance::graded(&graded.collect::<Vec<Vec<_>>>(), GALLERY).expect("within the gallery")
}

/// Every corrected row.
fn rows(fitted: &Fitted, scores: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let apply = |row: &Vec<f32>| {
        let mut row = row.clone();
        match fitted {
            Fitted::VectorMoving(_) => row.iter_mut().for_each(|score| *score = -*score),
            _ => fitted.apply(&mut row),
        }
        row
    };
    scores.iter().map(apply).collect()
}

/// Rank and grade of every relevant item, ascending: all, or the first.
fn placed(row: &[f32], relevance: &Relevance, q: usize, options: RankOptions) -> Vec<(f64, f64)> {
    let grades = relevance.grades_of(q).map_or(vec![1.0; 3], <[f64]>::to_vec);
    let place = |(&item, grade): (&u32, f64)| {
        let (item, score) = (item as usize, row[item as usize]);
        let equal = |items: &[f32]| items.iter().filter(|&&s| s == score).count();
        let greater = row.iter().filter(|&&s| s > score).count();
        let rank = (options.ties).rank(greater, equal(&row[..item]), equal(&row[item + 1..]));
        (rank, grade)
    };
    let mut placed: Vec<_> = relevance.of(q).iter().zip(grades).map(place).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.truncate(if options.all_relevant { 3 } else { 1 });
    placed
}

/// As a sort of every row has it.
fn sorted(rows: &[Vec<f32>], relevance: &Relevance, options: RankOptions) -> Rankings {
    let places: Vec<Vec<(f64, f64)>> = (rows.iter().enumerate())
        .map(|(q, row)| placed(row, relevance, q, options))
        .collect();
    let ranks = places.iter().map(|list| list.iter().map(|p| p.0).collect());
    let top = rows.iter().map(|row| {
        let order = ranked(row).into_iter().take(options.top);
        order.map(|item| item as u32).collect()
    });
    let rankings = Rankings::new(GALLERY, ranks.collect(), top.collect());
    match options.all_relevant && relevance.grades_of(0).is_some() {
        true => rankings.with_grades(places.iter().flatten().map(|p| p.1).collect()),
        false => rankings,
    }
}

fn options() -> impl Strategy<Value = RankOptions> {
    let ties = prop::sample::select(TieRule::ALL.to_vec());
    let top = prop::sample::select(vec![0, 1, 7, 64, GALLERY + 5]);
    (ties, top, any::<bool>()).prop_map(|(ties, top, all_relevant)| RankOptions {
        ties,
        top,
        all_relevant,
        depth: None,
    })
}

/// A device, or none: one that is exact, off by as much as scores differ, or ends at once.
fn noisy() -> impl Strategy<Value = Option<Noisy>> {
    let kinds = vec![
        None,
        Some((1e-6, usize::MAX)),
        Some((0.3, usize::MAX)),
        Some((0.3, 0)),
    ];
    prop::sample::select(kinds).prop_map(|it| it.map(|(error, answers)| Noisy::new(error, answers)))
}

fn with<'a>(scorer: DotScorer<'a>, noisy: Option<&'a Noisy>) -> DotScorer<'a> {
    match noisy {
        Some(noisy) => scorer.with_device(noisy),
        None => scorer,
    }
}

/// A gallery on which bytes say first which scores matter, and the same without bytes.
#[test]
fn the_best_of_a_large_gallery_are_those_of_a_sort() {
    let (gallery, queries) = (random_rows(1500, 48, 1), random_rows(60, 48, 2));
    let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
    let raw = Fitted::Additive(GalleryBias::zero(gallery.len()));
    let (mut items, mut expected) = (Vec::new(), Vec::new());
    for row in chain_matrix(queries.rows(), gallery.rows()) {
        for item in ranked(&row).into_iter().take(30) {
            items.push(item as u32);
            expected.push(row[item]);
        }
    }
    for kernel in Kernel::available() {
        let found = best(&scorer.with_kernel(kernel), &raw, 30);
        assert_eq!(
            (&found.items, &found.scores),
            (&items, &expected),
            "{kernel:?}"
        );
    }
    for error in [1e-6, 0.02, 3.0] {
        let noisy = Noisy::new(error, usize::MAX);
        let found = best(&scorer.with_device(&noisy), &raw, 30);
        assert_eq!(
            (&found.items, &found.scores),
            (&items, &expected),
            "{error}"
        );
    }
}

#[test]
fn nothing_is_the_best_of_an_empty_gallery_or_for_no_query() {
    let some = random_rows(3, 8, 1);
    for (queries, gallery, width) in [(0..3, 0..0, 0), (0..0, 0..3, 2)] {
        let raw = Fitted::Additive(GalleryBias::zero(gallery.len()));
        let [queries, gallery] = [queries, gallery].map(|range| some.rows().slice(range));
        let scorer = DotScorer::new(queries, gallery).expect("one dimension");
        let found = best(&scorer, &raw, 2);
        assert_eq!(
            (found.width, found.items.len(), found.scores.len()),
            (width, 0, 0)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_correction_ranks_as_a_sort_of_its_rows(
        seed in 0u64..1000, options in options(), graded: bool, several: bool,
        columns in 1usize..300, rows_at_once in 1usize..60, noisy in noisy(),
    ) {
        let (gallery, queries) = (tied_rows(GALLERY, seed), tied_rows(QUERIES, seed + 1));
        let relevance = relevance(graded, several);
        let mut fitted = biases(0..GALLERY);
        fitted.extend(others(&gallery));
        let methods: Vec<&Fitted> = fitted.iter().collect();
        let blocking = Blocking { columns, rows: rows_at_once };
        let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension").with_blocking(blocking);
        let scorer = with(scorer, noisy.as_ref());
        let found = rank(&scorer, &relevance, &methods, options);
        let scores = chain_matrix(queries.rows(), gallery.rows());
        for ((place, fitted), found) in fitted.iter().enumerate().zip(&found) {
            prop_assert_eq!(found, &sorted(&rows(fitted, &scores), &relevance, options), "correction {}", place);
        }
    }

    /// The items are those of the ranking, their scores those of the corrected row.
    #[test]
    fn the_best_items_have_the_scores_of_the_corrected_row(
        seed in 0u64..1000, n in prop::sample::select(vec![0, 1, 7, GALLERY, GALLERY + 5]),
        columns in 1usize..300, rows_at_once in 1usize..60, noisy in noisy(),
    ) {
        let (gallery, queries) = (tied_rows(GALLERY, seed), tied_rows(QUERIES, seed + 1));
        let mut fitted = biases(0..GALLERY);
        fitted.extend(others(&gallery));
        let blocking = Blocking { columns, rows: rows_at_once };
        let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension").with_blocking(blocking);
        let scorer = with(scorer, noisy.as_ref());
        let scores = chain_matrix(queries.rows(), gallery.rows());
        for fitted in &fitted {
            let found = best(&scorer, fitted, n);
            prop_assert_eq!(found.width, n.min(GALLERY));
            let (mut items, mut expected) = (Vec::new(), Vec::new());
            for row in rows(fitted, &scores) {
                for item in ranked(&row).into_iter().take(n) {
                    items.push(item as u32);
                    expected.push(row[item]);
                }
            }
            prop_assert_eq!((&found.items, &found.scores), (&items, &expected));
        }
    }

    /// Ranks up to the depth stay, those below it are all below it.
    #[test]
    fn a_depth_moves_no_rank_above_it(seed in 0u64..1000, options in options(), depth in 1usize..20) {
        let (gallery, queries) = (tied_rows(GALLERY, seed), tied_rows(QUERIES, seed + 1));
        let (relevance, fitted) = (relevance(false, true), biases(0..GALLERY));
        let methods: Vec<&Fitted> = fitted.iter().collect();
        let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
        let all = rank(&scorer, &relevance, &methods, options);
        let some = rank(&scorer, &relevance, &methods, RankOptions { depth: Some(depth), ..options });
        for (all, some) in all.iter().zip(&some) {
            for q in 0..QUERIES {
                let shown = |rank: &f64| if *rank > depth as f64 { f64::INFINITY } else { *rank };
                let [all, some] = [all, some].map(|r| r.relevant_ranks(q).iter().map(shown).collect::<Vec<f64>>());
                prop_assert_eq!(all, some);
            }
        }
    }

    #[test]
    fn a_gallery_in_parts_has_the_rankings_of_the_whole_in_any_order(
        seed in 0u64..1000, options in options(), graded: bool, several: bool,
        cuts in prop::collection::vec(0..=GALLERY, 0..5), turn in 0usize..6, columns in 1usize..300, noisy in noisy(),
    ) {
        let (gallery, queries) = (tied_rows(GALLERY, seed), tied_rows(QUERIES, seed + 1));
        let relevance = relevance(graded, several);
        let scorer = |items: Range<usize>| {
            let scorer = DotScorer::new(queries.rows(), gallery.rows().slice(items)).expect("one dimension");
            scorer.with_blocking(Blocking { columns, rows: 20 })
        };
        let on_device = |items: Range<usize>| with(scorer(items), noisy.as_ref());
        let whole = biases(0..GALLERY);
        let wanted = rank(&scorer(0..GALLERY), &relevance, &whole.iter().collect::<Vec<_>>(), options);

        let mut ends = [cuts, vec![0, GALLERY]].concat();
        ends.sort_unstable();
        let mut parts: Vec<Range<usize>> = ends.windows(2).map(|pair| pair[0]..pair[1]).collect();
        let count = parts.len();
        parts.rotate_left(turn % count);
        let fitted: Vec<Vec<Fitted>> = parts.iter().map(|part| biases(part.clone())).collect();
        let shards: Vec<Shard<'_>> = parts.iter().zip(&fitted).map(|(part, fitted)| {
            let methods: Vec<&Fitted> = fitted.iter().collect();
            Shard::new(on_device(part.clone()), part.start, &relevance, &methods, options).expect("a part of the gallery")
        }).collect();
        let thresholds = shards.iter().map(|shard| Thresholds::from_bytes(&shard.thresholds().to_bytes()).expect("own bytes"));
        let thresholds = thresholds.reduce(|a, b| a.merge(&b).expect("one ranking")).expect("a part");
        let counts = shards.iter().map(|shard| Counts::from_bytes(&shard.count(&thresholds).expect("of all").to_bytes()).expect("own bytes"));
        let counts = counts.rev().reduce(|a, b| a.merge(&b).expect("one ranking")).expect("a part");
        prop_assert_eq!(counts.finish(&relevance).expect("of all"), wanted);
    }

    /// Guards against counts whose ranks overflow, and choices that a rule does not have.
    #[test]
    fn damaged_partial_results_are_refused(at in 0usize..10_000, value: u8, cut in 0usize..10_000) {
        let (gallery, queries) = (tied_rows(GALLERY, 1), tied_rows(QUERIES, 2));
        let (relevance, fitted) = (relevance(false, true), [Fitted::Additive(bias(1, 0..GALLERY)), gated(1, 0..GALLERY)]);
        let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
        let shard = Shard::new(scorer, 0, &relevance, &fitted.each_ref(), ALL).expect("all of it");
        let thresholds = shard.thresholds();
        let counts = shard.count(&thresholds).expect("of all");
        for bytes in [thresholds.to_bytes(), counts.to_bytes()] {
            let cut = &bytes[..cut % bytes.len()];
            prop_assert!(Thresholds::from_bytes(cut).is_err() && Counts::from_bytes(cut).is_err());
            let mut changed = bytes.clone();
            changed[at % bytes.len()] = value;
            // Read or refused, but no panic and no allocation beyond what is there.
            if let Ok(thresholds) = Thresholds::from_bytes(&changed) {
                let _ = shard.count(&thresholds);
            }
            if let Ok(counts) = Counts::from_bytes(&changed) {
                let _ = counts.finish(&relevance);
            }
        }
    }
}

const ALL: RankOptions = RankOptions {
    ties: TieRule::Index,
    top: 3,
    all_relevant: true,
    depth: None,
};

/// Gates and rules that rewrite rows take passes of their own, which are not reported.
#[test]
fn progress_counts_every_score_once_whatever_is_ranked() {
    let (gallery, queries) = (tied_rows(GALLERY, 1), tied_rows(QUERIES, 2));
    let mut fitted = biases(0..GALLERY);
    fitted.push(Fitted::Rescaling(Box::new(Squares)));
    let all: Vec<&Fitted> = fitted.iter().collect();
    for methods in [&all[..], &all[all.len() - 1..]] {
        let counted = AtomicU64::new(0);
        let count = |scores| {
            counted.fetch_add(scores, Ordering::Relaxed);
        };
        let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
        let scorer = scorer.with_progress(&count);
        let noisy = Noisy::new(0.1, usize::MAX);
        for scorer in [scorer, scorer.with_device(&noisy)] {
            counted.store(0, Ordering::Relaxed);
            let _ = rank(&scorer, &relevance(false, true), methods, ALL);
            let all = (GALLERY * QUERIES) as u64;
            assert_eq!(counted.load(Ordering::Relaxed), all);
        }
    }
}

#[test]
fn parts_that_do_not_add_up_are_refused() {
    let (gallery, queries) = (tied_rows(GALLERY, 1), tied_rows(QUERIES, 2));
    let relevance = relevance(false, true);
    let scorer = |items: Range<usize>| {
        DotScorer::new(queries.rows(), gallery.rows().slice(items)).expect("one dimension")
    };
    let raw = |items: usize| Fitted::Additive(GalleryBias::zero(items));
    let none = Shard::new(scorer(0..GALLERY), 0, &relevance, &[], ALL).expect("no correction");
    let counts = none.count(&none.thresholds()).expect("of all");
    assert_eq!(counts.finish(&relevance), Ok(Vec::new()));
    let (half, whole) = (raw(75), raw(GALLERY));
    let told = |error: Option<ShardError>| error.expect("refused").to_string();
    let refused = |methods: &[&Fitted], first| {
        Shard::new(scorer(0..75), first, &relevance, methods, ALL).err()
    };
    assert_eq!(
        told(refused(&[&whole], 0)),
        "correction 0 has a bias for 150 items, but the part has 75"
    );
    assert_eq!(
        told(refused(&[&half], 100)),
        "a part of 75 items from item 100 on, but the gallery has 150 items"
    );
    let [squares, moved] = others(&gallery);
    for (fitted, kind) in [(&squares, "rescaling"), (&moved, "vector-moving")] {
        let told = told(refused(&[&half, fitted], 0));
        assert!(
            told.starts_with(&format!("correction 1 is {kind}, expected a bias")),
            "{told}"
        );
    }
    let fitted = [&half];
    let one = Shard::new(scorer(0..75), 0, &relevance, &fitted, ALL).expect("a part");
    let incomplete = "partial results of 75 items, but the gallery has 150: merge those of every part, each once";
    assert_eq!(told(one.count(&one.thresholds()).err()), incomplete);
    let both = one.thresholds().merge(&one.thresholds()).expect("alike");
    let counts = one.count(&both).expect("as many items as there are");
    assert_eq!(told(counts.finish(&relevance).err()), incomplete);
    let other = Shard::new(scorer(0..75), 0, &relevance, &[&half, &half], ALL).expect("a part");
    let differ = one.thresholds().merge(&other.thresholds());
    assert_eq!(differ.err(), Some(ShardError::Differ));
    assert!(told(Counts::from_bytes(&one.thresholds().to_bytes()).err()).contains("no counts"));
}
