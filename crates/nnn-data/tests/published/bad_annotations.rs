//! Everything that can be wrong with annotation files: the message names the file, the place, what was found and what
//! was expected.

use crate::{Lab, part, place, source};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use nnn_data::{AnnotationFormat, AnnotationPart, FilesSource, Finding, ImagePart, OnGap};
use parquet::arrow::ArrowWriter;
use std::io::Write;
use std::sync::Arc;
use zip::write::SimpleFileOptions;

/// Images at addresses need no files.
fn anywhere() -> ImagePart {
    ImagePart {
        folder: Some("images".into()),
        ..place(&[])
    }
}

fn lab() -> Lab {
    let mut lab = Lab::new();
    for image in ["a.jpg", "b.jpg", "c.jpg"] {
        lab.put(&format!("images/{image}"), image);
    }
    lab
}

/// What is wrong with one file.
fn fault(file: &str, content: impl AsRef<[u8]>, part: AnnotationPart) -> String {
    let mut lab = lab();
    lab.put(file, content);
    let opened = lab.open(
        &source(vec![part], anywhere()),
        &["test", "train"],
        OnGap::Fail,
    );
    opened.expect_err("a bad file")
}

/// The end of the message about a header that lacks a column.
fn lacks(separator: &str, header: &[&str]) -> String {
    let fields: Vec<String> = header.iter().map(|it| format!("{it:?}")).collect();
    format!(
        "separated by {separator}, the first line is {}; name what is there with `columns: {{image: ..., caption: ...}}`, or by \
         numbers from 0 if the table has no header",
        fields.join(", ")
    )
}

const IMAGES: &str = "\"image\" or \"filename\" or \"file_name\" or \"filepath\" or \"image_name\" or \"image_path\"";
const CAPTIONS: &str =
    "\"caption\" or \"captions\" or \"raw\" or \"text\" or \"title\" or \"comment\"";

/// What a table says that has no column that is wanted.
#[test]
fn headers_that_lack_a_column() {
    for (file, content, wanted, separator, header) in [
        (
            "t.csv",
            "file,raw,split\na.jpg,x,test\n",
            IMAGES,
            "comma",
            &["file", "raw", "split"][..],
        ),
        (
            "t.csv",
            "filename;words;split\na.jpg;x;test\n",
            CAPTIONS,
            "semicolon",
            &["filename", "words", "split"],
        ),
        ("t.csv", "", "\"split\"", "comma", &[""]),
        (
            "t.tsv",
            "a red square\thttps://x.org/1.jpg\n",
            "\"split\"",
            "tab",
            &["a red square", "https://x.org/1.jpg"],
        ),
    ] {
        let found = fault(file, content, part(AnnotationFormat::Table, &[file]));
        let expected = format!(
            "{file}, line 1: no column {wanted}: {}",
            lacks(separator, header)
        );
        assert_eq!(found, expected, "{content:?}");
    }
}

fn check(format: AnnotationFormat, cases: &[(&str, &str, &str)]) {
    for (file, content, expected) in cases {
        let found = fault(file, content, part(format, &[file]));
        assert_eq!(found, *expected, "{content:?}");
    }
}

fn in_test(format: AnnotationFormat, file: &str) -> AnnotationPart {
    AnnotationPart {
        split: Some("test".to_owned()),
        ..part(format, &[file])
    }
}

