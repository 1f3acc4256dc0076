//! Embedding files that cannot be used: the message names the file, the place, what was found and what was expected.

use crate::lab::Lab;
use crate::vectors::{
    BY_DATASET, DIM, IMAGES, Matrix, Noise, QUERIES, TEXTS, by_dataset, by_role, dataset_config,
    json, npy, npy_of, role_config, splits,
};

/// Expects the sweep to work, and then to be refused once `file` has other content, its results untouched.
fn refuses_with(lab: &Lab, config: &str, file: &str, content: &[u8], parts: &[&str]) {
    lab.run(config, &[]);
    lab.write(file, content);
    lab.refuses(config, &[], &[&[file], parts].concat());
}

fn dataset_refuses(file: &str, content: &[u8], parts: &[&str]) {
    refuses_with(&by_dataset(), &dataset_config(""), file, content, parts);
}

/// Texts with one value replaced.
fn texts_with(row: usize, column: usize, value: f32) -> Matrix {
    let mut texts = Noise(5).rows(TEXTS);
    texts[row][column] = value;
    texts
}

#[test]
fn a_missing_file() {
    let lab = by_dataset();
    std::fs::remove_file(lab.path("texts.npy")).expect("it was there");
    let parts = ["embeddings `made-up`", "texts.npy", "no such file"];
    lab.refuses(dataset_config(""), &[], &parts);
}

#[test]
fn a_wrong_type() {
    let rows = vec![vec![0.0; DIM]; IMAGES];
    let content = npy_of("<c8", &rows, vec![1; IMAGES * DIM * 8]);
    dataset_refuses("images.npy", &content, &["type complex64", "plain numbers"]);
}

#[test]
fn a_cut_file() {
    let whole = npy(&Noise(5).rows(TEXTS));
    let parts = ["truncated", "found 2300", "expected 2304"];
    dataset_refuses("texts.npy", &whole[..whole.len() - 4], &parts);
}

/// A reader's own words, such as "failed to fill whole buffer", help nobody.
/// Guards against passing these on for an empty file or one that was cut short.
#[test]
fn files_that_are_empty_or_end_in_their_header() {
    let whole = npy(&Noise(5).rows(TEXTS));
    dataset_refuses("texts.npy", b"", &["texts.npy", "the file is empty"]);
    for cut in [5, 11, 60] {
        let parts = ["texts.npy", "it ends within its header: it was cut short"];
        dataset_refuses("texts.npy", &whole[..cut], &parts);
    }
}

#[test]
fn a_file_of_another_kind() {
    dataset_refuses("texts.npy", b"not an array", &["not a readable .npy file"]);
}

#[test]
fn dimensions_that_differ() {
    let longer: Matrix = Noise(5).rows(TEXTS / 2 * 2);
    let longer: Matrix = longer
        .into_iter()
        .map(|row| [row, vec![0.5]].concat())
        .collect();
    let parts = ["images.npy has dimension 6", "texts.npy has dimension 7"];
    dataset_refuses("texts.npy", &npy(&longer), &parts);
}

#[test]
fn nan() {
    let content = npy(&texts_with(17, 3, f32::NAN));
    dataset_refuses("texts.npy", &content, &["row 17", "NaN"]);
}

#[test]
fn infinity() {
    let content = npy(&texts_with(5, 0, f32::NEG_INFINITY));
    dataset_refuses("texts.npy", &content, &["row 5", "-inf"]);
}

#[test]
fn a_zero_vector() {
    let mut images = Noise(5).rows(IMAGES);
    images[9] = vec![0.0; DIM];
    dataset_refuses("images.npy", &npy(&images), &["row 9", "zero"]);
}

#[test]
fn a_pair_out_of_range() {
    let mut pairs: Vec<usize> = (0..TEXTS).map(|text| text / 2).collect();
    pairs[7] = IMAGES;
    let parts = ["text 7", "image 48", "48 images"];
    dataset_refuses("pairs.json", &json(&pairs), &parts);
}

#[test]
fn too_few_pairs() {
    let parts = ["3 entries", "expected 96", "texts.npy"];
    dataset_refuses("pairs.json", b"[0, 1, 2]", &parts);
}

#[test]
fn a_negative_index() {
    let lab = by_role();
    let mut answers = vec![0; QUERIES];
    answers[4] = -1;
    let parts = ["row 4 is -1", "0 to 4294967295"];
    let config = role_config("query_to_gallery");
    refuses_with(&lab, &config, "answers.json", &json(&answers), &parts);
}

