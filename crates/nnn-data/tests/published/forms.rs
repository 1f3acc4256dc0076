//! Files as people have them: captions of well-known data sets and tools, each read as it is.

use crate::{Lab, part, place, source};
use arrow_array::{
    ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{DataType, Field};
use nnn_data::{
    AnnotationFormat, AnnotationPart, CaptionColumns, ColumnName, FilesSource, Finding, ImagePart,
    OnGap, Pairs,
};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

/// Images in a folder of the lab.
fn photos() -> ImagePart {
    ImagePart {
        folder: Some("photos".into()),
        ..place(&[])
    }
}

fn lab() -> Lab {
    let mut lab = Lab::new();
    for image in ["a.jpg", "b.jpg", "c.jpg"] {
        lab.put(&format!("photos/{image}"), image);
    }
    lab
}

fn in_test(format: AnnotationFormat, file: &str) -> AnnotationPart {
    AnnotationPart {
        split: Some("test".to_owned()),
        ..part(format, &[file])
    }
}

/// The test split of one file.
fn read(file: &str, content: impl AsRef<[u8]>, part: AnnotationPart) -> Result<Pairs, String> {
    let mut lab = lab();
    lab.put(file, content);
    let opened = lab.open(&source(vec![part], photos()), &["test"], OnGap::Fail);
    opened.map(|store| store.splits()["test"].clone())
}

fn table(file: &str, content: impl AsRef<[u8]>) -> Pairs {
    let part = in_test(AnnotationFormat::Table, file);
    read(file, content, part).expect("a table")
}

fn list(file: &str, content: &str) -> Pairs {
    let part = in_test(AnnotationFormat::List, file);
    read(file, content, part).expect("a list")
}

/// Images, and the captions of each.
fn said(pairs: &Pairs) -> Vec<(&str, Vec<&str>)> {
    let images = (0u32..).zip(pairs.images());
    let texts = |image: u32| {
        let all = pairs.texts().iter().zip(pairs.text_to_image());
        let own = all.filter(move |(_, of)| **of == image);
        own.map(|(text, _)| text.as_str()).collect()
    };
    images
        .map(|(at, image)| (image.as_str(), texts(at)))
        .collect()
}

#[test]
fn flickrs_own_caption_files() {
    let lines =
        "a.jpg#0\tA dog , on the grass .\r\na.jpg#1\t\"Dogs\" run\r\n\r\nb.jpg#0\t[sic] a cat\r\n";
    let wanted = [
        ("a.jpg", vec!["A dog , on the grass .", "\"Dogs\" run"]),
        ("b.jpg", vec!["[sic] a cat"]),
    ];
    for file in [
        "Flickr8k.token.txt",
        "results_20130124.token",
        "captions.tsv",
    ] {
        assert_eq!(said(&table(file, lines)), wanted, "{file}");
    }
    let broken = format!("{lines}c.jpg A bird\n");
    let part = in_test(AnnotationFormat::Table, "t.txt");
    assert_eq!(
        read("t.txt", broken, part).expect_err("a broken line"),
        "t.txt, line 5: the line is \"c.jpg A bird\", expected `name#n`, a tab and a caption, as on the first line"
    );
}

#[test]
fn separators_are_seen_in_the_header() {
    let wanted = [
        ("a.jpg", vec!["a dog, a cat", "two"]),
        ("b.jpg", vec!["three; four"]),
    ];
    for (file, content) in [
        (
            "r.csv",
            "image_name| comment_number| comment\na.jpg| 0| a dog, a cat\na.jpg| 1| two\nb.jpg| 0| three; four\n",
        ),
        (
            "o.csv",
            "filepath\ttitle\na.jpg\ta dog, a cat\na.jpg\ttwo\nb.jpg\tthree; four\n",
        ),
        (
            "e.csv",
            "\u{feff}image;caption\r\na.jpg;a dog, a cat\r\na.jpg;two\r\nb.jpg;\"three; four\"\r\n",
        ),
        (
            "k.txt",
            "image,caption\na.jpg,a dog, a cat\na.jpg,two\nb.jpg,three; four\n",
        ),
        (
            "q.tsv",
            "\"file_name\"\t\"text\"\n\"a.jpg\"\t\"a dog, a cat\"\n\"a.jpg\"\t\"two\"\n\"b.jpg\"\t\"three; four\"\n",
        ),
        (
            "s.csv",
            "Image, Caption\na.jpg,\"a dog, a cat\"\na.jpg,two\nb.jpg,three; four\n",
        ),
    ] {
        assert_eq!(said(&table(file, content)), wanted, "{file}");
    }
}

/// Guards against captions that begin with a quote and take the next lines along.
#[test]
fn quotes_between_tabs_take_no_line_along() {
    let open = "image\tcaption\na.jpg\t\"Hello there\nb.jpg\t\"Bye\" she says\n";
    let wanted = [
        ("a.jpg", vec!["\"Hello there"]),
        ("b.jpg", vec!["\"Bye\" she says"]),
    ];
    assert_eq!(said(&table("t.tsv", open)), wanted);
    assert_eq!(said(&table("t.csv", open)), wanted);
    let broken = "image\tcaption\na.jpg\t\"two\nlines\"\nb.jpg\tplain\n";
    assert_eq!(
        said(&table("t.tsv", broken)),
        [("a.jpg", vec!["two\nlines"]), ("b.jpg", vec!["plain"])]
    );
}

#[test]
fn tables_without_a_header() {
    let number = |number| Some(ColumnName::Number(number));
    let mut part = in_test(AnnotationFormat::Table, "q.tsv");
    part.columns.image = number(1);
    part.columns.caption = number(0).map(CaptionColumns::One);
    let quotes = "\"Hello there\" he says\ta.jpg\n\"Bye\tb.jpg\n";
    let wanted = [
        ("a.jpg", vec!["\"Hello there\" he says"]),
        ("b.jpg", vec!["\"Bye"]),
    ];
    assert_eq!(said(&read("q.tsv", quotes, part).expect("a table")), wanted);
    for (file, content) in [
        ("t.tsv", "a dog, \"hm\"\ta.jpg\nb; c\tb.jpg\n"),
        ("t.csv", "\"a dog, \"\"hm\"\"\",a.jpg\nb; c,b.jpg\n"),
        ("s.csv", "a dog, \"hm\";a.jpg\n\"b; c\";b.jpg\n"),
    ] {
        let mut part = in_test(AnnotationFormat::Table, file);
        part.columns.image = number(1);
        part.columns.caption = number(0).map(CaptionColumns::One);
        let found = read(file, content, part).expect("a table");
        let wanted = [("a.jpg", vec!["a dog, \"hm\""]), ("b.jpg", vec!["b; c"])];
        assert_eq!(said(&found), wanted, "{file}");
    }
    let mut part = in_test(AnnotationFormat::Table, "t.csv");
    part.columns.image = number(2);
    part.columns.caption = number(0).map(CaptionColumns::One);
    let found = read("t.csv", "a,b\nc,d\n", part.clone());
    assert!(
        found
            .expect_err("no third column")
            .contains("largest number under `columns`")
    );
    part.columns.image = Some("image".into());
    let found = read("t.csv", "image,b\nc,d\n", part);
    assert!(
        found
            .expect_err("both")
            .contains("a mixture of names and numbers")
    );
}

#[test]
fn several_columns_of_captions() {
    let content = "file_name,caption_1,caption_2,caption_3\na.jpg,one,two,\nb.jpg,,three,[four]\n";
    let wanted = [
        ("a.jpg", vec!["one", "two"]),
        ("b.jpg", vec!["three", "[four]"]),
    ];
    let names = |names: &[&str]| {
        let names = names.iter().map(|&name| name.into());
        Some(CaptionColumns::Several(names.collect()))
    };
    for columns in [&["caption_1", "caption_2", "caption_3"][..], &["caption_*"]] {
        let mut part = in_test(AnnotationFormat::Table, "t.csv");
        part.columns.caption = names(columns);
        assert_eq!(
            said(&read("t.csv", content, part).expect("captions")),
            wanted
        );
    }
    let mut part = in_test(AnnotationFormat::Table, "t.csv");
    part.columns.caption = names(&["caption_1", "caption_2"]);
    let found = read(
        "t.csv",
        "image,caption_1,caption_2\na.jpg,x,y\n",
        part.clone(),
    );
    let found = found.expect("captions");
    let counted = |texts: usize, part: &AnnotationPart| {
        let card = serde_json::json!({
            "name": "mine", "description": "", "licence": "", "splits": {"test": {"images": 1, "texts": texts}},
            "source": {"files": source(vec![part.clone()], photos())},
        });
        let card: nnn_data::DatasetCard = serde_json::from_value(card).expect("a card");
        card.check_counts("test", &found).is_ok()
    };
    // Texts, or rows; nothing else, and rows only with several columns.
    assert_eq!(
        [1, 2, 3].map(|texts| counted(texts, &part)),
        [true, true, false]
    );
    assert!(!counted(1, &in_test(AnnotationFormat::Table, "t.csv")));
    let nothing = read(
        "t.csv",
        "image,caption_1,caption_2\na.jpg,, \n",
        part.clone(),
    );
    assert_eq!(
        nothing.expect_err("no caption"),
        "t.csv, line 2: empty caption for image \"a.jpg\""
    );
    part.format = AnnotationFormat::List;
    part.files = vec!["t.jsonl".into()];
    let lines = "{\"image\": \"a.jpg\", \"caption_1\": \"one\", \"caption_2\": \"two\"}\n\
                 {\"image\": \"b.jpg\", \"caption_1\": null, \"caption_2\": [\"three\", \"[four]\"]}\n";
    assert_eq!(
        said(&read("t.jsonl", lines, part).expect("captions")),
        wanted
    );
}

/// Guards against a first caption in brackets that made lists of all.
#[test]
fn a_caption_in_brackets_is_a_caption() {
    let content = "image,caption\na.jpg,[music] a dog\nb.jpg,[1]\nc.jpg,plain\n";
    let wanted = [
        ("a.jpg", vec!["[music] a dog"]),
        ("b.jpg", vec!["[1]"]),
        ("c.jpg", vec!["plain"]),
    ];
    assert_eq!(said(&table("t.csv", content)), wanted);
    let one = table("t.csv", "image,caption\na.jpg,[music] a dog\n");
    assert_eq!(said(&one), wanted[..1]);
    let first = "image,caption\na.jpg,\"['x', 'y']\"\nb.jpg,plain\n";
    let found = read("t.csv", first, in_test(AnnotationFormat::Table, "t.csv"));
    assert_eq!(
        found.expect_err("a list among captions"),
        "t.csv, line 2: the caption is a list (['x', 'y']), expected one caption, as others of the column are"
    );
}

#[test]
fn text_in_utf16_is_read() {
    let text = "\u{feff}image\tcaption\r\na.jpg\tcafé 日本\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [little, big] {
        assert_eq!(said(&table("t.tsv", bytes)), [("a.jpg", vec!["café 日本"])]);
    }
}

