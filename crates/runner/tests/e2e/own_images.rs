//! `configs/images.yaml`, the template for images of one's own: every card in it, on images and captions as it says.

use crate::archives::{Item, items, zip};
use crate::bad_images;
use crate::blocks::card_of_the_model;
#[cfg(unix)]
use crate::edges::below;
use crate::lab::{Lab, workspace};
use std::fs;

/// The cards at the end of the template, without their comment signs.
fn cards(template: &str) -> Vec<String> {
    let card = |part: &str| {
        let lines = part.lines().filter_map(|line| line.strip_prefix("#   "));
        lines.map(|line| format!("{line}\n")).collect()
    };
    template.split("\n# Card ").skip(1).map(card).collect()
}

/// A lab with the template, as a user copies it, and one of its cards.
pub(crate) fn lab_with(card: usize) -> Lab {
    let template = fs::read_to_string(workspace().join("configs/images.yaml")).expect("a template");
    let cards = cards(&template);
    assert_eq!(cards.len(), 3);
    let lab = Lab::new();
    card_of_the_model(&lab);
    lab.write("my-copy.yaml", &template);
    lab.write("my-images.yaml", &cards[card]);
    lab
}

fn run(lab: &Lab) -> Vec<f64> {
    let ended = lab.call(&["my-copy.yaml", "--set", "models=[clip]"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    lab.scores("my-images")
        .iter()
        .map(|row| row.value)
        .collect()
}

/// Two captions an image.
pub(crate) fn photographs() -> [Vec<Item>; 2] {
    [(1, 12, "a"), (2, 8, "b")].map(|(seed, count, letter)| {
        let mut all = items(seed, count, |id| format!("{letter}{id}.png"));
        all.iter_mut().for_each(|item| item.captions.truncate(2));
        all
    })
}

fn table(items: &[Item], line: impl Fn(&str, &str) -> String) -> String {
    let all = items
        .iter()
        .flat_map(|item| item.captions.iter().map(move |c| (item, c)));
    all.map(|(item, caption)| line(&item.name, caption))
        .collect()
}

fn folder() -> Vec<f64> {
    let lab = lab_with(0);
    let mut captions = String::from("image,split,caption\n");
    for (split, items) in ["train", "test"].into_iter().zip(photographs()) {
        for item in &items {
            lab.write(&format!("photographs/{}", item.name), &item.content);
        }
        let rows = table(&items, |image, text| {
            format!("{image},{split},\"{text}\"\n")
        });
        captions.push_str(&rows);
    }
    lab.write("photographs/captions.csv", captions);
    run(&lab)
}

/// The second card's files.
pub(crate) fn lab_with_tables(all: &[Vec<Item>; 2]) -> Lab {
    let lab = lab_with(1);
    for (split, items) in ["train", "test"].into_iter().zip(all) {
        let rows = table(items, |image, text| format!("{image}\t{text}\n"));
        lab.write(&format!("{split}.tsv"), format!("photo\twords\n{rows}"));
    }
    let all: Vec<&Item> = all.iter().flatten().collect();
    lab.write("photographs.zip", zip("photographs", &all));
    lab
}

#[test]
fn a_folder_and_tables_of_ones_own() {
    let values = folder();
    assert!(!values.is_empty());
    assert_eq!(run(&lab_with_tables(&photographs())), values);
}

/// It is called by its own name, not by that of its file in the cache alone.
/// Guards against a message that names a file of the cache, where nobody can tell which archive it came from.
#[test]
fn an_image_of_an_archive_that_cannot_be_decoded() {
    let mut all = photographs();
    all[1][3].content = b"a note".to_vec();
    let lab = lab_with_tables(&all);
    let name = "image \"b3.png\" of photographs.zip: ";
    let call = |options: &[&str]| {
        let arguments = ["my-copy.yaml", "--set", "models=[clip]"];
        lab.call(&[&arguments, options].concat())
    };
    call(&[]).refused(&[name, "b3.png is no image of a known format"]);
    let skipping = call(&["--set", "compute.on_error=skip"]);
    assert_eq!(skipping.code, Some(0), "{}", skipping.stderr);
    let skipped = &lab.warnings("my-images", "images_skipped")[0]["images"]["b3.png"];
    let reason = skipped.as_str().expect("a reason");
    assert!(reason.starts_with(name), "{reason}");
    for item in &mut all[1] {
        item.content = b"a note".to_vec();
    }
    let lab = lab_with_tables(&all);
    let arguments = [
        "my-copy.yaml",
        "--set",
        "models=[clip]",
        "--set",
        "compute.on_error=skip",
    ];
    let parts = [
        "none of the 8 images",
        "the first: image \"b0.png\" of photographs.zip: ",
    ];
    lab.call(&arguments).refused(&parts);
}

/// A tar file as webdataset has it.
fn shard(items: &[Item]) -> Vec<u8> {
    let mut shard = tar::Builder::new(Vec::new());
    for item in items {
        let key = item.name.trim_end_matches(".png");
        let parts = [
            ("png", &item.content[..]),
            ("txt", item.captions[0].as_bytes()),
        ];
        for (ending, content) in parts {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let name = format!("{key}.{ending}");
            shard
                .append_data(&mut header, name, content)
                .expect("an entry");
        }
    }
    shard.into_inner().expect("a shard")
}

#[test]
fn shards() {
    let lab = lab_with(2);
    for (split, items) in ["train", "test"].into_iter().zip(photographs()) {
        lab.write(&format!("{split}-000.tar"), shard(&items));
    }
    assert!(!run(&lab).is_empty());
    assert!(
        lab.scores("my-images")
            .iter()
            .any(|row| row.n_gallery == 8 && row.n_queries == 8)
    );
}

/// One image in each.
#[cfg(unix)]
#[test]
fn more_shards_than_files_may_be_open() {
    let lab = lab_with(2);
    let [train, test] = photographs();
    let more = items(3, 70, |id| format!("c{id}.png"));
    let mut card = fs::read_to_string(lab.path("my-images.yaml")).expect("a card");
    for (split, items) in [("train", [train, more].concat()), ("test", test)] {
        let name = |at: usize| format!("{split}-{at:03}.tar");
        for (at, item) in items.chunks(1).enumerate() {
            lab.write(&name(at), shard(item));
        }
        let names: Vec<String> = (0..items.len()).map(name).collect();
        card = card.replace(&name(0), &names.join(", "));
    }
    lab.write(
        "my-images.yaml",
        card.replace("images: 12, texts: 12", "images: 82, texts: 82"),
    );
    let run = ["my-copy.yaml", "--set", "models=[clip]"];
    let output = below(&lab, "ulimit -n 64", &run);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(lab.scores("my-images").iter().any(|row| row.n_gallery == 8));
}

/// What the template names beside is there to be copied from, and a mistake in a copy is named.
#[test]
fn a_copy_that_is_not_filled_in() {
    let lab = lab_with(1);
    let ended = lab.call(&["my-copy.yaml", "--set", "models=[clip]"]);
    ended.refused(&[
        "my-images.yaml: data set `my-images`",
        "train.tsv",
        "a file beside the card",
    ]);
}

/// Without numbers on the card what is found is recorded, and the next run says what has changed.
#[test]
fn a_card_without_numbers() {
    let lab = bad_images::folder();
    let card = |splits: &str| {
        let card = format!(
            "name: folder\ndescription: A folder.\nlicence: MIT\nsource: {{folder: ../pictures}}\n{splits}\n"
        );
        lab.write("datasets/folder.yaml", card);
    };
    for splits in [
        "",
        "splits: [train, test]",
        "splits: {train: , test: {images: 5}}",
    ] {
        card(splits);
        lab.run(bad_images::CONFIG, &[]);
        let counts = &lab.record("lab")["counts"]["folder"];
        assert_eq!(
            counts["train"],
            serde_json::json!({"images": 6, "texts": 30}),
            "{splits}"
        );
        assert_eq!(
            counts["test"],
            serde_json::json!({"images": 5, "texts": 25}),
            "{splits}"
        );
        assert!(lab.warnings("lab", "counts_changed").is_empty());
    }
    let table = std::fs::read_to_string(lab.path("pictures/captions.csv")).expect("captions");
    let short = table.trim_end().rsplit_once('\n').expect("lines").0;
    lab.write("pictures/captions.csv", short);
    lab.run(bad_images::CONFIG, &[]);
    let changed = lab.warnings("lab", "counts_changed");
    let [one] = changed.as_slice() else {
        panic!("one warning, found {changed:?}");
    };
    let texts: Vec<u64> = serde_json::from_value(one["texts"].clone()).expect("two numbers");
    assert_eq!(texts[0], texts[1] + 1);
    card("splits: {train: {images: 6, texts: 30}, test: {images: 5, texts: 25}}");
    lab.refuses(bad_images::CONFIG, &[], &["found", "expected"]);
}
