//! A small sweep, with numbers of the paper where it has them.

use nnn_report::{CellId, ChoosingRow, ChoosingSeconds, ComparisonRow, Gain, Interval, ScoreRow};

/// Where and how a number was measured; the defaults are raw on Flickr30k.
#[derive(Clone)]
pub(crate) struct Cell<'a> {
    pub(crate) model: &'a str,
    pub(crate) dataset: &'a str,
    pub(crate) direction: &'a str,
    pub(crate) reference: &'a str,
    pub(crate) method: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) params: &'a str,
    pub(crate) chosen: &'a str,
    pub(crate) n: (usize, usize),
}

pub(crate) const RAW: Cell<'static> = Cell {
    model: "CLIP",
    dataset: "flickr30k",
    direction: "t2i",
    reference: "",
    method: "raw",
    kind: "additive",
    params: "",
    chosen: "",
    n: (5000, 1000),
};

pub(crate) const NNN: Cell<'static> = Cell {
    reference: "flickr30k/train 20%",
    method: "nnn",
    params: "k=128,alpha=0.75",
    chosen: "validation",
    ..RAW
};

impl Cell<'_> {
    pub(crate) fn id(&self) -> CellId {
        let size = if self.reference.is_empty() { 0 } else { 29_000 };
        CellId {
            experiment: "paper".to_owned(),
            model: self.model.to_owned(),
            dataset: self.dataset.to_owned(),
            split: "test".to_owned(),
            direction: self.direction.to_owned(),
            reference_set: self.reference.to_owned(),
            reference_size: size,
            method: self.method.to_owned(),
            kind: self.kind.to_owned(),
            params: self.params.to_owned(),
            chosen: self.chosen.to_owned(),
        }
    }

    /// A number with nothing beside it.
    pub(crate) fn plain(&self, metric: &str, value: f64) -> ScoreRow {
        ScoreRow {
            cell: self.id(),
            metric: metric.to_owned(),
            value,
            ci: None,
            binomial: None,
            gain: None,
            n_queries: self.n.0,
            cluster: "image".to_owned(),
            n_clusters: self.n.1,
            n_gallery: self.n.1,
            signature: format!("{metric}|{}|method:{}", self.direction, self.method),
        }
    }

    /// A proportion with both intervals, and a gain over `raw` unless it is raw.
    pub(crate) fn share(&self, metric: &str, value: f64, raw: f64) -> ScoreRow {
        let half = 1.96 * (value * (1.0 - value) / self.n.0 as f64).sqrt();
        let around = |value, half| Interval {
            low: value - half,
            high: value + half,
        };
        let gain = Gain {
            delta: value - raw,
            interval: Some(around(value - raw, 0.008)),
            p_value: Some(0.000_099_99),
        };
        ScoreRow {
            ci: Some(around(value, 1.25 * half)),
            binomial: Some(around(value, half)),
            gain: (self.method != "raw").then_some(gain),
            ..self.plain(metric, value)
        }
    }
}

/// A method that reads the evaluated queries.
pub(crate) const DSL: Cell<'static> = Cell {
    method: "dsl",
    kind: "rescaling, transductive",
    params: "tau=0.1",
    chosen: "fixed",
    ..NNN
};

/// Every two of raw, NNN and a transductive method under R@1 and MRR; the numbers are made up.
pub(crate) fn comparisons() -> Vec<ComparisonRow> {
    let row = |a: &Cell<'_>, b: &Cell<'_>, metric: &str, delta: f64, p: f64| ComparisonRow {
        cell: a.id(),
        other: b.id().into(),
        metric: metric.to_owned(),
        delta,
        interval: Interval {
            low: delta - 0.01,
            high: delta + 0.01,
        },
        p_value: p,
        p_holm: (3.0 * p).min(1.0),
        wins: 1_200,
        ties: 3_000,
        losses: 800,
        n_queries: 5_000,
        cluster: "image".to_owned(),
        n_clusters: 1_000,
    };
    let pairs = [
        (&NNN, &RAW, 0.057_8, 0.000_01),
        (&DSL, &RAW, 0.1 + 0.2, 0.016),
        (&DSL, &NNN, -0.001, 0.5),
    ];
    let rows = |metric| pairs.map(|(a, b, delta, p)| row(a, b, metric, delta, p));
    [rows("R@1"), rows("MRR")].concat()
}

/// A timed search on held-out items and an oracle without times.
pub(crate) fn choosing() -> Vec<ChoosingRow> {
    let timed = ChoosingRow {
        cell: NNN.id(),
        points: 1_110,
        seconds: Some(ChoosingSeconds {
            statistics: 1.5,
            ranking: 0.25,
        }),
        metric: "R@1".to_owned(),
        validation: Some(0.63),
        test: Some(0.6460),
    };
    let oracle = ChoosingRow {
        cell: Cell {
            chosen: "oracle",
            ..DSL
        }
        .id(),
        seconds: None,
        validation: None,
        ..timed.clone()
    };
    vec![timed, oracle]
}

/// Two methods and an oracle on two data sets, two models: R@1, R@5, R@10, MedR and skewness of Flickr30k for CLIP.
pub(crate) fn sweep() -> Vec<ScoreRow> {
    let other = Cell {
        reference: "coco/train 20%",
        params: "k=16,alpha=0.5",
        ..NNN
    };
    let oracle = Cell {
        params: "k=256,alpha=0.875",
        chosen: "oracle",
        ..NNN
    };
    let dn = Cell {
        method: "dn",
        params: "lambda=0.5",
        chosen: "fixed",
        ..NNN
    };
    let mut rows = Vec::new();
    let numbers = [
        (RAW, [0.5882, 0.8344, 0.9008], 1.0, 4.812),
        (NNN, [0.6460, 0.8784, 0.9300], 1.0, 1.204),
        (other, [0.6370, 0.8724, 0.9236], 1.0, 2.5),
        (oracle, [0.6494, 0.8790, 0.9310], 1.0, 1.1),
        (dn, [0.6206, 0.8500, 0.9100], 1.0, 3.75),
    ];
    for (cell, recall, median, skewness) in &numbers {
        for (at, metric) in ["R@1", "R@5", "R@10"].iter().enumerate() {
            rows.push(cell.share(metric, recall[at], numbers[0].1[at]));
        }
        rows.push(cell.plain("MedR", *median));
        rows.push(cell.plain("k_skewness@10", *skewness));
    }
    let siglip = Cell {
        model: "SigLIP",
        ..RAW
    };
    rows.push(siglip.share("R@1", 0.7462, 0.7462));
    let siglip = Cell {
        model: "SigLIP",
        params: "k=64,alpha=0.75",
        ..NNN
    };
    rows.push(siglip.share("R@1", 0.7654, 0.7462));
    rows
}
