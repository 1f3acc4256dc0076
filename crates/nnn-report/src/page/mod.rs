//! `report.html`: all that a sweep found, as one page that needs nothing but itself.
//!
//! Every part is a function from records to markup, in the file that is named after it. The page asks for nothing from elsewhere: its
//! style, its script and its pictures are in it, and a content security policy says so to the browser. Without scripts all is
//! there; the script adds sorting, filtering and showing one trial.

mod answer;
mod canvas;
mod groups;
mod heat;
mod hubs;
mod pictures;
mod provenance;
mod published;
mod queries;
mod scores;
mod track;
mod trial;
mod trial_view;

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use nnn_files::{counted, sha256_raw};

use crate::answer::Gains;
use crate::check::CheckRow;
use crate::error::ReportError;
use crate::number::distinct;
use crate::page::pictures::Pictures;
use crate::page::trial_view::TrialView;
use crate::records::frame::write_bytes;
use crate::records::trial::{Setup, Trial};
use crate::records::{CellId, GridRow, Records, Shown};

pub use provenance::{Code, Input, Provenance, TrialTimes};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Bytes that a page should not exceed, so that a browser opens it at once. Answers, numbers and expectations are there whole; trials
/// as far as there is room.
const MOST: usize = 4_400_000;

/// One experiment of a page.
#[derive(Debug, Clone)]
pub struct Experiment<'a> {
    /// Its name.
    pub name: &'a str,
    /// From the page's folder to that of the results, with `/` between its parts: `.`, or `../flickr30k`.
    pub folder: &'a str,
    /// Every number.
    pub records: Records<'a>,
    /// Every point of a grid.
    pub grid: &'a [GridRow],
    /// Hubs and queries of every trial that shows some.
    pub shown: &'a [Shown],
    /// Measured numbers against expected ones.
    pub checks: &'a [CheckRow],
    /// What ran on what.
    pub provenance: &'a Provenance,
}

/// An experiment with what several parts of its page read.
struct View<'a> {
    experiment: &'a Experiment<'a>,
    /// What it is called on this page.
    name: String,
    gains: Gains<'a>,
    setups: Vec<Setup<'a>>,
    /// Trials of more than raw.
    trials: Vec<Trial<'a>>,
    /// Before the ids of its elements.
    prefix: String,
}

impl<'a> View<'a> {
    fn new(at: usize, all: &'a [Experiment<'a>]) -> Self {
        let experiment = &all[at];
        let cells = || experiment.records.scores.iter().map(|row| &row.cell);
        let corrected = cells().filter(|cell| cell.method != "raw");
        // Experiments of one name are told apart by their folders.
        let alike = all.iter().filter(|other| other.name == experiment.name);
        let name = match alike.count() {
            1 => experiment.name.to_owned(),
            _ => format!("{} ({})", experiment.name, experiment.folder),
        };
        Self {
            experiment,
            name,
            gains: Gains::of(&experiment.records),
            setups: distinct(cells().map(Setup::of)),
            trials: distinct(corrected.map(Trial::of)),
            prefix: format!("e{at}"),
        }
    }

    fn setup_id(&self, setup: Setup<'_>) -> String {
        let at = self.setups.iter().position(|it| *it == setup);
        format!("{}s{}", self.prefix, at.unwrap_or_default())
    }

    /// The trial that a line goes with; none for raw, which goes with all of its task.
    fn trial_of(&self, cell: &CellId) -> Option<String> {
        (cell.method != "raw").then(|| self.trial_id(Trial::of(cell)))?
    }

    fn trial_id(&self, trial: Trial<'_>) -> Option<String> {
        let at = self.trials.iter().position(|it| *it == trial)?;
        Some(format!("{}t{at}", self.prefix))
    }
}

