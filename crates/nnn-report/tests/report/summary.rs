//! The printed summary.

use nnn_report::{ScoreRow, Style, summary};

use crate::fixture::{Cell, DSL, NNN, RAW, sweep};

/// A terminal without colour.
fn screen(width: usize, height: usize) -> Style {
    Style {
        color: false,
        width,
        height,
    }
}

fn widest(text: &str) -> usize {
    let widths = text.lines().map(|line| line.chars().count());
    widths.max().unwrap_or(0)
}

/// Raw and six methods with two reference sets each, on so many data sets; the numbers are made up.
fn wide_sweep(datasets: &[&str]) -> Vec<ScoreRow> {
    let mut rows = Vec::new();
    for (at, dataset) in datasets.iter().enumerate() {
        let raw = 0.15 + 0.1 * (at % 4) as f64;
        rows.push(Cell { dataset, ..RAW }.share("R@1", raw, raw));
        for (set, reference) in ["train 20 %", "other style"].into_iter().enumerate() {
            let methods = ["nnn", "csls", "is", "dis", "dualis", "dualdis"];
            for (method, name) in methods.into_iter().enumerate() {
                let cell = Cell {
                    dataset,
                    reference,
                    method: name,
                    ..NNN
                };
                let gain = 0.135 - 0.011 * method as f64 - 0.1 * set as f64;
                rows.push(cell.share("R@1", raw + gain, raw));
            }
        }
    }
    rows
}

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

