//! Draws the hold-out and every reference set, and refuses those that overlap what is evaluated.

use crate::open::leakage::{self, BankItems};
use crate::open::{Content, Side, Source, Sources, Table, TaskItems};
use crate::plan::Plan;
use crate::provenance::short;
use crate::spec::{ROLE_REFERENCE, ReferenceSpec};
use crate::warning::Warning;
use anyhow::{Context, Result, bail, ensure};
use nnn_data::{Direction, EmbeddedRoles, HoldOut, Pairs, hold_out, reference_set};

/// A reference set for one direction, with the hold-out that was kept out of it.
pub(crate) struct Drawn {
    pub(crate) label: String,
    /// `dataset/split(share=0.2,seed=0,n=1000)#checksum`.
    pub(crate) signature: String,
    pub(crate) query_bank: Option<Side>,
    pub(crate) gallery_bank: Option<Side>,
    pub(crate) validation: Option<TaskItems>,
    pub(crate) warnings: Vec<Warning>,
}

/// Every reference set of the config for one source and direction; with a hold-out if a method is chosen on one.
pub(crate) fn draw_references(
    plan: &Plan,
    sources: &Sources,
    source: &Source,
    direction: Direction,
    chooses: bool,
) -> Result<Vec<Drawn>> {
    if let Content::Roles(_, _, data) = &source.content {
        return Ok(vec![draw_roles(plan, source, data, chooses)?]);
    }
    let draw = Draw {
        plan,
        sources,
        source,
        direction,
        held_out: held_out(plan, sources, source, chooses)?,
    };
    let references = plan.spec.reference_sets.iter();
    references
        .map(|reference| {
            draw.one(reference)
                .with_context(|| format!("reference set `{}`", reference.label()))
        })
        .collect()
}

/// Held-out images of the evaluated data set, as many as are evaluated; none if nothing is chosen.
fn held_out(
    plan: &Plan,
    sources: &Sources,
    source: &Source,
    chooses: bool,
) -> Result<Option<(HoldOut, Vec<Warning>)>> {
    if !chooses {
        return Ok(None);
    }
    let spec = &plan.spec.hold_out;
    ensure!(
        spec.split != plan.spec.split,
        "`hold_out.split` is `{}`, which is evaluated: test items must not choose parameters",
        spec.split
    );
    let evaluated = source.pairs(&plan.spec.split)?.images().len();
    let images = spec.images.unwrap_or(evaluated);
    let parted = hold_out(source.pairs(&spec.split)?, images, spec.seed).with_context(|| {
        format!(
            "`hold_out` from `{}/{}` (set `hold_out.images`, or use `choose: fixed`)",
            source.name, spec.split
        )
    })?;
    let bank = BankItems {
        images: &source.side(
            Table::Images(spec.split.clone()),
            parted.validation.images.clone(),
        ),
        // Captions repeat by nature; it is the images that must not be evaluated twice.
        texts: &source.side(Table::Texts(spec.split.clone()), Vec::new()),
        label: "hold-out",
        transductive: false,
    };
    let warnings =
        leakage::check(sources, source, &plan.spec.split, &bank).context("`hold_out`")?;
    Ok(Some((parted, warnings)))
}

/// The items of a reference set.
struct Items {
    images: Side,
    texts: Side,
    /// Captions that were left out of it.
    repeats: usize,
}

struct Draw<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    source: &'a Source,
    direction: Direction,
    /// The hold-out, and what is to be noted about it.
    held_out: Option<(HoldOut, Vec<Warning>)>,
}

