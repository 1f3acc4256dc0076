//! `report.html`, made of what results folders hold.

use crate::plan::overrides::narrowed;
use crate::results::folder::{SHOWN, TRIALS};
use crate::results::run_record::{RunRecord, Told, ToldInput};
use crate::results::trial_record::TrialRecord;
use anyhow::{Context, Result, ensure};
use nnn_files::sha256_file;
use nnn_report::{
    AbsentModel, CheckRow, ChoosingRow, ClassRow, ComparisonRow, Expectation, Experiment, GridRow,
    Input, OccurrenceRow, Provenance, Records, ScoreRow, SearchRow, Shown, TrialTimes, read_shown,
    write_page,
};
use serde_json::Value;
use std::path::{Component, Path};

/// Everything of one results folder that a page shows.
struct Recorded {
    name: String,
    scores: Vec<ScoreRow>,
    comparisons: Vec<ComparisonRow>,
    choosing: Vec<ChoosingRow>,
    grid: Vec<GridRow>,
    classes: Vec<ClassRow>,
    occurrences: Vec<OccurrenceRow>,
    shown: Vec<Shown>,
    absent_models: Vec<AbsentModel>,
    searches: Vec<SearchRow>,
    expect: Vec<Expectation>,
    provenance: Provenance,
}

/// Writes one page of some results folders and returns its sentence for each of them.
pub(crate) fn write(folders: &[&Path], page: &Path) -> Result<Vec<String>> {
    let recorded: Vec<Recorded> = folders
        .iter()
        .map(|folder| Recorded::read(folder))
        .collect::<Result<_>>()?;
    let checks: Vec<Vec<CheckRow>> = recorded.iter().map(Recorded::checks).collect();
    let links: Vec<String> = folders
        .iter()
        .map(|folder| link(page, folder))
        .collect::<Result<_>>()?;
    let experiments = recorded.iter().zip(&checks).zip(&links);
    let experiments: Vec<Experiment<'_>> = experiments
        .map(|((recorded, checks), folder)| recorded.experiment(checks, folder))
        .collect();
    write_page(page, &experiments)?;
    let answers = experiments.iter().map(|it| nnn_report::answer(&it.records));
    Ok(answers.collect())
}

impl Recorded {
    fn read(folder: &Path) -> Result<Self> {
        let (run, told) = (RunRecord::read(folder)?, Told::read(folder)?);
        let mut recorded = Self {
            scores: Vec::new(),
            comparisons: Vec::new(),
            choosing: Vec::new(),
            grid: Vec::new(),
            classes: Vec::new(),
            occurrences: Vec::new(),
            shown: Vec::new(),
            provenance: provenance(&run, &told)?,
            name: run.experiment,
            expect: run.config.expect,
            absent_models: run.absent_models,
            searches: run.bank_searches,
        };
        for trial in &told.trials {
            recorded.add(folder, &trial.record)?;
        }
        Ok(recorded)
    }

    fn add(&mut self, folder: &Path, key: &str) -> Result<()> {
        let path = folder.join(TRIALS).join(format!("{key}.json"));
        let record = TrialRecord::read(&path)?;
        let shown = record.files.iter();
        for (file, sum) in shown.filter(|(file, _)| file.starts_with(&format!("{SHOWN}/"))) {
            let path = folder.join(file);
            let found = sha256_file(&path).with_context(|| path.display().to_string())?;
            ensure!(
                found == *sum,
                "{}: not what the run wrote; run its config again",
                path.display()
            );
            self.shown.push(read_shown(&path)?);
        }
        self.scores.extend(record.scores);
        self.comparisons.extend(record.comparisons);
        self.choosing.extend(record.choosing);
        self.grid.extend(record.grid);
        self.classes.extend(record.classes);
        self.occurrences.extend(record.occurrences);
        Ok(())
    }

    fn records(&self) -> Records<'_> {
        Records {
            scores: &self.scores,
            comparisons: &self.comparisons,
            choosing: &self.choosing,
            searches: &self.searches,
            occurrences: &self.occurrences,
            classes: &self.classes,
            absent_models: &self.absent_models,
            ..Records::default()
        }
    }

    fn checks(&self) -> Vec<CheckRow> {
        let narrowed = narrowed(&self.provenance.overrides);
        let records = Records {
            narrowed: narrowed.as_deref(),
            ..self.records()
        };
        nnn_report::check(&records, &self.expect)
    }

    fn experiment<'a>(&'a self, checks: &'a [CheckRow], folder: &'a str) -> Experiment<'a> {
        Experiment {
            name: &self.name,
            folder,
            records: self.records(),
            grid: &self.grid,
            shown: &self.shown,
            checks,
            provenance: &self.provenance,
        }
    }
}

fn provenance(run: &RunRecord, told: &Told) -> Result<Provenance> {
    let mut config = told.config.clone();
    // Published tables are thousands of lines, and have a part of their own.
    config.remove("expect");
    let description = config.get("description").and_then(Value::as_str);
    Ok(Provenance {
        description: description.unwrap_or_default().to_owned(),
        config_file: told.config_file.clone(),
        config: serde_json::to_string_pretty(&config)?,
        overrides: run.overrides.clone(),
        complete: run.complete,
        code: told.code.clone(),
        machine: told.machine.clone(),
        inputs: told.inputs.iter().flat_map(inputs).collect(),
        trials: told
            .trials
            .iter()
            .map(|it| TrialTimes {
                trial: it.trial.clone(),
                seconds: it.seconds.clone(),
            })
            .collect(),
        warnings: told.warnings.iter().map(|it| it.message.clone()).collect(),
        published: run.published.iter().map(ToString::to_string).collect(),
    })
}

fn inputs(told: &ToldInput) -> impl Iterator<Item = Input> {
    let of = told.data.as_ref().or(told.model.as_ref());
    told.files.iter().map(move |(file, sha256)| Input {
        of: of.cloned().unwrap_or_default(),
        file: file.clone(),
        sha256: sha256.clone(),
    })
}

/// The way from a page's folder, which is made, to a results folder, with `/` between its parts.
fn link(page: &Path, folder: &Path) -> Result<String> {
    let beside = page.parent().filter(|it| !it.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    std::fs::create_dir_all(beside).with_context(|| beside.display().to_string())?;
    let whole = |path: &Path| {
        let whole = path.canonicalize();
        whole.with_context(|| path.display().to_string())
    };
    let (from, to) = (whole(beside)?, whole(folder)?);
    let from: Vec<Component<'_>> = from.components().collect();
    let to: Vec<Component<'_>> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..]
        .iter()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    Ok(match parts.is_empty() {
        true => ".".to_owned(),
        false => parts.join("/"),
    })
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_page_finds_its_folders_from_where_it_lies() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |path: &str| root.path().join(path);
        for folder in ["results/a", "results/a b"] {
            std::fs::create_dir_all(at(folder)).expect("made");
        }
        let links = [
            ("results/a/report.html", "results/a"),
            ("results/report.html", "results/a b"),
            ("pages/x/report.html", "results/a"),
            ("results/../report.html", "results/a"),
        ]
        .map(|(page, folder)| link(&at(page), &at(folder)).expect("a link"));
        assert_eq!(links, [".", "a b", "../../results/a", "results/a"]);
    }
}
