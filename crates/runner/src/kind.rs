//! What a method does, in the words of lists and results.

use nnn_core::MethodFamily;

/// The kind, and `transductive` behind it where the evaluated queries are read as a whole: `rescaling, transductive`.
pub(crate) fn kind(family: &dyn MethodFamily) -> String {
    let transductive = if family.transductive() {
        ", transductive"
    } else {
        ""
    };
    format!("{}{transductive}", family.kind().name())
}

#[cfg(test)]
mod tests {
    use crate::registry::METHODS;
    use nnn_core::{
        Bank, BankStats, Banks, Embeddings, MethodFamily, Normalizer, PassOptions, StatPlan,
    };

    /// The largest published number of components.
    const DIM: usize = 384;

    /// Rows that look random: the golden ratio's multiples never repeat.
    fn rows(count: usize, seed: f64) -> Embeddings {
        let value = |at: usize| ((at as f64 + seed) * 0.618_033_988_749_895).fract() - 0.5;
        let values = (0..count * DIM).map(|at| value(at) as f32);
        Embeddings::normalize(values.collect(), DIM).expect("no row is zero")
    }

    /// The default point and the ends of the published search.
    fn points(family: &dyn MethodFamily) -> Vec<Box<dyn Normalizer>> {
        let mut published = family.published_grid().expect("published values are valid");
        let mut points = family.expand(&Default::default()).expect("defaults");
        points.extend(published.pop());
        points.extend(published.into_iter().next());
        points
    }

    #[test]
    fn what_is_declared_is_what_is_fitted() {
        // The largest published `k` is 512.
        let (gallery, bank, other, queries) =
            (rows(12, 0.1), rows(600, 0.2), rows(600, 0.3), rows(20, 0.4));
        let banks = Banks {
            query: Some(bank.rows()),
            gallery: Some(other.rows()),
            evaluated: Some(queries.rows()),
        };
        for family in METHODS {
            for point in points(*family) {
                let mut plan = StatPlan::default();
                point.needs(&mut plan);
                let name = point.signature();
                assert_eq!(family.transductive(), plan.uses(Bank::Evaluated), "{name}");
                let stats =
                    BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default());
                let fitted = point.fit(&stats.expect("statistics"), gallery.rows());
                assert_eq!(fitted.expect("a fit").kind(), family.kind(), "{name}");
            }
        }
    }
}