#[test]
fn an_answer_out_of_range() {
    let lab = by_role();
    let mut answers = vec![0; QUERIES];
    answers[4] = 20;
    let parts = ["query 4", "20"];
    let config = role_config("query_to_gallery");
    refuses_with(&lab, &config, "answers.json", &json(&answers), &parts);
}

#[test]
fn an_image_without_text() {
    let mut pairs: Vec<usize> = (0..TEXTS).map(|text| text / 2).collect();
    // Image 40, the sixteenth of the test split, loses both its texts to image 41.
    (pairs[80], pairs[81]) = (41, 41);
    let lab = by_dataset();
    lab.write("pairs.json", json(&pairs));
    lab.run(&dataset_config("directions: [t2i]"), &[]);
    let parts = ["split `test` of `made-up` as i2t", "\"40\"", "no text"];
    lab.refuses(dataset_config(""), &[], &parts);
}

#[test]
fn a_query_without_relevant_items() {
    let lab = by_role();
    let mut lists: Vec<Vec<usize>> = vec![vec![1, 2]; QUERIES];
    lists[11].clear();
    lab.write("answers.json", json(&lists));
    let parts = ["answers.json", "query 11", "relevant"];
    lab.refuses(role_config("relevance"), &[], &parts);
}

#[test]
fn relevance_of_too_few_queries() {
    let lab = by_role();
    lab.write("answers.json", json(&vec![vec![1]; 3]));
    let parts = ["answers.json", "3 relevance lists", "expected 30"];
    lab.refuses(role_config("relevance"), &[], &parts);
}

#[test]
fn no_reference_queries() {
    let lab = by_role();
    lab.write("past.npy", npy(&Vec::new()));
    let parts = ["past.npy", "no rows", "reference queries"];
    lab.refuses(role_config("query_to_gallery"), &[], &parts);
}

#[test]
fn a_reference_set_without_items() {
    // Nothing is in `train`; the images that were are in `spare`.
    let names: Vec<_> = splits()
        .into_iter()
        .map(|name| name.replace("train", "spare"))
        .collect();
    let lab = by_dataset();
    lab.write("splits.json", json(&names));
    let parts = [
        "reference set `train`",
        "no split \"train\"",
        "\"spare\"",
        "\"test\"",
    ];
    lab.refuses(dataset_config(""), &[], &parts);
}

/// Guards against a message that shows `test ` as if it were `test`.
#[test]
fn a_split_whose_name_ends_in_a_blank() {
    let lab = by_dataset();
    let names = splits()
        .iter()
        .map(|name| format!("{name} "))
        .collect::<Vec<_>>();
    lab.write("splits.json", json(&names));
    lab.refuses(dataset_config(""), &[], &["\"test \"", "\"train \""]);
}

#[test]
fn a_reference_set_without_texts() {
    let pairs: Vec<usize> = (0..TEXTS).map(|text| IMAGES / 2 + text / 4).collect();
    let lab = by_dataset();
    lab.write("pairs.json", json(&pairs));
    let parts = ["reference set `train`", "empty", "24 images", "no text"];
    lab.refuses(dataset_config(""), &[], &parts);
}

#[test]
fn k_above_the_bank() {
    // The train split has 48 texts and 24 images.
    let config = |k| dataset_config(&format!("methods: [nnn: {{k: {k}, alpha: 1}}]"));
    let lab = by_dataset();
    let parts = ["reference set `train`", "i2t", "k = 40", "24"];
    lab.refuses(config(40), &[], &parts);
    lab.refuses(
        config(49),
        &["--set", "directions=[t2i]"],
        &["t2i", "k = 49", "48"],
    );
    lab.run(&config(24), &[]);
}

#[test]
fn a_missing_column() {
    let lab = by_dataset();
    lab.write("splits.csv", "image,part\n0,train\n");
    let config = BY_DATASET.replace("splits.json", "splits.csv, key: split");
    let parts = ["splits.csv", "no key \"split\"", "\"image\", \"part\""];
    lab.refuses(format!("{config}methods: [raw]"), &[], &parts);
}

#[test]
fn an_unknown_extension() {
    let lab = by_dataset();
    let config = dataset_config("").replace("images.npy", "images.xls");
    lab.write("images.xls", "numbers");
    lab.refuses(
        config,
        &[],
        &["images.xls", "unknown extension \"xls\"", ".safetensors"],
    );
}
