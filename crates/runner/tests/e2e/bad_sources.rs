//! Published data sets that do not come as they should: each with what is said, through the whole program.

use crate::archives::{Item, caption_list, coco_parquet, flickr_table, items, zip};
use crate::blocks::card_of_the_model;
use crate::lab::{Lab, lasting};
use crate::published::{FEW, FIVE_K, FLICKR, KARPATHY, World, succeeded};
use nnn_testkit::hub::{Fault, Resource, Server};
use std::fs;

const COCO: &str = "configs/coco.yaml";
const FLICKR30K: &str = "configs/flickr30k.yaml";
const ZIP: &str = "flickr30k-images.zip";
const TEST: &str = "data/test-00000-of-00001.parquet";

/// A part of Flickr30k alone, evaluated without anything to choose.
fn flickr_alone(world: &World) -> crate::lab::Ended {
    world.call(&[
        FLICKR30K,
        "--set",
        "reference_sets=[{split: train, share: 0.5}]",
        "--set",
        "choose=fixed",
        "--set",
        "methods=[raw, {nnn: {k: 2, alpha: 0.5}}]",
    ])
}

/// Expects a run of Flickr30k to end with these words, and to leave no results but its empty folder.
fn flickr_refuses(world: &World, parts: &[&str]) {
    let ended = flickr_alone(world);
    ended.refused(&[&["datasets/flickr30k.yaml", "`flickr30k`"], parts].concat());
    assert!(world.lab.files("results").is_empty());
}

/// Flickr30k's images and captions, of a world of its own.
fn photographs(count: u64) -> Vec<Item> {
    items(5, count, |id| format!("5000{id}.jpg"))
}

#[test]
fn a_web_page_instead_of_an_archive() {
    let world = World::new();
    let mut page = Resource::plain(b"<!DOCTYPE html><html><body>Access denied</body></html>");
    page.headers
        .push(("Content-Type".into(), "text/html".into()));
    for path in [
        "/zips/val2014.zip",
        "/images.cocodataset.org/zips/val2014.zip",
    ] {
        world.web.put(path, page.clone());
    }
    let ended = world.call(&["fetch", COCO]);
    ended.refused(&[
        "datasets/coco.yaml: data set `coco`",
        "val2014.zip: no mirror gave it",
        "/zips/val2014.zip answers with a web page (Content-Type text/html",
        "Access denied",
        "a login or a form",
    ]);
    let kept = world.lab.files("cache/downloads");
    assert!(
        kept.keys().any(|name| name.ends_with("train2014.zip")),
        "{:?}",
        kept.keys()
    );
    assert!(
        !kept.keys().any(|name| name.ends_with("val2014.zip")),
        "{:?}",
        kept.keys()
    );
}

#[test]
fn a_download_that_stops() {
    let world = World::new();
    let archive = world.storage_of(FLICKR, ZIP);
    let gone = Fault::Status(503, vec![("Retry-After".into(), "3600".into())]);
    world.storage.fail(&archive, [Fault::Truncate(5000), gone]);
    let ended = world.call(&["fetch", FLICKR30K]);
    ended.refused(&[
        "data set `flickr30k`",
        "broke off after 5000 bytes",
        "flickr30k-images.zip: ",
        "503",
        "what has arrived is kept",
    ]);
    succeeded(&world.call(&["fetch", FLICKR30K]));
    let mut ranges = world
        .storage
        .requests()
        .into_iter()
        .filter(|it| it.path == archive);
    let last = ranges.next_back().expect("a request");
    assert_eq!(last.header("range"), Some("bytes=5000-"));
}

#[test]
fn a_wrong_checksum() {
    let world = World::new();
    let sum = "0".repeat(64);
    world.change(
        "datasets/flickr30k.yaml",
        "\nnotes:",
        &format!("\nsha256: {{{ZIP}: '{sum}'}}\nnotes:"),
    );
    flickr_refuses(&world, &[ZIP, "gave a file with SHA-256", &sum, "the card"]);
    world.change("datasets/flickr30k.yaml", &sum, "abc");
    world.call(&["fetch", FLICKR30K]).refused(&[
        "datasets/flickr30k.yaml",
        "`sha256` is \"abc\"",
        "64 hexadecimal digits",
    ]);
}