/// Guards against a list taken for one caption, one of two columns of a name taken without a word, a quote that takes the rest
/// of the file along, and numbers of lines that were one too low behind line ends of two characters.
#[test]
fn tables() {
    check(
        AnnotationFormat::Table,
        &[
            (
                "t.csv",
                "filename,raw,split\na.jpg,\"['x', 'y']\",test\nb.jpg,\"['z', 'y'\",test\n",
                "t.csv, line 3: not readable as a list of captions: as JSON: expected value at line 1 column 2; \
                 as Python: no `,` or `]` after item 1; found \"['z', 'y'\"",
            ),
            (
                "t.csv",
                "filename,raw,split\na.jpg,\"[\"\"x\"\", 3]\",test\n",
                "t.csv, line 2: not readable as a list of captions: as JSON: invalid type: integer `3`, expected a \
                 string at line 1 column 7; as Python: item 1 is no complete string; found \"[\\\"x\\\", 3]\"",
            ),
            (
                "t.csv",
                "filename,raw,split\na.jpg,\"['x']\",test\na.jpg,\"['y']\",test\n",
                "t.csv, line 3: image \"a.jpg\" is listed twice, first on an earlier line",
            ),
            (
                "t.csv",
                "filename,raw,split\na.jpg,[],test\n",
                "t.csv, line 2: image \"a.jpg\" has no caption",
            ),
            (
                "t.csv",
                "filename,raw,split\na.jpg,\"['x', ' ']\",test\n",
                "t.csv, line 2: empty caption for image \"a.jpg\"",
            ),
            (
                "t.csv",
                "image,split,caption\n\"a.jpg\",test,\"two\nlines\"\nb.jpg,nowhere,x\n",
                "t.csv, line 4: unknown split \"nowhere\", expected one of test, train",
            ),
            (
                "t.csv",
                "image,split,caption\na.jpg,test,plain\nb.jpg,test,\"['x', 'y']\"\n",
                "t.csv, line 3: the caption is a list (['x', 'y']), expected one caption, as others of the column are",
            ),
            (
                "t.csv",
                "image,split,caption,caption\na.jpg,test,x,y\n",
                "t.csv, line 1: the column \"caption\" is there 2 times, expected one column of a name",
            ),
            (
                "t.csv",
                "image,split,caption\na.jpg,test,x\nb.jpg,test,\"said he\nc.jpg,test,y\n",
                "t.csv, line 3: not readable as CSV: a quote that begins here is never closed",
            ),
            (
                "t.csv",
                "image,split,caption\r\na.jpg,test,\"two\r\nlines\"\r\n\r\nb.jpg,nowhere,x\r\n",
                "t.csv, line 5: unknown split \"nowhere\", expected one of test, train",
            ),
            (
                "t.csv",
                "image,split,caption\na.jpg,test,\"said he\nb.jpg,test,\"she\" said\n",
                "t.csv, line 2: not readable as CSV: a quote that begins here ends on another line, amid a field",
            ),
            (
                "t.csv",
                "image_name| comment_number| split| comment\na.jpg| 0| test| x\n2.jpg| 4   A dog runs .\n",
                "t.csv, line 3: the line is 2 fields, expected as many fields as the header has",
            ),
            (
                "t.txt",
                "a.jpg#0\tx\na.jpg 1\ty\n",
                "t.txt, line 1: nothing says which split it belongs to; give `split`",
            ),
            (
                "t.tsv",
                "image\tsplit\tcaption\na.jpg\ttest\tx\nb.jpg\ttest\n",
                "t.tsv, line 3: the line is 2 fields, expected as many fields as the header has",
            ),
            (
                "t.tsv",
                "image\tsplit\tcaption\na.jpg\ttest\t\"two\nlines\n",
                "t.tsv, line 3: the line is 1 fields, expected as many fields as the header has",
            ),
            (
                "t.txt",
                "image,split,caption\na.jpg,test\n",
                "t.txt, line 2: the line is 2 fields, expected as many fields as the header has",
            ),
            (
                "t.xls",
                "image",
                "t.xls: a file of this kind holds no annotations as `table`, expected .csv, .tsv, .txt or .token",
            ),
            (
                "t.csv",
                "image,split,caption\nd.jpg,test,x\n",
                "t.csv: no row belongs to split \"train\"",
            ),
            (
                "t.csv",
                "image,split,caption\na.jpg,train,x\nd.jpg,test,x\n",
                "t.csv, line 3: image \"d.jpg\" is not in images",
            ),
        ],
    );
    let latin = b"image,split,caption\na.jpg,test,caf\xe9\n";
    assert_eq!(
        fault("t.csv", latin, part(AnnotationFormat::Table, &["t.csv"])),
        "t.csv, line 2: not readable as UTF-8 text: invalid utf-8 sequence of 1 bytes from index 34"
    );
}

