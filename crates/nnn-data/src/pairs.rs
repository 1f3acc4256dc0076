//! One split of a data set: images, texts, and which text describes which image.

use crate::{Direction, same_wording};
use nnn_core::{Relevance, RelevanceError};
use std::collections::HashSet;
use thiserror::Error;

/// Why images and texts do not form pairs. Everything counts from zero.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PairsError {
    /// There are more or fewer pairs than texts.
    #[error("text_to_image has {pairs} entries, expected one for each of {texts} texts")]
    Count {
        /// Number of texts.
        texts: usize,
        /// Number of entries.
        pairs: usize,
    },
    /// A text names an image that does not exist.
    #[error("text {text} names image {image}, but there are {images} images")]
    OutOfRange {
        /// The text.
        text: usize,
        /// The image named.
        image: u32,
        /// Number of images.
        images: usize,
    },
    /// An image cannot be a query (`i2t`) as no text answers it.
    #[error("image {image} ({id:?}) has no text, so it cannot be an i2t query")]
    ImageWithoutText {
        /// The image.
        image: usize,
        /// Its id.
        id: String,
    },
    /// Relevance lists cannot be made.
    #[error(transparent)]
    Relevance(#[from] RelevanceError),
}

/// Images and texts of one split; every text belongs to one image, an image may have any number of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    images: Vec<String>,
    texts: Vec<String>,
    text_to_image: Vec<u32>,
}

/// Images of a split and texts of a split, as ascending indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// Indices into [`Pairs::images`].
    pub images: Vec<u32>,
    /// Indices into [`Pairs::texts`].
    pub texts: Vec<u32>,
}

/// One direction of a split: queries, gallery and what answers what.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// Which side asks.
    pub direction: Direction,
    /// The asking side: texts for `t2i`, images for `i2t`.
    pub queries: &'a [String],
    /// The answering side.
    pub gallery: &'a [String],
    /// `t2i`: the text's image. `i2t`: all the image's texts.
    pub relevance: Relevance,
    /// For every query its image, which is what a bootstrap resamples: captions of one image are not independent.
    pub clusters: Vec<u32>,
}

impl Pairs {
    /// Joins images (ids, such as paths) and texts (captions, or ids where only vectors are known);
    /// `text_to_image[t]` is the image that text `t` belongs to.
    ///
    /// # Errors
    /// [`PairsError::Count`] and [`PairsError::OutOfRange`].
    pub fn new(
        images: Vec<String>,
        texts: Vec<String>,
        text_to_image: Vec<u32>,
    ) -> Result<Self, PairsError> {
        if texts.len() != text_to_image.len() {
            return Err(PairsError::Count {
                texts: texts.len(),
                pairs: text_to_image.len(),
            });
        }
        let outside = |&image: &u32| image as usize >= images.len();
        if let Some(text) = text_to_image.iter().position(outside) {
            return Err(PairsError::OutOfRange {
                text,
                image: text_to_image[text],
                images: images.len(),
            });
        }
        Ok(Self {
            images,
            texts,
            text_to_image,
        })
    }

    /// The images' ids.
    #[must_use]
    pub fn images(&self) -> &[String] {
        &self.images
    }

    /// The texts, or their ids.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// For every text the index of its image.
    #[must_use]
    pub fn text_to_image(&self) -> &[u32] {
        &self.text_to_image
    }

    /// Queries, gallery, relevance and clusters of one direction.
    ///
    /// # Errors
    /// [`PairsError::ImageWithoutText`] for `i2t`. A split without texts has no task.
    pub fn task(&self, direction: Direction) -> Result<Task<'_>, PairsError> {
        let (queries, gallery) = match direction {
            Direction::T2i => (&self.texts, &self.images),
            Direction::I2t => (&self.images, &self.texts),
        };
        let (relevance, clusters) = match direction {
            Direction::T2i => (
                Relevance::one_each(&self.text_to_image, self.images.len())?,
                self.text_to_image.clone(),
            ),
            Direction::I2t => (self.texts_of_images()?, all(self.images.len())),
        };
        Ok(Task {
            direction,
            queries,
            gallery,
            relevance,
            clusters,
        })
    }

    /// Every image and every text.
    #[must_use]
    pub fn everything(&self) -> Subset {
        Subset {
            images: all(self.images.len()),
            texts: all(self.texts.len()),
        }
    }

    /// The images given (ascending), with all their texts.
    pub(crate) fn with_texts(&self, images: Vec<u32>) -> Subset {
        let mut chosen = vec![false; self.images.len()];
        for &image in &images {
            chosen[image as usize] = true;
        }
        let texts = all(self.texts.len())
            .into_iter()
            .filter(|&text| chosen[self.text_to_image[text as usize] as usize])
            .collect();
        Subset { images, texts }
    }

    /// The same images with the first `most` texts of each only.
    #[must_use]
    pub fn first_texts(&self, subset: &Subset, most: usize) -> Subset {
        let mut counts = vec![0; self.images.len()];
        let first = |text: &u32| {
            let count = &mut counts[self.text_to_image[*text as usize] as usize];
            *count += 1;
            *count <= most
        };
        Subset {
            images: subset.images.clone(),
            texts: subset.texts.iter().copied().filter(first).collect(),
        }
    }

    /// The same images without the texts that repeat an earlier one, letter case and spacing aside.
    #[must_use]
    pub fn without_repeats(&self, subset: &Subset) -> Subset {
        let mut seen = HashSet::new();
        let new = |text: &u32| seen.insert(same_wording(&self.texts[*text as usize]));
        Subset {
            images: subset.images.clone(),
            texts: subset.texts.iter().copied().filter(new).collect(),
        }
    }

    /// The split's items that are in `subset`, renumbered; texts whose image is not in it are left out.
    ///
    /// # Panics
    /// An index lies outside this split: the subset was made from another one.
    #[must_use]
    pub fn select(&self, subset: &Subset) -> Self {
        let mut renumbered = vec![None; self.images.len()];
        for (new, &old) in (0u32..).zip(&subset.images) {
            renumbered[old as usize] = Some(new);
        }
        let (texts, text_to_image) = subset
            .texts
            .iter()
            .map(|&text| text as usize)
            .filter_map(|text| {
                let image = renumbered[self.text_to_image[text] as usize]?;
                Some((self.texts[text].clone(), image))
            })
            .unzip();
        let images = subset.images.iter().map(|&image| image as usize);
        Self {
            images: images.map(|image| self.images[image].clone()).collect(),
            texts,
            text_to_image,
        }
    }

    fn texts_of_images(&self) -> Result<Relevance, PairsError> {
        let mut lists = vec![Vec::new(); self.images.len()];
        for (text, &image) in (0u32..).zip(&self.text_to_image) {
            lists[image as usize].push(text);
        }
        if let Some(image) = lists.iter().position(Vec::is_empty) {
            let id = self.images[image].clone();
            return Err(PairsError::ImageWithoutText { image, id });
        }
        Ok(Relevance::new(&lists, self.texts.len())?)
    }
}

