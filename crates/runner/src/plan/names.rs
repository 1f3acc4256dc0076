//! Methods in the words of lists and results.

use crate::plan::Method;
use nnn_core::MethodFamily;
use nnn_report::MethodId;

/// The kind, and `transductive` behind it where the evaluated queries are read as a whole: `rescaling, transductive`.
pub(crate) fn kind(family: &dyn MethodFamily) -> String {
    let transductive = if family.transductive() {
        ", transductive"
    } else {
        ""
    };
    format!("{}{transductive}", family.kind().name())
}

/// A point of a method as results name it.
pub(crate) fn method_id(method: &Method, point: usize) -> MethodId {
    MethodId {
        method: method.family.name().to_owned(),
        kind: kind(method.family),
        params: method.params(point),
        chosen: method.chosen_word().to_owned(),
    }
}

/// The method of a list that was ranked again, `nnn+itm` with `depth` behind its parameters; or as it is.
pub(crate) fn marked(id: MethodId, depth: Option<usize>) -> MethodId {
    let Some(depth) = depth else {
        return id;
    };
    let comma = if id.params.is_empty() { "" } else { "," };
    MethodId {
        method: format!("{}+itm", id.method),
        kind: format!("{}, re-ranked", id.kind),
        params: format!("{}{comma}depth={depth}", id.params),
        chosen: id.chosen,
    }
}

/// A name that every file system takes: letters, digits, `-`, `_`, `.`, `=`, and `,` are kept.
pub(crate) fn file_part(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-_.=,".contains(c);
    let replaced: String = text
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .collect();
    replaced.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use crate::plan::registry::METHODS;
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

    /// The default point and the ends of the published grid.
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
                let plan = StatPlan::of([&*point]);
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
