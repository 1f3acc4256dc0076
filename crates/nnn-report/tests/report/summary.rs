//! The printed summary.

use nnn_report::{ScoreRow, Style, summary};

use crate::fixture::{Cell, DSL, NNN, RAW, sweep};

#[test]
fn raw_first_and_the_best_starred() {
    insta::assert_snapshot!(summary(&sweep(), Style::default()), @r#"
    CLIP, flickr30k, t2i: 5,000 queries x 1,000 gallery items; intervals resampled by image (n = 1,000)

    Method  Reference set      Parameters                    R@1 [95 %]    R@5   R@10  MedR         gain [95 %]      p  skew
    ------------------------------------------------------------------------------------------------------------------------
    raw                                            58.82 [57.11, 60.53]  83.44  90.08   1.0                             4.81
    nnn§    flickr30k/train    k=128,alpha=0.75   *64.60 [62.94, 66.26]  87.84  93.00   1.0  +5.78 [4.98, 6.58]  <1e-4  1.20
            20%
    nnn§    coco/train 20%     k=16,alpha=0.5      63.70 [62.03, 65.37]  87.24  92.36   1.0  +4.88 [4.08, 5.68]  <1e-4  2.50
    nnn‡    flickr30k/train    k=256,alpha=0.875   64.94 [63.29, 66.59]  87.90  93.10   1.0  +6.12 [5.32, 6.92]  <1e-4  1.10
            20%
    dn      flickr30k/train    lambda=0.5          62.06 [60.38, 63.74]  85.00  91.00   1.0  +3.24 [2.44, 4.04]  <1e-4  3.75
            20%

    SigLIP, flickr30k, t2i: 5,000 queries x 1,000 gallery items; intervals resampled by image (n = 1,000)

    Method  Reference set        Parameters                  R@1 [95 %]         gain [95 %]      p
    ----------------------------------------------------------------------------------------------
    raw                                            74.62 [73.11, 76.13]
    nnn§    flickr30k/train 20%  k=64,alpha=0.75  *76.54 [75.07, 78.01]  +1.92 [1.12, 2.72]  <1e-4

    Percent; gains over raw in points. *: the best of a block. [ ]: 95 % bootstrap interval; the ± of tables is binomial.
    p: two-sided paired randomisation test. skew: skewness of the k-occurrences, lower is less hubness.
    § Parameters chosen on held-out training items.
    ‡ Parameters chosen on the evaluated queries themselves (oracle): an upper bound, never bold as best.
    "#);
}

#[test]
fn transductive_methods_do_not_compete() {
    let rows = [RAW, NNN, DSL].map(|cell| match cell.method {
        "raw" => cell.share("R@1", 0.5, 0.5),
        "nnn" => cell.share("R@1", 0.6, 0.5),
        _ => cell.share("R@1", 0.7, 0.5),
    });
    let text = summary(&rows, Style::default());
    assert!(text.contains("*60.00") && text.contains(" 70.00"), "{text}");
    assert!(
        text.contains("dsl†") && text.contains("† Transductive"),
        "{text}"
    );
}

#[test]
fn narrow_lines_fold_the_legend() {
    let style = Style {
        color: false,
        width: 60,
    };
    let text = summary(&sweep()[..10], style);
    let legend: Vec<_> = text
        .lines()
        .rev()
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(
        legend.len() > 2 && legend.iter().all(|line| line.chars().count() <= 60),
        "{text}"
    );
}

#[test]
fn raw_comes_first_whatever_the_order() {
    let mut rows = sweep();
    rows.truncate(10);
    rows.rotate_left(5);
    let text = summary(&rows, Style::default());
    let raw = text.find("\nraw ").expect("a line for raw");
    assert!(raw < text.find("\nnnn").expect("a line for nnn"), "{text}");
}

#[test]
fn colour_adds_escapes_and_moves_nothing() {
    let style = |color| Style {
        color,
        ..Style::default()
    };
    let (plain, bold) = (
        summary(&sweep(), style(false)),
        summary(&sweep(), style(true)),
    );
    assert!(
        bold.contains("\x1b[1m64.60 [") && !plain.contains('\x1b'),
        "{bold}"
    );
    assert_eq!(
        bold.matches("\x1b[1m").count(),
        bold.matches("\x1b[0m").count()
    );
    assert!(
        plain.contains("*64.60") && !bold.contains("*64.60"),
        "{plain}"
    );
}

/// Guards against names without their middle, such as `flickr30…rain 20%`.
#[test]
fn lines_keep_to_the_width_by_folding_names() {
    let cell = Cell {
        reference: "a very long name of a reference set/train share 20% seed 17",
        ..crate::fixture::NNN
    };
    let mut rows = sweep();
    rows.push(cell.share("R@1", 0.64, 0.5882));
    let text = summary(&rows, Style::default());
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(120), "{text}");
    assert!(
        !text.contains('…') && text.contains("64.60 [62.94, 66.26]"),
        "{text}"
    );
    for word in cell.reference.split(' ') {
        assert!(text.contains(word), "{word} is cut in {text}");
    }
    let whole = summary(
        &rows,
        Style {
            color: false,
            width: usize::MAX,
        },
    );
    assert!(whole.contains(cell.reference), "{whole}");
    let legend = whole.lines().rev().take_while(|line| !line.is_empty());
    assert!(
        legend.into_iter().all(|line| line.chars().count() <= 120),
        "{whole}"
    );
}

#[test]
fn other_metrics_take_the_place_of_recall() {
    let rows = [
        RAW.plain("MRR", 0.75),
        RAW.plain("nDCG@10", 0.5),
        RAW.plain("MedR", 2.5),
    ];
    insta::assert_snapshot!(summary(&rows, Style::default()), @r#"
    CLIP, flickr30k, t2i: 5,000 queries x 1,000 gallery items

    Method  MRR [95 %]  nDCG@10  MedR
    ---------------------------------
    raw          75.00    50.00   2.5

    Percent; gains over raw in points. *: the best of a block.
    "#);
}

/// Occupations are resampled where occupations were, and queries where nothing is shared.
/// Guards against a legend that says "resampled by image" whatever was resampled.
#[test]
fn what_is_resampled_is_named_for_every_block() {
    let with = |model: &'static str, cluster: &str, n_clusters| ScoreRow {
        cluster: cluster.to_owned(),
        n_clusters,
        ..Cell { model, ..RAW }.share("R@1", 0.5, 0.5)
    };
    let rows = [with("CLIP", "class", 23), with("own", "query", 5_000)];
    let text = summary(&rows, Style::default());
    for part in [
        "CLIP, flickr30k, t2i: 5,000 queries x 1,000 gallery items; intervals resampled by class (n = 23)",
        "own, flickr30k, t2i: 5,000 queries x 1,000 gallery items; intervals resampled by query (n = 5,000)",
        "[ ]: 95 % bootstrap interval; the ± of tables is binomial.",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("image"), "{text}");
}

#[test]
fn nothing_is_said_to_be_nothing() {
    assert_eq!(summary(&[], Style::default()), "No scores.\n");
}
