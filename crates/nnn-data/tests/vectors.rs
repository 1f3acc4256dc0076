//! Files of vectors as other libraries write them, bit for bit; and several files as one.

use nnn_data::{
    ArrayFiles, EmbeddedRoles, FileError, RoleSource, each_block, read_embeddings, read_indices,
    read_labels, read_matrix,
};
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a file holds, or the words of its refusal.
#[derive(Deserialize)]
struct Case {
    file: String,
    key: Option<String>,
    dim: Option<usize>,
    bits: Option<Vec<u32>>,
    labels: Option<Vec<String>>,
    indices: Option<Vec<u32>>,
    refused: Option<String>,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/vectors")
        .join(name)
}

impl Case {
    /// What is not as it should be.
    fn fault(&self) -> Option<String> {
        let (path, key) = (golden(&self.file), self.key.as_deref());
        if let Some(labels) = &self.labels {
            return differing(read_labels(&path, key), labels);
        }
        if let Some(indices) = &self.indices {
            return differing(read_indices(&path, key), indices);
        }
        if let Some(words) = &self.refused {
            // Of a table of answers the indices are what is refused.
            let error = match self.file.as_str() {
                "fraction.parquet" => read_indices(&path, key).err(),
                _ => read_matrix(&path, key).err(),
            };
            let said = error.map_or("nothing".to_owned(), |it| it.to_string());
            let name = said.contains(&self.file) && !said.contains('\n');
            return (!said.contains(words) || !name).then(|| format!("{words:?} not in {said:?}"));
        }
        let read = read_matrix(&path, key);
        let read = read.map(|it| (it.dim, it.data.iter().map(|it| it.to_bits()).collect()));
        let expected = (self.dim.unwrap_or(0), self.bits.clone().unwrap_or_default());
        differing(read, &expected)
    }
}

