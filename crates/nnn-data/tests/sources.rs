//! Folders, embeddings as data sources, and cards: what they load and every complaint.

use nnn_data::{
    ArrayFile, ArrayFiles, Cluster, DatasetCard, DatasetSource, Direction, EmbeddingSource,
    ImageStore, ModelCard, OnGap, RoleSource, SplitCounts, hold_out, reference_set,
};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), content).expect("writing a test file");
}

fn array(file: &str) -> ArrayFiles {
    ArrayFiles::One(ArrayFile {
        file: PathBuf::from(file),
        key: None,
    })
}

/// Writes rows of f32 as `.npy` by hand.
fn put_rows(folder: &TempDir, name: &str, rows: &[&[f32]], dim: usize) {
    let dict = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {dim}), }}\n",
        rows.len()
    );
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dict.len() as u16).to_le_bytes());
    bytes.extend(dict.as_bytes());
    bytes.extend(rows.concat().iter().flat_map(|value| value.to_le_bytes()));
    put(folder, name, bytes);
}

fn captions(rows: &str) -> (TempDir, Result<ImageStore, String>) {
    let folder = folder();
    for image in ["a.png", "b.png"] {
        put(&folder, image, image);
    }
    put(&folder, "captions.csv", rows);
    let opened =
        ImageStore::folder(folder.path(), &["test", "train"], OnGap::Fail, None).map_err(|error| {
            let root = format!("{}/", folder.path().display());
            let error = error.to_string().replace(&root, "");
            error.replace(root.trim_end_matches('/'), "the folder")
        });
    (folder, opened)
}

#[test]
fn a_folder_of_images_and_captions() {
    let (root, opened) = captions(
        "image,split,caption\na.png,test,\"one, two\"\nb.png,train,three\na.png,test,four\n",
    );
    let opened = opened.expect("a good folder");
    let test = &opened.splits()["test"];
    assert_eq!(test.images(), ["a.png"]);
    assert_eq!(test.texts(), ["one, two", "four"]);
    assert_eq!(test.text_to_image(), [0, 0]);
    assert_eq!(opened.image_path("a.png"), root.path().join("a.png"));
    let contents = opened.contents(test.images()).expect("readable images");
    assert_eq!(contents, [nnn_files::sha256_bytes(b"a.png")]);
}

#[test]
fn bad_folders() {
    let cases = [
        (
            "image,caption\na.png,x\n",
            "captions.csv, line 1: no column \"split\": separated by comma, the first line is \"image\", \"caption\"; name what is \
             there with `columns: {image: ..., caption: ...}`, or by numbers from 0 if the table has no header",
        ),
        (
            "image,split,caption\na.png,test,x\na.png,tset,x\n",
            "captions.csv, line 3: unknown split \"tset\", expected one of test, train",
        ),
        (
            "image,split,caption\na.png,test,\"  \"\n",
            "captions.csv, line 2: empty caption for image \"a.png\"",
        ),
        (
            "image,split,caption\nc.png,test,x\nb.png,train,y\n",
            "captions.csv, line 2: image \"c.png\" is not in the folder",
        ),
        (
            "image,split,caption\n../a.png,test,x\n",
            "captions.csv, line 2: image \"../a.png\" is not a path inside the folder",
        ),
        (
            "image,split,caption\n/a.png,test,x\n",
            "captions.csv, line 2: image \"/a.png\" is not a path inside the folder",
        ),
        (
            "image,split,caption\na.png,test,x\na.png,train,x\n",
            "captions.csv, line 3: image \"a.png\" is in split \"train\", but in \"test\" on an earlier line",
        ),
        (
            "image,split,caption\na.png,test,x\n",
            "captions.csv: no row belongs to split \"train\"",
        ),
        (
            "image,split,caption\na.png,test\n",
            "captions.csv, line 2: the line is 2 fields, expected as many fields as the header has",
        ),
    ];
    for (rows, expected) in cases {
        assert_eq!(captions(rows).1.expect_err("a bad folder"), expected);
    }
    let root = folder();
    let error =
        ImageStore::folder(root.path(), &["test"], OnGap::Fail, None).expect_err("no table");
    assert_eq!(
        error.to_string(),
        format!(
            "{}/captions.csv: No such file or directory (os error 2)",
            root.path().display()
        )
    );
}