#[test]
fn columns_that_the_card_names() {
    let mut table = in_test(AnnotationFormat::Table, "t.csv");
    table.columns.image = Some("file".into());
    assert_eq!(
        fault("t.csv", "image,caption\na.jpg,x\n", table),
        format!(
            "t.csv, line 1: no column \"file\": {}",
            lacks("comma", &["image", "caption"])
        )
    );
    let mut table = in_test(AnnotationFormat::Table, "t.csv");
    table.columns.url = Some("address".into());
    assert_eq!(
        fault("t.csv", "image,caption\na.jpg,x\n", table),
        format!(
            "t.csv, line 1: no column \"address\": {}",
            lacks("comma", &["image", "caption"])
        )
    );
}

#[test]
fn splits_that_are_mapped() {
    let mut table = part(AnnotationFormat::Table, &["t.csv"]);
    table.splits = [("test", "test"), ("restvall", "train")]
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .into();
    let rows = "image,split,caption\na.jpg,test,x\nb.jpg,restval,x\n";
    assert_eq!(
        fault("t.csv", rows, table.clone()),
        "t.csv: `splits` names \"restvall\", but no item belongs to it; the files name restval, test"
    );
    table.splits.insert("restval".to_owned(), "tain".to_owned());
    assert_eq!(
        fault("t.csv", rows, table),
        "t.csv, line 3: unknown split \"tain\", expected one of test, train"
    );
}

#[test]
fn karpathy() {
    check(
        AnnotationFormat::Karpathy,
        &[
            (
                "k.json",
                "{\"images\": [{\"filename\": \"a.jpg\", \"split\": \"test\"}]}",
                "k.json: not readable as JSON: missing field `sentences` at line 1 column 50",
            ),
            (
                "k.json",
                "{\"images\": [\n{\"filename\": \"a.jpg\", \"split\": \"test\", \"sentences\": [{\"raw\": 3}]}]}",
                "k.json: not readable as JSON: invalid type: integer `3`, expected a string at line 2 column 62",
            ),
            (
                "k.json",
                "{\"images\": [{\"filename\": \"a.jpg\", \"split\": \"test\", \"sentences\": []}]}",
                "k.json, images[0]: image \"a.jpg\" has no caption",
            ),
            (
                "k.json",
                "{\"images\": [{\"filename\": \"a.jpg\", \"sentences\": [{\"raw\": \"x\"}]}]}",
                "k.json, images[0]: nothing says which split it belongs to; give `split`",
            ),
            (
                "k.json",
                "{\"images\": []} x",
                "k.json: not readable as JSON: trailing characters at line 1 column 16",
            ),
        ],
    );
    let twice = "{\"images\": [{\"filename\": \"a.jpg\", \"split\": \"test\", \"sentences\": [{\"raw\": \"x\"}]}, \
                 {\"filename\": \"a.jpg\", \"split\": \"train\", \"sentences\": [{\"raw\": \"x\"}]}]}";
    assert_eq!(
        fault(
            "k.json",
            twice,
            part(AnnotationFormat::Karpathy, &["k.json"])
        ),
        "k.json, images[1]: image \"a.jpg\" is in split \"train\", but in \"test\" at images[0]"
    );
}