#[test]
fn other_counts_than_the_card_says() {
    let world = World::new();
    world.change(
        "datasets/flickr30k.yaml",
        "  test: {images: 12",
        "  test: {images: 13",
    );
    flickr_refuses(
        &world,
        &["split \"test\"", "found 12 images", "expected 13"],
    );
}

#[test]
fn an_empty_split() {
    let world = World::new();
    let table = flickr_table(&[("train", &photographs(40)), ("val", &photographs(0))]);
    let publish = |table: &str| {
        let storage = Some(&world.storage);
        world.hub.publish(
            FLICKR,
            "flickr_annotations_30k.csv",
            table.as_bytes(),
            storage,
        );
    };
    publish(&table);
    let parts = [
        "flickr_annotations_30k.csv",
        "\"test\"",
        "no item belongs to it",
    ];
    flickr_refuses(&world, &parts);
    // A file of its own that is empty.
    let world = World::new();
    let empty = coco_parquet("test", &[]);
    world
        .hub
        .publish(KARPATHY, TEST, &empty, Some(&world.storage));
    let ended = world.call(&[&[COCO], &FEW[..]].concat());
    ended.refused(&["data set `coco`", "no row belongs to split \"test\""]);
}

#[test]
fn a_broken_list_of_captions() {
    let world = World::new();
    let table = flickr_table(&[
        ("train", &photographs(40)),
        ("val", &photographs(0)),
        ("test", &items(7, 12, |id| format!("7000{id}.jpg"))),
    ]);
    let broken = table.replacen("\"[\"\"", "\"[\"", 1);
    let publish = |table: &str| {
        let storage = Some(&world.storage);
        world.hub.publish(
            FLICKR,
            "flickr_annotations_30k.csv",
            table.as_bytes(),
            storage,
        );
    };
    publish(&broken);
    flickr_refuses(&world, &["flickr_annotations_30k.csv", "line "]);
}

#[test]
fn an_archive_that_would_leave_its_folder() {
    let world = World::new();
    let mut photographs = photographs(3);
    photographs[1].name = "../../evil.jpg".to_owned();
    let all: Vec<&Item> = photographs.iter().collect();
    let archive = zip("flickr30k-images", &all);
    world
        .hub
        .publish(FLICKR, ZIP, &archive, Some(&world.storage));
    let parts = [ZIP, "../../evil.jpg", "leave the folder"];
    flickr_refuses(&world, &parts);
    assert!(world.lab.files("cache/images").is_empty());
}

#[test]
fn an_archive_that_is_cut() {
    let world = World::new();
    world.hub.publish(
        FLICKR,
        ZIP,
        b"PK\x03\x04 and nothing more",
        Some(&world.storage),
    );
    flickr_refuses(&world, &[ZIP, "not readable as zip"]);
}

/// Captions of an image that is in no archive: an error, or left out and recorded, as the config says.
#[test]
fn captions_without_an_image() {
    let world = World::new();
    let train = photographs(40);
    let test = items(7, 12, |id| format!("7000{id}.jpg"));
    let here: Vec<&Item> = train.iter().chain(&test[1..]).collect();
    let archive = zip("flickr30k-images", &here);
    world
        .hub
        .publish(FLICKR, ZIP, &archive, Some(&world.storage));
    flickr_refuses(&world, &["\"70000.jpg\" is not in flickr30k-images.zip"]);
    let mut arguments = vec![FLICKR30K, "--set", "compute.on_error=skip"];
    arguments.extend(FEW);
    arguments.extend(["--set", "reference_sets=[{split: train, share: 0.5}]"]);
    succeeded(&world.call(&arguments));
    let warning = &world.lab.warnings("flickr30k", "left_out")[0];
    let finding = warning["finding"].as_str().expect("words");
    for part in ["\"test\"", "1 image ", "70000.jpg", "5 captions"] {
        assert!(finding.contains(part), "no {part} in {finding}");
    }
    let queries: Vec<usize> = world
        .lab
        .scores("flickr30k")
        .iter()
        .map(|row| row.n_gallery)
        .collect();
    assert!(queries.contains(&11), "{queries:?}");
}