fn embedding_source() -> EmbeddingSource {
    EmbeddingSource {
        images: array("images.npy"),
        texts: array("texts.npy"),
        text_to_image: array("pairs.json"),
        split: array("split.json"),
        image_ids: None,
        text_ids: None,
    }
}

fn embedding_files() -> TempDir {
    let folder = folder();
    put_rows(&folder, "images.npy", &[&[3.0, 4.0], &[1.0, 0.0]], 2);
    put_rows(
        &folder,
        "texts.npy",
        &[&[0.0, 2.0], &[1.0, 0.0], &[5.0, 0.0]],
        2,
    );
    put(&folder, "pairs.json", "[1, 0, 1]");
    put(&folder, "split.json", r#"["train", "test"]"#);
    folder
}

#[test]
fn embeddings_by_data_set() {
    let folder = embedding_files();
    let loaded = embedding_source().load(folder.path()).expect("good files");
    assert_eq!(loaded.images.rows().row(0), [0.6, 0.8]);
    let test = &loaded.splits["test"];
    assert_eq!(test.rows.images, [1]);
    assert_eq!(test.rows.texts, [0, 2]);
    assert_eq!(test.pairs.images(), ["1"]);
    assert_eq!(test.pairs.text_to_image(), [0, 0]);
    assert_eq!(loaded.splits["train"].rows.texts, [1]);
}

#[test]
fn bad_embeddings_by_data_set() {
    let complaint = |change: &dyn Fn(&TempDir)| {
        let folder = embedding_files();
        change(&folder);
        let error = embedding_source()
            .load(folder.path())
            .expect_err("a bad file");
        error.to_string()
    };
    assert_eq!(
        complaint(&|f| put_rows(f, "texts.npy", &[&[1.0, 0.0, 0.0]], 3)),
        "images.npy has dimension 2, but texts.npy has dimension 3"
    );
    assert_eq!(
        complaint(&|f| put(f, "pairs.json", "[0]")),
        "pairs.json has 1 entry, expected 3: one for each row of texts.npy"
    );
    assert_eq!(
        complaint(&|f| put(f, "pairs.json", "[0, 1, 2]")),
        "pairs.json: text 2 names image 2, but there are 2 images"
    );
    assert_eq!(
        complaint(&|f| put(f, "split.json", r#"["test"]"#)),
        "split.json has 1 entry, expected 2: one for each row of images.npy"
    );
    assert_eq!(
        complaint(&|f| put_rows(f, "images.npy", &[], 2)),
        "images.npy has no rows, expected at least one of the images"
    );
}

fn role_source() -> RoleSource {
    serde_json::from_value(json!({
        "gallery": {"file": "images.npy"},
        "queries": {"file": "texts.npy"},
        "query_to_gallery": {"file": "pairs.json"},
        "reference_queries": {"file": "past.npy"},
    }))
    .expect("a source")
}

#[test]
fn embeddings_by_role() {
    let folder = embedding_files();
    put_rows(&folder, "past.npy", &[&[0.0, 2.0]], 2);
    put(&folder, "lists.jsonl", "[0]\n[0, 1]\n[1]\n");
    let mut source = role_source();
    let loaded = source.load(folder.path()).expect("good files");
    assert_eq!(
        (loaded.clusters, loaded.cluster),
        (vec![1, 0, 1], Cluster::Item)
    );
    assert_eq!(loaded.relevance.of(0), [1]);
    assert_eq!(loaded.reference_queries.len(), 1);
    source.relevance = Some(ArrayFiles::One(ArrayFile {
        file: PathBuf::from("lists.jsonl"),
        key: None,
    }));
    let complaint = |source: &RoleSource| {
        let error = source.load(folder.path()).expect_err("a bad source");
        error.to_string()
    };
    assert_eq!(
        complaint(&source),
        "several of query_to_gallery, relevance and classes given, expected exactly one"
    );
    source.query_to_gallery = None;
    let loaded = source.load(folder.path()).expect("good files");
    assert_eq!(
        (loaded.clusters, loaded.cluster),
        (vec![0, 1, 2], Cluster::Query)
    );
    assert_eq!(loaded.relevance.of(1), [0, 1]);
    source.relevance = None;
    assert_eq!(
        complaint(&source),
        "none of query_to_gallery, relevance and classes given, expected exactly one"
    );
    put(&folder, "pairs.json", "[0, 1, 2]");
    assert_eq!(
        complaint(&role_source()),
        "pairs.json: query 2 names gallery item 2, but the gallery has 2 items (0 to 1)"
    );
    put_rows(&folder, "past.npy", &[], 2);
    assert_eq!(
        complaint(&role_source()),
        "past.npy has no rows, expected at least one of the reference queries"
    );
}

/// Two gallery items, three queries.
#[test]
fn embeddings_by_role_with_classes_and_groups() {
    let folder = embedding_files();
    put_rows(&folder, "past.npy", &[&[0.0, 2.0]], 2);
    put(
        &folder,
        "labels.json",
        r#"{"class": ["nurse", "judge"], "group": ["b", ""]}"#,
    );
    put(&folder, "asked.json", r#"["judge", "nurse", "judge"]"#);
    let key = |key: &str| json!({"file": "labels.json", "key": key});
    let load = |keys: serde_json::Value| {
        let mut source = serde_json::to_value(role_source()).expect("a value");
        source["query_to_gallery"] = serde_json::Value::Null;
        for (name, value) in keys.as_object().expect("keys") {
            source[name] = value.clone();
        }
        let source: RoleSource = serde_json::from_value(source).expect("a source");
        source
            .load(folder.path())
            .map_err(|error| error.to_string())
    };
    let classes =
        |asked: &str| json!({"gallery_classes": key("class"), "query_classes": {"file": asked}});
    let loaded = load(classes("asked.json")).expect("classes");
    assert_eq!(
        (loaded.relevance.of(0), loaded.relevance.of(1)),
        (&[1][..], &[0][..])
    );
    assert_eq!(
        (loaded.clusters, loaded.cluster),
        (vec![1, 0, 1], Cluster::Class)
    );
    assert_eq!(loaded.query_classes.expect("classes")[2], "judge");
    assert!(loaded.groups.is_none());
    // Groups alone: nothing says what answers what, so everything does.
    let loaded = load(json!({"groups": key("group"), "group_names": ["a", "b"]})).expect("groups");
    assert_eq!(loaded.relevance.of(2), [0, 1]);
    assert_eq!(loaded.groups.expect("groups").sizes(), [0, 1]);
    put(&folder, "other.json", r#"["judge", "nurse", "clerk"]"#);
    for (keys, complaint) in [
        (
            classes("other.json"),
            "other.json: query 2 has the class \"clerk\", which no gallery row has",
        ),
        (
            json!({"groups": key("group")}),
            "`groups` is given without `group_names`",
        ),
        (
            json!({"query_classes": {"file": "asked.json"}}),
            "`query_classes` is given without `gallery_classes`",
        ),
        (
            json!({"groups": key("class"), "group_names": ["judge", "clerk"]}),
            "labels.json[class]: item 0 has the group \"nurse\", expected \"judge\", \"clerk\" or nothing",
        ),
        (
            json!({"groups": {"file": "asked.json"}, "group_names": ["judge", "nurse"]}),
            "asked.json has 3 entries, expected 2: one for each row of images.npy",
        ),
    ] {
        assert_eq!(load(keys).expect_err("a bad source"), complaint);
    }
}

#[test]
fn real_embeddings() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fashion-clip");
    if !shared.is_dir() {
        use std::io::Write;
        let skipped = writeln!(std::io::stderr(), "skipped: no shared/data/fashion-clip");
        return skipped.expect("a writable stderr");
    }
    let source: EmbeddingSource = serde_json::from_value(json!({
        "images": {"file": "images.npy"},
        "texts": {"file": "texts.npy"},
        "text_to_image": {"file": "text_to_image.npy"},
        "split": {"file": "images.csv", "key": "split"},
        "text_ids": {"file": "texts.csv", "key": "text"},
    }))
    .expect("a source");
    let loaded = source.load(&shared).expect("the files fit");
    assert_eq!(loaded.images.dim(), 512);
    let (test, reference) = (&loaded.splits["test"], &loaded.splits["reference"]);
    assert_eq!((test.rows.images.len(), test.rows.texts.len()), (500, 544));
    assert_eq!(reference.rows.texts.len(), 555);
    let task = test.pairs.task(Direction::T2i).expect("a task");
    let gallery = loaded.images.select(&test.rows.images);
    let queries = loaded.texts.select(&test.rows.texts);
    let hits = (0..queries.len()).filter(|&query| {
        let score = |item: usize| {
            let pairs = queries
                .rows()
                .row(query)
                .iter()
                .zip(gallery.rows().row(item));
            pairs
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum::<f64>()
        };
        let best = (0..gallery.len())
            .rev()
            .max_by(|&a, &b| score(a).total_cmp(&score(b)));
        task.relevance.of(query) == [best.expect("an item") as u32]
    });
    assert_eq!(hits.count(), 338);
    let parts = hold_out(&reference.pairs, 100, 0).expect("it fits");
    let set = reference_set(&reference.pairs, &parts.rest, 0.2, 0).expect("a set");
    assert_eq!(set.images.len(), 80);
}

#[test]
fn cards() {
    let card: DatasetCard = serde_json::from_value(json!({
        "name": "mine", "description": "A test.", "licence": "none",
        "source": {"folder": "images"},
        "splits": {"test": {"images": 1, "texts": 3}},
        "sha256": {"captions.csv": "00"},
    }))
    .expect("a card");
    assert_eq!(card.source, DatasetSource::Folder(PathBuf::from("images")));
    let (root, opened) =
        captions("image,split,caption\na.png,test,x\nb.png,train,y\na.png,test,z\n");
    let opened = opened.expect("a good folder");
    let counts = card.check_counts("test", &opened.splits()["test"]);
    assert_eq!(
        counts.expect_err("other counts").to_string(),
        "data set \"mine\", split \"test\": found 1 image and 2 texts, expected 1 and 3"
    );
    // One more and one less is an error, of images as of texts.
    let held = |images: usize, texts: usize| {
        let mut card = card.clone();
        let counts = SplitCounts {
            images: Some(images),
            texts: Some(texts),
        };
        card.splits.insert("test".to_owned(), counts);
        card.check_counts("test", &opened.splits()["test"]).is_ok()
    };
    for (images, texts) in [(0, 2), (2, 2), (1, 1), (1, 3)] {
        assert!(!held(images, texts), "{images} images, {texts} texts");
    }
    assert!(held(1, 2));
    let unknown = card.check_counts("train", &opened.splits()["train"]);
    assert_eq!(
        unknown.expect_err("no such split").to_string(),
        "data set \"mine\" has no split \"train\", expected one of test"
    );
    let table = root.path().join("captions.csv");
    let found = nnn_files::sha256_file(&table).expect("readable");
    assert_eq!(
        card.check_files(root.path())
            .expect_err("another content")
            .to_string(),
        format!("{}: SHA-256 {found}, expected 00", table.display())
    );
}

#[test]
fn cards_refuse_unknown_keys() {
    let good = json!({
        "name": "b32", "family": "clip", "trained_on": ["web"],
        "source": {"path": "checkpoint"}, "sha256": {"model.safetensors": "00"},
    });
    let card: ModelCard = serde_json::from_value(good.clone()).expect("a card");
    assert_eq!(serde_json::to_value(&card).expect("plain data"), good);
    let mut bad = good;
    bad["branch"] = json!("main");
    let error = serde_json::from_value::<ModelCard>(bad).expect_err("an unknown key");
    assert!(
        error.to_string().starts_with("unknown field `branch`"),
        "{error}"
    );
}

fn published(extra: serde_json::Value) -> DatasetCard {
    let mut card = json!({
        "name": "flickr",
        "description": "-",
        "licence": "-",
        "source": {"files": {
            "download": [
                {"hub": {"repo": "o/n", "revision": "main", "files": ["a.csv", "deep/i.zip"]}},
                {"url": {"name": "k.zip", "mirrors": ["https://host/k.zip"]}},
            ],
            "annotations": [
                {"files": ["a.csv"], "format": "table", "splits": {"train": "train", "test": "test"}},
                {"files": ["k.zip/k.json"], "format": "karpathy", "split": "test", "otherwise": {
                    "files": ["own.csv"], "format": "table", "split": "test"
                }},
            ],
            "images": [{"archives": ["i.zip"]}],
            "notice": "Flickr's images are had by a form.",
        }},
        "splits": {"train": {"images": 1, "texts": 5}, "test": {"images": 1, "texts": 5}},
        "sha256": {"i.zip": "0".repeat(64), "own.csv": "1".repeat(64)},
        "bytes": {"a.csv": 12},
    });
    let source = &mut card["source"]["files"];
    for (key, value) in extra.as_object().expect("an object") {
        source[key] = value.clone();
    }
    serde_json::from_value(card).expect("a card")
}

#[test]
fn what_a_published_data_set_downloads_and_needs() {
    let card = published(json!({}));
    let files = card.remote_files().expect("files");
    let about: Vec<_> = files
        .iter()
        .map(|file| (file.name.as_str(), file.sha256.is_some(), file.bytes))
        .collect();
    let expected = [
        ("a.csv", false, Some(12)),
        ("i.zip", true, None),
        ("k.zip", false, None),
    ];
    assert_eq!(about, expected);
    let DatasetSource::Files(source) = &card.source else {
        panic!("a source of files");
    };
    assert_eq!(source.file_names(), ["a.csv", "k.zip", "own.csv", "i.zip"]);
    let alternatives = |split| -> Vec<Vec<Vec<String>>> {
        let needed = source.needed(&[split]).into_iter();
        needed.map(|it| it.alternatives).collect()
    };
    assert_eq!(alternatives("train"), [[["a.csv"]], [["i.zip"]]]);
    let test = alternatives("test");
    assert_eq!(test[1], [["k.zip"], ["own.csv"]]);
}

#[test]
fn sources_that_contradict_themselves() {
    let folder = folder();
    let fault = |extra| {
        let card = published(extra);
        card.check_source(folder.path())
            .expect_err("a bad card")
            .to_string()
    };
    assert_eq!(
        fault(json!({})),
        "data set \"flickr\": `files` is \"own.csv\", expected a file beside the card, or one of a.csv, i.zip, k.zip"
    );
    put(&folder, "own.csv", "image,caption\n");
    published(json!({}))
        .check_source(folder.path())
        .expect("all files are somewhere");
    let only_test = json!([{"files": ["own.csv"], "format": "table", "split": "tset"}]);
    assert_eq!(
        fault(json!({"annotations": only_test})),
        "data set \"flickr\": `annotations` is \"tset\", expected a split of the card: test, train"
    );
    let only_test = json!([{"files": ["own.csv"], "format": "table", "split": "test"}]);
    assert_eq!(
        fault(json!({"annotations": only_test})),
        "data set \"flickr\": `annotations` is \"\", expected a part with split \"train\""
    );
    assert_eq!(
        fault(json!({"images": [{"archives": ["i.zip"], "addresses": true}]})),
        "data set \"flickr\": `images` is \"2 places\", expected exactly one of `archives`, `folder` and `addresses: true`"
    );
    assert_eq!(
        fault(json!({"images": [{"folder": "nowhere"}]})),
        "data set \"flickr\": `folder` is \"nowhere\", expected a folder, relative to the card"
    );
}