#[test]
fn coco() {
    let cases = [
        (
            "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}, {\"id\": 1, \"file_name\": \"b.jpg\"}], \"annotations\": []}",
            "c.json, images[1]: image \"id 1\" is listed twice, first at images[0]",
        ),
        (
            "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}], \"annotations\": [{\"image_id\": 2, \"caption\": \"x\"}]}",
            "c.json, annotations[0]: image \"2\" does not exist",
        ),
        (
            "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}, {\"id\": 2, \"file_name\": \"a.jpg\"}], \
              \"annotations\": [{\"image_id\": 2, \"caption\": \"x\"}]}",
            "c.json, images[1]: image \"a.jpg\" is listed twice, first at images[0]",
        ),
        (
            "{\"images\": [{\"id\": \"1\", \"file_name\": \"a.jpg\"}], \"annotations\": []}",
            "c.json: not readable as JSON: invalid type: string \"1\", expected i64 at line 1 column 22",
        ),
    ];
    for (content, expected) in cases {
        let found = fault("c.json", content, in_test(AnnotationFormat::Coco, "c.json"));
        assert_eq!(found, expected);
    }
    assert_eq!(
        fault(
            "c.json",
            "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}], \"annotations\": []}",
            part(AnnotationFormat::Coco, &["c.json"])
        ),
        "c.json, images[0]: nothing says which split it belongs to; give `split`"
    );
}

#[test]
fn lists() {
    let cases = [
        (
            "[{\"image\": \"a.jpg\", \"caption\": 3}]",
            "l.json, item 0: \"caption\" is 3, expected a text or a list of texts".to_owned(),
        ),
        (
            "[{\"image\": \"a.jpg\"}]",
            format!("l.json, item 0: no key {CAPTIONS}, found \"image\""),
        ),
        (
            "[{\"image\": \"a.jpg\", \"caption\": [\"x\"]}, {\"image\": \"../b.jpg\", \"caption\": \"x\"}]",
            "l.json, item 1: image \"../b.jpg\" is not a path inside the folder".to_owned(),
        ),
        (
            "{}",
            format!("l.json, line 1: no key {IMAGES}, found none"),
        ),
        (
            "{\"file_name\": \"a.jpg\", \"text\": \"x\"}\n\n{\"file_name\": 3, \"text\": \"x\"}",
            "l.json, line 3: \"file_name\" is 3, expected a text".to_owned(),
        ),
        (
            "{\"file_name\": \"a.jpg\",",
            "l.json, line 1: not readable as JSON, one object a line: EOF while parsing a value at line 1 column 22".to_owned(),
        ),
    ];
    for (content, expected) in cases {
        let found = fault("l.json", content, in_test(AnnotationFormat::List, "l.json"));
        assert_eq!(found, expected);
    }
}

type Column = (&'static str, ArrayRef);

fn parquet(columns: Vec<Column>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut out = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    out.write(&batch).expect("rows");
    out.into_inner().expect("a written file")
}

fn texts(name: &'static str, values: &[Option<&str>]) -> Column {
    (name, Arc::new(StringArray::from(values.to_vec())))
}

fn list_column(name: &'static str, rows: &[&[Option<&str>]]) -> Column {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        lists.append_value(row.iter().copied());
    }
    (name, Arc::new(lists.finish()))
}