/// All indices below `count`; splits are indexed by u32 throughout.
fn all(count: usize) -> Vec<u32> {
    (0u32..).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn pairs() -> Pairs {
        Pairs::new(
            names(&["a", "b", "c"]),
            names(&["t0", "t1", "t2", "t3"]),
            vec![2, 0, 1, 0],
        )
        .expect("valid pairs")
    }

    #[test]
    fn texts_ask_for_their_image() {
        let pairs = pairs();
        let task = pairs.task(Direction::T2i).expect("a task");
        assert_eq!(task.queries, pairs.texts());
        assert_eq!(task.gallery, pairs.images());
        assert_eq!(task.relevance.of(0), [2]);
        assert_eq!(task.clusters, [2, 0, 1, 0]);
    }

    #[test]
    fn images_ask_for_all_their_texts() {
        let pairs = pairs();
        let task = pairs.task(Direction::I2t).expect("a task");
        assert_eq!(task.queries, pairs.images());
        assert_eq!(task.relevance.of(0), [1, 3]);
        assert_eq!(task.relevance.gallery(), 4);
        assert_eq!(task.clusters, [0, 1, 2]);
    }

    #[test]
    fn subsets_are_renumbered() {
        let pairs = pairs();
        let subset = pairs.with_texts(vec![0, 2]);
        assert_eq!(subset.texts, [0, 1, 3]);
        let part = pairs.select(&subset);
        assert_eq!(part.images(), ["a", "c"]);
        assert_eq!(part.texts(), ["t0", "t1", "t3"]);
        assert_eq!(part.text_to_image(), [1, 0, 0]);
        assert_eq!(pairs.select(&pairs.everything()), pairs);
    }

    #[test]
    fn texts_of_a_subset_are_thinned() {
        let texts = names(&["a Dog", "a dog ", "a cat", "A  dog"]);
        let pairs = Pairs::new(names(&["x", "y"]), texts, vec![0, 0, 1, 1]).expect("valid pairs");
        let everything = pairs.everything();
        assert_eq!(pairs.first_texts(&everything, 1).texts, [0, 2]);
        assert_eq!(pairs.first_texts(&everything, 2), everything);
        let unlike = pairs.without_repeats(&everything);
        assert_eq!((unlike.images, unlike.texts), (vec![0, 1], vec![0, 2]));
        let second = pairs.with_texts(vec![1]);
        assert_eq!(pairs.without_repeats(&second).texts, [2, 3]);
    }

    #[test]
    fn bad_pairs_are_named() {
        let count = Pairs::new(names(&["a"]), names(&["t"]), vec![0, 0]);
        assert_eq!(
            count.expect_err("two entries for one text").to_string(),
            "text_to_image has 2 entries, expected one for each of 1 texts"
        );
        let outside = Pairs::new(names(&["a"]), names(&["t", "u"]), vec![0, 1]);
        assert_eq!(
            outside.expect_err("no image 1").to_string(),
            "text 1 names image 1, but there are 1 images"
        );
        let lonely = Pairs::new(names(&["a", "b"]), names(&["t"]), vec![0]).expect("valid pairs");
        assert!(lonely.task(Direction::T2i).is_ok());
        assert_eq!(
            lonely
                .task(Direction::I2t)
                .expect_err("b has none")
                .to_string(),
            "image 1 (\"b\") has no text, so it cannot be an i2t query"
        );
    }
}
