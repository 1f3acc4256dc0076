//! Methods in the words of lists and results.

use nnn_files::short_name;
use nnn_report::MethodId;
use nnn_trial::{Method, kind};

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

/// How the files of a trial are called: its model, data set, direction and reference set.
pub(crate) fn trial_name(parts: [&str; 4]) -> String {
    short_name(parts.map(file_part).join("--"))
}

/// The file of a method's bias within the results, by the names of the trial's files and the method's signature.
pub(crate) fn bias_file(trial: &str, signature: &str) -> String {
    let method = short_name(file_part(signature));
    format!("bias/{trial}--{method}.npy")
}

/// A name that every file system takes: letters, digits, `-`, `_`, `.`, `=`, and `,` are kept.
fn file_part(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-_.=,".contains(c);
    let replaced: String = text
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .collect();
    replaced.trim_matches('_').to_owned()
}
