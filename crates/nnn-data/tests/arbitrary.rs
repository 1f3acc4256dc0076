//! Whatever the bytes, readers of embedding files, annotations and archives give a value or an error that names the file. `PROPTEST_CASES` sets how
//! many are tried; the targets in `fuzz/` go on without end.

use nnn_data::{
    AnnotationFormat, AnnotationPart, Archive, ArchiveLimits, ColumnNames, FoundFile, OnGap,
    Reading, RowNames, read_annotations, read_indices, read_labels, read_matrix, read_relevance,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Reads a file in every way that its kind allows.
fn read(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(name);
    fs::write(&file, bytes).expect("written");
    if let Ok(matrix) = read_matrix(&file, None) {
        assert_eq!(matrix.data.len(), matrix.rows * matrix.dim);
    }
    let errors = [
        read_matrix(&file, None).err(),
        read_indices(&file, None).err(),
        read_labels(&file, None).err(),
        read_relevance(&file, None, &RowNames::queries(3), &RowNames::gallery(4)).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(error.to_string().contains(name), "{error}");
    }
}

const KINDS: [&str; 14] = [
    "qrels",
    "arrow",
    "feather",
    "pkl",
    "pt",
    "h5",
    "tsv",
    "npy",
    "npz",
    "safetensors",
    "parquet",
    "csv",
    "json",
    "jsonl",
];

/// Sound files to begin with, by name.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = fs::read_dir(folder)
        .expect("fixtures")
        .map(|it| it.expect("a file").path());
    let binary = entries.filter(|it| {
        it.extension()
            .is_some_and(|it| KINDS.contains(&&*it.to_string_lossy()))
    });
    let mut files: Vec<(String, Vec<u8>)> = binary
        .map(|it| {
            let name = it
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&it).expect("a fixture"))
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), 5);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vectors");
    let more = [
        "bf16.npy",
        "names.npy",
        "spark.parquet",
        "wide.parquet",
        "one_list.parquet",
        "structs.parquet",
        "lz4.feather",
        "stream.arrow",
        "file.arrow",
        "packed.arrow",
        "protocol_2.pkl",
        "protocol_5.pkl",
        "dictionary.pkl",
        "by_id.pkl",
        "torch_tensor.pkl",
        "tensor.pt",
        "chunked.h5",
        "by_id.h5",
        "tables.h5",
    ];
    files.extend(more.map(|name| {
        let bytes = fs::read(golden.join(name)).expect(name);
        (name.to_owned(), bytes)
    }));
    let matrix = TensorView::new(Dtype::F32, vec![2, 3], &[1; 24]).expect("a tensor");
    let tensors = safetensors::serialize([("rows", matrix)], None).expect("a file");
    let texts = [
        ("it.tsv", "query\tgallery\n0\t1\n"),
        ("it.csv", "query,gallery\n0,1\n1,2\n2,0\n"),
        ("it.qrels", "0 0 1 1\n1 0 2 0\n2 0 0 2\n"),
        ("it.json", "[[0], [1, 2], [3]]"),
        (
            "grades.json",
            "{\"0\": {\"1\": 2}, \"1\": {\"2\": 0}, \"2\": {\"3\": 1}}",
        ),
        (
            "records.jsonl",
            "{\"qid\": 0, \"docid\": [1, 2], \"rel\": 1}\n{\"qid\": 1, \"docid\": 3}\n",
        ),
        ("it.jsonl", "[0]\n[1, 2]\n[3]\n"),
    ];
    files.extend(texts.map(|(name, text)| (name.to_owned(), text.into())));
    files.push(("it.safetensors".into(), tensors));
    files
}

proptest! {
    #[test]
    fn any_bytes_of_any_kind_end(kind in 0..KINDS.len(), bytes in vec(any::<u8>(), 0..300)) {
        read(&format!("it.{}", KINDS[kind]), &bytes);
    }

    #[test]
    fn a_changed_file_ends(
        which in any::<Index>(),
        changes in vec(any::<(Index, u8)>(), 0..8),
        end in proptest::option::weighted(0.2, any::<Index>()),
    ) {
        let files = fixtures();
        let (name, bytes) = which.get(&files);
        read(name, &damage(bytes, &changes, end));
    }
}