/// The names of an image folder's metadata count from its file, so that two splits may have images of one name.
#[test]
fn metadata_of_an_image_folder() {
    let lines = "{\"file_name\": \"a.jpg\", \"text\": \"x\"}\n{\"file_name\": \"a.jpg\", \"text\": \"y\"}\n\n";
    assert_eq!(
        said(&list("photos.jsonl", lines)),
        [("a.jpg", vec!["x", "y"])]
    );
    let mut lab = Lab::new();
    for split in ["train", "test"] {
        lab.put(&format!("data/{split}/0.jpg"), split);
        lab.put(&format!("data/{split}/deep/1.jpg"), split);
    }
    lab.put(
        "data/test/metadata.jsonl",
        "{\"file_name\": \"0.jpg\", \"text\": \"x\"}\n{\"file_name\": \"deep/1.jpg\", \"text\": \"y\"}\n",
    );
    lab.put("data/train/metadata.csv", "file_name,text\n0.jpg,z\n");
    let mut train = part(AnnotationFormat::Table, &["data/train/metadata.csv"]);
    train.split = Some("train".to_owned());
    let test = in_test(AnnotationFormat::List, "data/test/metadata.jsonl");
    let folder = ImagePart {
        folder: Some("data".into()),
        ..place(&[])
    };
    let from: FilesSource = source(vec![train, test], folder);
    let store = lab
        .open(&from, &["train", "test"], OnGap::Fail)
        .expect("an image folder");
    assert_eq!(
        said(&store.splits()["test"]),
        [
            ("data/test/0.jpg", vec!["x"]),
            ("data/test/deep/1.jpg", vec!["y"])
        ]
    );
    assert_eq!(
        said(&store.splits()["train"]),
        [("data/train/0.jpg", vec!["z"])]
    );
    let path = store.image_path("data/train/0.jpg");
    assert_eq!(std::fs::read_to_string(path).expect("an image"), "train");
}

