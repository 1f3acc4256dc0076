//! One split of a data set: images, texts, and which text describes which image.

use crate::{Cluster, Direction, same_wording};
use nnn_core::{GroupError, Groups, Relevance, RelevanceError};
use nnn_files::counted;
use std::collections::{BTreeMap, HashMap, HashSet};
use thiserror::Error;

/// Why images and texts do not form pairs. Everything counts from zero.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PairsError {
    /// There are more or fewer pairs than texts.
    #[error("text_to_image has {}, expected one for each of {}", counted(*pairs, "entry"), counted(*texts, "text"))]
    Count {
        /// Number of texts.
        texts: usize,
        /// Number of entries.
        pairs: usize,
    },
    /// A text names an image that does not exist.
    #[error("text {text} names image {image}, but there {} {}", if *images == 1 { "is" } else { "are" }, counted(*images, "image"))]
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
    /// There are more or fewer classes or groups than images.
    #[error("{found} {what} given, expected one for each of {images} images")]
    Labels {
        /// `classes` or `groups`.
        what: &'static str,
        /// Number of labels.
        found: usize,
        /// Number of images.
        images: usize,
    },
    /// An image has no class where others have one.
    #[error("image {image} ({id:?}) has no class, but others have one")]
    NoClass {
        /// The image.
        image: usize,
        /// Its id.
        id: String,
    },
    /// Labels are no groups.
    #[error(transparent)]
    Groups(Box<GroupError>),
    /// Relevance lists cannot be made.
    #[error(transparent)]
    Relevance(#[from] RelevanceError),
}

