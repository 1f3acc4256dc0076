//! Measured numbers against published and accepted ones, in tolerances.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::check::{CheckRow, Expectation, Verdict, tally};
use crate::number::shown;
use crate::page::View;
use crate::page::track::{Mark, Scale};

/// More expectations than this share lines: one for each data set, direction, method and metric.
const ALONE: usize = 60;

/// Tolerances at the ends of the axis; what is farther off stands there.
const FARTHEST: f64 = 4.0;

/// A number that was measured, in tolerances off the expected one.
struct Off<'a> {
    row: &'a CheckRow,
    tolerances: f64,
    expected: f64,
    from: &'static str,
    /// Of this number; the row's is the worst of its numbers.
    verdict: Verdict,
}

pub(super) fn section(view: &View<'_>) -> Markup {
    let (checks, covered) = (
        view.experiment.checks,
        &view.experiment.provenance.published,
    );
    if checks.is_empty() && covered.is_empty() {
        return html! {};
    }
    let offs: Vec<Off<'_>> = checks.iter().flat_map(offs).collect();
    let lines = lines(&offs);
    html! {
        section.published id={ (view.prefix) "-published" } {
            h2 { "Expected numbers" }
            @for told in covered { p { (told) } }
            p { (tally(checks)) }
            @if !lines.is_empty() { (figure(&lines)) }
            (others(checks))
        }
    }
}

/// The numbers off by so many tolerances, line by line.
fn figure(lines: &[(String, Vec<&Off<'_>>)]) -> Markup {
    let scale = Scale::between(-FARTHEST, FARTHEST);
    html! {
            p.note {
                "Every dot is a measured number, by how many tolerances it is off the expected one. Within one it is ok, within two close. "
                "What is farther off than " (FARTHEST) " stands at the edge."
            }
            div.wide tabindex="0" role="group" aria-label="Measured against expected numbers" {
                table.forest {
                    thead { tr { th scope="col" { "Expected" } th.plot scope="col" { "Off, in tolerances" } th.n scope="col" { "Off" } } }
                    tbody { @for (name, own) in lines { (line(name, own, scale)) } }
                    tfoot { tr { td {} td.plot { (scale.axis()) } td {} } }
                }
            }
    }
}

/// The numbers by the names of their lines, in the order of their first.
fn lines<'a>(offs: &'a [Off<'a>]) -> Vec<(String, Vec<&'a Off<'a>>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut lines: Vec<(String, Vec<&Off<'_>>)> = Vec::new();
    for off in offs {
        let name = line_name(off.row, offs.len());
        let at = *places.entry(name.clone()).or_insert(lines.len());
        if at == lines.len() {
            lines.push((name, Vec::new()));
        }
        lines[at].1.push(off);
    }
    lines
}

/// What of an expectation was measured.
fn offs(row: &CheckRow) -> impl Iterator<Item = Off<'_>> {
    let Expectation {
        paper,
        accepted,
        tolerance,
        ..
    } = &row.expectation;
    let numbers = [
        ("published", row.paper, *paper),
        ("accepted", row.accepted, *accepted),
    ];
    numbers
        .into_iter()
        .filter_map(move |(from, difference, expected)| {
            let difference = difference?;
            let tolerances = difference.difference / tolerance;
            let verdict = match row.verdict {
                not_judged @ (Verdict::Info | Verdict::Absent | Verdict::Other) => not_judged,
                _ => difference.verdict,
            };
            tolerances.is_finite().then_some(Off {
                row,
                tolerances,
                expected: expected?,
                from,
                verdict,
            })
        })
}

fn line_name(row: &CheckRow, numbers: usize) -> String {
    let Expectation {
        model,
        dataset,
        direction,
        reference_set,
        method,
        chosen,
        metric,
        ..
    } = &row.expectation;
    let place = format!("{dataset} {direction}, {metric}, {method}");
    match numbers > ALONE {
        true => place,
        false => {
            let parts = [chosen, reference_set].into_iter().flatten();
            let parts: Vec<&str> = parts.map(String::as_str).chain([model.as_str()]).collect();
            format!("{place} ({})", parts.join(", "))
        }
    }
}

fn line(name: &str, offs: &[&Off<'_>], scale: Scale) -> Markup {
    let rules = [-2.0, -1.0, 0.0, 1.0, 2.0]
        .map(|at: f64| Mark::Rule(at, if at == 0.0 { "zero" } else { "grid" }));
    let dots = offs.iter().map(|off| {
        let class = match off.verdict {
            Verdict::Fail => "dot worse",
            Verdict::Close => "dot close",
            Verdict::Ok => "dot better",
            Verdict::Info | Verdict::Absent | Verdict::Other => "dot same",
        };
        Mark::Dot(off.tolerances, class, said(off))
    });
    let marks: Vec<Mark> = rules.into_iter().chain(dots).collect();
    let numbers: Vec<f64> = offs.iter().map(|off| off.tolerances).collect();
    html! { tr { th scope="row" { (name) } td.plot { (scale.track(&marks)) } td.n { (range(&numbers)) } } }
}

/// By how much the numbers of a line are off.
fn range(numbers: &[f64]) -> String {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match numbers.len() {
        1 => off(most),
        count => format!("{} to {} ({count})", off(least), off(most)),
    }
}

/// With one decimal and a sign, which nothing has not.
fn off(tolerances: f64) -> String {
    let rounded = (10.0 * tolerances).round() / 10.0;
    match rounded == 0.0 {
        true => "0.0".to_owned(),
        false => format!("{rounded:+.1}"),
    }
}

fn said(off: &Off<'_>) -> String {
    let Expectation { model, metric, .. } = &off.row.expectation;
    let measured = off
        .row
        .measured
        .map_or(String::new(), |value| shown(metric, value));
    let (from, verdict) = (off.from, off.verdict);
    let expected = shown(metric, off.expected);
    format!(
        "{model}: {measured} measured, {expected} {from}, {:+.2} tolerances: {verdict}",
        off.tolerances
    )
}

/// What has no dot, and why.
fn others(checks: &[CheckRow]) -> Markup {
    let without = checks.iter().filter(|row| offs(row).next().is_none());
    let reasons = without.map(|row| {
        let Expectation {
            model,
            dataset,
            direction,
            method,
            metric,
            ..
        } = &row.expectation;
        let why = match &row.reason {
            Some(reason) => reason.clone(),
            None if !row.steps.is_empty() => format!("parameters chosen: {}", row.verdict),
            None => format!("{} measured rows match", row.matching),
        };
        (
            format!("{model}, {dataset} {direction}, {method}, {metric}"),
            why,
        )
    });
    let reasons: Vec<_> = reasons.collect();
    html! {
        @if !reasons.is_empty() {
            details {
                summary { (reasons.len()) " without a dot" }
                ul { @for (name, why) in reasons { li { (name) ": " (why) } } }
            }
        }
    }
}