const FORMATS: [(AnnotationFormat, &str); 13] = [
    (AnnotationFormat::Table, "it.csv"),
    (AnnotationFormat::Table, "it.tsv"),
    (AnnotationFormat::Visogender, "it.tsv"),
    (AnnotationFormat::Table, "it.txt"),
    (AnnotationFormat::Table, "it.token"),
    (AnnotationFormat::Parquet, "it.parquet"),
    (AnnotationFormat::Karpathy, "it.json"),
    (AnnotationFormat::List, "it.json"),
    (AnnotationFormat::List, "it.jsonl"),
    (AnnotationFormat::Coco, "it.json"),
    (AnnotationFormat::ImageParquet, "it.parquet"),
    (AnnotationFormat::Shards, "it.tar"),
    (AnnotationFormat::Karpathy, "it.zip/dataset_coco.json"),
];

/// Reads annotations in one format, and whatever they name out of the file itself as an archive.
fn read_published(format: AnnotationFormat, name: &str, bytes: &[u8], on_gap: OnGap) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = name.split('/').next().expect("a name");
    let path = folder.path().join(file);
    fs::write(&path, bytes).expect("written");
    let part = AnnotationPart {
        files: vec![name.into()],
        format,
        split: Some("test".to_owned()),
        splits: BTreeMap::new(),
        columns: ColumnNames::default(),
        otherwise: None,
    };
    let sha256 = "0".repeat(64);
    let files = BTreeMap::from([(file.to_owned(), FoundFile { path, sha256 })]);
    let reading = Reading {
        files: &files,
        splits: &["test"],
        wanted: &["test"],
        on_gap,
        groups: None,
    };
    match read_annotations(&[part], &reading) {
        Ok(read) => assert!(!read.splits["test"].images().is_empty()),
        Err(error) => assert!(error.to_string().contains(file), "{error}"),
    }
}

/// Opens an archive and reads all of it.
fn read_archive(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    let archive = match Archive::open(&path, name, ArchiveLimits::default()) {
        Ok(archive) => archive,
        Err(error) => return assert!(error.to_string().contains(name), "{error}"),
    };
    for entry in archive.names() {
        match archive
            .find(entry)
            .and_then(|at| at.map(|at| archive.read(at)).transpose())
        {
            Ok(content) => assert!(content.is_some() || entry.is_empty()),
            Err(error) => assert!(error.to_string().contains(name), "{error}"),
        }
    }
}

/// Published files to begin with: how to read them and what they hold.
fn published() -> Vec<(AnnotationFormat, &'static str, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published/golden");
    let files = [
        (AnnotationFormat::Table, "it.csv", "python_lists.csv"),
        (AnnotationFormat::Table, "it.csv", "json_lists.csv"),
        (AnnotationFormat::Table, "it.tsv", "captions.tsv"),
        (AnnotationFormat::Table, "it.txt", "test_karpathy.txt"),
        (
            AnnotationFormat::Parquet,
            "it.parquet",
            "karpathy_snappy.parquet",
        ),
        (
            AnnotationFormat::Parquet,
            "it.parquet",
            "karpathy_zstd.parquet",
        ),
        (
            AnnotationFormat::ImageParquet,
            "it.parquet",
            "images_lists.parquet",
        ),
        (
            AnnotationFormat::Karpathy,
            "it.zip/dataset_coco.json",
            "caption_datasets.zip",
        ),
        (AnnotationFormat::List, "it.json", "blip_train.json"),
        (AnnotationFormat::Coco, "it.json", "coco_train.json"),
        (AnnotationFormat::Shards, "it.tar", "test-000001.tar"),
    ];
    let read = |name: &str| fs::read(folder.join(name)).expect("a golden file");
    let mut all = files
        .map(|(format, name, file)| (format, name, read(file)))
        .to_vec();
    let photographs = "IDX\tOccupation\tObject\tURL type (Type NA if can't find)\tOccupation_perceived_gender\r\n\
                       OO_1\tnurse\tchart\thttps://x.org/1\tfeminine\r\nOO_2\tbaker\tmixing_spoon\tNA\tmasculine\r\n";
    let texts = [
        (AnnotationFormat::Visogender, "it.tsv", photographs),
        (
            AnnotationFormat::Table,
            "it.token",
            "a.jpg#0\tx\na.jpg#1\ty\n",
        ),
        (
            AnnotationFormat::Table,
            "it.csv",
            "image_name| n| comment\na.jpg| 0| x\n",
        ),
        (
            AnnotationFormat::Table,
            "it.csv",
            "filepath;title\na.jpg;\"x; y\"\n",
        ),
        (
            AnnotationFormat::Table,
            "it.tsv",
            "\"filepath\"\t\"title\"\n\"a.jpg\"\t\"x\ny\"\n",
        ),
        (
            AnnotationFormat::List,
            "it.jsonl",
            "{\"file_name\": \"a.jpg\", \"text\": \"x\"}\n",
        ),
    ];
    all.extend(texts.map(|(format, name, text)| (format, name, text.into())));
    all
}

fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published/golden");
    let files = [
        ("it.zip", "images_deflated.zip"),
        ("it.zip", "images_stored.zip"),
        ("it.tar", "images_pax.tar"),
        ("it.tar", "images_gnu.tar"),
        ("it.tar.gz", "images.tar.gz"),
        ("it.parquet", "images_lists.parquet"),
    ];
    let read = |name: &str| fs::read(folder.join(name)).expect("a golden file");
    files.map(|(name, file)| (name, read(file))).into()
}

/// What damage may do to a file: bytes changed, the end cut off.
fn damage(bytes: &[u8], changes: &[(Index, u8)], end: Option<Index>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    bytes.truncate(end.map_or(bytes.len(), |end| end.index(bytes.len())));
    bytes
}

proptest! {
    #[test]
    fn any_bytes_as_annotations_end(which in 0..FORMATS.len(), bytes in vec(any::<u8>(), 0..300)) {
        let (format, name) = FORMATS[which];
        read_published(format, name, &bytes, OnGap::LeaveOut);
    }

    #[test]
    fn any_text_as_annotations_ends(which in 0..FORMATS.len(), text in "[\\[\\]{}\",':a-c\n\\\\0-9 ]{0,200}") {
        let (format, name) = FORMATS[which];
        read_published(format, name, text.as_bytes(), OnGap::Fail);
        let table = format!("image,caption\na.jpg,\"{}\"\n", text.replace('"', "\"\""));
        read_published(AnnotationFormat::Table, "it.csv", table.as_bytes(), OnGap::Fail);
    }

    #[test]
    fn changed_annotations_end(
        which in any::<Index>(),
        changes in vec(any::<(Index, u8)>(), 0..8),
        end in proptest::option::weighted(0.2, any::<Index>()),
    ) {
        let files = published();
        let (format, name, bytes) = which.get(&files);
        read_published(*format, name, &damage(bytes, &changes, end), OnGap::LeaveOut);
    }

    #[test]
    fn any_bytes_as_an_archive_end(which in 0..4usize, bytes in vec(any::<u8>(), 0..1200)) {
        read_archive(["it.zip", "it.tar", "it.tar.gz", "it.parquet"][which], &bytes);
    }

    #[test]
    fn a_changed_archive_ends(
        which in any::<Index>(),
        changes in vec(any::<(Index, u8)>(), 0..8),
        end in proptest::option::weighted(0.2, any::<Index>()),
    ) {
        let files = archives();
        let (name, bytes) = which.get(&files);
        read_archive(name, &damage(bytes, &changes, end));
    }
}

/// Fields that no reader knows, each a list of 2^31 - 1 values that take no bytes: the library walked through all of them.
#[test]
fn parquet_files_that_claim_more_than_they_hold_are_refused_at_once() {
    let list = [0x19, 0xf1, 255, 255, 255, 255, 7];
    for lists in [1, 10, 100] {
        let metadata = [list.repeat(lists), vec![0]].concat();
        let size = u32::try_from(metadata.len())
            .expect("few bytes")
            .to_le_bytes();
        let file = [b"PAR1", &metadata[..], &size, b"PAR1"].concat();
        read("it.parquet", &file);
        read_published(
            AnnotationFormat::Parquet,
            "it.parquet",
            &file,
            OnGap::LeaveOut,
        );
        read_archive("it.parquet", &file);
    }
}

/// What fuzzing found before, where it is at hand: each kept the library busy for 7 to 68 seconds.
#[test]
#[allow(clippy::print_stderr)]
fn parquet_files_that_fuzzing_found_end() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fuzz");
    for folder in ["parquet-slow", "parquet-page-header-hang"] {
        let Ok(entries) = fs::read_dir(shared.join(folder)) else {
            eprintln!("skipped: no {folder} in {}", shared.display());
            continue;
        };
        for file in entries.map(|it| it.expect("a file").path()) {
            read("it.parquet", &fs::read(&file).expect("bytes"));
        }
    }
}