fn differing<T: PartialEq + std::fmt::Debug>(
    read: Result<T, nnn_data::FileError>,
    expected: &T,
) -> Option<String> {
    match read {
        Ok(read) if read == *expected => None,
        Ok(read) => Some(format!("{read:?}")),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn what_other_libraries_write_is_read_as_they_read_it() {
    let text = fs::read_to_string(golden("cases.json")).expect("cases");
    let cases: Vec<Case> = serde_json::from_str(&text).expect("cases");
    assert!(cases.len() > 100, "{}", cases.len());
    let fault = |case: &Case| Some(format!("{} {:?}: {}", case.file, case.key, case.fault()?));
    let faults: Vec<String> = cases.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Vectors in blocks are those read at once, and what is refused is refused in the same words.
#[test]
fn blocks_of_rows_are_the_rows_of_the_file() {
    let text = fs::read_to_string(golden("cases.json")).expect("cases");
    let cases: Vec<Case> = serde_json::from_str(&text).expect("cases");
    let of_vectors = |case: &&Case| case.labels.is_none() && case.indices.is_none();
    for case in cases.iter().filter(of_vectors) {
        let (path, key) = (golden(&case.file), case.key.as_deref());
        for rows in [1, 2, 3, 1000] {
            let whole = read_embeddings(&path, key);
            let whole = whole.map(|it| it.rows().data().to_vec());
            let in_blocks = in_blocks(&path, key, rows);
            let texts = [whole, in_blocks].map(|it| format!("{it:?}"));
            assert_eq!(texts[0], texts[1], "{} {key:?} by {rows}", case.file);
        }
    }
}

fn in_blocks(path: &Path, key: Option<&str>, rows: usize) -> Result<Vec<f32>, FileError> {
    let mut all = Vec::new();
    let mut next = 0;
    each_block(path, key, rows, |first, block| {
        assert!(first == next && (1..=rows).contains(&block.len()));
        next += block.len();
        all.extend_from_slice(block.rows().data());
        Ok::<(), FileError>(())
    })?;
    Ok(all)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Rows of two numbers as `.npy`.
fn npy(rows: &[[f32; 2]]) -> Vec<u8> {
    wide_npy(rows.as_flattened(), 2)
}

fn wide_npy(values: &[f32], dim: usize) -> Vec<u8> {
    let rows = values.len() / dim;
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(values.iter().flat_map(|it| it.to_le_bytes()));
    bytes
}

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, content).expect("a file");
}

/// A folder with a gallery that `gallery` names, and the rest of a source.
fn load(folder: &TempDir, gallery: serde_json::Value) -> Result<EmbeddedRoles, String> {
    put(folder, "queries.npy", npy(&[[1.0, 0.0]]));
    put(folder, "answers.txt", "0\n");
    let source: RoleSource = serde_json::from_value(json!({
        "gallery": gallery,
        "queries": {"file": "queries.npy"},
        "reference_queries": {"file": "queries.npy"},
        "query_to_gallery": {"file": "answers.txt"},
    }))
    .map_err(|error| error.to_string())?;
    let root = format!("{}/", folder.path().display());
    source
        .load(folder.path())
        .map_err(|error| error.to_string().replace(&root, ""))
}

/// The first numbers of the gallery's rows, which tell their order.
fn order(folder: &TempDir, gallery: serde_json::Value) -> Vec<f32> {
    let roles = load(folder, gallery).expect("a gallery");
    let data = roles.gallery;
    (0..data.len()).map(|row| data.rows().row(row)[0]).collect()
}

fn refused(folder: &TempDir, gallery: serde_json::Value) -> String {
    load(folder, gallery).expect_err("refused")
}

#[test]
fn a_list_a_pattern_and_a_folder_are_one_matrix() {
    let folder = folder();
    for (name, row) in [
        ("parts/emb_10.npy", [-1.0, 0.0]),
        ("parts/emb_2.npy", [0.0, 1.0]),
        ("parts/emb_1.npy", [1.0, 0.0]),
    ] {
        put(&folder, name, npy(&[row]));
    }
    let natural = [1.0, 0.0, -1.0];
    assert_eq!(order(&folder, json!({"file": "parts"})), natural);
    assert_eq!(order(&folder, json!({"file": "parts/emb_*.npy"})), natural);
    assert_eq!(
        order(&folder, json!({"file": "parts/emb_[12]*.npy"})),
        natural
    );
    let list = json!([{"file": "parts/emb_10.npy"}, {"file": "parts/emb_1.npy"}]);
    assert_eq!(order(&folder, list), [-1.0, 1.0]);
    let list = json!([{"file": "parts/emb_10.npy"}, {"file": "parts"}]);
    assert_eq!(order(&folder, list), [-1.0, 1.0, 0.0, -1.0]);
}

#[test]
fn what_writers_leave_beside_the_data_is_passed_over() {
    let folder = folder();
    let parts = [
        ("g.parquet/split=b/part-1.npy", [0.0, 1.0]),
        ("g.parquet/split=a/part-10.npy", [-1.0, 0.0]),
        ("g.parquet/split=a/part-9.npy", [1.0, 0.0]),
    ];
    for (name, row) in parts {
        put(&folder, name, npy(&[row]));
    }
    for name in [
        "_SUCCESS",
        "_metadata",
        ".part-1.npy.crc",
        "part.crc",
        "split=a/._x.npy",
        "_temporary/0/part-0.npy",
        "dataset_info.json",
        "state.json",
    ] {
        put(&folder, &format!("g.parquet/{name}"), "{}");
    }
    let read = order(&folder, json!({"file": "g.parquet"}));
    assert_eq!(read, [1.0, -1.0, 0.0]);
    put(&folder, "g.parquet/notes.csv", "x\n1\n");
    assert_eq!(
        refused(&folder, json!({"file": "g.parquet"})),
        "g.parquet/split=a/part-9.npy: a file of another kind among those of g.parquet/notes.csv; name those that belong \
         together by a pattern, such as *.csv"
    );
    fs::create_dir(folder.path().join("g.parquet/_delta_log")).expect("a folder");
    assert!(refused(&folder, json!({"file": "g.parquet"})).contains("a Delta table"));
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let folder = folder();
    put(&folder, "p/0.npy", npy(&[[1.0, 0.0], [0.0, 1.0]]));
    put(&folder, "p/1.npy", wide_npy(&[1.0, 2.0, 3.0], 3));
    assert_eq!(
        refused(&folder, json!({"file": "p"})),
        "p/1.npy: vectors of dimension 3, but p/0.npy has dimension 2"
    );
    put(&folder, "p/1.npy", npy(&[[1.0, 0.0], [0.0, 0.0]]));
    assert_eq!(
        refused(&folder, json!({"file": "p"})),
        "p/1.npy: row 1 is a zero vector; it has no direction to compare"
    );
    put(&folder, "p/1.npy", npy(&[[f32::NAN, 0.0]]));
    assert_eq!(
        refused(&folder, json!({"file": "p"})),
        "p/1.npy: row 0, column 0 is NaN; embeddings must be finite"
    );
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let folder = folder();
    put(&folder, "emb/gallery_0.npy", npy(&[[1.0, 0.0]]));
    put(&folder, "gallery.npy", npy(&[[1.0, 0.0]]));
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    let said = |file: &str| refused(&folder, json!({"file": file}));
    assert_eq!(
        said("galery.npy"),
        "galery.npy: no such file; there is \"gallery.npy\""
    );
    assert_eq!(
        said("gallery"),
        "gallery: no such file; there is \"gallery.npy\""
    );
    assert_eq!(
        said("Gallery.NPY"),
        "Gallery.NPY: no such file; there is \"gallery.npy\""
    );
    assert_eq!(said("nothing.npy"), "nothing.npy: no such file");
    assert_eq!(
        said("emb\\gallery_0.npy"),
        "emb\\gallery_0.npy: no such file; a folder is parted by /, write \"emb/gallery_0.npy\""
    );
    assert_eq!(
        said("emb/galery_*.npy"),
        "emb/galery_*.npy: no file matches; there is \"gallery_0.npy\""
    );
    assert_eq!(
        said("em/*.npy"),
        "em/*.npy: no file matches; there is no such folder"
    );
    assert_eq!(said("empty"), "empty: a folder without a file of data");
    let unknown = refused(&folder, json!([{"file": "gallery.npy", "keys": "x"}]));
    assert!(unknown.contains("unknown field `keys`"), "{unknown}");
    let neither = refused(&folder, json!("gallery.npy"));
    assert!(
        neither.contains("{file: NAME}, or a list of those"),
        "{neither}"
    );
}

#[test]
fn what_lies_in_the_place_of_a_file_is_named() {
    let folder = folder();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    put(&folder, "gallery.npy", pointer);
    assert_eq!(
        refused(&folder, json!({"file": "gallery.npy"})),
        "gallery.npy: a Git LFS pointer, not the file itself; fetch it with: git lfs pull"
    );
    put(&folder, "gallery.npy.gz", b"\x1f\x8b\x08\x00");
    assert_eq!(
        refused(&folder, json!({"file": "gallery.npy.gz"})),
        "gallery.npy.gz: packed with gzip; unpack it first: gunzip gallery.npy.gz"
    );
}

#[test]
fn labels_and_indices_come_from_every_format() {
    let folder = folder();
    let files = [
        ("a.csv", "id\n3\n1\n"),
        ("a.tsv", "id\tname\n3\tx\n1\ty\n"),
        ("a.json", "[3, 1]"),
        ("a.jsonl", "{\"id\": 3}\n\n{\"id\": 1}\n"),
        ("a.txt", "3\n1\n\n"),
    ];
    for (name, text) in files {
        put(&folder, name, text);
        let (path, key) = (
            folder.path().join(name),
            name.ends_with("tsv").then_some("id"),
        );
        assert_eq!(read_labels(&path, key).expect(name), ["3", "1"], "{name}");
        assert_eq!(read_indices(&path, key).expect(name), [3, 1], "{name}");
    }
    put(&folder, "b.txt", "3\n\n1\n");
    let error = read_labels(&folder.path().join("b.txt"), None).expect_err("a blank line");
    assert!(
        error
            .to_string()
            .ends_with("line 2: blank, expected a value"),
        "{error}"
    );
}

#[test]
fn integers_are_vectors_up_to_a_scale() {
    let rows = read_embeddings(&golden("i8.npy"), None).expect("vectors");
    for row in 0..rows.len() {
        let length: f64 = rows
            .rows()
            .row(row)
            .iter()
            .map(|it| f64::from(*it).powi(2))
            .sum();
        assert!(
            (length - 1.0).abs() < 1e-6,
            "row {row} has the squared length {length}"
        );
    }
}

#[test]
fn one_array_is_written_as_one() {
    let one = json!({"file": "a.npy"});
    let read: ArrayFiles = serde_json::from_value(one.clone()).expect("one");
    assert_eq!(serde_json::to_value(&read).expect("written"), one);
}

/// Guards against a panic, or an abort for want of memory, at a damaged file of a format that is new here.
#[test]
fn damaged_files_are_errors_or_matrices() {
    let folder = folder();
    for name in [
        "stream.arrow",
        "file.arrow",
        "lz4.feather",
        "plain.h5",
        "by_id.h5",
        "protocol_4.pkl",
        "tensor.pt",
    ] {
        let whole = fs::read(golden(name)).expect(name);
        let path = folder.path().join(name);
        let mut read = 0;
        for place in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x81;
            fs::write(&path, bytes).expect("written");
            if let Ok(matrix) = read_matrix(&path, None) {
                assert_eq!(matrix.data.len(), matrix.rows * matrix.dim);
                read += 1;
            }
        }
        assert!(read > 0, "{name}");
        for end in (0..whole.len()).step_by(17) {
            fs::write(&path, &whole[..end]).expect("written");
            let _ = read_matrix(&path, None);
        }
    }
}

/// A dictionary of two vectors as `pickle.dump(..., protocol=2)` writes it.
fn two_by_id(ids: [u8; 2]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}(".to_vec();
    for id in ids {
        bytes.extend([b'K', id, b']', b'(']);
        for value in [f64::from(id) + 1.0, 2.0] {
            bytes.push(b'G');
            bytes.extend(value.to_be_bytes());
        }
        bytes.push(b'e');
    }
    bytes.extend(b"u.");
    bytes
}

/// Guards against rows that answers name by number, which then are other items than those of these ids.
#[test]
fn vectors_by_numbers_in_another_order_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("by_id.pkl");
    std::fs::write(&path, two_by_id([0, 1])).expect("written");
    let matrix = nnn_data::read_matrix(&path, None).expect("vectors");
    assert_eq!(matrix.data, [1.0, 2.0, 2.0, 2.0]);
    std::fs::write(&path, two_by_id([1, 0])).expect("written");
    let error = nnn_data::read_matrix(&path, None).expect_err("another order");
    let said = "its ids are the numbers 0 to 1 in another order than its vectors have in the file";
    assert!(error.to_string().contains(said), "{error}");
}