#[test]
fn parquet_files() {
    let two = [Some("a.jpg"), Some("b.jpg")];
    let cases = [
        (
            vec![texts("file", &two), texts("sentences", &two)],
            "p.parquet: not readable as parquet: no column \"filename\" or \"image\" or \"file_name\" or \
             \"image_name\" or \"filepath\" of texts, found \"file,sentences\"",
        ),
        (
            vec![
                texts("filename", &two),
                ("sentences", Arc::new(Int64Array::from(vec![1, 2]))),
            ],
            "p.parquet: not readable as parquet: no column \"sentences\" or \"captions\" or \"caption\" or \"raw\" or \
             \"text\" or \"title\" of texts, found \"filename,sentences\"",
        ),
        (
            vec![
                texts("filename", &[Some("a.jpg"), None]),
                texts("caption", &two),
            ],
            "p.parquet, row 1: the image's name is null, expected a text",
        ),
        (
            vec![
                texts("filename", &two),
                list_column("sentences", &[&[Some("x")], &[]]),
            ],
            "p.parquet, row 1: image \"b.jpg\" has no caption",
        ),
        (
            vec![
                texts("filename", &two),
                list_column("sentences", &[&[Some("x")], &[Some("y"), None]]),
            ],
            "p.parquet: not readable as parquet: row 1: an element of the list is null",
        ),
        (
            vec![
                texts("filename", &two),
                texts("caption", &[Some("['x']"), Some("['y")]),
            ],
            "p.parquet, row 1: not readable as a list of captions: as JSON: expected value at line 1 column 2; as \
             Python: item 0 is no complete string; found \"['y\"",
        ),
    ];
    for (columns, expected) in cases {
        let part = in_test(AnnotationFormat::Parquet, "p.parquet");
        assert_eq!(fault("p.parquet", parquet(columns), part), expected);
    }
    let good = parquet(vec![texts("filename", &two), texts("caption", &two)]);
    let part = in_test(AnnotationFormat::Parquet, "p.parquet");
    let cut = fault("p.parquet", &good[..good.len() - 9], part);
    assert!(
        cut.starts_with("p.parquet: not readable as parquet: "),
        "{cut}"
    );
}

fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default())
        .expect("an entry");
    zip.write_all(content).expect("its content");
    zip.finish().expect("a zip").into_inner()
}

#[test]
fn members_of_archives() {
    let archive = zipped("dir/k.json", b"{\"images\": 3}");
    let member = |name: &str| part(AnnotationFormat::Karpathy, &[&format!("a.zip/{name}")]);
    assert_eq!(
        fault("a.zip", &archive, member("k.json")),
        "a.zip/k.json: not readable as JSON: invalid type: integer `3`, expected a sequence at line 1 column 12"
    );
    assert_eq!(
        fault("a.zip", &archive, member("l.json")),
        "a.zip/l.json: the archive has no such entry"
    );
    assert_eq!(
        fault("b.zip", &archive, member("k.json")),
        "a.zip/k.json: the file is not there"
    );
}

/// Left out with a finding each: an empty caption, an image without captions, an image that is nowhere, rows of a split
/// that is not mapped.
#[test]
fn gaps_that_may_be_left_out() {
    let mut lab = lab();
    lab.put(
        "t.csv",
        "filename,raw,split\na.jpg,\"['x', '']\",test\nb.jpg,[' '],test\nd.jpg,\"['y', 'z']\",test\nc.jpg,['w'],dev\n",
    );
    let mut table = part(AnnotationFormat::Table, &["t.csv"]);
    table.splits.insert("test".to_owned(), "test".to_owned());
    let from = source(vec![table], anywhere());
    let store = lab
        .open(&from, &["test"], OnGap::LeaveOut)
        .expect("what is left");
    let test = &store.splits()["test"];
    assert_eq!(
        (test.images(), test.texts()),
        (&["a.jpg".to_owned()][..], &["x".to_owned()][..])
    );
    let findings: Vec<String> = store
        .findings()
        .iter()
        .map(|it| lab.shorten(&it.to_string()))
        .collect();
    assert_eq!(
        findings,
        [
            "left out 1 row of split \"dev\", which `splits` does not name",
            "split \"test\": left out 2 empty captions: t.csv, line 2 (a.jpg), t.csv, line 3 (b.jpg)",
            "split \"test\": left out 1 image without captions: b.jpg",
            "split \"test\": left out 1 image not found anywhere, with 2 captions: d.jpg",
        ]
    );
}

