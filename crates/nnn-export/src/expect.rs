//! What to expect of engines, said in the manifest.

use crate::forms::Form;
use crate::items::Format;
use crate::manifest::Manifest;

/// Coordinates at most that pgvector's indexes take.
const VECTOR_INDEX: usize = 2_000;
const HALFVEC_INDEX: usize = 4_000;
/// Coordinates at most that pgvector's type `vector` holds.
pub const PGVECTOR_LIMIT: usize = 16_000;

/// Up to which ratio of steps rescoring restores what few bits lose, as measured.
const WIDE: f64 = 2.0;

/// Sentences.
pub(crate) fn expectations(manifest: &Manifest) -> Vec<String> {
    let exact = format!(
        "An exact search by {} returns the corrected ranking, up to ties within f32 rounding.",
        manifest.metric
    );
    let quantised = manifest
        .step_ratio
        .map(|ratio| quantised(ratio, manifest.form));
    let all = [Some(exact), quantised, pgvector_limit(manifest)];
    all.into_iter().flatten().collect()
}

fn quantised(ratio: f64, form: Form) -> String {
    let steps = match ratio {
        1.0 => "the appended coordinates are no larger than the vectors' own: expect about the recall of the plain vectors".to_owned(),
        _ if ratio <= WIDE => format!("its steps are {ratio:.2} times those of the plain vectors: expect a few points less recall, which rescoring restores"),
        _ => format!("its steps are {ratio:.2} times those of the plain vectors: score its candidates again from the full vectors (rescoring)"),
    };
    let other = match form {
        Form::Ip | Form::L2 => {
            " One that also normalises what it stores, and one that ranks by distance, takes the cosine form."
        }
        Form::Cosine => "",
    };
    format!(
        "In an index that stores all coordinates in fewer bits by one scale {steps}. Never let it clip the largest coordinates (a quantile below 1).{other}"
    )
}

/// What pgvector's limits mean for an export that goes there; none where it is within them.
#[must_use]
pub fn pgvector_limit(manifest: &Manifest) -> Option<String> {
    let dim = manifest.dim_out;
    if manifest.items != Format::Pgcopy || dim <= VECTOR_INDEX {
        return None;
    }
    let limits = format!(
        "The items have {dim} coordinates; pgvector's indexes take {VECTOR_INDEX} of `vector` and {HALFVEC_INDEX} of `halfvec`: "
    );
    Some(match dim <= HALFVEC_INDEX {
        true => format!(
            "{limits}index `(embedding::halfvec({dim}))` and sort its candidates by `embedding`."
        ),
        false => format!("{limits}only a search without an index is possible there."),
    })
}
