//! Rows of annotation files become splits: every reader pushes its rows here, and every check is here.

use super::error::{AnnotationError, AnnotationProblem, Place};
use super::finding::Finding;
use super::labels::Labels;
use crate::Pairs;
use crate::published::source::{AnnotationPart, OnGap};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

/// What one row of a file says.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    /// The split as the file names it.
    pub(crate) split: Option<&'a str>,
    /// The image's name.
    pub(crate) image: &'a str,
    /// Its captions, in order.
    pub(crate) captions: Vec<String>,
    /// Where the image can be fetched.
    pub(crate) address: Option<&'a str>,
    /// Whether these are all its captions: another row of the image is then an error.
    pub(crate) whole: bool,
    /// What the image shows.
    pub(crate) class: Option<&'a str>,
    /// Which of two groups the image belongs to.
    pub(crate) group: Option<&'a str>,
}

/// Where an image was named first, and its index in its split.
#[derive(Debug)]
struct Known {
    split: usize,
    index: u32,
    file: usize,
    place: Place,
}

#[derive(Debug, Default)]
struct Growing {
    images: Vec<String>,
    texts: Vec<String>,
    text_to_image: Vec<u32>,
    empty: Vec<String>,
    labels: Labels,
}

/// Splits while they are being read.
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    names: &'a [&'a str],
    on_gap: OnGap,
    groups: Option<&'a [String; 2]>,
    files: Vec<PathBuf>,
    splits: Vec<Growing>,
    images: HashMap<String, Known>,
    addresses: HashMap<String, String>,
    unknown_images: Vec<String>,
    other_splits: BTreeMap<String, usize>,
    corrected: Vec<String>,
}

/// Splits as the annotation files say them.
#[derive(Debug)]
pub struct Annotations {
    /// The splits by name.
    pub splits: BTreeMap<String, Pairs>,
    /// Addresses of images, where the files give some.
    pub addresses: HashMap<String, String>,
    /// What was left out.
    pub findings: Vec<Finding>,
    files: Vec<PathBuf>,
    images: HashMap<String, Known>,
}

/// One file of one part, on the way into the builder.
pub(crate) struct Rows<'a, 'b> {
    builder: &'b mut Builder<'a>,
    part: &'b AnnotationPart,
    file: usize,
    /// The folder that an image is named from, if its name counts from that of the file.
    folder: &'b dyn Fn(&str) -> Option<PathBuf>,
    seen: BTreeSet<String>,
}

impl<'a> Builder<'a> {
    /// `names` are all the data set's splits, `groups` the names of its two groups.
    pub(crate) fn new(
        names: &'a [&'a str],
        on_gap: OnGap,
        groups: Option<&'a [String; 2]>,
    ) -> Self {
        Self {
            names,
            on_gap,
            groups,
            files: Vec::new(),
            splits: names.iter().map(|_| Growing::default()).collect(),
            images: HashMap::new(),
            addresses: HashMap::new(),
            unknown_images: Vec::new(),
            other_splits: BTreeMap::new(),
            corrected: Vec::new(),
        }
    }

    /// Begins a file, called `shown` in messages; `folder` gives the folder of images that are named from that of the file.
    pub(crate) fn file<'b>(
        &'b mut self,
        part: &'b AnnotationPart,
        shown: PathBuf,
        folder: &'b dyn Fn(&str) -> Option<PathBuf>,
    ) -> Rows<'a, 'b> {
        self.files.push(shown);
        Rows {
            file: self.files.len() - 1,
            builder: self,
            part,
            folder,
            seen: BTreeSet::new(),
        }
    }

    /// All splits of `wanted`, none of them empty.
    pub(crate) fn finish(mut self, wanted: &[&str]) -> Result<Annotations, AnnotationError> {
        let mut findings = self.left_out();
        let mut splits = BTreeMap::new();
        for (at, &name) in self.names.iter().enumerate() {
            let grown = std::mem::take(&mut self.splits[at]);
            // One file often holds all splits: the others were read and checked with it, and are dropped here.
            if !wanted.contains(&name) {
                continue;
            }
            if !grown.empty.is_empty() {
                findings.push(Finding::EmptyCaptions {
                    split: name.to_owned(),
                    places: grown.empty.clone(),
                });
            }
            let pairs = self.captioned(name, grown, &mut findings)?;
            // Asked only now: a split whose images all lack captions is as empty as one without rows.
            if pairs.images().is_empty() {
                let split = name.to_owned();
                return Err(self.nowhere(AnnotationProblem::EmptySplit { split }));
            }
            splits.insert(name.to_owned(), pairs);
        }
        Ok(Annotations {
            splits,
            addresses: self.addresses,
            findings,
            files: self.files,
            images: self.images,
        })
    }

    fn left_out(&mut self) -> Vec<Finding> {
        let others = std::mem::take(&mut self.other_splits).into_iter();
        let mut findings: Vec<Finding> = others
            .map(|(split, rows)| Finding::OtherSplit { split, rows })
            .collect();
        if !self.unknown_images.is_empty() {
            let places = std::mem::take(&mut self.unknown_images);
            findings.push(Finding::UnknownImages { places });
        }
        if !self.corrected.is_empty() {
            let places = std::mem::take(&mut self.corrected);
            findings.push(Finding::Corrected { places });
        }
        findings
    }

    /// The images that have captions, the others being an error or a finding.
    fn captioned(
        &self,
        split: &str,
        grown: Growing,
        findings: &mut Vec<Finding>,
    ) -> Result<Pairs, AnnotationError> {
        let mut has = vec![false; grown.images.len()];
        for &image in &grown.text_to_image {
            has[image as usize] = true;
        }
        let all = || (0u32..).zip(&grown.images).zip(&has);
        let bare: Vec<String> = all()
            .filter(|&(_, &has)| !has)
            .map(|((_, image), _)| image.clone())
            .collect();
        let kept = all()
            .filter(|&(_, &has)| has)
            .map(|((at, _), _)| at)
            .collect();
        // Only once all files are read is it known that no later row brings the image a caption.
        if let (Some(image), OnGap::Fail) = (bare.first(), self.on_gap) {
            let image = image.clone();
            return Err(first_named(&self.files, &self.images, &image).error(
                AnnotationProblem::NoCaption {
                    image: image.clone(),
                },
            ));
        }
        // Labels are attached before anything is left out, while they still stand in the order of the images.
        let pairs = Pairs::new(grown.images, grown.texts, grown.text_to_image)
            .and_then(|pairs| grown.labels.attach(pairs, self.groups));
        // This cannot fail: `place` gives out indices below the number of images, and labels were checked row by row.
        let Ok(pairs) = pairs else {
            return Err(self.nowhere(AnnotationProblem::EmptySplit {
                split: split.to_owned(),
            }));
        };
        if bare.is_empty() {
            return Ok(pairs);
        }
        findings.push(Finding::NoCaption {
            split: split.to_owned(),
            images: bare,
        });
        Ok(pairs.select(&pairs.with_texts(kept)))
    }

    /// An error that belongs to all files.
    fn nowhere(&self, problem: AnnotationProblem) -> AnnotationError {
        let names: Vec<String> = self
            .files
            .iter()
            .map(|it| it.display().to_string())
            .collect();
        AnnotationError {
            file: names.join(" and ").into(),
            place: None,
            problem: Box::new(problem),
        }
    }
}