#[test]
fn captions_of_unlisted_images_may_be_left_out() {
    let mut lab = lab();
    lab.put(
        "c.json",
        "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}], \
          \"annotations\": [{\"image_id\": 2, \"caption\": \"x\"}, {\"image_id\": 1, \"caption\": \"y\"}]}",
    );
    let from = source(vec![in_test(AnnotationFormat::Coco, "c.json")], anywhere());
    let store = lab
        .open(&from, &["test"], OnGap::LeaveOut)
        .expect("what is left");
    assert_eq!(store.splits()["test"].texts(), ["y"]);
    let [Finding::UnknownImages { places }] = store.findings() else {
        panic!("one finding: {:?}", store.findings());
    };
    assert_eq!(lab.shorten(&places[0]), "c.json, annotations[0] (2)");
}

/// A caption of a `.tsv` file keeps its quotes, unless they are doubled as CSV writers do.
/// Guards against reading `.tsv` as CSV: a caption between quotes lost them, and a quote that is never closed took the
/// following lines along.
#[test]
fn quotes_between_tabs() {
    let mut lab = lab();
    let captions = [
        ("\"Stop\"", "\"Stop\""),
        ("\"Stop\", it says", "\"Stop\", it says"),
        ("\"never closed", "\"never closed"),
        ("a 12\" pan", "a 12\" pan"),
        ("\"\"\"Stop\"\", it says\"", "\"Stop\", it says"),
        ("\"é\"", "\"é\""),
        ("\"", "\""),
    ];
    let rows = captions.map(|(written, _)| format!("a.jpg\t{written}\r\n"));
    lab.put("t.tsv", format!("image\tcaption\r\n{}", rows.concat()));
    let from = source(vec![in_test(AnnotationFormat::Table, "t.tsv")], anywhere());
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("captions");
    assert_eq!(store.splits()["test"].texts(), captions.map(|it| it.1));
}

/// Nothing is left: not even leaving out helps.
#[test]
fn a_split_that_ends_up_empty() {
    let mut lab = lab();
    lab.put("t.csv", "image,caption\nd.jpg,x\n");
    let from = |file: &str| source(vec![in_test(AnnotationFormat::Table, file)], anywhere());
    let found = lab
        .open(&from("t.csv"), &["test"], OnGap::LeaveOut)
        .expect_err("no image");
    assert_eq!(found, "t.csv, line 2: image \"d.jpg\" is not in images");
    lab.put("u.csv", "image,caption\na.jpg,\n");
    let found = lab
        .open(&from("u.csv"), &["test"], OnGap::LeaveOut)
        .expect_err("no caption");
    assert_eq!(found, "u.csv: no row belongs to split \"test\"");
}

/// Where it was looked for, and what is there under nearly its name: in letter case, in the form of an accented letter, in the folder.
/// Guards against a message that says only that an image does not exist.
#[test]
fn images_that_are_nearly_there() {
    let mut lab = lab();
    lab.put("images/deep/Cafe\u{301}.jpg", "");
    lab.put("i.zip", zipped("val2014/COCO_1.jpg", b""));
    lab.put("j.zip", zipped("A.JPG", b""));
    let mut missing = |image: &str, places: Vec<ImagePart>| {
        lab.put("t.csv", format!("image,caption\n{image},x\n"));
        let table = in_test(AnnotationFormat::Table, "t.csv");
        let mut from = source(vec![table], anywhere());
        from.images = places;
        let found = lab.open(&from, &["test"], OnGap::Fail);
        let found = found.expect_err("no such image");
        let rest = found.strip_prefix(&format!("t.csv, line 2: image {image:?} is not in "));
        rest.expect(&found).to_owned()
    };
    let archives = || place(&["i.zip", "j.zip"]);
    for (image, place, expected) in [
        ("d.jpg", anywhere(), "images"),
        ("a", anywhere(), "images; there is \"a.jpg\" in images"),
        (
            "deep\\a.jpg",
            anywhere(),
            "images; there is \"a.jpg\" in images",
        ),
        ("A.jpg", anywhere(), "images; there is \"a.jpg\" in images"),
        (
            "caf\u{e9}.jpg",
            anywhere(),
            "images; there is \"deep/Cafe\u{301}.jpg\" in images",
        ),
        (
            "deep/a.jpg",
            anywhere(),
            "images; there is \"a.jpg\" in images",
        ),
        ("b.jpg", archives(), "i.zip nor in j.zip"),
        (
            "train2014/coco_1.jpg",
            archives(),
            "i.zip nor in j.zip; there is \"val2014/COCO_1.jpg\" in i.zip",
        ),
        (
            "a.jpg",
            archives(),
            "i.zip nor in j.zip; there is \"A.JPG\" in j.zip",
        ),
    ] {
        // The debug form of a message escapes a combining letter.
        let expected = expected.replace('\u{301}', "\\u{301}");
        assert_eq!(missing(image, vec![place]), expected, "{image:?}");
    }
    assert_eq!(
        missing("A.png", vec![archives(), anywhere()]),
        "i.zip nor in j.zip nor in images; there is \"A.JPG\" in j.zip"
    );
}

