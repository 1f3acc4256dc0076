//! Measured against expected.

use std::fs;

use nnn_report::{
    AbsentModel, Check, CheckRow, Expectation, GridValue, Records, ScoreRow, SearchRow, Style,
    Verdict, check, format_check, tally, write_check, write_tables,
};

use crate::fixture::{Cell, NNN, RAW, sweep};

/// CLIP's R@1 by NNN on Flickr30k, of which the fixture has 0.6460 (in-distribution) and 0.6370.
fn expected(paper: Option<f64>, accepted: Option<f64>) -> Expectation {
    Expectation {
        model: "CLIP".to_owned(),
        dataset: "flickr30k".to_owned(),
        direction: "t2i".to_owned(),
        reference_set: Some("flickr30k/train 20%".to_owned()),
        method: "nnn".to_owned(),
        params: None,
        chosen: Some("validation".to_owned()),
        metric: "R@1".to_owned(),
        paper,
        paper_params: None,
        accepted,
        tolerance: 0.005,
        candidate_for: None,
        informative: false,
        note: None,
    }
}

fn records(scores: &[ScoreRow]) -> Records<'_> {
    Records {
        scores,
        ..Records::default()
    }
}

fn one(expectation: Expectation) -> CheckRow {
    let scores = sweep();
    let mut rows = check(&records(&scores), &[expectation]);
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[test]
fn verdicts_follow_the_tolerance() {
    let cases = [
        (0.6460, Verdict::Ok),
        (0.6410, Verdict::Ok),
        (0.6510, Verdict::Ok),
        (0.6511, Verdict::Close),
        (0.6360, Verdict::Close),
        (0.6560, Verdict::Close),
        (0.6561, Verdict::Fail),
        (f64::NAN, Verdict::Fail),
    ];
    for (paper, verdict) in cases {
        let row = one(expected(Some(paper), None));
        assert_eq!(
            (row.measured, row.verdict),
            (Some(0.6460), verdict),
            "{paper}"
        );
        assert_eq!(row.paper.map(|d| d.verdict), Some(verdict));
        assert_eq!(row.accepted, None);
    }
}

#[test]
fn the_worse_of_two_verdicts_counts() {
    let row = one(expected(Some(0.6460), Some(0.6400)));
    let verdicts = [row.paper, row.accepted].map(|d| d.map(|d| d.verdict));
    assert_eq!(verdicts, [Some(Verdict::Ok), Some(Verdict::Close)]);
    assert_eq!(row.verdict, Verdict::Close);
    assert!((row.accepted.expect("judged").difference - 0.006).abs() < 1e-15);
    assert_eq!(
        one(expected(Some(0.5), Some(0.6460))).verdict,
        Verdict::Fail
    );
}

#[test]
fn none_or_several_rows_fail() {
    let several = Expectation {
        reference_set: None,
        chosen: None,
        ..expected(Some(0.6460), None)
    };
    let row = one(several);
    assert_eq!(
        (row.matching, row.measured, row.verdict),
        (3, None, Verdict::Fail)
    );
    let none = Expectation {
        params: Some("k=1,alpha=1".to_owned()),
        ..expected(Some(0.6460), None)
    };
    let row = one(none);
    assert_eq!(
        (row.matching, row.measured, row.verdict),
        (0, None, Verdict::Fail)
    );
    assert_eq!(one(expected(None, None)).verdict, Verdict::Fail);
}

/// One row of every kind.
fn rows() -> Vec<CheckRow> {
    let note = Some("Table 1".to_owned());
    let expectations = [
        Expectation {
            note: note.clone(),
            ..expected(Some(0.6460), Some(0.6458))
        },
        Expectation {
            note,
            ..expected(Some(0.6530), None)
        },
        expected(Some(0.70), None),
        Expectation {
            model: "BLIP".to_owned(),
            ..expected(Some(0.8432), None)
        },
        Expectation {
            reference_set: None,
            chosen: None,
            ..expected(Some(0.6460), None)
        },
        Expectation {
            reference_set: None,
            chosen: None,
            method: "raw".to_owned(),
            metric: "k_skewness@10".to_owned(),
            tolerance: 0.1,
            ..expected(Some(4.8), None)
        },
        expected(None, None),
        expected(Some(64.6), None),
    ];
    check(&records(&sweep()), &expectations)
}

#[test]
fn the_check_is_printed() {
    insta::assert_snapshot!(format_check(&rows(), Style::default()), @r#"
           Model  Data set   Task  Reference  Method        Metric         Measured                    Paper          Accepted  Note
                                   set
    --------------------------------------------------------------------------------------------------------------------------------
    ok     CLIP   flickr30k  t2i   flickr30k  nnn           R@1               64.60         64.60 (+0.00 ok)  64.58 (+0.02 ok)  [1]
                                   /train     validation
                                   20%
    close  CLIP   flickr30k  t2i   flickr30k  nnn           R@1               64.60      65.30 (-0.70 close)                    [1]
                                   /train     validation
                                   20%
    FAIL   CLIP   flickr30k  t2i   flickr30k  nnn           R@1               64.60       70.00 (-5.40 FAIL)
                                   /train     validation
                                   20%
    FAIL   BLIP   flickr30k  t2i   flickr30k  nnn           R@1                                        84.32                    [2]
                                   /train     validation
                                   20%
    FAIL   CLIP   flickr30k  t2i              nnn           R@1                                        64.60                    [3]
    ok     CLIP   flickr30k  t2i              raw           k_skewness@10      4.81          4.80 (+0.01 ok)
    FAIL   CLIP   flickr30k  t2i   flickr30k  nnn           R@1               64.60                                             [4]
                                   /train     validation
                                   20%
    FAIL   CLIP   flickr30k  t2i   flickr30k  nnn           R@1               64.60  6460.00 (-6395.40 FAIL)                    [5]
                                   /train     validation
                                   20%
    [1] Table 1
    [2] no row matches
    [3] 3 rows match: say which reference_set, params, chosen
    [4] no number to compare with
    [5] expected numbers are fractions: 0.646, not 64.6
    2 ok, 1 close, 5 FAIL
    "#);
    insta::assert_snapshot!(format_check(&[], Style::default()), @r#"0 ok, 0 close, 0 FAIL"#);
}

#[test]
fn the_check_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checks = [Check {
        experiment: "paper".to_owned(),
        rows: rows(),
    }];
    write_check(folder.path(), &checks).expect("the check is written");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("the check");
    let text = read("check.md");
    insta::assert_snapshot!(text, @r#"
    <!-- Generated by nnn-report from scores.csv; edits are lost. -->

    **paper: measured against expected: 2 ok, 1 close, 5 FAIL.** Fractions in percent, differences in points (measured less expected); ok within the stated tolerance, close within twice, else FAIL. \[1\] Table 1 \[2\] no row matches \[3\] 3 rows match: say which reference\_set, params, chosen \[4\] no number to compare with \[5\] expected numbers are fractions: 0.646, not 64.6

    | Model | Data set  | Task | Reference set       | Method         | Metric         |  Verdict | Measured |                   Paper |         Accepted |  Note |
    | ----- | --------- | ---- | ------------------- | -------------- | -------------- | -------: | -------: | ----------------------: | ---------------: | ----: |
    | CLIP  | flickr30k | t2i  | flickr30k/train 20% | nnn validation | R@1            |       ok |    64.60 |        64.60 (+0.00 ok) | 64.58 (+0.02 ok) | \[1\] |
    | CLIP  | flickr30k | t2i  | flickr30k/train 20% | nnn validation | R@1            |    close |    64.60 |     65.30 (-0.70 close) |                  | \[1\] |
    | CLIP  | flickr30k | t2i  | flickr30k/train 20% | nnn validation | R@1            | **FAIL** |    64.60 |      70.00 (-5.40 FAIL) |                  |       |
    | BLIP  | flickr30k | t2i  | flickr30k/train 20% | nnn validation | R@1            | **FAIL** |          |                   84.32 |                  | \[2\] |
    | CLIP  | flickr30k | t2i  |                     | nnn            | R@1            | **FAIL** |          |                   64.60 |                  | \[3\] |
    | CLIP  | flickr30k | t2i  |                     | raw            | k\_skewness@10 |       ok |     4.81 |         4.80 (+0.01 ok) |                  |       |
    | CLIP  | flickr30k | t2i  | flickr30k/train 20% | nnn validation | R@1            | **FAIL** |    64.60 |                         |                  | \[4\] |
    | CLIP  | flickr30k | t2i  | flickr30k/train 20% | nnn validation | R@1            | **FAIL** |    64.60 | 6460.00 (-6395.40 FAIL) |                  | \[5\] |
    "#);
}

/// A few rows of every verdict in the other formats.
#[test]
fn the_check_in_latex_and_csv() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scores = sweep();
    let absent = [AbsentModel {
        name: "CLIP ft. COCO".to_owned(),
        reason: "never published".to_owned(),
    }];
    let records = Records {
        absent_models: &absent,
        ..records(&scores)
    };
    let expectations = [
        expected(Some(0.6460), Some(0.6458)),
        Expectation {
            model: "CLIP ft. COCO".to_owned(),
            ..expected(Some(0.6886), None)
        },
        chosen(0.75, 64.0, 2.0),
    ];
    let checks = [Check {
        experiment: "table-1".to_owned(),
        rows: check(&records, &expectations),
    }];
    write_check(folder.path(), &checks).expect("the check is written");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("the check");
    insta::assert_snapshot!(read("check.tex"), @r#"
    % Generated by nnn-report from scores.csv; edits are lost. Needs the package booktabs.

    \begin{table}
    \centering
    \caption{table-1: measured against expected: 2 ok, 0 close, 0 FAIL, 1 not measured. Fractions in percent, differences in points (measured less expected); ok within the stated tolerance, close within twice, else FAIL. [1] no public checkpoint: never published}
    \begin{tabular}{llllllrrrrr}
    \toprule
    Model & Data set & Task & Reference set & Method & Metric & Verdict & Measured & Paper & Accepted & Note \\
    \midrule
    CLIP & flickr30k & t2i & flickr30k/train 20\% & nnn validation & R@1 & ok & 64.60 & 64.60 (+0.00 ok) & 64.58 (+0.02 ok) &  \\
    CLIP ft. COCO & flickr30k & t2i & flickr30k/train 20\% & nnn validation & R@1 & not measured &  & 68.86 &  & [1] \\
    CLIP & flickr30k & t2i & flickr30k/train 20\% & nnn validation & R@1 & ok & k=128,alpha=0.75 & alpha=0.75,k=64 (steps: k +1) &  &  \\
    \bottomrule
    \end{tabular}
    \end{table}
    "#);
    insta::assert_snapshot!(read("check.csv"), @r#"
    experiment,verdict,model,dataset,direction,reference_set,method,params,chosen,metric,measured_params,paper_params,candidate_for,note,measured,paper,paper_difference,accepted,accepted_difference,tolerance
    table-1,ok,CLIP,flickr30k,t2i,flickr30k/train 20%,nnn,,validation,R@1,"k=128,alpha=0.75",,,,0.646,0.646,0.0,0.6458,0.00019999999999997797,0.005
    table-1,not measured,CLIP ft. COCO,flickr30k,t2i,flickr30k/train 20%,nnn,,validation,R@1,,,,no public checkpoint: never published,,0.6886,,,,0.005
    table-1,ok,CLIP,flickr30k,t2i,flickr30k/train 20%,nnn,,validation,R@1,"k=128,alpha=0.75","alpha=0.75,k=64",,,0.646,,,,,2.0
    "#);
}

/// A check speaks of the scores that it was made from.
#[test]
fn new_tables_remove_an_old_check() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tables = folder.path().join("tables");
    let checks = [Check {
        experiment: "paper".to_owned(),
        rows: rows(),
    }];
    write_check(&tables, &checks).expect("the check is written");
    write_tables(folder.path(), &records(&sweep())).expect("tables are written");
    let files = fs::read_dir(tables).expect("the tables");
    let mut names = files.map(|file| file.expect("a file").file_name());
    assert!(names.all(|name| !name.to_string_lossy().starts_with("check")));
}

#[test]
fn a_model_without_a_checkpoint_is_not_measured() {
    let scores = sweep();
    let absent = [AbsentModel {
        name: "CLIP ft. COCO".to_owned(),
        reason: "never published".to_owned(),
    }];
    let records = Records {
        absent_models: &absent,
        ..records(&scores)
    };
    let unknown = |model: &str| Expectation {
        model: model.to_owned(),
        ..expected(Some(0.6886), None)
    };
    let rows = check(&records, &[unknown("CLIP ft. COCO"), unknown("BLIP")]);
    assert_eq!(rows[0].verdict, Verdict::Absent);
    assert_eq!(
        rows[0].reason.as_deref(),
        Some("no public checkpoint: never published")
    );
    assert_eq!(rows[1].verdict, Verdict::Fail);
    assert_eq!(tally(&rows), "0 ok, 0 close, 1 FAIL, 1 not measured");
}

/// Guards against failing all that `--set` left out of a run.
#[test]
fn what_a_narrowed_run_left_out_is_not_measured() {
    let scores = sweep();
    let records = Records {
        narrowed: Some("run with --set models=[clip]"),
        ..records(&scores)
    };
    let gone = Expectation {
        model: "another".to_owned(),
        ..expected(Some(0.6886), None)
    };
    let rows = check(&records, &[gone, expected(Some(0.9), None)]);
    assert_eq!(rows[0].verdict, Verdict::Absent);
    let reason = rows[0].reason.as_deref();
    assert_eq!(reason, Some("run with --set models=[clip]"));
    assert_eq!(
        rows[1].verdict,
        Verdict::Fail,
        "a row that is there is judged"
    );
}

/// NNN's parameters on Flickr30k, of which the fixture has k = 128 and alpha = 0.75.
fn chosen(alpha: f64, k: f64, tolerance: f64) -> Expectation {
    let alpha = GridValue {
        paper: alpha,
        step: Some(0.125),
        factor: None,
    };
    let k = GridValue {
        paper: k,
        step: None,
        factor: Some(2.0),
    };
    let params = [("alpha".to_owned(), alpha), ("k".to_owned(), k)];
    Expectation {
        paper_params: Some(params.into()),
        tolerance,
        ..expected(None, None)
    }
}

#[test]
fn chosen_parameters_are_compared_in_steps_and_never_fail() {
    let steps = |row: &CheckRow| -> Vec<_> { row.steps.iter().map(|step| step.steps).collect() };
    let cases = [
        (0.75, 128.0, [0.0, 0.0], Verdict::Ok),
        (0.5, 512.0, [2.0, -2.0], Verdict::Ok),
        (0.375, 128.0, [3.0, 0.0], Verdict::Info),
        (0.75, 1.0, [0.0, 7.0], Verdict::Info),
    ];
    for (alpha, k, expected, verdict) in cases {
        let row = one(chosen(alpha, k, 2.0));
        assert_eq!(steps(&row), expected.map(Some), "{alpha}, {k}");
        assert_eq!(row.verdict, verdict, "{alpha}, {k}");
    }
    let mut unknown = chosen(0.75, 128.0, 2.0);
    let value = GridValue {
        paper: 0.5,
        step: Some(0.125),
        factor: None,
    };
    let params = unknown.paper_params.as_mut().expect("parameters");
    params.insert("lambda".to_owned(), value);
    let row = one(unknown);
    assert_eq!((steps(&row)[2], row.verdict), (None, Verdict::Info));
    let missing = Expectation {
        model: "BLIP".to_owned(),
        ..chosen(0.75, 128.0, 2.0)
    };
    assert_eq!(one(missing).verdict, Verdict::Fail);
}

#[test]
fn what_is_informative_is_not_judged_but_must_be_there() {
    let informative = |model: &str| Expectation {
        model: model.to_owned(),
        informative: true,
        ..expected(Some(0.1), None)
    };
    assert_eq!(one(informative("CLIP")).verdict, Verdict::Info);
    assert_eq!(one(informative("BLIP")).verdict, Verdict::Fail);
}

#[test]
fn gains_and_searches_have_names() {
    let scores = sweep();
    let search = SearchRow {
        cell: NNN.id(),
        index: "ivf(lists=2048,probes=32)".to_owned(),
        metric: "R@1".to_owned(),
        exact: 0.6460,
        approximate: 0.6444,
        exact_seconds: 20.0,
        build_seconds: 3.0,
        search_seconds: 0.5,
    };
    let searches = [search];
    let records = Records {
        searches: &searches,
        ..records(&scores)
    };
    let names = [
        ("gain:R@1", 0.6460 - 0.5882),
        ("exact_search:R@1", 0.6460),
        ("exact_search:seconds", 20.0),
        ("index_search:seconds", 0.5),
        ("index_search:factor", 40.0),
    ];
    for (metric, value) in names {
        let named = Expectation {
            metric: metric.to_owned(),
            ..expected(Some(value), None)
        };
        let row = &check(&records, &[named])[0];
        assert_eq!(
            (row.measured, row.verdict),
            (Some(value), Verdict::Ok),
            "{metric}"
        );
    }
    let raw = Expectation {
        method: "raw".to_owned(),
        reference_set: None,
        chosen: None,
        metric: "gain:R@1".to_owned(),
        ..expected(Some(0.0), None)
    };
    assert_eq!(check(&records, &[raw])[0].matching, 0);
}

/// Raw and NNN of two models, either of which may be the paper's BLIP with 82.12 and 82.80 %.
fn two_candidates(large: f64) -> Vec<CheckRow> {
    let models = [("blip-base", 0.80, 0.83), ("blip-large", large, 0.90)];
    let (mut scores, mut expectations) = (Vec::new(), Vec::new());
    for (model, raw, nnn) in models {
        scores.push(Cell { model, ..RAW }.share("R@1", raw, raw));
        scores.push(Cell { model, ..NNN }.share("R@1", nnn, raw));
        for (method, paper) in [("raw", 0.8212), ("nnn", 0.8280)] {
            expectations.push(Expectation {
                model: model.to_owned(),
                method: method.to_owned(),
                reference_set: None,
                chosen: None,
                candidate_for: Some("BLIP".to_owned()),
                ..expected(Some(paper), None)
            });
        }
    }
    check(&records(&scores), &expectations)
}

#[test]
fn the_candidate_with_the_nearest_raw_numbers_counts() {
    let verdicts = |rows: &[CheckRow]| -> Vec<_> { rows.iter().map(|row| row.verdict).collect() };
    // Large is nearer by raw, however far off its NNN is.
    let rows = two_candidates(0.8210);
    let expected = [Verdict::Other, Verdict::Other, Verdict::Ok, Verdict::Fail];
    assert_eq!(verdicts(&rows), expected);
    assert_eq!(
        rows[0].reason.as_deref(),
        Some("blip-large is nearer to the raw numbers of BLIP")
    );
    let rows = two_candidates(0.5);
    let expected = [Verdict::Fail, Verdict::Ok, Verdict::Other, Verdict::Other];
    assert_eq!(verdicts(&rows), expected);
    assert_eq!(tally(&rows), "1 ok, 0 close, 1 FAIL, 2 other candidate");
}

#[test]
fn a_candidate_alone_is_judged() {
    let scores = [Cell {
        model: "blip-base",
        ..RAW
    }
    .share("R@1", 0.8, 0.8)];
    let alone = Expectation {
        model: "blip-base".to_owned(),
        method: "raw".to_owned(),
        reference_set: None,
        chosen: None,
        candidate_for: Some("BLIP".to_owned()),
        ..expected(Some(0.8212), None)
    };
    let other = Expectation {
        model: "blip-large".to_owned(),
        ..alone.clone()
    };
    let rows = check(&records(&scores), &[alone, other]);
    assert_eq!([rows[0].verdict, rows[1].verdict], [Verdict::Fail; 2]);
}

#[test]
fn unknown_keys_of_an_expectation_are_errors() {
    let text = r#"{"model": "CLIP", "dataset": "coco", "direction": "t2i", "method": "nnn", "metric": "R@1",
                   "paper": 0.3753, "tolerance": 0.005}"#;
    let read: Expectation = serde_json::from_str(text).expect("an expectation");
    assert_eq!(
        (read.paper, read.accepted, read.note),
        (Some(0.3753), None, None)
    );
    let wrong = text.replace("tolerance", "tolerence");
    let error = serde_json::from_str::<Expectation>(&wrong).expect_err("a wrong key");
    assert!(
        error.to_string().contains("unknown field `tolerence`"),
        "{error}"
    );
    assert_eq!(
        serde_json::to_value(schemars::schema_for!(Expectation)).expect("a schema")["additionalProperties"],
        false
    );
}
