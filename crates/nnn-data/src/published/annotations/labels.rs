//! Classes and groups of images, while a split is being read.

use super::error::AnnotationProblem;
use crate::{Pairs, PairsError};

/// One class and one group per image, blank where it has none.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    classes: Vec<String>,
    groups: Vec<String>,
}

impl Labels {
    /// Takes the labels that a row gives the `at`-th image: a new one, or one that earlier rows named. `names` are those of
    /// the two groups; without them groups are not read.
    pub(crate) fn put(
        &mut self,
        (at, image): (u32, &str),
        class: Option<&str>,
        group: Option<&str>,
        names: Option<&[String; 2]>,
    ) -> Result<(), AnnotationProblem> {
        let class = class.unwrap_or_default().trim();
        let group = group.filter(|_| names.is_some()).unwrap_or_default().trim();
        if let Some(names) = names {
            check_group(image, group, names)?;
        }
        match self.classes.get(at as usize) {
            None => self.add(image, class, group),
            Some(before) => {
                check_same(image, "class", before, class)?;
                check_same(image, "group", &self.groups[at as usize], group)
            }
        }
    }

    fn add(&mut self, image: &str, class: &str, group: &str) -> Result<(), AnnotationProblem> {
        let others = self.classes.first();
        if others.is_some_and(|other| other.is_empty() != class.is_empty()) {
            return Err(AnnotationProblem::SomeClasses {
                image: image.to_owned(),
                found: class.to_owned(),
            });
        }
        self.classes.push(class.to_owned());
        self.groups.push(group.to_owned());
        Ok(())
    }

    /// Gives the images of a split their labels, if they have any.
    pub(crate) fn attach(
        self,
        mut pairs: Pairs,
        names: Option<&[String; 2]>,
    ) -> Result<Pairs, PairsError> {
        let any = |labels: &[String]| labels.iter().any(|label| !label.is_empty());
        if let Some(names) = names.filter(|_| any(&self.groups)) {
            pairs = pairs.with_groups(names, &self.groups)?;
        }
        match any(&self.classes) {
            true => pairs.with_classes(self.classes),
            false => Ok(pairs),
        }
    }
}

fn check_group(image: &str, group: &str, names: &[String; 2]) -> Result<(), AnnotationProblem> {
    if group.is_empty() || names.iter().any(|name| name == group) {
        return Ok(());
    }
    let [first, second] = names.clone();
    Err(AnnotationProblem::Group {
        image: image.to_owned(),
        found: group.to_owned(),
        first,
        second,
    })
}

fn check_same(
    image: &str,
    what: &'static str,
    before: &str,
    found: &str,
) -> Result<(), AnnotationProblem> {
    if before == found {
        return Ok(());
    }
    Err(AnnotationProblem::TwoLabels {
        image: image.to_owned(),
        what,
        found: found.to_owned(),
        before: before.to_owned(),
    })
}
