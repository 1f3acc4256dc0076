//! What is selected to be shown of a trial: by rules that look at no result on the evaluated items.

use nnn_report::{
    ChoosingRow, Hub, QueryColumn, QueryTable, ScoreRow, Selection, Shown, read_shown,
    select_shown, write_shown,
};

use crate::fixture::{Cell, DSL, NNN, RAW};

const CSLS: Cell<'static> = Cell {
    method: "csls",
    params: "k=5",
    ..NNN
};

/// A column of queries whose best items are given, each with the rank of what answers it.
fn column(cell: &Cell<'_>, tops: &[[u32; 2]], ranks: &[f64]) -> QueryColumn {
    QueryColumn {
        method: cell.id().method_signature(),
        chosen: cell.chosen.to_owned(),
        first_rank: ranks.to_vec(),
        top: tops.concat(),
        top_width: 2,
    }
}

fn table(methods: Vec<QueryColumn>) -> QueryTable {
    let queries = methods[0].first_rank.len();
    QueryTable {
        query_ids: (0..queries).map(|at| at.to_string()).collect(),
        clusters: (0..queries as u32).collect(),
        methods,
    }
}

fn score(cell: &Cell<'_>, value: f64) -> ScoreRow {
    Cell {
        n: (4, 4),
        ..cell.clone()
    }
    .plain("R@1", value)
}

fn chosen(cell: &Cell<'_>, validation: Option<f64>, test: f64) -> ChoosingRow {
    ChoosingRow {
        cell: cell.id(),
        points: 2,
        seconds: None,
        metric: "R@1".to_owned(),
        validation,
        test: Some(test),
    }
}

/// Four queries on four items under raw and two corrections.
fn selected(scores: &[ScoreRow], choosing: &[ChoosingRow]) -> Option<Selection> {
    let tops = [[0, 1], [0, 2], [0, 1], [1, 0]];
    let raw = column(&RAW, &tops, &[1.0, 2.0, 2.0, 1.0]);
    let nnn = [[0, 1], [2, 0], [1, 0], [0, 1]];
    let nnn = column(&NNN, &nnn, &[1.0, 1.0, 1.0, 2.0]);
    let csls = column(&CSLS, &tops, &[1.0, 2.0, 2.0, 1.0]);
    let dsl = column(&DSL, &tops, &[1.0, 2.0, 2.0, 1.0]);
    select_shown(&raw, &table(vec![nnn, csls, dsl]), scores, choosing)
}

/// Guards against a page that shows what happened to do best on the evaluated items.
#[test]
fn the_correction_is_the_one_that_the_held_out_items_like_best() {
    let scores = [score(&NNN, 0.9), score(&CSLS, 0.1), score(&DSL, 0.95)];
    let method = |choosing: &[ChoosingRow]| selected(&scores, choosing).expect("some").cell.method;
    let best_on_test = [chosen(&NNN, Some(0.4), 0.9), chosen(&CSLS, Some(0.5), 0.1)];
    assert_eq!(method(&best_on_test), "csls");
    let equal = [chosen(&NNN, Some(0.5), 0.1), chosen(&CSLS, Some(0.5), 0.9)];
    assert_eq!(method(&equal), "nnn", "the first of equals");
    let oracle = Cell {
        chosen: "oracle",
        ..CSLS
    };
    assert_eq!(
        method(&[chosen(&oracle, Some(0.9), 0.9)]),
        "nnn",
        "oracles are not shown"
    );
    assert_eq!(
        method(&[chosen(&DSL, Some(0.9), 0.9)]),
        "nnn",
        "transductive ones neither"
    );
    assert_eq!(method(&[]), "nnn", "the first without a hold-out");
    assert!(selected(&[score(&RAW, 0.5), score(&DSL, 0.5)], &[]).is_none());
}

#[test]
fn hubs_and_queries_are_counted_before_and_after() {
    let selection = selected(&[score(&NNN, 0.9)], &[]).expect("some");
    let hub = |item, before, after| Hub {
        item,
        before,
        after,
    };
    // Raw ranks item 0 first three times and 1 once; the correction 0 twice, 1 and 2 once.
    assert_eq!(selection.hubs, [hub(0, 3, 2), hub(1, 1, 1)]);
    assert_eq!(
        (
            selection.changed.won,
            selection.changed.lost,
            selection.changed.of
        ),
        (2, 1, 4)
    );
    let rows: Vec<usize> = selection.queries.iter().map(|it| it.query).collect();
    assert_eq!(rows, [1, 2, 3], "those won, then those lost");
    assert_eq!(selection.queries[0].before, [0, 2]);
    assert_eq!(selection.queries[0].after, [2, 0]);
    assert_eq!(selection.queries[2].ranks, (1.0, 2.0));
}

/// Of many, the middle of each third: neither the first nor those that moved farthest.
#[test]
fn queries_are_spread_over_all_that_changed() {
    let tops = vec![[0, 1]; 90];
    let raw = column(&RAW, &tops, &[2.0; 90]);
    let nnn = table(vec![column(&NNN, &tops, &[1.0; 90])]);
    let selection = select_shown(&raw, &nnn, &[score(&NNN, 1.0)], &[]).expect("some");
    let rows: Vec<usize> = selection.queries.iter().map(|it| it.query).collect();
    assert_eq!(rows, [15, 45, 75]);
}

#[test]
fn nothing_is_shown_without_lists() {
    let without = |cell: &Cell<'_>| QueryColumn {
        top: Vec::new(),
        top_width: 0,
        ..column(cell, &[[0, 1]], &[1.0])
    };
    let nnn = table(vec![without(&NNN)]);
    assert!(select_shown(&without(&RAW), &nnn, &[score(&NNN, 1.0)], &[]).is_none());
}

#[test]
fn what_is_shown_reads_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shown/x.json");
    let shown: Shown = crate::whole::Whole::new(&str::to_owned).shown.remove(0);
    write_shown(&path, &shown).expect("written");
    assert_eq!(read_shown(&path).expect("read"), shown);
    std::fs::write(&path, "{}").expect("written");
    let error = read_shown(&path).expect_err("nothing in it");
    assert!(
        error.to_string().ends_with("x.json: cannot be read"),
        "{error}"
    );
}