impl Draw<'_> {
    fn one(&self, reference: &ReferenceSpec) -> Result<Drawn> {
        let origin = match (&reference.dataset, &reference.texts) {
            (None, Some(file)) => self.sources.named(&file.to_string())?,
            // One data set may be there under several models; its own name means its own items.
            (Some(name), _) if *name != self.source.name => self.sources.named(name)?,
            _ => self.source,
        };
        self.check_origin(origin)?;
        self.check_split(origin, reference)?;
        let Items {
            images,
            texts,
            repeats,
        } = self.items(reference, origin)?;
        let mut drawn = self.assemble(reference, origin, images.clone(), texts.clone());
        let bank = BankItems {
            images: &images,
            texts: &texts,
            label: &drawn.label,
            transductive: reference.transductive,
        };
        let mut noted = leakage::check(self.sources, self.source, &self.plan.spec.split, &bank)?;
        if let Some((parted, warnings)) = &self.held_out {
            let spec = &self.plan.spec;
            let (split, most) = (&spec.hold_out.split, spec.captions_per_image);
            let task = self
                .source
                .task(split, &parted.validation, self.direction, most)?;
            drawn.validation = Some(task);
            noted.extend(warnings.iter().cloned());
        }
        if repeats > 0 {
            noted.push(Warning::RepeatsLeftOut {
                reference_set: drawn.label.clone(),
                captions: repeats,
                of: repeats + texts.len(),
            });
        }
        drawn.warnings = noted;
        Ok(drawn)
    }

    /// Draws the items of a reference set from what is not held out.
    fn items(&self, reference: &ReferenceSpec, origin: &Source) -> Result<Items> {
        let pairs = origin.pairs(reference.split())?;
        let holds_out_here =
            origin.index == self.source.index && reference.split() == self.plan.spec.hold_out.split;
        let free = match &self.held_out {
            Some((parted, _)) if holds_out_here => parted.rest.clone(),
            _ => pairs.everything(),
        };
        let drawn = reference_set(pairs, &free, reference.share, reference.seed)?;
        let subset = match reference.deduplicate {
            true => pairs.without_repeats(&drawn),
            false => drawn.clone(),
        };
        ensure!(
            !subset.texts.is_empty(),
            "it is empty: its {} images have no text",
            subset.images.len()
        );
        let images = match reference.texts {
            // What stands for their images is none.
            Some(_) => Vec::new(),
            None => subset.images,
        };
        let repeats = drawn.texts.len() - subset.texts.len();
        Ok(Items {
            images: origin.side(Table::Images(reference.split().to_owned()), images),
            texts: origin.side(Table::Texts(reference.split().to_owned()), subset.texts),
            repeats,
        })
    }

    /// Vectors of a model must not meet vectors of another.
    fn check_origin(&self, origin: &Source) -> Result<()> {
        let same_space = match (&self.source.content, &origin.content) {
            (Content::Items(_), Content::Items(_) | Content::Texts(_)) => true,
            (Content::Vectors(own, _), Content::Vectors(other, _)) => own == other,
            _ => false,
        };
        ensure!(
            same_space,
            "items of `{}` and of `{}` are not in one space: both must come from the same model",
            self.source.name,
            origin.name
        );
        Ok(())
    }

    fn check_split(&self, origin: &Source, reference: &ReferenceSpec) -> Result<()> {
        let evaluated = &self.plan.spec.split;
        let overlaps = origin.index == self.source.index && reference.split() == evaluated;
        ensure!(
            !overlaps || reference.transductive,
            "it is drawn from `{}/{evaluated}`, which is evaluated; a bank must not hold evaluated items \
             (write `transductive: true` to allow it, marked)",
            origin.name
        );
        Ok(())
    }

    fn assemble(
        &self,
        reference: &ReferenceSpec,
        origin: &Source,
        images: Side,
        texts: Side,
    ) -> Drawn {
        let (query, gallery) = match self.direction {
            Direction::T2i => (texts, images),
            Direction::I2t => (images, texts),
        };
        let origin_name = match reference.texts {
            Some(_) => origin.name.clone(),
            None => format!("{}/{}", origin.name, reference.split()),
        };
        let unlike = if reference.deduplicate {
            "deduplicated,"
        } else {
            ""
        };
        let signature = format!(
            "{origin_name}(share={},seed={},{unlike}n={})#{}",
            reference.share,
            reference.seed,
            query.len(),
            short(origin.identity(reference.split()))
        );
        Drawn {
            label: reference.title(),
            signature,
            query_bank: Some(query),
            gallery_bank: Some(gallery).filter(|_| reference.texts.is_none()),
            validation: None,
            warnings: Vec::new(),
        }
    }
}

/// A source by role brings its reference set along; past queries with known answers can be held out of it.
fn draw_roles(plan: &Plan, source: &Source, data: &EmbeddedRoles, chooses: bool) -> Result<Drawn> {
    let everything: Vec<u32> = (0..data.reference_queries.len() as u32).collect();
    let (held_out, bank) = match (chooses, &data.reference_to_gallery) {
        (false, _) => (None, everything),
        (true, Some(answers)) => {
            let spec = &plan.spec.hold_out;
            let past = Pairs::new(vec![String::new(); answers.len()], Vec::new(), Vec::new())?;
            let queries = spec.images.unwrap_or(data.queries.len());
            let parted = hold_out(&past, queries, spec.seed)
                .context("`hold_out` from the reference queries (set `hold_out.images`, or use `choose: fixed`)")?;
            (
                Some(source.past_task(data, answers, parted.validation.images)?),
                parted.rest.images,
            )
        }
        (true, None) if data.gallery.is_basis() => bail!(
            "`choose: validation` needs past queries with known answers, which similarities do not have: write `choose: fixed` with \
             the parameters you want"
        ),
        (true, None) => bail!(
            "`choose: validation` needs past queries with known answers: give `reference_to_gallery`, \
             or write `choose: fixed` with the parameters you want"
        ),
    };
    let gallery = data.reference_gallery.as_ref();
    Ok(Drawn {
        label: ROLE_REFERENCE.to_owned(),
        signature: format!(
            "{}/reference(seed={},n={})#{}",
            source.name,
            plan.spec.hold_out.seed,
            bank.len(),
            short(&source.sha256)
        ),
        query_bank: Some(source.side(Table::ReferenceQueries, bank)),
        gallery_bank: gallery.map(|rows| source.all_rows(Table::ReferenceGallery, rows.len())),
        validation: held_out,
        warnings: leakage::check_roles(source, data)?,
    })
}