/// Writes [`page`] to a file, whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses.
pub fn write_page(path: &Path, experiments: &[Experiment<'_>]) -> Result<(), ReportError> {
    write_bytes(path, page(experiments).as_bytes())
}

/// The page of some experiments: the answer first, then every number with its signature, hubs and queries as they are, the grids that
/// parameters were chosen from, groups, published numbers, and where all of it comes from. Equal records give equal bytes.
#[must_use]
pub fn page(experiments: &[Experiment<'_>]) -> String {
    let views: Vec<View<'_>> = (0..experiments.len())
        .map(|at| View::new(at, experiments))
        .collect();
    let pictures = Pictures::of(experiments.iter().flat_map(|it| it.shown));
    let parts = parts(&views, &pictures);
    let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    let title = format!("Hubness correction: {}", names.join(", "));
    let hash = BASE64_STANDARD.encode(sha256_raw(SCRIPT.as_bytes()));
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "To the content" }
                header {
                    h1 { (title) }
                    (contents(&parts))
                    (chooser(&views))
                }
                main #main tabindex="-1" {
                    (pictures.definitions())
                    (sections(&parts, &pictures))
                }
                footer { p { "Made by nnn-bench. This page is whole: nothing in it is fetched from elsewhere." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The parts of an experiment that are there whole, however large it is.
struct Fixed {
    answer: Markup,
    scores: Markup,
    published: Markup,
    provenance: Markup,
}

impl Fixed {
    fn of(view: &View<'_>) -> Self {
        Self {
            answer: answer::section(view),
            scores: scores::section(view),
            published: published::section(view),
            provenance: provenance::section(view),
        }
    }

    fn bytes(&self) -> usize {
        let parts = [
            &self.answer,
            &self.scores,
            &self.published,
            &self.provenance,
        ];
        parts.iter().map(|part| part.0.len()).sum()
    }
}

/// An experiment with all parts of it.
struct Parts<'a> {
    view: &'a View<'a>,
    fixed: Fixed,
    trials: Markup,
}

/// The parts of all experiments. What those that are there whole leave of [`MOST`] is shared out to the trials of each; what one does not
/// need is left to those behind it.
fn parts<'a>(views: &'a [View<'a>], pictures: &Pictures<'_>) -> Vec<Parts<'a>> {
    let fixed: Vec<Fixed> = views.iter().map(Fixed::of).collect();
    let taken = fixed.iter().map(Fixed::bytes).sum::<usize>() + pictures.bytes();
    let mut room = MOST.saturating_sub(taken);
    let parts = views
        .iter()
        .zip(fixed)
        .enumerate()
        .map(|(at, (view, fixed))| {
            let trials = trials(view, pictures, room / (views.len() - at), views.len() == 1);
            room = room.saturating_sub(trials.0.len());
            Parts {
                view,
                fixed,
                trials,
            }
        });
    parts.collect()
}

fn sections(parts: &[Parts<'_>], pictures: &Pictures<'_>) -> Markup {
    html! {
        @if pictures.left_out() > 0 {
            p.note { (counted(pictures.left_out(), "picture")) " had no room; their items are named." }
        }
        @for Parts { view, fixed, trials } in parts {
            section.experiment id=(view.prefix) aria-label=(view.name) {
                @if parts.len() > 1 { h2.name { (view.name) } }
                (fixed.answer)
                (fixed.scores)
                (trials)
                (fixed.published)
                (fixed.provenance)
            }
        }
    }
}

/// The trials of an experiment, the first first, in so many bytes: without their grids where these have no room, and named where nothing
/// has. Nothing where there is nothing to show.
fn trials(view: &View<'_>, pictures: &Pictures<'_>, mut room: usize, alone: bool) -> Markup {
    let (mut shown, mut left_out) = (Vec::new(), Vec::new());
    for &trial in &view.trials {
        let Some(id) = view.trial_id(trial) else {
            continue;
        };
        let it = TrialView::new(view, trial, id);
        let Some(forms) = trial::forms(&it, pictures) else {
            continue;
        };
        match forms.into_iter().find(|form| form.0.len() <= room) {
            Some(markup) => {
                room -= markup.0.len();
                shown.push(markup);
            }
            None => left_out.push(trial::title(trial)),
        }
    }
    if shown.is_empty() && left_out.is_empty() {
        return html! {};
    }
    html! {
        section.trials id={ (view.prefix) "-trials" } {
            h2 { "Trial by trial" }
            p.note {
                "Beside raw stands one correction: of those whose parameters were chosen, the one that did best on the held-out items, \
                 else the first. No result on the evaluated items decides which."
            }
            @for trial in shown { (trial) }
            @if !left_out.is_empty() {
                details {
                    summary {
                        (counted(left_out.len(), "trial")) " had no room on this page"
                        @if !alone { "; a page of " (view.experiment.name) " alone has more" }
                    }
                    ul { @for title in left_out { li { (title) } } }
                }
            }
        }
    }
}

/// Links to the parts that are there.
fn contents(parts: &[Parts<'_>]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @for Parts { view, fixed, trials } in parts {
                    @let links = [
                        ("answer", "Answer", true),
                        ("scores", "Numbers", true),
                        ("trials", "Trials", !trials.0.is_empty()),
                        ("published", "Expected numbers", !fixed.published.0.is_empty()),
                        ("provenance", "Provenance", true),
                    ];
                    @if parts.len() > 1 { li.name { (view.name) } }
                    @for (id, name, there) in links {
                        @if there { li { a href={ "#" (view.prefix) "-" (id) } { (name) } } }
                    }
                }
            }
        }
    }
}

/// The list from which the script shows one trial; hidden where scripts do not run.
fn chooser(views: &[View<'_>]) -> Markup {
    html! {
        p.chooser hidden {
            label for="trial" { "Show " }
            select id="trial" {
                option value="" { "everything" }
                @for view in views {
                    @for &trial in &view.trials {
                        @let setup = view.setup_id(trial.setup);
                        option value=[view.trial_id(trial)] data-setup=(setup) {
                            @if views.len() > 1 { (view.name) ": " }
                            (trial::title(trial))
                        }
                    }
                }
            }
        }
    }
}
