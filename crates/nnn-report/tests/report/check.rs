//! Measured against expected.

use std::fs;

use nnn_report::{CheckRow, Expectation, Style, Verdict, check, format_check, write_check};

use crate::fixture::sweep;

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
        accepted,
        tolerance: 0.005,
        note: None,
    }
}

fn one(expectation: Expectation) -> CheckRow {
    let mut rows = check(&sweep(), &[expectation]);
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
    check(&sweep(), &expectations)
}

#[test]
fn the_check_is_printed() {
    insta::assert_snapshot!(format_check(&rows(), Style::default()), @r#"
           Model  Data set   Task  Refe…set  Method        Metric         Measured                    Paper          Accepted  Note
    -------------------------------------------------------------------------------------------------------------------------------
    ok     CLIP   flickr30k  t2i   flic…20%  nnn va…ation  R@1               64.60         64.60 (+0.00 ok)  64.58 (+0.02 ok)  [1]
    close  CLIP   flickr30k  t2i   flic…20%  nnn va…ation  R@1               64.60      65.30 (-0.70 close)                    [1]
    FAIL   CLIP   flickr30k  t2i   flic…20%  nnn va…ation  R@1               64.60       70.00 (-5.40 FAIL)
    FAIL   BLIP   flickr30k  t2i   flic…20%  nnn va…ation  R@1                                        84.32                    [2]
    FAIL   CLIP   flickr30k  t2i             nnn           R@1                                        64.60                    [3]
    ok     CLIP   flickr30k  t2i             raw           k_skewness@10      4.81          4.80 (+0.01 ok)
    FAIL   CLIP   flickr30k  t2i   flic…20%  nnn va…ation  R@1               64.60                                             [4]
    FAIL   CLIP   flickr30k  t2i   flic…20%  nnn va…ation  R@1               64.60  6460.00 (-6395.40 FAIL)                    [5]
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
    write_check(folder.path(), &rows()).expect("the check is written");
    let text = fs::read_to_string(folder.path().join("tables/check.md")).expect("the check");
    insta::assert_snapshot!(text, @r#"
    <!-- Generated by nnn-report from scores.csv; edits are lost. -->

    **Measured against expected: 2 ok, 1 close, 5 FAIL.** Fractions in percent, differences in points (measured less expected); ok within the stated tolerance, close within twice, else FAIL. \[1\] Table 1 \[2\] no row matches \[3\] 3 rows match: say which reference\_set, params, chosen \[4\] no number to compare with \[5\] expected numbers are fractions: 0.646, not 64.6

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
