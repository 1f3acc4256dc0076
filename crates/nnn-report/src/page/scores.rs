//! Every number, in a table that sorts and filters, each with its signature.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::answer::{Judged, Standing};
use crate::number::{best, distinct, judged, p_value, shown};
use crate::page::View;
use crate::page::answer::name;
use crate::records::trial::Setup;
use crate::records::{CellId, ScoreRow};
use crate::wording::ABSENT;

/// What stands in a signature where the metric's name does, as all numbers of a line have the rest in common.
const METRIC: &str = "METRIC";

/// The numbers of one cell by metric.
struct Line<'a> {
    cell: &'a CellId,
    rows: HashMap<&'a str, &'a ScoreRow>,
    first: &'a ScoreRow,
}

/// The table of an experiment, and the files beside it.
pub(super) fn section(view: &View<'_>) -> Markup {
    let rows = view.experiment.records.scores;
    let metrics = distinct(rows.iter().map(|row| row.metric.as_str()));
    let headline = view.gains.metric.unwrap_or_default();
    let others: Vec<&str> = metrics.into_iter().filter(|it| *it != headline).collect();
    let bests = bests(rows, headline);
    html! {
        section.scores id={ (view.prefix) "-scores" } {
            h2 { "Numbers" }
            p.note {
                "Fractions in percent, gains in points. Bold: the best " (headline) " of a model on a data set in a direction, oracles and "
                "transductive methods aside. ▲ significantly better than raw, ▼ significantly worse (5 %, Holm's correction within a trial). "
                "The last column has what every number of a line depends on."
            }
            (files(view))
            div.wide tabindex="0" role="group" aria-label="All numbers" {
                table.numbers {
                    thead { tr {
                        th scope="col" { "Model" } th scope="col" { "Data set" } th scope="col" { "Direction" }
                        th scope="col" { "Reference set" } th scope="col" { "Method" } th scope="col" { "Parameters" }
                        th.n scope="col" { (headline) } th.n scope="col" data-of=(headline) { "Gain" } th.n scope="col" data-of=(headline) { "p" }
                        @for metric in &others { th.n scope="col" { (metric) } }
                        th scope="col" { "Signature" }
                    } }
                    tbody {
                        @for line in lines(rows) { (table_row(view, &line, headline, &others, &bests)) }
                    }
                }
            }
        }
    }
}

/// Links to the tables of the results folder.
fn files(view: &View<'_>) -> Markup {
    let folder = view.experiment.folder;
    let files = [
        "scores.csv",
        "scores.parquet",
        "comparisons.csv",
        "comparisons.parquet",
        "choosing.csv",
        "grid.parquet",
        "tables/",
        "run.json",
    ];
    html! {
        p.files { "Files: " @for file in files { a href={ (encoded(folder)) "/" (file) } { (file) } " " } }
    }
}

/// A path as an address: of a name only letters, digits and what means nothing in an address stay as they are.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let text = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    path.bytes().map(text).collect()
}

fn lines(rows: &[ScoreRow]) -> Vec<Line<'_>> {
    let mut places: HashMap<&CellId, usize> = HashMap::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for row in rows {
        let at = *places.entry(&row.cell).or_insert(lines.len());
        if at == lines.len() {
            lines.push(Line {
                cell: &row.cell,
                rows: HashMap::new(),
                first: row,
            });
        }
        lines[at].rows.insert(&row.metric, row);
    }
    lines
}

/// The best headline of every setup, as it is judged.
fn bests<'a>(rows: &'a [ScoreRow], headline: &str) -> Vec<(Setup<'a>, Option<String>)> {
    let own = || rows.iter().filter(|row| row.metric == headline);
    let setups = distinct(own().map(|row| Setup::of(&row.cell)));
    let best_of = |setup: Setup<'a>| {
        let here = own().filter(|row| Setup::of(&row.cell) == setup);
        let competing = here.filter(|row| row.cell.competes());
        best(headline, competing.map(|row| row.value))
    };
    setups
        .into_iter()
        .map(|setup| (setup, best_of(setup)))
        .collect()
}

fn table_row(
    view: &View<'_>,
    line: &Line<'_>,
    headline: &str,
    others: &[&str],
    bests: &[(Setup<'_>, Option<String>)],
) -> Markup {
    let cell = line.cell;
    let setup = Setup::of(cell);
    let main = line.rows.get(headline).copied();
    let gain = view.gains.find(cell);
    let best = bests
        .iter()
        .find(|it| it.0 == setup)
        .and_then(|it| it.1.clone());
    let is_best =
        cell.competes() && main.is_some_and(|row| best == Some(judged(headline, row.value)));
    html! {
        tr data-setup=(view.setup_id(setup)) data-trial=[view.trial_of(cell)] {
            td { (cell.model) } td { (setup.place.label()) } td { (cell.direction) } td { (cell.reference_set) }
            th scope="row" { (name(line.first)) } td { (cell.params) }
            td.n.best[is_best] title=[main.and_then(interval)] { (main.map_or(ABSENT.to_owned(), value)) }
            td.n { @if let Some(gain) = gain { (mark(gain)) (gain.gain()) } }
            td.n { (gain.and_then(|it| it.p_holm).map_or(String::new(), p_value)) }
            @for metric in others {
                @let row = line.rows.get(metric).copied();
                td.n title=[row.and_then(interval)] { (row.map_or(ABSENT.to_owned(), value)) }
            }
            td { (signature(line)) }
        }
    }
}

fn value(row: &ScoreRow) -> String {
    shown(&row.metric, row.value)
}

fn interval(row: &ScoreRow) -> Option<String> {
    let bound = |value: f64| shown(&row.metric, value);
    let text = |it: crate::records::Interval| {
        format!(
            "95 % bootstrap interval [{}, {}]",
            bound(it.low),
            bound(it.high)
        )
    };
    row.ci.map(text)
}

fn mark(gain: &Judged<'_>) -> Markup {
    html! {
        @match gain.standing {
            Standing::Better => span.better { "▲ " },
            Standing::Worse => span.worse { "▼ " },
            Standing::Same | Standing::Untested => {},
        }
    }
}

/// The signatures of a line: one, with a word for the metric, where all have the rest in common; else each by itself.
fn signature(line: &Line<'_>) -> Markup {
    let rest = |row: &ScoreRow| row.signature.strip_prefix(&row.metric).map(str::to_owned);
    let rests = distinct(line.rows.values().map(|row| rest(row)));
    html! {
        details {
            summary { "signature" }
            @match &rests[..] {
                [Some(rest)] => code { (METRIC) (rest) },
                _ => @for metric in sorted(line) { code { (line.rows[metric].signature) } br; },
            }
        }
    }
}

fn sorted<'a>(line: &Line<'a>) -> Vec<&'a str> {
    let mut metrics: Vec<&str> = line.rows.keys().copied().collect();
    metrics.sort_unstable();
    metrics
}
