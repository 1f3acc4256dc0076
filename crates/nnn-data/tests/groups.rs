//! Annotation files with classes and groups: VisoGender's, and tables of one's own.

use nnn_core::Groups;
use nnn_data::{
    AnnotationPart, Annotations, Direction, FoundFile, ImageStore, OnGap, Pairs, Reading,
    read_annotations,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const HEADER: &str = "IDX\tSector\tSpecialisation\tOccupation\tObject\tURL type (Type NA if can't find)\tLICENSE OK?\tOccupation_perceived_gender\tError codes\tAnnotator";

fn genders() -> [String; 2] {
    ["masculine", "feminine"].map(str::to_owned)
}

fn part(file: &str, format: &str) -> AnnotationPart {
    let part = serde_json::json!({"files": [file], "format": format, "split": "test"});
    serde_json::from_value(part).expect("a part")
}

fn read(path: &Path, part: &AnnotationPart) -> Result<Annotations, String> {
    let name = part.files[0].display().to_string();
    let found = FoundFile {
        path: path.to_path_buf(),
        sha256: String::new(),
    };
    let reading = Reading {
        files: &BTreeMap::from([(name, found)]),
        splits: &["test"],
        wanted: &["test"],
        on_gap: OnGap::Fail,
        groups: Some(&genders()),
    };
    read_annotations(std::slice::from_ref(part), &reading).map_err(|error| {
        let folder = path.parent().expect("a folder").display();
        error.to_string().replace(&format!("{folder}/"), "")
    })
}

/// Reads a file of this content.
fn read_text(name: &str, format: &str, content: &str) -> Result<Annotations, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    read(&path, &part(name, format))
}

/// One of the published files, or a message and nothing.
fn published(name: &str) -> Option<Annotations> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/visogender");
    let path = shared.join(name);
    if !path.is_file() {
        use std::io::Write;
        let skipped = writeln!(
            std::io::stderr(),
            "skipped: no shared/data/visogender/{name}"
        );
        skipped.expect("a writable stderr");
        return None;
    }
    Some(read(&path, &part(name, "visogender")).expect("a readable table"))
}

fn check_published(pairs: &Pairs, each: usize) {
    assert_eq!(pairs.images().len(), 23 * each);
    assert_eq!(pairs.texts().len(), 23);
    assert_eq!(pairs.class_sizes().len(), 23);
    assert!(pairs.class_sizes().values().all(|&size| size == each));
    assert_eq!(pairs.groups().map(Groups::sizes), Some([23 * each / 2; 2]));
    let task = pairs.task(Direction::T2i).expect("a task");
    assert!((0..23).all(|query| task.relevance.of(query).len() == each));
    let groups = task.groups.expect("groups");
    for query in 0..23 {
        let own = groups.select(task.relevance.of(query));
        assert_eq!(own.sizes(), [each / 2; 2], "{}", task.queries[query]);
    }
}

#[test]
fn the_single_person_file() {
    let Some(found) = published("OO_Visogender_10052025.tsv") else {
        return;
    };
    let pairs = &found.splits["test"];
    check_published(pairs, 10);
    assert_eq!(pairs.texts()[0], "The teacher and their board.");
    let baker = pairs.texts().iter().find(|text| text.contains("baker"));
    assert_eq!(
        baker.map(String::as_str),
        Some("The baker and their mixing spoon.")
    );
    assert_eq!(found.addresses.len(), 230);
    assert!(found.addresses["OO_1"].starts_with("https://images.pexels.com/photos/8617942/"));
    let [finding] = &found.findings[..] else {
        panic!("{:?}", found.findings);
    };
    let finding = finding.to_string();
    assert!(finding.starts_with("corrected 1 value: "), "{finding}");
    assert!(
        finding.ends_with("(\"mixing spoon\" for \"mixing_spoon\")"),
        "{finding}"
    );
}

#[test]
fn the_two_person_file() {
    let Some(found) = published("OP_Visogender_11012024.tsv") else {
        return;
    };
    let pairs = &found.splits["test"];
    check_published(pairs, 20);
    assert_eq!(pairs.texts()[0], "The teacher and their student.");
    assert_eq!(found.addresses.len(), 460);
    assert!(found.findings.is_empty());
}

fn row(id: &str, occupation: &str, object: &str, url: &str, gender: &str) -> String {
    format!("{id}\tmedical\tx\t{occupation}\t{object}\t{url}\tYes\t{gender}\t\tA")
}

fn table(header: &str, rows: &[String]) -> String {
    let lines: Vec<&str> = std::iter::once(header)
        .chain(rows.iter().map(String::as_str))
        .collect();
    lines.join("\r\n")
}

#[test]
fn columns_of_every_published_version() {
    let rows = [
        row(
            "OO_1",
            "nurse",
            "chart",
            "https://x.org/1.jpg?a=\"b\"",
            "feminine",
        ),
        row("OO_2", "nurse", "chart", "NA", "masculine"),
        row("OO_3", "judge", "gavel", "", "masculine"),
    ];
    for header in [
        HEADER.to_owned(),
        HEADER.replace("Occupation_perceived_gender", "Occupation_Gender"),
        HEADER
            .replace("Object", "Participant")
            .replace("LICENSE OK?", "Licence"),
    ] {
        let found = read_text("a.tsv", "visogender", &table(&header, &rows)).expect("a table");
        let pairs = &found.splits["test"];
        assert_eq!(pairs.images(), ["OO_1", "OO_2", "OO_3"]);
        assert_eq!(
            pairs.texts(),
            ["The nurse and their chart.", "The judge and their gavel."]
        );
        assert_eq!(pairs.groups().map(Groups::sizes), Some([2, 1]));
        let addresses = [("OO_1".to_owned(), "https://x.org/1.jpg?a=\"b\"".to_owned())];
        assert_eq!(
            found.addresses,
            addresses.into(),
            "what cannot be found has no address"
        );
    }
}

