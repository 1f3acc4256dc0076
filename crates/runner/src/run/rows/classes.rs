//! Metrics of groups class by class.

use super::{Named, id};
use nnn_core::Rankings;
use nnn_report::ClassRow;
use std::collections::BTreeMap;

impl Named<'_> {
    /// Every metric of groups over the queries of every class; none where classes or groups are not known.
    pub(super) fn class_rows(&self, rankings: &[Rankings]) -> Vec<ClassRow> {
        let (Some(classes), Some(_)) = (&self.items.query_classes, &self.test.groups) else {
            return Vec::new();
        };
        let mut queries: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (query, class) in classes.iter().enumerate() {
            queries.entry(class).or_default().push(query);
        }
        let mut rows = Vec::new();
        for list in &self.outcome.lists {
            let ranked = self.test.ranked(&rankings[list.place]);
            for metric in self.settings.measures.metrics.of_groups() {
                rows.extend(queries.iter().map(|(class, queries)| {
                    let values = queries.iter().map(|&query| metric.per_query(ranked, query));
                    ClassRow {
                        cell: self.cell_of(id(list)),
                        class: (*class).to_owned(),
                        images: self.test.relevance.of(queries[0]).len(),
                        metric: metric.to_string(),
                        value: values.sum::<f64>() / queries.len() as f64,
                    }
                }));
            }
        }
        rows
    }
}
