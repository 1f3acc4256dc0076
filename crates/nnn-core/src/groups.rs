//! Which of two groups gallery items belong to.

use thiserror::Error;

/// One of two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// The group named first: what there is more of where a bias is positive.
    First,
    /// The group named second.
    Second,
}

/// Two groups of gallery items, such as photographs of people perceived as men and as women; an item may be in neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    names: [String; 2],
    of: Vec<Option<Group>>,
}

/// Why labels do not make two groups. Items count from zero.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GroupError {
    /// The names of the groups are equal or blank.
    #[error("the groups are named {first:?} and {second:?}, expected two different names")]
    Names {
        /// The first name.
        first: String,
        /// The second name.
        second: String,
    },
    /// A label names neither group.
    #[error("item {item} has the group {label:?}, expected {first:?}, {second:?} or nothing")]
    Unknown {
        /// The item.
        item: usize,
        /// Its label.
        label: String,
        /// Name of the first group.
        first: String,
        /// Name of the second group.
        second: String,
    },
}

impl Groups {
    /// Sorts items by a label each: the name of the first group, of the second, or a blank for neither.
    ///
    /// # Errors
    /// [`GroupError`]: two names that are no two names, or the first item with another label.
    pub fn new<L: AsRef<str>>(names: &[String; 2], labels: &[L]) -> Result<Self, GroupError> {
        let [first, second] = names.clone();
        if first == second || names.iter().any(|name| name.trim().is_empty()) {
            return Err(GroupError::Names { first, second });
        }
        let group = |(item, label): (usize, &L)| match label.as_ref() {
            label if *label == first => Ok(Some(Group::First)),
            label if *label == second => Ok(Some(Group::Second)),
            label if label.trim().is_empty() => Ok(None),
            label => Err(GroupError::Unknown {
                item,
                label: label.to_owned(),
                first: first.clone(),
                second: second.clone(),
            }),
        };
        Ok(Self {
            of: labels
                .iter()
                .enumerate()
                .map(group)
                .collect::<Result<_, _>>()?,
            names: names.clone(),
        })
    }

    /// The names of the first and the second group.
    #[must_use]
    pub fn names(&self) -> &[String; 2] {
        &self.names
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The group of an item; none if it is in neither.
    ///
    /// # Panics
    /// `item` is not below [`Groups::len`].
    #[must_use]
    pub fn of(&self, item: u32) -> Option<Group> {
        self.of[item as usize]
    }

    /// How many items the first and the second group have.
    #[must_use]
    pub fn sizes(&self) -> [usize; 2] {
        [Group::First, Group::Second]
            .map(|group| self.of.iter().filter(|&&of| of == Some(group)).count())
    }

    /// These items, in this order.
    ///
    /// # Panics
    /// An item is not below [`Groups::len`].
    #[must_use]
    pub fn select(&self, items: &[u32]) -> Self {
        Self {
            names: self.names.clone(),
            of: items.iter().map(|&item| self.of(item)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> [String; 2] {
        ["masculine", "feminine"].map(str::to_owned)
    }

    #[test]
    fn labels_become_groups() {
        let labels = ["feminine", "", "masculine", "feminine"];
        let groups = Groups::new(&names(), &labels).expect("groups");
        assert_eq!(groups.of(0), Some(Group::Second));
        assert_eq!(groups.of(1), None);
        assert_eq!(groups.sizes(), [1, 2]);
        let part = groups.select(&[2, 1]);
        assert_eq!((part.of(0), part.len()), (Some(Group::First), 2));
    }

    #[test]
    fn bad_labels_are_named() {
        let error = Groups::new(&names(), &["masculine", "male"]).expect_err("no such group");
        assert_eq!(
            error.to_string(),
            "item 1 has the group \"male\", expected \"masculine\", \"feminine\" or nothing"
        );
        let same = ["a", "a"].map(str::to_owned);
        let error = Groups::new(&same, &["a"]).expect_err("one name");
        assert_eq!(
            error.to_string(),
            "the groups are named \"a\" and \"a\", expected two different names"
        );
    }
}