#[test]
fn places_for_images() {
    let mut lab = lab();
    lab.put("t.csv", "image,caption,url\na.jpg,x,https://host/a.jpg\n");
    let table = || in_test(AnnotationFormat::Table, "t.csv");
    let open = |images: ImagePart| {
        let from: FilesSource = source(vec![table()], images);
        lab.open(&from, &["test"], OnGap::Fail)
    };
    let expected =
        "a place for images needs exactly one of `archives`, `folder` and `addresses: true`";
    assert_eq!(open(place(&[])).expect_err("no place"), expected);
    let both = ImagePart {
        addresses: true,
        ..anywhere()
    };
    assert_eq!(open(both).expect_err("two places"), expected);
    assert_eq!(
        open(place(&["i.zip"])).expect_err("no archive"),
        "\"i.zip\", which the card names, is not there"
    );
    let fetched = open(ImagePart {
        addresses: true,
        ..place(&[])
    })
    .expect("addresses");
    let images = fetched.splits()["test"].images();
    let ask = fetched.to_fetch(images);
    assert_eq!(ask.len(), 1);
    assert_eq!(
        (ask[0].image.as_str(), ask[0].address.as_str()),
        ("a.jpg", "https://host/a.jpg")
    );
    assert_eq!(ask[0].path, fetched.image_path("a.jpg"));
    std::fs::create_dir_all(ask[0].path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&ask[0].path, "an image").expect("a fetched file");
    assert!(fetched.to_fetch(images).is_empty());
}

/// Guards against embeddings of an image in whose file a bit has flipped since it was fetched.
#[test]
fn a_fetched_image_that_was_changed() {
    let mut lab = lab();
    lab.put("t.csv", "image,caption,url\na.jpg,x,https://host/a.jpg\n");
    let open = || {
        let table = in_test(AnnotationFormat::Table, "t.csv");
        let images = ImagePart {
            addresses: true,
            ..place(&[])
        };
        lab.open(&source(vec![table], images), &["test"], OnGap::Fail)
            .expect("addresses")
    };
    let store = open();
    let path = store.image_path("a.jpg");
    let put = |content: &str| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
    };
    let images = ["a.jpg".to_owned()];
    // Of a file from an earlier version nothing is noted.
    put("other");
    open().provide(&images, &|_| {}).expect("taken as it is");
    put("image");
    let sum = nnn_files::sha256_bytes(b"image");
    store.note_fetched("a.jpg", sum.clone()).expect("noted");
    for store in [&store, &open()] {
        store.provide(&images, &|_| {}).expect("as it was");
        assert_eq!(store.sum(&path), Some(sum.clone()));
    }
    // As after a crash that took the list.
    let list = path
        .ancestors()
        .nth(2)
        .expect("a folder")
        .join(".SHA256SUMS");
    std::fs::remove_file(list).expect("a list");
    open().note_found(&images);
    put("imagf");
    let error = open().provide(&images, &|_| {}).expect_err("another");
    let error = error.to_string();
    for part in [path.to_str().expect("a path"), &sum, "delete it"] {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
}
