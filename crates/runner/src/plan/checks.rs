//! What a config must say before its cards are read: names, directions, reference sets, and settings that go together.

use crate::plan::cards::ModelEntry;
use crate::plan::registry::{self, ModelFamily};
use crate::plan::settings::Settings;
use crate::spec::{EmbeddingsSpec, Spec};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::TieRule;
use nnn_data::Direction;
use nnn_trial::Method;
use nnn_trial::top_means;

/// Names become parts of file names, which systems limit to 255 bytes.
const LONGEST_NAME: usize = 80;

/// The name becomes a folder, so it must be one plain path part.
pub(super) fn experiment_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    ensure!(
        fits && name.chars().all(plain) && !name.starts_with('.'),
        "`experiment` is {name:?}; expected 1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`, as it names a folder"
    );
    Ok(())
}

pub(super) fn directions(directions: &[Direction]) -> Result<()> {
    ensure!(
        !directions.is_empty(),
        "`directions` is empty; expected t2i, i2t or both"
    );
    let repeated = (1..directions.len()).any(|i| directions[..i].contains(&directions[i]));
    ensure!(!repeated, "`directions` names one direction twice");
    Ok(())
}

pub(super) fn references(spec: &Spec) -> Result<()> {
    let mut labels = Vec::new();
    for reference in &spec.reference_sets {
        let label = reference.label();
        ensure!(
            reference.share > 0.0 && reference.share <= 1.0,
            "reference set `{label}`: share is {}, expected a number above 0 and at most 1, such as 0.2 for 20 %",
            reference.share
        );
        let beside = [
            ("dataset", reference.dataset.is_some()),
            ("split", reference.split.is_some()),
        ];
        if let (Some(_), Some((key, _))) = (&reference.texts, beside.iter().find(|it| it.1)) {
            bail!("reference set `{label}`: `texts` and `{key}` exclude each other");
        }
        ensure!(
            reference.texts.is_none() || !spec.directions.contains(&Direction::I2t),
            "reference set `{label}`: `texts` can only be asked in t2i, but `directions` has i2t"
        );
        ensure!(
            !label.trim().is_empty() && label.chars().count() <= LONGEST_NAME,
            "reference set {label:?}: expected a name of 1 to {LONGEST_NAME} characters"
        );
        ensure!(
            !labels.contains(&label),
            "two reference sets are called `{label}`; give them names"
        );
        labels.push(label);
    }
    Ok(())
}

/// Rows are told apart by data set and model.
pub(super) fn embeddings(embeddings: &[EmbeddingsSpec]) -> Result<()> {
    for (index, source) in embeddings.iter().enumerate() {
        let same =
            |other: &EmbeddingsSpec| other.name == source.name && other.model == source.model;
        ensure!(
            !embeddings[..index].iter().any(same),
            "`embeddings` lists `{}` twice; give each a name or a model of its own",
            source.name
        );
    }
    Ok(())
}

/// A source by role or similarity brings its own direction, split and reference set along: what a config says of them beside is a
/// mistake where nothing else reads it.
pub(super) fn roles(spec: &Spec) -> Result<()> {
    let by_role = |source: &&EmbeddingsSpec| source.by_dataset.is_none();
    let Some(source) = spec.embeddings.iter().find(by_role) else {
        return Ok(());
    };
    let own = source.direction.unwrap_or(Direction::T2i);
    ensure!(
        spec.directions.contains(&own),
        "`directions` leaves out {own}, the direction of `{}`; set `direction` there, not `directions`",
        source.name
    );
    let alone = spec.datasets.is_empty() && spec.embeddings.iter().all(|it| by_role(&it));
    if !alone {
        return Ok(());
    }
    let own = [
        ("split", spec.split == crate::spec::test_split()),
        (
            "reference_sets",
            spec.reference_sets == crate::spec::default_reference_sets(),
        ),
        (
            "hold_out.split",
            spec.hold_out.split == crate::spec::HoldOutSpec::default().split,
        ),
    ];
    match own.iter().find(|(_, is_default)| !is_default) {
        Some((key, _)) => bail!(
            "`{key}` is given, but `{}` has no splits: its queries and past queries are the files that it names",
            source.name
        ),
        None => Ok(()),
    }
}

/// Without a reference set, a method that reads one would have no row.
pub(super) fn banks(spec: &Spec, methods: &[Method]) -> Result<()> {
    let reader = methods.iter().find(|method| !method.stat_plan().is_empty());
    match reader {
        Some(method) if spec.reference_sets.is_empty() => bail!(
            "`reference_sets` is empty, but `{}` reads one",
            method.family.name()
        ),
        _ => Ok(()),
    }
}

/// A search that nothing reads would be ignored, and a number that no bank fits is known to be wrong already.
pub(super) fn bank_search(settings: &Settings, methods: &[Method]) -> Result<()> {
    let Some(search) = settings.measures.bank_search else {
        return Ok(());
    };
    let read = methods
        .iter()
        .any(|m| !top_means(&m.stat_plan()).is_empty());
    ensure!(
        read,
        "`compute.bank_search` is set, but no method here reads means of the largest similarities to the query bank, as `nnn` \
         and `csls` do"
    );
    let checked = search.check_bank(usize::MAX);
    checked.context("`compute.bank_search.ivf`")
}

/// Ranking again takes a head that looks at items, not vectors, and says which of equals comes first.
pub(super) fn rerank(spec: &Spec, settings: &Settings, models: &[ModelEntry]) -> Result<()> {
    if settings.rerank.is_none() {
        return Ok(());
    }
    ensure!(
        spec.embeddings.is_empty(),
        "`rerank` looks at images and captions, but `embeddings` gives vectors; use `models` and `datasets`"
    );
    ensure!(
        settings.measures.ties == TieRule::Index,
        "`rerank` goes with `ties: index`, received `{}`",
        settings.measures.ties.name()
    );
    // The family of a repository without a card is known once its files are here.
    for ModelEntry { card, .. } in models.iter().filter(|it| it.repository.is_none()) {
        matching_head(&card.name, registry::model_family(&card.family)?)?;
    }
    Ok(())
}

/// Refuses a model without a matching head where one is needed.
pub(crate) fn matching_head(name: &str, family: &ModelFamily) -> Result<()> {
    let heads = registry::MODELS.iter().filter(|family| family.matches);
    let heads: Vec<_> = heads.map(|family| family.name).collect();
    ensure!(
        family.matches,
        "`rerank` is set, but model `{name}` is of family `{}`, which has no matching head (families that have one: {})",
        family.name,
        heads.join(", ")
    );
    Ok(())
}
