//! What to expect of engines, said in the manifest.

use crate::items::Format;
use crate::manifest::Manifest;

/// Coordinates at most that pgvector's indexes take, and that its `vector` holds.
const VECTOR_INDEX: usize = 2_000;
const HALFVEC_INDEX: usize = 4_000;
/// Coordinates at most that pgvector's type `vector` holds.
pub const PGVECTOR_LIMIT: usize = 16_000;

/// Sentences.
pub(crate) fn expectations(manifest: &Manifest) -> Vec<String> {
    let exact = format!(
        "An exact search by {} returns the corrected ranking, up to ties within f32 rounding.",
        manifest.metric
    );
    let quantised = manifest.c.map(|_| QUANTISED.to_owned());
    let mut all = vec![exact];
    all.extend(quantised);
    all.extend(pgvector_limit(manifest));
    all
}

const QUANTISED: &str = "An index that stores coordinates in fewer bits rounds the appended coordinate as coarsely as all others: \
     compare its answers with `runner verify`, and score its candidates again from the full vectors (rescoring) wherever it can.";

/// What pgvector's limits mean for an export that goes there; none where it is within them.
#[must_use]
pub fn pgvector_limit(manifest: &Manifest) -> Option<String> {
    let dim = manifest.dim_out;
    if manifest.items != Format::Pgcopy || dim <= VECTOR_INDEX {
        return None;
    }
    Some(match dim <= HALFVEC_INDEX {
        true => format!(
            "The items have {dim} coordinates; pgvector's indexes take {VECTOR_INDEX} of `vector` and {HALFVEC_INDEX} of `halfvec`: index \
             `(embedding::halfvec({dim}))` and sort its candidates by `embedding`."
        ),
        false => format!(
            "The items have {dim} coordinates; pgvector's indexes take {VECTOR_INDEX} of `vector` and {HALFVEC_INDEX} of `halfvec`: only a search \
             without an index is possible there."
        ),
    })
}
