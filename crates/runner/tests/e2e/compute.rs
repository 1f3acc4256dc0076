//! Where and in which number type encoders compute.

use crate::bad_images::{CONFIG, folder};

#[test]
fn the_number_type_is_in_every_signature_and_has_a_cache_of_its_own() {
    let lab = folder();
    lab.run(CONFIG, &[]);
    let single = lab.scores("lab");
    assert!(!single.is_empty());
    for row in &single {
        assert!(row.signature.contains("|dtype:f32|"), "{}", row.signature);
    }
    let half = format!("{CONFIG}compute: {{dtype: bf16}}\n");
    lab.run(&half, &[]);
    let rows = lab.scores("lab");
    assert_eq!(rows.len(), single.len());
    for row in &rows {
        assert!(row.signature.contains("|dtype:bf16|"), "{}", row.signature);
        assert!(row.value.is_finite());
    }
    // Back again: nothing of the other type is taken for this one.
    lab.run(CONFIG, &[]);
    assert_eq!(lab.scores("lab"), single);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_the_program_was_not_built_for_is_refused() {
    let lab = folder();
    lab.refuses(CONFIG, &["--device", "cuda"], &["cuda", "feature"]);
}
