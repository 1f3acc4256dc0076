//! Small pictures of items: each is in the page once, and all together stay within a bound.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};

use crate::records::{Picture, Shown, ShownItem};

/// Bytes of base 64 that all pictures of a page may take.
const MOST: usize = 1 << 20;

/// The pictures of a page, by their contents.
pub(super) struct Pictures<'a> {
    ids: HashMap<&'a str, usize>,
    kept: Vec<&'a Picture>,
    left_out: HashSet<&'a str>,
}

impl<'a> Pictures<'a> {
    /// Those of some trials, the first first, as long as there is room.
    pub(super) fn of(shown: impl Iterator<Item = &'a Shown>) -> Self {
        let mut pictures = Self {
            ids: HashMap::new(),
            kept: Vec::new(),
            left_out: HashSet::new(),
        };
        let mut room = MOST;
        for picture in shown.flat_map(of_trial) {
            let bytes = picture.jpeg.len();
            if pictures.ids.contains_key(picture.jpeg.as_str()) {
                continue;
            }
            if bytes > room {
                pictures.left_out.insert(&picture.jpeg);
                continue;
            }
            room -= bytes;
            pictures.ids.insert(&picture.jpeg, pictures.kept.len());
            pictures.kept.push(picture);
        }
        pictures
    }

    /// How many there was no room for.
    pub(super) fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// The bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().map(|picture| picture.jpeg.len()).sum()
    }

    /// All of them, to be used from anywhere in the page.
    pub(super) fn definitions(&self) -> Markup {
        html! {
            @if !self.kept.is_empty() {
                svg.definitions aria-hidden="true" width="0" height="0" {
                    @for (at, picture) in self.kept.iter().enumerate() {
                        symbol id={ "p" (at) } viewBox={ "0 0 " (picture.width) " " (picture.height) } {
                            image href={ "data:image/jpeg;base64," (picture.jpeg) } width=(picture.width) height=(picture.height) {}
                        }
                    }
                }
            }
        }
    }

    /// An item: its picture, or else its name.
    pub(super) fn item(&self, item: &ShownItem) -> Markup {
        let name = name(item);
        let id = item
            .picture
            .as_ref()
            .and_then(|picture| self.ids.get(picture.jpeg.as_str()));
        html! {
            @match id {
                Some(id) => svg.picture role="img" aria-label=(name) { title { (name) } use href={ "#p" (id) } {} },
                None => span.item { (name) },
            }
        }
    }
}

fn of_trial(shown: &Shown) -> impl Iterator<Item = &Picture> {
    let queries = shown.queries.iter().map(|it| &it.query);
    let items = shown.items.iter().chain(queries);
    items.filter_map(|item| item.picture.as_ref())
}

/// What an item is called: its caption, file or id, or its row.
pub(super) fn name(item: &ShownItem) -> String {
    item.name
        .clone()
        .unwrap_or_else(|| format!("row {}", item.row))
}
