//! Evaluated items in a bank: images by their content, captions by their wording.

use crate::open::{Content, Side, Source, Sources, Table};
use crate::spec::ROLE_REFERENCE;
use crate::warning::Warning;
use anyhow::{Result, bail};
use nnn_core::Embeddings;
use nnn_data::{EmbeddedRoles, Identities, overlap, row_contents, shared};

/// A bank or a hold-out, to be compared with what is evaluated.
pub(crate) struct BankItems<'a> {
    pub(crate) images: &'a Side,
    pub(crate) texts: &'a Side,
    pub(crate) label: &'a str,
    /// Whether the config allows evaluated items in it.
    pub(crate) transductive: bool,
}

/// Refuses a bank with evaluated images in it; notes what both have by chance.
///
/// An image of the same data set and name is the same item. Equal content under another name is a duplicate, which real
/// collections have: a few are noted, a bank made of nothing else is refused.
pub(crate) fn check(
    sources: &Sources,
    evaluated: &Source,
    split: &str,
    bank: &BankItems<'_>,
) -> Result<Vec<Warning>> {
    let origin = &sources.all()[bank.images.source];
    let everything = evaluated.pairs(split)?.everything();
    let test_images = evaluated.side(Table::Images(split.to_owned()), everything.images);
    let test_texts = evaluated.side(Table::Texts(split.to_owned()), everything.texts);
    let bank_side = Known::of(origin, bank.images, bank.texts)?;
    let test_side = Known::of(evaluated, &test_images, &test_texts)?;
    let found = overlap(bank_side.identities(), test_side.identities());
    let duplicates = found.contents.len();
    let copied = duplicates > 0 && duplicates == bank.images.len();
    let leak = found
        .images
        .first()
        .or(found.contents.first().filter(|_| copied));
    if let Some(&(in_bank, in_test)) = leak {
        let items = found.images.len().max(duplicates);
        if !bank.transductive {
            bail!(
                "{items} of its {} images are evaluated too, such as {:?} (the same as {:?} of `{}/{split}`); \
                 a bank must not hold evaluated items",
                bank.images.len(),
                bank_side.ids[in_bank as usize],
                test_side.ids[in_test as usize],
                evaluated.name
            );
        }
        return Ok(vec![bank.transductive_warning(evaluated, items)]);
    }
    Ok(bank.notes(evaluated, duplicates, found.texts))
}

impl BankItems<'_> {
    fn transductive_warning(&self, evaluated: &Source, items: usize) -> Warning {
        Warning::Transductive {
            reference_set: self.label.to_owned(),
            dataset: evaluated.name.clone(),
            items,
        }
    }

    fn notes(&self, evaluated: &Source, duplicates: usize, captions: usize) -> Vec<Warning> {
        let images = Warning::ImagesDuplicated {
            reference_set: self.label.to_owned(),
            dataset: evaluated.name.clone(),
            images: duplicates,
            of: self.images.len(),
        };
        let images = Some(images).filter(|_| duplicates > 0);
        let captions = note_captions(captions, self.texts.len(), self.label, evaluated);
        images.into_iter().chain(captions).collect()
    }
}

/// All that identifies the items of a side.
struct Known<'a> {
    dataset: &'a str,
    ids: Vec<String>,
    contents: Vec<String>,
    captions: Vec<String>,
}

impl<'a> Known<'a> {
    fn of(source: &'a Source, images: &Side, texts: &Side) -> Result<Self> {
        Ok(Self {
            dataset: &source.name,
            ids: source.image_ids(images)?,
            contents: source.contents(images)?,
            captions: source.captions(texts)?,
        })
    }

    fn identities(&self) -> Identities<'_> {
        Identities {
            dataset: self.dataset,
            images: &self.ids,
            contents: &self.contents,
            texts: &self.captions,
        }
    }
}

fn note_captions(captions: usize, of: usize, label: &str, evaluated: &Source) -> Vec<Warning> {
    let warning = Warning::CaptionsShared {
        reference_set: label.to_owned(),
        dataset: evaluated.name.clone(),
        captions,
        of,
    };
    if captions == 0 {
        Vec::new()
    } else {
        vec![warning]
    }
}

/// Reference queries that are evaluated too. The same question may be asked twice, so a few are a warning; a bank made
/// of nothing else is an error.
pub(crate) fn check_roles(source: &Source, data: &EmbeddedRoles) -> Result<Vec<Warning>> {
    let contents = |rows: &Embeddings| row_contents(rows.rows());
    let both = shared(&contents(&data.reference_queries), &contents(&data.queries)).len();
    if both == data.reference_queries.len() {
        bail!(
            "all {both} reference queries of `{}` are evaluated queries; a bank must not hold evaluated items",
            source.name
        );
    }
    Ok(note_captions(
        both,
        data.reference_queries.len(),
        ROLE_REFERENCE,
        source,
    ))
}

impl Source {
    fn image_ids(&self, side: &Side) -> Result<Vec<String>> {
        let (Table::Images(split) | Table::Texts(split)) = &side.table else {
            return Ok(Vec::new());
        };
        let pairs = self.pairs(split)?;
        Ok(side
            .rows
            .iter()
            .map(|&row| pairs.images()[row as usize].clone())
            .collect())
    }

    /// What identifies each image: its file's checksum, or its vector's. Nothing where nothing else reads the images.
    fn contents(&self, side: &Side) -> Result<Vec<String>> {
        match (&self.content, &side.table) {
            (Content::Items(_), Table::Images(split)) if self.reads_images(split) => {
                self.image_sums(side)
            }
            (Content::Vectors(..), Table::Images(_)) => {
                Ok(row_contents(self.vectors(side)?.rows()))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn captions(&self, side: &Side) -> Result<Vec<String>> {
        match (&self.content, &side.table) {
            (Content::Items(_) | Content::Texts(_), Table::Texts(split)) => {
                let texts = self.pairs(split)?.texts();
                Ok(side
                    .rows
                    .iter()
                    .map(|&row| texts[row as usize].clone())
                    .collect())
            }
            _ => Ok(Vec::new()),
        }
    }
}
