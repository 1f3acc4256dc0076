//! The answer first: one sentence, and the gain of every setting over raw with its interval.

use maud::{Markup, html};

use crate::answer::{Gains, Judged, Standing};
use crate::number::{grouped, p_value, scale, shown};
use crate::page::View;
use crate::page::track::{Mark, Scale};
use crate::records::trial::Setup;
use crate::records::{Records, ScoreRow};
use crate::tables::retrieval;
use crate::wording::{ABSENT, VALIDATION, held_out_mark, mark_notes, marks, resampled};

/// The answer, then a figure for each model, data set and direction.
pub(super) fn section(view: &View<'_>) -> Markup {
    let provenance = view.experiment.provenance;
    html! {
        section.answer id={ (view.prefix) "-answer" } {
            h2 { "Answer" }
            p.sentence { (view.gains.sentence()) }
            @if !provenance.complete { p.warning { "The run is not complete: some trials are missing." } }
            @if !provenance.description.is_empty() { p { (provenance.description) } }
            @for &setup in &view.setups { (figure(view, setup)) }
            @for note in notes(&view.gains, &view.experiment.records) { p.note { (note) } }
        }
    }
}

fn notes(gains: &Gains<'_>, records: &Records<'_>) -> Vec<String> {
    let any = |holds: &dyn Fn(&ScoreRow) -> bool| records.scores.iter().any(holds);
    let tested = gains.judged.iter().any(|it| it.p_holm.is_some());
    let bars = gains.judged.iter().any(|it| it.interval.is_some());
    let notes = [
        (bars, "Bars are 95 % bootstrap intervals of the gain, not corrected for many settings.".to_owned()),
        (
            tested,
            "p is by the paired randomisation test with Holm's correction over all pairs of a trial. Large, coloured dots are \
             significant at 5 %."
                .to_owned(),
        ),
        (
            !gains.judged.is_empty(),
            "The best of many settings was selected after the fact: expect less of it elsewhere.".to_owned(),
        ),
        (
            any(&|row| row.cell.chosen == "validation"),
            format!("{VALIDATION} Parameters chosen on held-out training items."),
        ),
        (
            any(&|row| row.cell.is_reranked()),
            "Lists ranked again (+itm) are not counted: their gain is the matching head's, too.".to_owned(),
        ),
    ];
    let said = notes.into_iter().filter(|(said, _)| *said);
    let marks = mark_notes(
        any(&|row| row.cell.is_transductive()),
        any(&|row| row.cell.chosen == "oracle"),
    );
    said.map(|(_, note)| note).chain(marks).collect()
}

/// The forest plot of one model, data set and direction; nothing where only raw was measured.
fn figure(view: &View<'_>, setup: Setup<'_>) -> Markup {
    let gains = view.gains.at(setup);
    let Some(metric) = gains.metric.filter(|_| !gains.judged.is_empty()) else {
        return html! {};
    };
    let ends = gains.judged.iter().flat_map(|it| {
        let interval = it
            .interval
            .map_or([it.delta; 2], |interval| [interval.low, interval.high]);
        interval.map(|value| scale(metric) * value)
    });
    let track = Scale::with_zero(ends);
    let (row, best) = (gains.judged[0].row, gains.best());
    let raw = row.value - gains.judged[0].delta;
    html! {
        div.setup data-setup=(view.setup_id(setup)) {
            h3 { (heading(setup)) }
            p { (gains.brief()) }
            p.note {
                (retrieval(setup.direction)) ": " (grouped(row.n_queries)) " queries, " (grouped(row.n_gallery))
                " gallery items; raw has " (metric) " " (shown(metric, raw))
                @if gains.judged.iter().any(|it| it.interval.is_some()) { "; intervals " (resampled(&row.cluster, row.n_clusters)) }
                "."
            }
            div.wide tabindex="0" role="group" aria-label={ "Gains over raw, " (heading(setup)) } {
                table.forest {
                    thead { tr {
                        th scope="col" { "Method" } th scope="col" { "Reference set" }
                        th.plot scope="col" { "Gain over raw in " (metric) } th.n scope="col" { "Gain [95 %]" }
                        th.n scope="col" { "p" }
                    } }
                    tbody { @for judged in &gains.judged { (line(view, best, judged, track)) } }
                    tfoot { tr {
                        td {} td {} td.plot { (track.axis()) } td {} td {}
                    } }
                }
            }
        }
    }
}

fn line(view: &View<'_>, best: Option<&Judged<'_>>, judged: &Judged<'_>, track: Scale) -> Markup {
    let cell = &judged.row.cell;
    let metric = &judged.row.metric;
    let drawn = |value: f64| scale(metric) * value;
    let (dot, bar) = classes(judged);
    let said = format!("{}: {}", cell.method_signature(), judged.gain());
    let mut drawing = vec![Mark::Rule(0.0, "zero")];
    if let Some(interval) = judged.interval {
        let said = format!("95 % interval of {said}");
        drawing.push(Mark::Bar(
            drawn(interval.low),
            drawn(interval.high),
            bar,
            said,
        ));
    }
    drawing.push(Mark::Dot(drawn(judged.delta), dot, said));
    let best = best.is_some_and(|best| std::ptr::eq(best.row, judged.row));
    html! {
        tr.best[best] data-setup=(view.setup_id(Setup::of(cell))) data-trial=[view.trial_of(cell)] {
            th scope="row" title=(cell.method_signature()) { (name(judged.row)) }
            td { (cell.reference_set) }
            td.plot { (track.track(&drawing)) }
            td.n { (judged.gain()) }
            td.n { (judged.p_holm.map_or(ABSENT.to_owned(), p_value)) }
        }
    }
}

/// The classes of a dot and its bar.
fn classes(judged: &Judged<'_>) -> (&'static str, &'static str) {
    match judged.standing {
        Standing::Better => ("dot better", "bar better"),
        Standing::Worse => ("dot worse", "bar worse"),
        Standing::Same | Standing::Untested => ("dot same", "bar same"),
    }
}

/// The method with its marks, and with its parameters where they are fixed.
pub(super) fn name(row: &ScoreRow) -> String {
    let cell = &row.cell;
    let marks = marks(cell.is_transductive(), &cell.chosen);
    let marked = format!("{}{marks}{}", cell.method, held_out_mark(&cell.chosen));
    match cell.chosen.as_str() {
        "fixed" if !cell.params.is_empty() => format!("{marked} ({})", cell.params),
        _ => marked,
    }
}

/// `blocks, t2i (blocks-clip)`.
pub(super) fn heading(setup: Setup<'_>) -> String {
    format!(
        "{}, {} ({})",
        setup.place.label(),
        setup.direction,
        setup.model
    )
}
