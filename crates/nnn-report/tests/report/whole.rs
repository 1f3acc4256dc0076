//! An experiment with something for every part of the page. Its names pass through a function, so that they can be hostile.

use std::collections::BTreeMap;

use nnn_report::{
    Changed, CheckRow, ClassRow, Code, ComparisonRow, Expectation, Experiment, GridRow, Hub, Input,
    OccurrenceRow, Picture, Provenance, Records, ScoreRow, Shown, ShownItem, ShownQuery,
    TrialTimes, check,
};

use crate::fixture::{self, Cell, DSL, NNN, RAW};

/// A JPEG of one grey pixel.
const PIXEL: &str = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=";

/// All records of an experiment.
pub(crate) struct Whole {
    pub(crate) name: String,
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) comparisons: Vec<ComparisonRow>,
    pub(crate) grid: Vec<GridRow>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) occurrences: Vec<OccurrenceRow>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) checks: Vec<CheckRow>,
    pub(crate) provenance: Provenance,
}

impl Whole {
    /// Every name as `named` makes it.
    pub(crate) fn new(named: &dyn Fn(&str) -> String) -> Self {
        let mut scores: Vec<ScoreRow> = fixture::sweep();
        scores.push(DSL.share("R@1", 0.66, 0.588_2));
        let mut comparisons = fixture::comparisons();
        let mut grid = grid();
        let mut classes = classes();
        let mut occurrences = occurrences();
        let mut shown = vec![shown(named)];
        let cells = (scores.iter_mut().map(|row| &mut row.cell))
            .chain(comparisons.iter_mut().map(|row| &mut row.cell))
            .chain(grid.iter_mut().map(|row| &mut row.cell))
            .chain(classes.iter_mut().map(|row| &mut row.cell))
            .chain(occurrences.iter_mut().map(|row| &mut row.cell))
            .chain(shown.iter_mut().map(|it| &mut it.cell));
        for cell in cells {
            for name in [&mut cell.experiment, &mut cell.model, &mut cell.dataset] {
                *name = named(name);
            }
            if !cell.reference_set.is_empty() {
                cell.reference_set = named(&cell.reference_set);
            }
        }
        for row in &mut classes {
            row.class = named(&row.class);
        }
        for row in &mut scores {
            row.signature = format!("{}|{}#9c1e", row.metric, named("data:flickr30k"));
            row.cluster = named(&row.cluster);
        }
        let records = Records {
            scores: &scores,
            ..Records::default()
        };
        let checks = check(&records, &expected(named));
        Self {
            name: named("paper"),
            scores,
            comparisons,
            grid,
            classes,
            occurrences,
            shown,
            checks,
            provenance: provenance(named),
        }
    }

    /// As the page takes it; its results lie beside it.
    pub(crate) fn experiment(&self) -> Experiment<'_> {
        Experiment {
            name: &self.name,
            folder: ".",
            records: Records {
                scores: &self.scores,
                comparisons: &self.comparisons,
                occurrences: &self.occurrences,
                classes: &self.classes,
                objective: "R@1",
                ..Records::default()
            },
            grid: &self.grid,
            shown: &self.shown,
            checks: &self.checks,
            provenance: &self.provenance,
        }
    }
}

/// Two values of k by three of alpha; the held-out items choose another point than the best of the evaluated ones.
fn grid() -> Vec<GridRow> {
    let mut rows = Vec::new();
    for (side, best) in [("validation", 4), ("test", 1)] {
        for point in 0..6_usize {
            let (k, alpha) = ([16, 128][point / 3], [0.25, 0.5, 0.75][point % 3]);
            let params = format!("k={k},alpha={alpha}");
            let distance = point.abs_diff(best) as f64;
            rows.push(GridRow {
                cell: Cell {
                    params: &params,
                    ..NNN
                }
                .id(),
                evaluated_on: side.to_owned(),
                metric: "R@1".to_owned(),
                value: 0.64 - 0.01 * distance,
                n_queries: 1_000,
                selected: point == 4,
            });
        }
    }
    rows
}

