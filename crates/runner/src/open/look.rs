//! Items as people see them: pictures, captions, ids.

use super::{Content, Side, Source, Table};
use anyhow::Result;
use nnn_encode::{ImageLimits, thumbnail};
use nnn_report::{Picture, ShownItem};

/// Pixels of the longer side of a picture.
const LONGEST: u32 = 96;

impl Source {
    /// What is known by name of some items of a side: a caption, the file of an image, or an id. Rows count the side.
    pub(crate) fn named_items(&self, side: &Side, rows: &[u32]) -> Vec<ShownItem> {
        let item = |&row: &u32| ShownItem {
            row,
            name: self.item_name(&side.table, side.rows[row as usize]),
            picture: None,
        };
        rows.iter().map(item).collect()
    }

    fn item_name(&self, table: &Table, row: u32) -> Option<String> {
        let names = match (&self.content, table) {
            (Content::Roles(_, _, data), Table::Queries) => Some(&data.query_ids[..]),
            (Content::Roles(_, _, data), Table::Gallery) => data.gallery_ids.as_deref(),
            (_, Table::Images(split)) => self.pairs(split).ok().map(|pairs| pairs.images()),
            (_, Table::Texts(split)) => self.pairs(split).ok().map(|pairs| pairs.texts()),
            _ => None,
        };
        names.and_then(|names| names.get(row as usize).cloned())
    }

    /// Gives images their pictures, as many as can be drawn; other items stay as they are.
    ///
    /// # Errors
    /// The first image that cannot be drawn; the others are.
    pub(crate) fn add_pictures(&self, side: &Side, items: &mut [ShownItem]) -> Result<()> {
        let (Content::Items(_), Table::Images(_)) = (&self.content, &side.table) else {
            return Ok(());
        };
        let rows = items.iter().map(|item| side.rows[item.row as usize]);
        let files = self.image_files(&self.side(side.table.clone(), rows.collect()))?;
        let mut all = Ok(());
        for (item, file) in items.iter_mut().zip(&files) {
            match thumbnail(file, ImageLimits::default(), LONGEST) {
                Ok(it) => item.picture = Some(Picture::new(it.width, it.height, &it.jpeg)),
                Err(error) => all = all.and(Err(error.into())),
            }
        }
        all
    }
}