/// A file and a place in it.
struct Spot {
    file: PathBuf,
    place: Option<Place>,
}

impl Spot {
    fn error(self, problem: AnnotationProblem) -> AnnotationError {
        AnnotationError {
            file: self.file,
            place: self.place,
            problem: Box::new(problem),
        }
    }
}

fn first_named(files: &[PathBuf], images: &HashMap<String, Known>, image: &str) -> Spot {
    let known = images.get(image);
    Spot {
        file: known.map_or_else(PathBuf::new, |known| files[known.file].clone()),
        place: known.map(|known| known.place.clone()),
    }
}

impl Annotations {
    /// An error about an image, at the place that names it first.
    pub(crate) fn about(&self, image: &str, problem: AnnotationProblem) -> AnnotationError {
        first_named(&self.files, &self.images, image).error(problem)
    }
}

impl Rows<'_, '_> {
    /// The part of the card that the file belongs to.
    pub(crate) fn part(&self) -> &AnnotationPart {
        self.part
    }

    /// An error in this file.
    pub(crate) fn error(
        &self,
        place: impl Into<Option<Place>>,
        problem: AnnotationProblem,
    ) -> AnnotationError {
        AnnotationError {
            file: self.builder.files[self.file].clone(),
            place: place.into(),
            problem: Box::new(problem),
        }
    }

    /// Takes one row.
    ///
    /// # Errors
    /// Whatever is wrong with it, at `place`.
    pub(crate) fn push(&mut self, place: Place, row: Row<'_>) -> Result<(), AnnotationError> {
        let named = (self.folder)(row.image).map(|folder| folder.join(row.image));
        let named = named.as_ref().and_then(|it| it.to_str());
        let row = Row {
            image: named.unwrap_or(row.image),
            ..row
        };
        self.add(&place, row)
            .map_err(|problem| self.error(place, problem))
    }

    /// A caption whose image the file does not list.
    pub(crate) fn unknown_image(
        &mut self,
        place: Place,
        image: String,
    ) -> Result<(), AnnotationError> {
        match self.builder.on_gap {
            OnGap::Fail => Err(self.error(place, AnnotationProblem::UnlistedImage { image })),
            OnGap::LeaveOut => {
                let place = self.describe(&place, &image);
                self.builder.unknown_images.push(place);
                Ok(())
            }
        }
    }

    /// The names of the data set's two groups.
    pub(crate) fn groups(&self) -> Option<&[String; 2]> {
        self.builder.groups
    }

    /// Notes that something was read for what is written.
    pub(crate) fn corrected(&mut self, place: &Place, written: &str, read: &str) {
        let place = self.describe(place, &format!("{read:?} for {written:?}"));
        self.builder.corrected.push(place);
    }