/// A folder is searched as an archive is: deeper, and from above.
#[test]
fn images_deeper_in_a_folder() {
    let mut lab = lab();
    lab.put("photos/val2014/d.jpg", "d");
    let karpathy = "{\"images\": [{\"filepath\": \"val2014\", \"filename\": \"d.jpg\", \"split\": \"test\", \
                    \"sentences\": [{\"raw\": \"x\"}]}]}";
    lab.put("k.json", karpathy);
    lab.put(
        "t.csv",
        "filepath\ttitle\nphotos/a.jpg\tx\nphotos/val2014/d.jpg\ty\n",
    );
    let path = |store: &nnn_data::ImageStore, image: &str| {
        let path = store.image_path(image);
        std::fs::read_to_string(path).expect("an image")
    };
    let from = source(
        vec![in_test(AnnotationFormat::Karpathy, "k.json")],
        photos(),
    );
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("deeper");
    assert_eq!(path(&store, "d.jpg"), "d");
    let from = source(vec![in_test(AnnotationFormat::Table, "t.csv")], photos());
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("from above");
    assert_eq!(path(&store, "photos/a.jpg"), "a.jpg");
    assert_eq!(path(&store, "photos/val2014/d.jpg"), "d");

    // Two files of one name: the folder on the card says which, and without it nothing does.
    lab.put("photos/train2014/d.jpg", "other");
    let from = source(
        vec![in_test(AnnotationFormat::Karpathy, "k.json")],
        photos(),
    );
    let found = lab
        .open(&from, &["test"], OnGap::Fail)
        .expect_err("two files");
    assert!(
        found.contains("\"train2014/d.jpg\" and also \"val2014/d.jpg\""),
        "{found}"
    );
    let both = karpathy.replace(
        "]}]}",
        "]}, {\"filepath\": \"train2014\", \"filename\": \"d.jpg\", \
                                  \"split\": \"test\", \"sentences\": [{\"raw\": \"y\"}]}]}",
    );
    lab.put("k.json", both);
    let store = lab
        .open(&from, &["test"], OnGap::Fail)
        .expect("with folders");
    assert_eq!(path(&store, "train2014/d.jpg"), "other");
    assert_eq!(path(&store, "val2014/d.jpg"), "d");
}