/// The values of all rows, which do not depend on where the annotations came from.
fn values(lab: &Lab) -> Vec<f64> {
    lab.scores("coco").iter().map(|row| row.value).collect()
}

/// One source after the other is gone: what is read instead is the same, and recorded.
#[test]
fn alternatives_in_their_order() {
    let arguments = [&[COCO], &FEW[..]].concat();
    let world = World::new();
    succeeded(&world.call(&arguments));
    let expected = values(&world.lab);
    let world = World::new();
    let gone = |server: &Server, path: &str| server.put(path, missing());
    gone(&world.hub, &World::resolve(KARPATHY, TEST));
    gone(
        &world.hub,
        &World::resolve(FIVE_K, "images_mscoco_2014_5k_test.zip"),
    );
    succeeded(&world.call(&arguments));
    assert_eq!(values(&world.lab), expected);
    let taken = |lab: &Lab| -> Vec<String> {
        let all = lab.warnings("coco", "alternative");
        all.iter().map(|it| it["taken"].to_string()).collect()
    };
    assert_eq!(
        taken(&world.lab),
        ["[\"coco_karpathy_test.json\"]", "[\"val2014.zip\"]"]
    );
    let reason = &world.lab.warnings("coco", "alternative")[0]["reason"];
    assert!(
        reason.as_str().is_some_and(|it| it.contains("404")),
        "{reason}"
    );
    // Without them too, the table with lists as Python prints them; what is here is taken without asking.
    let asked = world.requests().len();
    let before = lasting(&world.lab.files("results"));
    succeeded(&world.call(&arguments));
    assert_eq!(lasting(&world.lab.files("results")), before);
    assert_eq!(world.requests().len(), asked);
    let world = World::new();
    gone(&world.hub, &World::resolve(KARPATHY, TEST));
    gone(
        &world.web,
        "/sfr-vision-language-research/datasets/coco_karpathy_test.json",
    );
    succeeded(&world.call(&arguments));
    assert_eq!(values(&world.lab), expected);
    assert_eq!(taken(&world.lab), ["[\"test_5k_mscoco_2014.csv\"]"]);
}

/// A resource that answers 404.
fn missing() -> Resource {
    Resource {
        redirect: Some("/nothing/there".to_owned()),
        ..Resource::default()
    }
}

#[test]
fn nothing_gives_it() {
    let world = World::new();
    world.hub.put(&World::resolve(KARPATHY, TEST), missing());
    world.hub.put(
        &World::resolve(FIVE_K, "test_5k_mscoco_2014.csv"),
        missing(),
    );
    let list = "/sfr-vision-language-research/datasets/coco_karpathy_test.json";
    world.web.put(
        list,
        Resource {
            redirect: Some("/gone".into()),
            ..Resource::default()
        },
    );
    let ended = world.call(&["fetch", COCO]);
    ended.refused(&[
        "data set `coco`",
        TEST.trim_start_matches("data/"),
        "coco_karpathy_test.json",
        "404",
    ]);
}