/// Images and texts of one split; every text belongs to one image, an image may have any number of texts.
///
/// In a split **with classes** ([`Pairs::with_classes`]) a text belongs to all images of its image's class instead, and what
/// is said of one class in the same words is one text. **Groups** ([`Pairs::with_groups`]) also sort the images
/// into two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    images: Vec<String>,
    texts: Vec<String>,
    text_to_image: Vec<u32>,
    /// One per image.
    classes: Option<Vec<String>>,
    groups: Option<Groups>,
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
    /// `t2i`: the text's image, or all images of its class. `i2t`: all texts of the image, or of its class.
    pub relevance: Relevance,
    /// For every query its image, which is what a bootstrap resamples: captions of one image are not independent. For
    /// texts of classes the first image of the class, as texts of one class are not independent either.
    pub clusters: Vec<u32>,
    /// What a cluster is.
    pub cluster: Cluster,
    /// The class of every query, in a split with classes.
    pub query_classes: Option<Vec<String>>,
    /// The groups of the gallery, where they are known and it is images.
    pub groups: Option<&'a Groups>,
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
            classes: None,
            groups: None,
        })
    }

    /// Gives every image a class, such as the occupation that it shows: what answers a text are then all images of its
    /// image's class. Equal texts of one class become one, at the place of the first.
    ///
    /// # Errors
    /// [`PairsError::Labels`]; [`PairsError::NoClass`] for a blank one.
    pub fn with_classes(mut self, classes: Vec<String>) -> Result<Self, PairsError> {
        self.check_labels("classes", classes.len())?;
        if let Some(image) = classes.iter().position(|class| class.trim().is_empty()) {
            let id = self.images[image].clone();
            return Err(PairsError::NoClass { image, id });
        }
        self.classes = Some(classes);
        let everything = self.everything();
        Ok(self.select(&everything))
    }

    /// Sorts the images into two groups by one label per image; a blank label stands for neither group. `names` are those of the first and
    /// the second group.
    ///
    /// # Errors
    /// [`PairsError::Labels`]; [`PairsError::Groups`] names an image with another label.
    pub fn with_groups(
        mut self,
        names: &[String; 2],
        labels: &[String],
    ) -> Result<Self, PairsError> {
        self.check_labels("groups", labels.len())?;
        let groups = Groups::new(names, labels);
        self.groups = Some(groups.map_err(|error| PairsError::Groups(Box::new(error)))?);
        Ok(self)
    }

    fn check_labels(&self, what: &'static str, found: usize) -> Result<(), PairsError> {
        let images = self.images.len();
        if found == images {
            return Ok(());
        }
        Err(PairsError::Labels {
            what,
            found,
            images,
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

    /// For every text the index of its image; in a split with classes, of the first image of its class.
    #[must_use]
    pub fn text_to_image(&self) -> &[u32] {
        &self.text_to_image
    }

    /// The class of every image, in a split with classes.
    #[must_use]
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// How many images each class has; empty without classes.
    #[must_use]
    pub fn class_sizes(&self) -> BTreeMap<&str, usize> {
        let mut sizes = BTreeMap::new();
        for class in self.classes.iter().flatten() {
            *sizes.entry(class.as_str()).or_default() += 1;
        }
        sizes
    }

    /// The groups of the images, where they are known.
    #[must_use]
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
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
        let (relevance, clusters, groups) = match direction {
            Direction::T2i => (
                self.images_of_texts()?,
                self.text_to_image.clone(),
                self.groups.as_ref(),
            ),
            Direction::I2t => (self.texts_of_images()?, all(self.images.len()), None),
        };
        Ok(Task {
            direction,
            queries,
            gallery,
            relevance,
            query_classes: self.classes_of(&clusters),
            clusters,
            cluster: match (direction, &self.classes) {
                (Direction::T2i, Some(_)) => Cluster::Class,
                _ => Cluster::Image,
            },
            groups,
        })
    }

    fn classes_of(&self, images: &[u32]) -> Option<Vec<String>> {
        let classes = self.classes.as_ref()?;
        Some(
            images
                .iter()
                .map(|&image| classes[image as usize].clone())
                .collect(),
        )
    }

    /// For every image the first of its class; without classes itself.
    fn first_of_class(&self) -> Vec<u32> {
        let Some(classes) = &self.classes else {
            return all(self.images.len());
        };
        let mut first = HashMap::new();
        let images = (0u32..).zip(classes);
        images
            .map(|(image, class)| *first.entry(class).or_insert(image))
            .collect()
    }

    /// Every image and every text.
    #[must_use]
    pub fn everything(&self) -> Subset {
        Subset {
            images: all(self.images.len()),
            texts: all(self.texts.len()),
        }
    }

    /// The images given (ascending), with all their texts, or all texts of their classes.
    pub(crate) fn with_texts(&self, images: Vec<u32>) -> Subset {
        let first = self.first_of_class();
        let mut chosen = vec![false; self.images.len()];
        for &image in &images {
            chosen[first[image as usize] as usize] = true;
        }
        let texts = all(self.texts.len())
            .into_iter()
            .filter(|&text| chosen[first[self.text_to_image[text as usize] as usize] as usize])
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

    /// The split's items that are in `subset`, renumbered; texts whose image, or whose class, is not in it are left out.
    ///
    /// # Panics
    /// An index lies outside this split: the subset was made from another one.
    #[must_use]
    pub fn select(&self, subset: &Subset) -> Self {
        let first = self.first_of_class();
        let mut renumbered = vec![None; self.images.len()];
        for (new, &old) in (0u32..).zip(&subset.images) {
            renumbered[first[old as usize] as usize].get_or_insert(new);
        }
        let mut seen = HashSet::new();
        let (mut texts, mut text_to_image) = (Vec::new(), Vec::new());
        for text in subset.texts.iter().map(|&text| text as usize) {
            let Some(image) = renumbered[first[self.text_to_image[text] as usize] as usize] else {
                continue;
            };
            let wording = &self.texts[text];
            if self.classes.is_some() && !seen.insert((image, wording)) {
                continue;
            }
            texts.push(wording.clone());
            text_to_image.push(image);
        }
        Self {
            images: chosen(&self.images, &subset.images),
            texts,
            text_to_image,
            classes: self
                .classes
                .as_ref()
                .map(|classes| chosen(classes, &subset.images)),
            groups: self
                .groups
                .as_ref()
                .map(|groups| groups.select(&subset.images)),
        }
    }

    fn images_of_texts(&self) -> Result<Relevance, RelevanceError> {
        if self.classes.is_none() {
            return Relevance::one_each(&self.text_to_image, self.images.len());
        }
        let mut classes = vec![Vec::new(); self.images.len()];
        for (image, &first) in (0u32..).zip(&self.first_of_class()) {
            classes[first as usize].push(image);
        }
        let lists = self
            .text_to_image
            .iter()
            .map(|&image| &classes[image as usize]);
        Relevance::new(&lists.collect::<Vec<_>>(), self.images.len())
    }

    fn texts_of_images(&self) -> Result<Relevance, PairsError> {
        let mut lists = vec![Vec::new(); self.images.len()];
        for (text, &image) in (0u32..).zip(&self.text_to_image) {
            lists[image as usize].push(text);
        }
        let first = self.first_of_class();
        let lists: Vec<&Vec<u32>> = first.iter().map(|&image| &lists[image as usize]).collect();
        if let Some(image) = lists.iter().position(|list| list.is_empty()) {
            let id = self.images[image].clone();
            return Err(PairsError::ImageWithoutText { image, id });
        }
        Ok(Relevance::new(&lists, self.texts.len())?)
    }
}

fn chosen(items: &[String], indices: &[u32]) -> Vec<String> {
    let items = indices.iter().map(|&index| items[index as usize].clone());
    items.collect()
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
        assert_eq!(task.cluster, Cluster::Image);
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

    /// Six photographs of two occupations, each with the template of its occupation.
    fn photographs() -> Pairs {
        let classes = names(&["nurse", "judge", "nurse", "judge", "nurse", "nurse"]);
        let groups = names(&["a", "b", "b", "", "a", "a"]);
        let texts = classes.iter().map(|class| format!("the {class}")).collect();
        Pairs::new(names(&["0", "1", "2", "3", "4", "5"]), texts, all(6))
            .and_then(|pairs| pairs.with_classes(classes))
            .and_then(|pairs| pairs.with_groups(&["a", "b"].map(str::to_owned), &groups))
            .expect("valid labels")
    }

    #[test]
    fn texts_of_classes_ask_for_all_images_of_their_class() {
        let pairs = photographs();
        assert_eq!(pairs.texts(), ["the nurse", "the judge"]);
        assert_eq!(pairs.text_to_image(), [0, 1]);
        assert_eq!(
            pairs.class_sizes(),
            BTreeMap::from([("judge", 2), ("nurse", 4)])
        );
        let task = pairs.task(Direction::T2i).expect("a task");
        assert_eq!(task.relevance.of(0), [0, 2, 4, 5]);
        assert_eq!(task.relevance.of(1), [1, 3]);
        assert_eq!(task.clusters, [0, 1]);
        assert_eq!(task.cluster, Cluster::Class);
        assert_eq!(task.query_classes, Some(names(&["nurse", "judge"])));
        assert_eq!(task.groups.map(Groups::sizes), Some([3, 2]));
        let task = pairs.task(Direction::I2t).expect("a task");
        assert_eq!(
            (task.relevance.of(5), task.relevance.of(3)),
            (&[0][..], &[1][..])
        );
        assert_eq!(task.clusters, [0, 1, 2, 3, 4, 5]);
        assert_eq!(task.cluster, Cluster::Image);
        assert_eq!(task.groups, None);
    }

    #[test]
    fn a_class_stays_as_long_as_an_image_of_it_does() {
        let pairs = photographs();
        let part = pairs.select(&pairs.with_texts(vec![3, 4, 5]));
        assert_eq!(part.images(), ["3", "4", "5"]);
        assert_eq!(part.texts(), ["the nurse", "the judge"]);
        assert_eq!(part.text_to_image(), [1, 0]);
        assert_eq!(part.groups().map(Groups::sizes), Some([2, 0]));
        let task = part.task(Direction::T2i).expect("a task");
        assert_eq!(task.relevance.of(0), [1, 2]);
        let part = pairs.select(&pairs.with_texts(vec![1]));
        assert_eq!(
            (part.texts(), part.text_to_image()),
            (&names(&["the judge"])[..], &[0][..])
        );
        assert_eq!(pairs.select(&pairs.everything()), pairs);
    }

    #[test]
    fn bad_labels_are_named() {
        let few = pairs().with_classes(names(&["x"])).expect_err("one class");
        assert_eq!(
            few.to_string(),
            "1 classes given, expected one for each of 3 images"
        );
        let blank = pairs()
            .with_classes(names(&["x", " ", "x"]))
            .expect_err("a blank");
        assert_eq!(
            blank.to_string(),
            "image 1 (\"b\") has no class, but others have one"
        );
        let groups = ["a", "b"].map(str::to_owned);
        let other = pairs()
            .with_groups(&groups, &names(&["a", "c", "b"]))
            .expect_err("a third");
        assert_eq!(
            other.to_string(),
            "item 1 has the group \"c\", expected \"a\", \"b\" or nothing"
        );
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
            "text_to_image has 2 entries, expected one for each of 1 text"
        );
        let outside = Pairs::new(names(&["a"]), names(&["t", "u"]), vec![0, 1]);
        assert_eq!(
            outside.expect_err("no image 1").to_string(),
            "text 1 names image 1, but there is 1 image"
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