/// `image` as `datasets` writes it, with the paths given.
fn images(paths: &[Option<&str>]) -> ArrayRef {
    let bytes: Vec<&[u8]> = [&b"first"[..], b"second"][..paths.len()].to_vec();
    let bytes: ArrayRef = Arc::new(BinaryArray::from(bytes));
    let paths: ArrayRef = Arc::new(StringArray::from(paths.to_vec()));
    let field = |name, kind| Arc::new(Field::new(name, kind, true));
    Arc::new(StructArray::from(vec![
        (field("bytes", DataType::Binary), bytes),
        (field("path", DataType::Utf8), paths),
    ]))
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("a written file");
    bytes
}

/// Guards against images inside parquet whose paths are null, as `datasets` leaves them, and against ids that are whole numbers.
#[test]
fn images_inside_parquet_without_paths() {
    let captions: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["7", "8"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
    let short: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), Some(8)]));
    for (id, names) in [
        (None, ["train.parquet/0", "train.parquet/1"]),
        (Some(texts), ["7", "8"]),
        (Some(numbers), ["7", "8"]),
        (Some(short), ["7", "8"]),
    ] {
        let mut lab = Lab::new();
        let mut part = in_test(AnnotationFormat::ImageParquet, "train.parquet");
        let mut columns = vec![("image", images(&[None, None])), ("text", captions.clone())];
        if let Some(id) = id {
            columns.push(("img_id", id));
            part.columns.image = Some("img_id".into());
        }
        lab.put("train.parquet", parquet(columns));
        let from = source(vec![part], place(&["train.parquet"]));
        let store = lab
            .open(&from, &["test"], OnGap::Fail)
            .expect("images inside");
        let wanted = [(names[0], vec!["x"]), (names[1], vec!["y"])];
        assert_eq!(said(&store.splits()["test"]), wanted);
        let all = store.splits()["test"].images();
        store.provide(all, &|_| ()).expect("images");
        let read =
            |image: &String| std::fs::read_to_string(store.image_path(image)).expect("an image");
        assert_eq!(
            all.iter().map(read).collect::<Vec<_>>(),
            ["first", "second"]
        );
    }
}

fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes())
            .expect("an entry");
    }
    tar.into_inner().expect("a shard")
}

fn shard(members: &[(&str, &str)], columns: Option<[&str; 2]>) -> Result<Pairs, String> {
    let mut lab = Lab::new();
    lab.put("s.tar", tar(members));
    let mut part = in_test(AnnotationFormat::Shards, "s.tar");
    if let Some([image, caption]) = columns {
        part.columns.image = Some(image.into());
        part.columns.caption = Some(CaptionColumns::One(caption.into()));
    }
    let opened = lab.open(
        &source(vec![part], place(&["s.tar"])),
        &["test"],
        OnGap::Fail,
    );
    opened.map(|store| store.splits()["test"].clone())
}

#[test]
fn endings_in_shards() {
    for (members, columns, image) in [
        (
            &[("0.webp", ""), ("0.txt", "x"), ("._0.webp", "")][..],
            None,
            "0.webp",
        ),
        (
            &[("k/0.input.JPG", ""), ("k/0.outputs.txt", "x")],
            None,
            "k/0.input.JPG",
        ),
        (
            &[
                ("0.seg.png", ""),
                ("0.png", ""),
                ("0.caption", "x"),
                ("0.cls", "3"),
            ],
            None,
            "0.png",
        ),
        (
            &[("0.tiff", ""), ("0.json", "{\"caption\": [\"x\"]}")],
            None,
            "0.tiff",
        ),
        (
            &[
                ("0.a.png", ""),
                ("0.b.png", ""),
                ("0.x.txt", "no"),
                ("0.y.txt", "x"),
            ],
            Some(["b.png", "y.txt"]),
            "0.b.png",
        ),
    ] {
        let found = shard(members, columns).expect("a shard");
        assert_eq!(said(&found), [(image, vec!["x"])]);
    }
    for members in [
        &[("0.jpg", ""), ("0.webp", ""), ("0.txt", "x")][..],
        &[("0.a.jpg", ""), ("0.b.jpg", ""), ("0.txt", "x")],
    ] {
        let found = shard(members, None).expect_err("two images");
        assert!(
            found.contains("columns: {image: ..., caption: ...}"),
            "{found}"
        );
    }
}

#[test]
fn what_is_found_twice_or_nowhere_is_said() {
    let mut lab = lab();
    lab.put("t.token", "a.jpg#0\tx\nnone.jpg.1#0\ty\n");
    let from = source(vec![in_test(AnnotationFormat::Table, "t.token")], photos());
    let found = lab
        .open(&from, &["test"], OnGap::Fail)
        .expect_err("no such image");
    assert_eq!(
        found,
        "t.token, line 2: image \"none.jpg.1\" is not in photos"
    );
    let store = lab
        .open(&from, &["test"], OnGap::LeaveOut)
        .expect("the rest");
    assert!(matches!(
        store.findings(),
        [Finding::MissingImages { captions: 1, .. }]
    ));
}