/// A table of images at addresses, one of each kind that does not load.
fn addressed() -> (Server, Lab) {
    let web = Server::start().expect("a server");
    let lab = Lab::new();
    card_of_the_model(&lab);
    let photographs = items(9, 9, |id| format!("p{id}"));
    let mut table = String::from("image,split,caption,url\n");
    for (index, item) in photographs.iter().enumerate() {
        let split = if index < 6 { "test" } else { "train" };
        let url = format!("{}/{}", web.url(), item.name);
        web.put(&format!("/{}", item.name), Resource::plain(&item.content));
        let caption = item.captions[0].replace('"', "");
        table.push_str(&format!("{},{split},\"{caption}\",{url}\n", item.name));
    }
    lab.write("datasets/table.csv", table);
    let card = "name: addressed
description: Images at addresses.
licence: none
source:
  files:
    annotations: [{files: [table.csv], format: table}]
    images: [{addresses: true}]
splits: {test: {images: 6, texts: 6}, train: {images: 3, texts: 3}}
";
    lab.write("datasets/addressed.yaml", card);
    (web, lab)
}

const ADDRESSED: &str = "
experiment: lab
models: [clip]
datasets: [addressed]
methods: [raw, nnn: {k: 2, alpha: 0.5}]
metrics: [R@1]
statistics: {resamples: 40, permutations: 40}
";

#[test]
fn images_at_addresses() {
    let (web, lab) = addressed();
    lab.run(ADDRESSED, &[]);
    let expected = lasting(&lab.files("results"));
    let asked = web.requests().len();
    assert_eq!(asked, 9);
    drop(web);
    for folder in ["results", "cache/embeddings"] {
        fs::remove_dir_all(lab.path(folder)).expect("it was there");
    }
    lab.run(ADDRESSED, &["--offline"]);
    assert_eq!(lasting(&lab.files("results")), expected);
    let (_web, empty) = addressed();
    let parts = [
        "`addressed`",
        "`test`: 6 of 6 images are not here",
        "p0: ",
        "`train`: 3 of 3",
    ];
    empty.refuses(ADDRESSED, &["--offline"], &parts);
}

#[test]
fn images_at_addresses_that_do_not_load() {
    let (web, lab) = addressed();
    web.put("/p0", missing());
    web.put(
        "/p1",
        Resource::plain(b"<html>This photo is private</html>"),
    );
    web.put("/p2", Resource::plain(b"\x89PNG\r\n\x1a\nnot really"));
    let cut = || Fault::Truncate(40);
    web.fail(
        "/p3",
        [
            cut(),
            Fault::Status(503, vec![("Retry-After".into(), "9999".into())]),
        ],
    );
    lab.write("config.yaml", ADDRESSED);
    let fails = lab.call(&["config.yaml"]);
    fails.refused(&[
        "`test`: 3 of 6 images cannot be fetched",
        "p0: ",
        "404",
        "on_error: skip",
    ]);
    web.fail(
        "/p3",
        [Fault::Status(
            503,
            vec![("Retry-After".into(), "9999".into())],
        )],
    );
    let skipping = format!("{ADDRESSED}compute: {{on_error: skip}}\n");
    lab.run(&skipping, &[]);
    let skipped = &lab.warnings("lab", "images_skipped")[0];
    assert_eq!(
        (&skipped["of"], &skipped["captions"]),
        (&6.into(), &4.into())
    );
    for (image, part) in [
        ("p0", "404"),
        ("p1", "This photo is private"),
        ("p2", "decode"),
        ("p3", "503"),
    ] {
        let reason = skipped["images"][image].as_str().expect("a reason");
        assert!(reason.contains(part), "no {part} in {reason}");
    }
    assert!(lab.scores("lab").iter().any(|row| row.n_gallery == 2));
    let kept = lab.files("cache");
    let pages = kept.values().filter(|it| it.starts_with(b"<html>"));
    assert_eq!(pages.count(), 0);
}

/// A caption list of BLIP's authors names images with their folders; another part names them without.
#[test]
fn a_list_with_folders_finds_its_images() {
    let list = caption_list(
        "coco",
        &items(1, 1, |_| "COCO_val2014_000000000300.jpg".into()),
        false,
    );
    assert!(
        list.contains("\"val2014/COCO_val2014_000000000300.jpg\""),
        "{list}"
    );
}
