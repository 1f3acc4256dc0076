//! Numbers from outside: the golden example of the authors' package, and figures on real embeddings.

use nnn_core::{
    DotScorer, Embeddings, Fitted, Nnn, RankOptions, Rankings, Raw, Relevance, TieRule, rank,
};
use nnn_testkit::methods::*;

/// A vector of four as one of six of length one: halved, so that the peer's reference points of length above one fit,
/// with what is missing put where the other side (its `place`) has nothing. Similarities across sides are a half (for
/// gallery items, which keep their length) of the peer's.
fn lifted(vectors: &[[f32; 4]], place: usize) -> Embeddings {
    let mut data = Vec::new();
    for vector in vectors {
        let mut row = [0.0f64; 6];
        for (value, &given) in row.iter_mut().zip(vector) {
            *value = f64::from(given) / 2.0;
        }
        row[place] = (1.0 - row.iter().map(|v| v * v).sum::<f64>()).sqrt();
        data.extend(row.map(|v| v as f32));
    }
    Embeddings::from_unit(data, 6).expect("length one")
}

/// The example of `tests/test_nnn.py` in multimodal-interpretability/nnn (package nnn-retrieval 1.0.1): five items, five
/// queries, twenty reference points (the queries moved by 0.01 along two axes), k = 2, alpha = 0.75.
#[test]
fn the_authors_example_gives_their_scores() {
    let axes = [
        [0.0, 1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [0.0, -1.0, 0.0, 0.0],
        [-1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ];
    let items = axes
        .iter()
        .flat_map(|axis| axis.iter().copied().chain([0.0, 0.0]));
    let gallery = Embeddings::from_unit(items.collect(), 6).expect("length one");
    let queries = [
        [0.0, 0.6, 0.8, 0.0],
        [0.6, 0.0, 0.8, 0.0],
        [0.0, -0.6, 0.8, 0.0],
        [-0.6, 0.0, 0.8, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ];
    let shifts = [[0.0, 0.01], [0.0, -0.01], [0.01, 0.0], [-0.01, 0.0]];
    let moved = shifts
        .iter()
        .flat_map(|[x, y]| queries.map(|[a, b, c, d]| [a + x, b + y, c, d]));
    let reference: Vec<[f32; 4]> = moved.collect();
    assert_eq!(reference.len(), 20);
    let (bank, lifted_queries) = (lifted(&reference, 4), lifted(&queries, 5));

    let scorer = DotScorer::new(lifted_queries.rows(), gallery.rows()).expect("one dimension");
    let relevance = Relevance::one_each(&[0, 1, 2, 3, 4], 5).expect("in range");
    let nnn = fit(
        &Nnn {
            k: 2,
            alpha: param(0.75),
        },
        &gallery,
        &bank,
    );
    let raw = fit(&Raw, &gallery, &bank);
    let options = RankOptions {
        ties: TieRule::Index,
        top: 1,
        all_relevant: false,
        depth: None,
    };
    let rankings = rank(&scorer, &relevance, &[&raw, &nnn], options);

    let corrected = nnn.additive().expect("additive").values();
    let expected = [
        (0.8, 0.14625),
        (0.8, 0.14625),
        (0.8, 0.14625),
        (0.8, 0.14625),
        (1.0, 0.25),
    ];
    for (query, (base, score)) in expected.into_iter().enumerate() {
        assert_eq!(rankings[0].top(query), [4], "raw: the fifth item is a hub");
        assert_eq!(rankings[1].top(query), [query as u32]);
        let similarity = |item: usize| {
            let pairs = lifted_queries
                .rows()
                .row(query)
                .iter()
                .zip(gallery.rows().row(item));
            pairs.map(|(a, b)| a * b).sum::<f32>()
        };
        // Twice the halved numbers. Six terms, a bias and a difference of size at most 1, each rounded: 8 * 2^-24 < 5e-7.
        assert!((2.0 * similarity(4) - base).abs() < 1e-6);
        assert!((2.0 * (similarity(query) - corrected[query]) - score).abs() < 1e-6);
    }
}

#[test]
fn scores_equal_those_of_the_authors_library() {
    let golden = Golden::new(include_str!("golden/nnn.json"));
    let (queries, gallery) = (golden.rows("queries"), golden.rows("gallery"));
    let bank = golden.rows("query_bank");
    for case in golden.cases() {
        let [k, alpha] = case.parameters[..] else {
            panic!("k and alpha");
        };
        let nnn = Nnn {
            k: k as usize,
            alpha: param(alpha),
        };
        let fitted = fit(&nnn, &gallery, &bank);
        let rows = chain_matrix(queries.rows(), gallery.rows());
        for (mut row, wanted) in rows.into_iter().zip(&case.scores) {
            fitted.apply(&mut row);
            // Eight roundings a similarity, of the query's and `alpha` times of the bank's; those of bias and difference.
            let error = (1.0 + alpha) * 8.0 + 4.0;
            check_differences(&row, wanted, |_| error * U32 * 1.001);
        }
    }
}

fn first_places(rankings: &Rankings) -> usize {
    (0..rankings.queries())
        .filter(|&q| rankings.first_rank(q) == 1.0)
        .count()
}

/// Texts to images, 544 queries over 500 items, 555 reference texts: counted with an independent script over the same
/// files.
#[test]
fn recall_on_real_embeddings_equals_the_recorded_figures() {
    let Some(data) = fashion() else { return };
    assert_eq!(
        (data.queries.len(), data.gallery.len(), data.bank.len()),
        (544, 500, 555)
    );
    let expected = [
        (1, [344, 335, 322, 299]),
        (8, [352, 352, 347, 335]),
        (16, [352, 352, 352, 336]),
        (64, [350, 350, 349, 345]),
    ];
    let mut fitted = vec![fit(&Raw, &data.gallery, &data.bank)];
    let mut hits = vec![338];
    for (k, row) in expected {
        for (alpha, want) in [0.25, 0.5, 0.75, 1.0].into_iter().zip(row) {
            fitted.push(fit(
                &Nnn {
                    k,
                    alpha: param(alpha),
                },
                &data.gallery,
                &data.bank,
            ));
            hits.push(want);
        }
    }
    let methods: Vec<&Fitted> = fitted.iter().collect();
    let scorer = DotScorer::new(data.queries.rows(), data.gallery.rows()).expect("one dimension");
    let relevance = Relevance::one_each(&data.answers, data.gallery.len()).expect("in range");
    let options = RankOptions {
        ties: TieRule::Index,
        top: 0,
        all_relevant: false,
        depth: None,
    };
    let found: Vec<usize> = rank(&scorer, &relevance, &methods, options)
        .iter()
        .map(first_places)
        .collect();
    assert_eq!(found, hits);
}

/// A weight beyond any sense saturates instead of ending in NaN.
/// Guards against biases beyond the range of f32, which became infinite.
#[test]
fn an_enormous_alpha_leaves_finite_scores() {
    let gallery = random_rows(5, 8, 1);
    let values = bias(
        &Nnn {
            k: 1,
            alpha: param(1e300),
        },
        &gallery,
        &gallery,
    );
    assert_eq!(values, [f32::MAX; 5]);
}
