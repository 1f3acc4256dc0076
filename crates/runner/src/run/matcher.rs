//! The matching head of a loaded model, on the pairs of a task.

use crate::open::images::named;
use crate::open::{Content, Side, Table, TaskItems};
use crate::run::embedder::{Embedder, Known};
use crate::terminal::progress::Progress;
use anyhow::{Context, Result, bail};
use nnn_encode::{ExtractOptions, Pair, match_pairs};
use nnn_trial::{Matched, PairMatcher, QueryItem};
use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The pairs of one task.
pub(crate) struct Matcher<'e, 'a> {
    embedder: RefCell<&'e mut Embedder<'a>>,
    model: Option<usize>,
    task: &'e TaskItems,
}

impl<'e, 'a> Matcher<'e, 'a> {
    pub(crate) fn new(
        embedder: &'e mut Embedder<'a>,
        model: Option<usize>,
        task: &'e TaskItems,
    ) -> Self {
        Self {
            embedder: RefCell::new(embedder),
            model,
            task,
        }
    }
}

impl PairMatcher for Matcher<'_, '_> {
    fn matched(&self, pairs: &[QueryItem]) -> Result<Matched, Box<dyn Error + Send + Sync>> {
        let model = self.model.context("vectors from files have no model")?;
        let (queries, gallery) = (&self.task.queries, &self.task.gallery);
        let images_ask = matches!(queries.table, Table::Images(_));
        let pair = |&(query, item): &QueryItem| {
            let (query, item) = (queries.rows[query as usize], gallery.rows[item as usize]);
            let (image, text) = if images_ask {
                (query, item)
            } else {
                (item, query)
            };
            Pair { image, text }
        };
        let pairs: Vec<Pair> = pairs.iter().map(pair).collect();
        let images = if images_ask { queries } else { gallery };
        Ok(self.embedder.borrow_mut().matched(model, images, &pairs)?)
    }
}

impl Embedder<'_> {
    /// Logits of pairs of the rows of the split of `images`.
    fn matched(&mut self, model: usize, images: &Side, pairs: &[Pair]) -> Result<Matched> {
        let of = Some((model, images.source, images.table.clone()));
        if self.known.of != of {
            self.known = Known {
                of,
                logits: HashMap::new(),
            };
        }
        let known = &self.known.logits;
        let new: Vec<Pair> = pairs
            .iter()
            .copied()
            .filter(|pair| !known.contains_key(pair))
            .collect();
        let (found, adds_similarity) = self.new_logits(model, images, &new)?;
        let known = &mut self.known.logits;
        known.extend(new.into_iter().zip(found));
        Ok(Matched {
            logits: pairs.iter().map(|pair| known[pair]).collect(),
            adds_similarity,
        })
    }

    fn new_logits(
        &mut self,
        model: usize,
        images: &Side,
        pairs: &[Pair],
    ) -> Result<(Vec<f32>, bool)> {
        self.load(model)?;
        let name = &self.plan.models[model].card.name;
        let head = self.encoder.as_ref().and_then(|(_, encoder)| {
            let head = encoder.reranker()?;
            Some((&**encoder, head))
        });
        let (encoder, head) = head.with_context(|| format!("`{name}` has no matching head"))?;
        let source = &self.sources.all()[images.source];
        let (Content::Items(store), Table::Images(split)) = (&source.content, &images.table) else {
            bail!("`{}` has no images and captions to look at", source.name);
        };
        let items = source.pairs(split)?;
        let files = source.image_files(&source.all_images(split)?)?;
        let label = format!("{name}: pairs of {}/{split}", source.name);
        let progress = Progress::new(&label, pairs.len() as u64, "pairs");
        let done = AtomicUsize::new(0);
        let advance =
            |pairs: usize| progress.advance((pairs - done.swap(pairs, Ordering::Relaxed)) as u64);
        let options = ExtractOptions {
            progress: Some(&advance),
            ..ExtractOptions::default()
        };
        let logits = match_pairs((encoder, head), &files, items.texts(), pairs, &options)
            .map_err(|error| named(store, error))
            .with_context(|| format!("matching pairs of `{}/{split}`", source.name))?;
        Ok((logits, head.adds_similarity()))
    }
}