/// Guards against a sentence of the legend, or a title, that a terminal breaks in the middle of a word.
#[test]
fn narrow_lines_fold_what_is_no_table_between_words() {
    let rows = [
        RAW.share("R@1", 0.5, 0.5),
        DSL.share("R@1", 0.7, 0.5),
        NNN.plain("k_skewness@10", 1.5),
    ];
    let text = summary(&rows, screen(96, 40));
    assert!(widest(&text) <= 96, "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "5,000 queries x 1,000 gallery items; intervals resampled by image (n = 1,000)",
        "† Transductive: reads the evaluated queries as a whole, so that an answer depends on what else is asked;",
    ] {
        assert!(words.contains(part), "no {part:?} in {text}");
    }
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
            width: usize::MAX,
            ..Style::default()
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

/// Four setups and 13 lines fit the terminal that everybody has.
#[test]
fn one_table_where_the_blocks_do_not_fit() {
    let rows = wide_sweep(&["coco", "flickr30k", "blocks", "own"]);
    insta::assert_snapshot!(summary(&rows, screen(80, 24)), @r"
    Method    Reference        coco t2i  flickr30k t2i     blocks t2i        own t2i
              set
    --------------------------------------------------------------------------------
    raw                    15.00          25.00          35.00          45.00
    nnn§      train 20 %  *28.50 +13.50  *38.50 +13.50  *48.50 +13.50  *58.50 +13.50
    csls§                  27.40 +12.40   37.40 +12.40   47.40 +12.40   57.40 +12.40
    is§                    26.30 +11.30   36.30 +11.30   46.30 +11.30   56.30 +11.30
    dis§                   25.20 +10.20   35.20 +10.20   45.20 +10.20   55.20 +10.20
    dualis§                24.10  +9.10   34.10  +9.10   44.10  +9.10   54.10  +9.10
    dualdis§               23.00  +8.00   33.00  +8.00   43.00  +8.00   53.00  +8.00
    nnn§      other        18.50  +3.50   28.50  +3.50   38.50  +3.50   48.50  +3.50
    csls§     style        17.40  +2.40   27.40  +2.40   37.40  +2.40   47.40  +2.40
    is§                    16.30  +1.30   26.30  +1.30   36.30  +1.30   46.30  +1.30
    dis§                   15.20  +0.20   25.20  +0.20   35.20  +0.20   45.20  +0.20
    dualis§                14.10  -0.90   24.10  -0.90   34.10  -0.90   44.10  -0.90
    dualdis§               13.00  -2.00   23.00  -2.00   33.00  -2.00   43.00  -2.00

    R@1 in percent, gains over raw in points. *: the best of a column.
    §: parameters chosen on held-out items.
    ");
    // The marks are what is given up first, then the line above the legend; numbers never.
    let wide = summary(&rows, screen(120, 24));
    assert!(
        wide.contains("28.50 +13.50°") && wide.contains("°: p < 0.05"),
        "{wide}"
    );
    let flat = summary(&rows, screen(80, 18));
    assert!(
        flat.lines().count() == 18 && flat.contains("*28.50 +13.50"),
        "{flat}"
    );
}

#[test]
fn reference_sets_stand_side_by_side_where_their_lines_are_too_many() {
    let rows = wide_sweep(&["coco", "flickr30k"]);
    insta::assert_snapshot!(summary(&rows, screen(80, 15)), @r"
    Method          coco t2i       coco t2i   flickr30k t2i  flickr30k t2i
                  train 20 %    other style      train 20 %    other style
    ----------------------------------------------------------------------
    raw        15.00           15.00          25.00           25.00
    nnn§      *28.50 +13.50°  *18.50 +3.50°  *38.50 +13.50°  *28.50 +3.50°
    csls§      27.40 +12.40°   17.40 +2.40°   37.40 +12.40°   27.40 +2.40°
    is§        26.30 +11.30°   16.30 +1.30°   36.30 +11.30°   26.30 +1.30°
    dis§       25.20 +10.20°   15.20 +0.20°   35.20 +10.20°   25.20 +0.20°
    dualis§    24.10  +9.10°   14.10 -0.90°   34.10  +9.10°   24.10 -0.90°
    dualdis§   23.00  +8.00°   13.00 -2.00°   33.00  +8.00°   23.00 -2.00°

    R@1 in percent, gains over raw in points. *: the best of a column.
    °: p < 0.05, not corrected. §: parameters chosen on held-out items.
    ");
}

#[test]
fn a_line_for_each_setup_where_no_table_fits() {
    let rows = wide_sweep(&["coco", "flickr30k", "blocks", "own"]);
    insta::assert_snapshot!(summary(&rows, screen(100, 10)), @r"
    Setup            raw   best  Method  Reference set            gain [95 %]      p  of
    ------------------------------------------------------------------------------------
    coco t2i       15.00  28.50  nnn§    train 20 %     +13.50 [12.70, 14.30]  <1e-4  12
    flickr30k t2i  25.00  38.50  nnn§    train 20 %     +13.50 [12.70, 14.30]  <1e-4  12
    blocks t2i     35.00  48.50  nnn§    train 20 %     +13.50 [12.70, 14.30]  <1e-4  12
    own t2i        45.00  58.50  nnn§    train 20 %     +13.50 [12.70, 14.30]  <1e-4  12

    R@1 in percent, gains over raw in points. p: not corrected. of: how many settings compete.
    §: parameters chosen on held-out items.
    ");
}

/// As many lines as fit, and one where none does.
#[test]
fn setups_that_do_not_fit_are_counted() {
    let names: Vec<String> = (1..=36).map(|at| format!("set {at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = wide_sweep(&names);
    let text = summary(&rows, screen(100, 24));
    assert_eq!(text.lines().count(), 24, "{text}");
    assert!(
        text.contains("\nset 19 t2i ") && text.contains("\n... and 17 more\n"),
        "{text}"
    );
    let text = summary(&rows, screen(100, 3));
    assert!(
        text.contains("\nset 1 t2i ") && text.contains("\n... and 35 more\n"),
        "{text}"
    );
    assert!(!text.contains("set 2 "), "{text}");
    let text = summary(&rows, screen(100, 50));
    assert!(
        text.contains("\nset 36 t2i ") && !text.contains("more"),
        "{text}"
    );
}

/// Every form keeps to the screen as long as any does, whatever the screen.
#[test]
fn what_is_printed_fits_and_has_whole_numbers() {
    let rows = wide_sweep(&["coco", "flickr30k", "blocks", "own"]);
    for width in (80..200).step_by(4) {
        for height in (12..60).step_by(3) {
            for color in [false, true] {
                let style = Style {
                    color,
                    ..screen(width, height)
                };
                let text = summary(&rows, style)
                    .replace("\x1b[1m", "")
                    .replace("\x1b[0m", "");
                assert!(
                    text.lines().count() <= height,
                    "{width} x {height}:\n{text}"
                );
                assert!(widest(&text) <= width, "{width} x {height}:\n{text}");
                let all = ["28.50", "38.50", "48.50", "58.50"];
                let all = all.iter().all(|best| text.contains(best));
                assert!(
                    all || text.contains(" more\n"),
                    "{width} x {height}:\n{text}"
                );
            }
        }
    }
}

/// Nothing is left out of the table: not what only one setup has, not two settings of one name.
#[test]
fn one_table_has_every_setting() {
    let fixed = |params| Cell {
        params,
        chosen: "fixed",
        ..NNN
    };
    let chosen = |params| Cell { params, ..NNN };
    let cells = [
        fixed("k=1,alpha=1"),
        fixed("k=2,alpha=1"),
        chosen("k=3,alpha=1"),
        chosen("k=4,alpha=1"),
        DSL,
    ];
    let mut rows = vec![RAW.share("R@1", 0.5, 0.5)];
    for (at, cell) in cells.iter().enumerate() {
        rows.push(cell.share("R@1", 0.51 + 0.01 * at as f64, 0.5));
    }
    let other = |cell| Cell {
        model: "SigLIP",
        ..cell
    };
    rows.push(other(RAW).share("R@1", 0.6, 0.6));
    rows.push(other(chosen("k=9,alpha=1")).share("R@1", 0.7, 0.6));
    insta::assert_snapshot!(summary(&rows, screen(120, 14)), @r"
    Method  Reference set        Parameters            CLIP          SigLIP
                                              flickr30k t2i   flickr30k t2i
    -----------------------------------------------------------------------
    raw                                        50.00          60.00
    nnn     flickr30k/train 20%  k=1,alpha=1   51.00 +1.00°
    nnn                          k=2,alpha=1   52.00 +2.00°
    nnn§                                       53.00 +3.00°  *70.00 +10.00°
    nnn§                                      *54.00 +4.00°
    dsl†                                       55.00 +5.00°

    R@1 in percent, gains over raw in points. *: the best of a column. °: p < 0.05, not corrected.
    §: parameters chosen on held-out items. †: transductive, never best.
    ");
}

#[test]
fn setups_judged_by_different_metrics_name_theirs() {
    let other = |cell: Cell<'static>| Cell {
        dataset: "graded",
        ..cell
    };
    let rows = [
        RAW.share("R@1", 0.5, 0.5),
        NNN.share("R@1", 0.6, 0.5),
        other(RAW).plain("nDCG@10", 0.25),
        other(NNN).plain("nDCG@10", 0.375),
    ];
    let table = summary(&rows, screen(100, 9));
    for part in ["R@1", "nDCG@10", "*60.00 +10.00", "*37.50"] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    let brief = summary(&rows, screen(100, 6));
    for part in ["graded t2i nDCG@10", "25.00", "37.50"] {
        assert!(brief.contains(part), "no {part:?} in {brief}");
    }
    let lower = [
        RAW.plain("MeanR", 8.0),
        NNN.plain("MeanR", 9.0),
        Cell {
            method: "dn",
            ..NNN
        }
        .plain("MeanR", 7.0),
    ];
    let brief = summary(&lower, screen(100, 5));
    assert!(
        brief.contains(" 7.00") && !brief.contains(" 9.00"),
        "{brief}"
    );
}

/// What does not compete is nobody's best.
#[test]
fn no_form_calls_an_oracle_the_best() {
    let oracle = Cell {
        chosen: "oracle",
        ..NNN
    };
    let rows = [
        RAW.share("R@1", 0.5, 0.5),
        NNN.share("R@1", 0.6, 0.5),
        oracle.share("R@1", 0.7, 0.5),
        DSL.share("R@1", 0.8, 0.5),
    ];
    for height in [9, 6] {
        let text = summary(&rows, screen(100, height));
        assert!(
            text.contains("60.00") && !text.contains("*70.00") && !text.contains("*80.00"),
            "{text}"
        );
        assert_eq!(text.contains("70.00"), height == 9, "{text}");
    }
}
