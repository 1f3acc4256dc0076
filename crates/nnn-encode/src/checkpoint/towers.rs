//! Checkpoints of one tower where two are needed.

use super::error::TensorFault;
use super::names::Shapes;

/// The tower of which nearly every tensor is missing while the other is there, such as `vision tower`.
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
    // A model of one tower has it with or without its projection, and mostly without the temperature.
    let is_lost = |vision: bool| missing(vision) * 10 >= needed(vision) * 9 && missing(vision) > 0;
    let is_there = |vision: bool| missing(vision) * 10 <= needed(vision);
    match (is_lost(true), is_lost(false)) {
        (true, false) if is_there(false) => Some("vision tower"),
        (false, true) if is_there(true) => Some("text tower"),
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

    /// Guards against a list of tensors where a text encoder, which has no temperature, was taken for a whole model.
    #[test]
    fn a_tower_is_told_without_what_joins_it_to_the_other() {
        let layers =
            |tower: &'static str| (0..20).map(move |layer| format!("{tower}.layers.{layer}"));
        let names = layers("text_model").chain(layers("vision_model"));
        let joined = ["logit_scale", "text_projection", "visual_projection"].map(str::to_owned);
        let expected: Shapes = names.chain(joined).map(|name| (name, vec![1])).collect();
        let missing = |is: fn(&str) -> bool| {
            let names = expected.keys().filter(|name| is(name));
            let faults = names.map(|name| TensorFault::Missing {
                name: name.clone(),
                expected: vec![1],
            });
            lost_tower(&expected, &faults.collect::<Vec<_>>())
        };
        let text = missing(|name| name.starts_with("vis") || name == "logit_scale");
        assert_eq!(text, Some("vision tower"));
        let whole = missing(|name| name.starts_with("vision_model"));
        assert_eq!(whole, Some("vision tower"));
        let vision = missing(|name| !name.starts_with("vis"));
        assert_eq!(vision, Some("text tower"));
    }
}
