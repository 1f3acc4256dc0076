//! Names of tensors as training scripts leave them, and as the model has them.

use std::collections::BTreeMap;

/// Shapes by name: what a model needs.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Parts that wrappers around a module or one of its layers add to names, and that no model has by itself.
const WRAPPERS: [&str; 6] = [
    "_checkpoint_wrapped_module",
    "_forward_module",
    "_fsdp_wrapped_module",
    "_orig_mod",
    "module",
    "_module",
];

/// A model's names for the tensors of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Renamed {
    /// The file's names by the model's, of all tensors below the prefix.
    pub(super) names: BTreeMap<String, String>,
    /// What was done, as a sentence.
    pub(super) note: String,
}

/// All prefixes under which the whole model lies, where its names are not those of the file as they stand.
///
/// A prefix fits only if every expected name is there under it. More than one fits where a file has copies of the model.
pub(super) fn renamed(found: &[&str], expected: &Shapes) -> Vec<Renamed> {
    let Some(longest) = expected.keys().max_by_key(|name| name.len()) else {
        return Vec::new();
    };
    let plain: BTreeMap<String, &str> = found.iter().map(|name| (unwrapped(name), *name)).collect();
    if plain.len() < found.len() || expected.keys().all(|it| found.contains(&it.as_str())) {
        return Vec::new();
    }
    let prefixes = plain.keys().filter_map(|name| {
        let prefix = name.strip_suffix(longest.as_str())?;
        (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
    });
    let whole = |prefix: &&str| {
        let mut names = expected.keys();
        names.all(|name| plain.contains_key(&format!("{prefix}{name}")))
    };
    prefixes
        .filter(whole)
        .map(|prefix| under(prefix, &plain))
        .collect()
}

/// A name without the parts that wrappers add.
fn unwrapped(name: &str) -> String {
    let parts = name.split('.').filter(|part| !WRAPPERS.contains(part));
    parts.collect::<Vec<_>>().join(".")
}

fn under(prefix: &str, plain: &BTreeMap<String, &str>) -> Renamed {
    let mut names = BTreeMap::new();
    let mut beside = Vec::new();
    for (name, file) in plain {
        match name.strip_prefix(prefix) {
            Some(name) => drop(names.insert(name.to_owned(), (*file).to_owned())),
            None => beside.push(*file),
        }
    }
    let (model, file) = names
        .iter()
        .find(|(model, file)| model != file)
        .map_or(("", ""), |(model, file)| (model.as_str(), file.as_str()));
    let mut note =
        format!("names of tensors are read without what training added: `{file}` as `{model}`");
    if let Some(first) = beside.first() {
        note.push_str(&format!(
            ", and {} beside the model not at all (the first: `{first}`)",
            beside.len()
        ));
    }
    Renamed { names, note }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(found: &[&str]) -> Vec<Renamed> {
        let expected = ["text.weight", "visual.conv1.weight"];
        renamed(
            found,
            &expected.map(|name| (name.to_owned(), vec![1])).into(),
        )
    }

    #[test]
    fn what_wrappers_and_trainers_add_is_taken_off() {
        for (text, image) in [
            ("module.text.weight", "module.visual.conv1.weight"),
            ("_orig_mod.text.weight", "_orig_mod.visual.conv1.weight"),
            ("model.text.weight", "model.visual.conv1.weight"),
            ("net.module.text.weight", "net.module.visual.conv1.weight"),
            (
                "state_dict.model.text.weight",
                "state_dict.model.visual.conv1.weight",
            ),
            (
                "text.weight",
                "visual._checkpoint_wrapped_module.conv1.weight",
            ),
            ("text.module.weight", "visual.conv1.weight"),
        ] {
            let fits = fit(&[text, image, "loss.scale"]);
            assert_eq!(fits.len(), 1, "{text}");
            assert_eq!(fits[0].names["text.weight"], text);
            assert_eq!(fits[0].names["visual.conv1.weight"], image);
        }
    }

    #[test]
    fn names_that_fit_or_do_not_all_fit_stay() {
        assert_eq!(fit(&["text.weight", "visual.conv1.weight"]), []);
        assert_eq!(fit(&["module.text.weight", "visual.conv.weight"]), []);
        assert_eq!(fit(&["a.text.weight", "b.visual.conv1.weight"]), []);
        // Another word that ends so is no prefix.
        assert_eq!(fit(&["a_text.weight", "a_visual.conv1.weight"]), []);
    }

    #[test]
    fn copies_are_all_found() {
        let copies = ["text.weight", "visual.conv1.weight"];
        let found = copies
            .map(|it| [format!("student.{it}"), format!("teacher.{it}")])
            .concat();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(fit(&found).len(), 2);
    }
}