fn classes() -> Vec<ClassRow> {
    let row = |cell: &Cell<'_>, class: &str, value: f64| ClassRow {
        cell: cell.id(),
        class: class.to_owned(),
        images: 12,
        metric: "bias@6".to_owned(),
        value,
    };
    vec![
        row(&RAW, "nurse", -0.5),
        row(&RAW, "pilot", 0.75),
        row(&NNN, "nurse", -0.25),
        row(&NNN, "pilot", 0.125),
    ]
}

fn occurrences() -> Vec<OccurrenceRow> {
    let row = |cell: &Cell<'_>, counts: &[(usize, usize)]| OccurrenceRow {
        cell: cell.id(),
        k: 1,
        n_queries: cell.n.0,
        counts: counts.to_vec(),
    };
    vec![
        row(&RAW, &[(0, 400), (2, 300), (10, 250), (40, 49), (162, 1)]),
        row(&NNN, &[(0, 100), (4, 600), (8, 299), (48, 1)]),
    ]
}

fn shown(named: &dyn Fn(&str) -> String) -> Shown {
    let item = |row: u32, name: Option<&str>| ShownItem {
        row,
        name: name.map(named),
        picture: (row == 1).then(|| Picture {
            width: 1,
            height: 1,
            jpeg: PIXEL.to_owned(),
        }),
    };
    let query = |row: u32, ranks: (f64, f64), before: [u32; 2], after: [u32; 2]| ShownQuery {
        query: item(row + 10, Some("a dog on a beach")),
        ranks,
        before: before.to_vec(),
        after: after.to_vec(),
        answers: vec![1],
    };
    Shown {
        cell: NNN.id(),
        hubs: vec![
            Hub {
                item: 0,
                before: 162,
                after: 12,
            },
            Hub {
                item: 1,
                before: 3,
                after: 48,
            },
        ],
        changed: Changed {
            won: 400,
            lost: 111,
            of: 5_000,
        },
        queries: vec![
            query(0, (2.0, 1.0), [0, 1], [1, 0]),
            query(1, (1.0, 3.0), [1, 2], [2, 0]),
        ],
        items: vec![
            item(0, Some("0.jpg")),
            item(1, Some("1.jpg")),
            item(2, None),
        ],
    }
}

fn expected(named: &dyn Fn(&str) -> String) -> Vec<Expectation> {
    let expect = |metric: &str, paper: f64| Expectation {
        model: named("CLIP"),
        dataset: named("flickr30k"),
        direction: "t2i".to_owned(),
        reference_set: None,
        method: "raw".to_owned(),
        params: None,
        chosen: None,
        metric: metric.to_owned(),
        paper: Some(paper),
        paper_params: None,
        accepted: None,
        tolerance: 0.005,
        candidate_for: None,
        informative: false,
        note: None,
    };
    vec![
        expect("R@1", 0.588_2),
        expect("R@5", 0.841),
        expect("R@10", 0.95),
        expect("R@100", 0.99),
    ]
}

fn provenance(named: &dyn Fn(&str) -> String) -> Provenance {
    Provenance {
        description: named("Table 1"),
        config_file: named("table-1.yaml"),
        config: named("{\"experiment\": \"paper\"}"),
        overrides: vec![named("models=[CLIP]")],
        complete: true,
        code: Code {
            version: "0.1.0+abc".to_owned(),
            dirty: false,
            sources: "123".to_owned(),
        },
        machine: BTreeMap::from([
            ("arch".to_owned(), named("x86_64").into()),
            ("cores".to_owned(), 2.into()),
        ]),
        inputs: vec![Input {
            of: named("flickr30k"),
            file: named("captions.csv"),
            sha256: "0f".to_owned(),
        }],
        trials: vec![TrialTimes {
            trial: named("CLIP / flickr30k"),
            seconds: vec![("report".to_owned(), 1.5)],
        }],
        warnings: vec![named("116 captions equal")],
        published: vec![named("of table 1, 4 of 8 numbers")],
    }
}
