//! Checkpoints of one tower where two are needed.

use super::error::TensorFault;
use super::names::Shapes;

/// The tower of which every tensor is missing while the other is whole, such as `vision tower`.
pub(super) fn lost_tower(expected: &Shapes, faults: &[TensorFault]) -> Option<&'static str> {
    let missing = |vision: bool| {
        let faults = faults.iter().filter(|fault| match fault {
            TensorFault::Missing { name, .. } => is_vision(name) == vision,
            _ => false,
        });
        faults.count()
    };
    let others = faults
        .iter()
        .filter(|it| matches!(it, TensorFault::Unexpected { .. }));
    if others.count() >= missing(true).max(missing(false)) {
        // The tower may be there under other names.
        return None;
    }
    let needed = |vision: bool| expected.keys().filter(|it| is_vision(it) == vision).count();
    match (missing(true), missing(false)) {
        (0, text) if text > 0 && text == needed(false) => Some("text tower"),
        (vision, 0) if vision > 0 && vision == needed(true) => Some("vision tower"),
        _ => None,
    }
}

/// All families' names of the vision tower and of its projection begin so.
fn is_vision(name: &str) -> bool {
    name.starts_with("vis")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_tower_is_told_from_single_tensors() {
        let names = ["text.a", "text.b", "visual.a", "visual.b"];
        let expected: Shapes = names.map(|name| (name.to_owned(), vec![1])).into();
        let missing = |names: &[&str]| {
            let fault = |name: &&str| TensorFault::Missing {
                name: (*name).to_owned(),
                expected: vec![1],
            };
            let faults: Vec<_> = names.iter().map(fault).collect();
            lost_tower(&expected, &faults)
        };
        assert_eq!(missing(&names[..2]), Some("text tower"));
        assert_eq!(missing(&names[2..]), Some("vision tower"));
        assert_eq!(missing(&names), None);
        assert_eq!(missing(&names[..1]), None);
        assert_eq!(missing(&names[..3]), None);
    }
}