    /// The splits that the file names, if the card maps names.
    pub(crate) fn into_seen(self) -> BTreeSet<String> {
        self.seen
    }

    fn add(&mut self, place: &Place, row: Row<'_>) -> Result<(), AnnotationProblem> {
        // Rows of a split that is left out are not checked: published files hold more than a card vouches for.
        let Some(split) = self.split(row.split)? else {
            return Ok(());
        };
        check_name(row.image)?;
        // Before `place`, so that a row that is refused adds no image.
        self.check_captions(place, split, &row)?;
        let index = self.place(place, split, &row)?;
        let groups = self.builder.groups;
        let grown = &mut self.builder.splits[split];
        let labelled = (index, row.image);
        grown.labels.put(labelled, row.class, row.group, groups)?;
        // Blank ones are left over only where they may be left out; `check_captions` has noted them.
        let filled = row.captions.into_iter().filter(|text| !is_blank(text));
        for caption in filled {
            grown.texts.push(caption);
            grown.text_to_image.push(index);
        }
        if let Some(address) = row.address {
            let addresses = &mut self.builder.addresses;
            addresses.insert(row.image.to_owned(), address.to_owned());
        }
        Ok(())
    }

    /// The split's number; none where items of it are left out.
    fn split(&mut self, named: Option<&str>) -> Result<Option<usize>, AnnotationProblem> {
        let part = self.part;
        let name = match (&part.split, named) {
            // The card's word goes before the file's.
            (Some(fixed), _) => fixed,
            (None, None) => return Err(AnnotationProblem::NoSplit),
            (None, Some(named)) if part.splits.is_empty() => named,
            (None, Some(named)) => {
                // Every row passes here: a name is copied at its first row only.
                if !self.seen.contains(named) {
                    self.seen.insert(named.to_owned());
                }
                let Some(name) = part.splits.get(named) else {
                    *self
                        .builder
                        .other_splits
                        .entry(named.to_owned())
                        .or_default() += 1;
                    return Ok(None);
                };
                name
            }
        };
        let names = self.builder.names;
        match names.iter().position(|&known| known == name) {
            Some(at) => Ok(Some(at)),
            None => Err(AnnotationProblem::UnknownSplit {
                found: name.to_owned(),
                expected: names.iter().map(|&name| name.to_owned()).collect(),
            }),
        }
    }

    fn check_captions(
        &mut self,
        place: &Place,
        split: usize,
        row: &Row<'_>,
    ) -> Result<(), AnnotationProblem> {
        for _ in row.captions.iter().filter(|text| is_blank(text)) {
            if self.builder.on_gap == OnGap::Fail {
                return Err(AnnotationProblem::EmptyCaption {
                    image: row.image.to_owned(),
                });
            }
            let place = self.describe(place, row.image);
            self.builder.splits[split].empty.push(place);
        }
        Ok(())
    }

    /// The image's index in its split; a new image is appended.
    fn place(
        &mut self,
        place: &Place,
        split: usize,
        row: &Row<'_>,
    ) -> Result<u32, AnnotationProblem> {
        if let Some(known) = self.builder.images.get(row.image) {
            return self.again(known, split, row);
        }
        let images = &mut self.builder.splits[split].images;
        // 2^32 names would not fit into memory.
        let index = images.len() as u32;
        images.push(row.image.to_owned());
        let known = Known {
            split,
            index,
            file: self.file,
            place: place.clone(),
        };
        self.builder.images.insert(row.image.to_owned(), known);
        Ok(index)
    }

    /// An image that has been named before.
    fn again(&self, known: &Known, split: usize, row: &Row<'_>) -> Result<u32, AnnotationProblem> {
        let image = row.image.to_owned();
        let names = self.builder.names;
        // Checked before `whole`: the same image on both sides of a split is the graver fault, and the message says so.
        if known.split != split {
            return Err(AnnotationProblem::TwoSplits {
                image,
                found: names[split].to_owned(),
                before: names[known.split].to_owned(),
                first: self.first(known),
            });
        }
        if row.whole {
            let first = self.first(known);
            return Err(AnnotationProblem::Twice { image, first });
        }
        Ok(known.index)
    }

    fn first(&self, known: &Known) -> String {
        match (known.file == self.file, &known.place) {
            (true, Place::Line(_)) => "on an earlier line".to_owned(),
            (true, place) => format!("at {place}"),
            (false, place) => format!("at {place} of {}", self.builder.files[known.file].display()),
        }
    }

    fn describe(&self, place: &Place, image: &str) -> String {
        let file = self.builder.files[self.file].display();
        format!("{file}, {place} ({image})")
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether a name stays below the folder that it is joined to.
pub(crate) fn is_inside(name: &str) -> bool {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !name.is_empty() && !name.contains('\0') && Path::new(name).components().all(inside)
}

fn check_name(image: &str) -> Result<(), AnnotationProblem> {
    if is_inside(image) {
        return Ok(());
    }
    let image = image.to_owned();
    Err(AnnotationProblem::OutsideFolder { image })
}
