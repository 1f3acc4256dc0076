//! The printed summary.

use nnn_report::{Style, summary};

use crate::fixture::{Cell, RAW, sweep};

#[test]
fn raw_first_and_the_best_starred() {
    insta::assert_snapshot!(summary(&sweep(), Style::default()), @"");
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

#[test]
fn lines_keep_to_the_width_by_shortening_names() {
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
        text.contains('…') && text.contains("64.60 [62.94, 66.26]"),
        "{text}"
    );
}

#[test]
fn other_metrics_take_the_place_of_recall() {
    let rows = [
        RAW.plain("MRR", 0.75),
        RAW.plain("nDCG@10", 0.5),
        RAW.plain("MedR", 2.5),
    ];
    insta::assert_snapshot!(summary(&rows, Style::default()), @"");
}

#[test]
fn nothing_is_said_to_be_nothing() {
    assert_eq!(summary(&[], Style::default()), "No scores.\n");
}
