//! Where and in which number type encoders compute.

use crate::bad_images::{CONFIG, folder};
use crate::vectors::{by_dataset, dataset_config};

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
        let distance = measured(&row.signature);
        // Of some rounding, and of no more than turns a vector by a tenth.
        assert!(distance > 0.0 && distance < 0.005, "{}", row.signature);
        assert!(row.value.is_finite());
    }
    let record = lab.record("lab");
    let said = format!("1 - cos = {:.1e}", measured(&rows[0].signature));
    let warnings = record["warnings"].as_array().expect("a list");
    let mut messages = warnings.iter().filter_map(|it| it["message"].as_str());
    assert!(messages.any(|it| it.contains("is computed in bf16") && it.contains(&said)));
    assert!(record["machine"]["bf16"].is_string());
    // Embeddings that are in the cache are measured, too.
    lab.run(&half, &["--results", "again"]);
    assert_eq!(lab.scores("../again/lab"), rows);
    // Back again: nothing of the other type is taken for this one.
    lab.run(CONFIG, &[]);
    assert_eq!(lab.scores("lab"), single);
}

/// The largest `1 - cos` to single precision that a signature says was measured.
fn measured(signature: &str) -> f64 {
    let after = signature
        .split_once("|dtype:bf16(1-cos=")
        .expect(signature)
        .1;
    let number = after.split_once(")|").expect(signature).0;
    number.parse().expect(signature)
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_the_program_was_not_built_for_is_refused() {
    let lab = folder();
    lab.refuses(CONFIG, &["--device", "cuda"], &["cuda", "feature"]);
}

/// Guards against a bound that is read and not kept, and against one that changes a result.
#[test]
fn a_run_that_needs_more_memory_than_it_may_take_is_refused_with_what_takes_it() {
    let lab = folder();
    lab.run(CONFIG, &[]);
    let free = lab.scores("lab");
    let bounded = |memory: &str| format!("{CONFIG}compute: {{memory: {memory}}}\n");
    lab.run(
        &bounded("4GiB"),
        &["--cache", "another", "--results", "more"],
    );
    lab.run(&bounded("4GiB"), &[]);
    assert_eq!(lab.scores("lab"), free);
    let parts = [
        "`compute.memory` is 8.0 MiB, but up to",
        "are needed",
        "an image's forward pass",
    ];
    lab.refuses(
        bounded("8MiB"),
        &["--cache", "third", "--set", "top=3"],
        &parts,
    );
    lab.refuses(bounded("much"), &[], &["such as 512MiB or 2GiB"]);
}

#[test]
fn statistics_of_results_count_as_memory_too() {
    let alphas: Vec<String> = (1..=30).map(|it| format!("0.{it:02}")).collect();
    let methods = format!(
        "methods: [raw, nnn: {{k: 4, alpha: [{}]}}]",
        alphas.join(", ")
    );
    let rest = "statistics: {resamples: 1000000}\ncompute: {memory: 200MiB}";
    let config = dataset_config(&format!("{methods}\n{rest}"));
    by_dataset().refuses(config, &[], &["1000000 resamples 2", "vectors"]);
}

/// Guards against a file that is read for minutes and then refused, or fills the machine.
#[test]
fn files_of_vectors_larger_than_the_memory_are_not_read() {
    let lab = by_dataset();
    lab.write("images.npy", vec![0; 1 << 20]);
    let config = dataset_config("compute: {memory: 1MiB}");
    lab.refuses(
        config,
        &[],
        &[
            "embeddings `made-up`",
            "`compute.memory` is 1.0 MiB",
            "files of vectors",
        ],
    );
}