#[test]
fn malformed_rows_are_named_by_line() {
    let good = row("OO_1", "nurse", "chart", "https://x.org/1", "feminine");
    let short = "OO_2\tmedical\tx\tnurse\tchart".to_owned();
    for (bad, complaint) in [
        (
            row("OO_2", "nurse", "chart", "u", "male"),
            "a.tsv, line 3: image \"OO_2\" has the group \"male\", expected \"masculine\", \"feminine\" or nothing",
        ),
        (
            row("OO_2", "nurse", "chart", "u", " "),
            "a.tsv, line 3: the perceived gender is empty, expected a text",
        ),
        (
            row("OO_2", "", "chart", "u", "feminine"),
            "a.tsv, line 3: the occupation is empty, expected a text",
        ),
        (
            row("OO_1", "nurse", "chart", "u", "feminine"),
            "a.tsv, line 3: image \"OO_1\" is listed twice",
        ),
        (
            row("OO_2", "nurse", "pen", "u", "feminine"),
            "a.tsv, line 3: image \"OO_2\" has the object or participant \"pen\", but \"chart\" on an earlier line",
        ),
        (
            short,
            "a.tsv, line 3: the line is 5 fields, expected as many fields as the header has",
        ),
        (
            row("../OO_2", "nurse", "chart", "u", "feminine"),
            "a.tsv, line 3: image \"../OO_2\" is not a path inside the folder",
        ),
    ] {
        let content = table(HEADER, &[good.clone(), bad]);
        let error = read_text("a.tsv", "visogender", &content).expect_err("a bad row");
        assert!(error.starts_with(complaint), "{error}");
    }
    let content = table(
        &HEADER.replace("Occupation_perceived_gender", "Gender"),
        &[good],
    );
    let error = read_text("a.tsv", "visogender", &content).expect_err("no column");
    assert!(
        error.starts_with(
            "a.tsv, line 1: no column \"Occupation_perceived_gender\" or \"Occupation_Gender\", found \"IDX,"
        ),
        "{error}"
    );
}

const TABLE: &str = "image,caption,class,group\n\
    1.jpg,a nurse,nurse,feminine\n2.jpg,a nurse,nurse,masculine\n2.jpg,someone who nurses,nurse,masculine\n\
    3.jpg,a judge,judge,\n";

#[test]
fn a_table_of_ones_own() {
    let found = read_text("own.csv", "table", TABLE).expect("a table");
    let pairs = &found.splits["test"];
    assert_eq!(pairs.texts(), ["a nurse", "someone who nurses", "a judge"]);
    let task = pairs.task(Direction::T2i).expect("a task");
    assert_eq!(task.relevance.of(1), [0, 1]);
    assert_eq!(pairs.groups().map(Groups::sizes), Some([1, 1]));
    for (from, to, complaint) in [
        (
            ",nurse,masculine\n2.jpg",
            ",judge,masculine\n2.jpg",
            "own.csv, line 4: image \"2.jpg\" has the class \"nurse\", but \"judge\" on an earlier line",
        ),
        (
            "judge,\n",
            ",\n",
            "own.csv, line 5: image \"3.jpg\" has the class \"\": in a split all images have one, or none has",
        ),
        (
            "judge,\n",
            "judge,f\n",
            "own.csv, line 5: image \"3.jpg\" has the group \"f\", expected \"masculine\", \"feminine\" or nothing",
        ),
    ] {
        let changed = TABLE.replacen(from, to, 1);
        assert_ne!(changed, TABLE);
        assert_eq!(
            read_text("own.csv", "table", &changed).expect_err("a bad table"),
            complaint
        );
    }
    // Columns under other names.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("own.csv");
    std::fs::write(&path, TABLE.replacen("class,group", "job,sex", 1)).expect("written");
    let mut named = part("own.csv", "table");
    assert!(
        read(&path, &named).expect("a table").splits["test"]
            .classes()
            .is_none()
    );
    named.columns.class = Some("job".into());
    named.columns.group = Some("sex".into());
    let found = read(&path, &named).expect("a table");
    assert_eq!(found.splits["test"].class_sizes().len(), 2);
    assert_eq!(
        found.splits["test"].groups().map(Groups::sizes),
        Some([1, 1])
    );
}

/// A folder whose training split has neither classes nor groups.
#[test]
fn a_folder_with_classes_and_groups() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for image in ["1.jpg", "2.jpg", "3.jpg"] {
        std::fs::write(folder.path().join(image), image).expect("written");
    }
    let table = "image,split,caption,class,group\n1.jpg,test,who,a,x\n2.jpg,test,who,a,y\n\
        3.jpg,train,who,,\n3.jpg,train,who else,,\n";
    std::fs::write(folder.path().join("captions.csv"), table).expect("written");
    let names = ["x", "y"].map(str::to_owned);
    let open = |groups| ImageStore::folder(folder.path(), &["train", "test"], OnGap::Fail, groups);
    let store = open(Some(&names)).expect("a folder");
    let (train, test) = (&store.splits()["train"], &store.splits()["test"]);
    assert_eq!(
        (train.texts().len(), train.classes(), train.groups()),
        (2, None, None)
    );
    assert_eq!(test.texts(), ["who"]);
    assert_eq!(test.groups().map(Groups::sizes), Some([1, 1]));
    // Without names the groups are not read.
    let store = open(None).expect("a folder");
    assert!(store.splits()["test"].groups().is_none());
    assert_eq!(
        store.image_path("1.jpg"),
        PathBuf::from(folder.path()).join("1.jpg")
    );
}
