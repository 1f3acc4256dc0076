//! Readers: other programs' files, round trips, every kind of bad file with its message, damage.

use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type};
use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch};
use half::{bf16, f16};
use nnn_data::{FileError, Matrix, read_embeddings, read_indices, read_labels, read_matrix};
use npyz::WriterBuilder;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("writing a test file");
    path
}

fn write_npy<T: npyz::AutoSerialize>(path: &Path, shape: &[u64], fortran: bool, values: Vec<T>) {
    let order = if fortran {
        npyz::Order::Fortran
    } else {
        npyz::Order::C
    };
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .order(order)
        .writer(File::create(path).expect("a new file"))
        .begin_nd()
        .expect("a header");
    writer.extend(values).expect("values");
    writer.finish().expect("the end");
}

fn write_tensor(path: &Path, dtype: Dtype, shape: &[usize], bytes: &[u8]) {
    let view = TensorView::new(dtype, shape.to_vec(), bytes).expect("a tensor");
    safetensors::serialize_to_file([("x", view)], None, path).expect("a written file");
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let groups = WriterProperties::builder()
        .set_max_row_group_row_count(Some(3))
        .build();
    let file = File::create(path).expect("a new file");
    let mut out = ArrowWriter::try_new(file, batch.schema(), Some(groups)).expect("a writer");
    out.write(&batch).expect("rows");
    out.close().expect("a written file");
}

fn lists<T: ArrowPrimitiveType>(
    rows: impl IntoIterator<Item = Vec<Option<T::Native>>>,
) -> ArrayRef {
    let rows = rows.into_iter().map(Some);
    Arc::new(ListArray::from_iter_primitive::<T, _, _>(rows))
}

/// The message with the file's folder taken off.
fn message(error: &FileError) -> String {
    let folder = error.path.parent().expect("a file in a folder");
    error
        .to_string()
        .replace(&format!("{}/", folder.display()), "")
}

fn matrix_error(path: &Path, key: Option<&str>) -> String {
    message(&read_matrix(path, key).expect_err("a bad matrix"))
}

fn index_error(path: &Path, key: Option<&str>) -> String {
    message(&read_indices(path, key).expect_err("bad indices"))
}

#[test]
fn files_of_other_programs() {
    let expected = Matrix {
        data: (0..100u8).map(|i| (f32::from(i) - 7.0) / 4.0).collect(),
        rows: 20,
        dim: 5,
    };
    let index: Vec<u32> = (0..20).rev().collect();
    let matrix = |name, key| read_matrix(&fixture(name), key).expect("a fixture");
    assert_eq!(matrix("half.npy", None), expected);
    assert_eq!(matrix("big_fortran.npy", None), expected);
    assert_eq!(matrix("two.npz", Some("first")), expected);
    assert_eq!(matrix("table.parquet", Some("fixed")), expected);
    assert_eq!(matrix("table.parquet", Some("lists")), expected);
    let indices = |name, key| read_indices(&fixture(name), key).expect("a fixture");
    assert_eq!(indices("index_big.npy", None), index);
    assert_eq!(indices("two.npz", Some("index")), index);
    assert_eq!(indices("table.parquet", None), index);
    let labels = read_labels(&fixture("table.parquet"), Some("split")).expect("a fixture");
    assert_eq!(labels.len(), 20);
    assert_eq!(labels[..2], ["train", "test"]);
}

#[test]
fn keys() {
    assert_eq!(
        matrix_error(&fixture("two.npz"), Some("third")),
        r#"two.npz: no key "third"; the file holds "first", "index""#
    );
    assert_eq!(
        matrix_error(&fixture("two.npz"), None),
        r#"two.npz: a key is needed to choose among "first", "index""#
    );
    assert_eq!(
        matrix_error(&fixture("table.parquet"), None),
        r#"table.parquet: a key is needed to choose among "fixed" (list of float32), "lists" (list of float64)"#
    );
    assert_eq!(
        matrix_error(&fixture("half.npy"), Some("x")),
        r#"half.npy: key "x" given, but a .npy file holds one array without a name; remove the key"#
    );
}

#[test]
fn types_and_shapes() {
    let folder = folder();
    assert_eq!(
        matrix_error(&fixture("index_big.npy"), None),
        "index_big.npy: shape (20,), expected two dimensions (items, dim)"
    );
    assert_eq!(
        index_error(&fixture("half.npy"), None),
        "half.npy: values of type float16, expected integers"
    );
    assert_eq!(
        matrix_error(&fixture("table.parquet"), Some("split")),
        "table.parquet: values of type string, expected a column of lists of numbers, or one column per dimension"
    );
    assert_eq!(
        index_error(&fixture("table.parquet"), Some("lists")),
        "table.parquet: values of type list of float64, expected a column of integers"
    );
    let cube = folder.path().join("cube.npy");
    write_npy(&cube, &[1, 2, 3], false, vec![0f32; 6]);
    assert_eq!(
        matrix_error(&cube, None),
        "cube.npy: shape (1, 2, 3), expected two dimensions (items, dim)"
    );
    let line = folder.path().join("line.npy");
    write_npy(&line, &[6], false, vec![0f32; 6]);
    assert_eq!(
        matrix_error(&line, None),
        "line.npy: shape (6,), expected two dimensions (items, dim)"
    );
    let square = folder.path().join("square.npy");
    write_npy(&square, &[2, 2], false, vec![0i64; 4]);
    assert_eq!(
        index_error(&square, None),
        "square.npy: shape (2, 2), expected one dimension (items,)"
    );
    let flags = folder.path().join("flags.safetensors");
    write_tensor(&flags, Dtype::BOOL, &[1, 2], &[0, 1]);
    assert_eq!(
        matrix_error(&flags, None),
        "flags.safetensors: values of type bool, expected plain numbers, such as float32"
    );
}

#[test]
fn values() {
    let folder = folder();
    let wide = folder.path().join("wide.npy");
    write_npy(&wide, &[2, 2], true, vec![0.0, 0.0, 1.0, -1e39]);
    assert_eq!(
        matrix_error(&wide, None),
        "wide.npy: row 1, column 1 is -1e39, beyond the range of f32 (3.4028235e38)"
    );
    let large = lists::<Float64Type>([vec![Some(1.0), Some(1e39)]]);
    let parquet = folder.path().join("wide.parquet");
    write_parquet(&parquet, vec![("v", large)]);
    assert_eq!(
        matrix_error(&parquet, None),
        "wide.parquet: row 0, column 1 is 1e39, beyond the range of f32 (3.4028235e38)"
    );
    let negative = folder.path().join("negative.npy");
    write_npy(&negative, &[2], false, vec![0i64, -1]);
    assert_eq!(
        index_error(&negative, None),
        "negative.npy: row 1 is -1, expected an integer from 0 to 4294967295"
    );
    let large = folder.path().join("large.npy");
    write_npy(&large, &[1], false, vec![1u64 << 32]);
    assert_eq!(
        index_error(&large, None),
        "large.npy: row 0 is 4294967296, expected an integer from 0 to 4294967295"
    );
    let nan = folder.path().join("nan.npy");
    write_npy(&nan, &[2, 2], false, vec![1.0, 2.0, 3.0, f64::NAN]);
    let error = read_embeddings(&nan, None).expect_err("a NaN");
    assert_eq!(
        message(&error),
        "nan.npy: row 1, column 1 is NaN; embeddings must be finite"
    );
}

#[test]
fn uneven_and_absent_lists() {
    let folder = folder();
    let rows = [
        vec![Some(1.0), Some(2.0)],
        vec![Some(3.0)],
        vec![Some(4.0), Some(5.0)],
    ];
    let uneven = folder.path().join("uneven.parquet");
    write_parquet(&uneven, vec![("v", lists::<Float32Type>(rows))]);
    assert_eq!(
        matrix_error(&uneven, None),
        "uneven.parquet: row 1 holds 1 value, expected 2 as in row 0"
    );
    let rows = [vec![Some(1.0), Some(2.0)], vec![Some(3.0), None]];
    let null = folder.path().join("null.parquet");
    write_parquet(&null, vec![("v", lists::<Float32Type>(rows))]);
    assert_eq!(
        matrix_error(&null, None),
        "null.parquet: row 1 holds a null or an empty list, expected a list of numbers in every row"
    );
    let holes = folder.path().join("holes.parquet");
    let numbers = Int64Array::from(vec![Some(1), None]);
    write_parquet(&holes, vec![("i", Arc::new(numbers))]);
    assert_eq!(
        index_error(&holes, None),
        "holes.parquet: row 1 holds a null or an empty list, expected a value"
    );
}

#[test]
fn extensions_and_absent_files() {
    let folder = folder();
    let path = file(&folder, "rows.txt", "");
    assert_eq!(
        matrix_error(&path, None),
        r#"rows.txt: vectors are not read from text; convert it with Python: numpy.save("rows.npy", numpy.loadtxt("rows.txt", "float32"))"#
    );
    let path = file(&folder, "rows.xlsx", "");
    assert_eq!(
        index_error(&path, None),
        r#"rows.xlsx: unknown extension "xlsx", expected .npy, .npz, .safetensors, .parquet, .arrow, .feather, .pt, .pth, .pkl, .h5, .csv, .tsv, .json, .jsonl or .txt"#
    );
    assert_eq!(
        matrix_error(&folder.path().join("none.npy"), None),
        "none.npy: no such file"
    );
}

#[test]
fn truncated_and_foreign_content() {
    let folder = folder();
    let whole = fs::read(fixture("half.npy")).expect("a fixture");
    let path = file(&folder, "short.npy", &whole[..whole.len() - 3]);
    assert_eq!(
        matrix_error(&path, None),
        "short.npy: truncated: found 197 bytes of data, expected 200"
    );
    let path = file(&folder, "page.npy", "<html>404 not found</html>");
    assert_eq!(
        matrix_error(&path, None),
        "page.npy: not a readable .npy file: the file does not begin as .npy files do"
    );
    let path = file(&folder, "page.safetensors", "<html>404 not found</html>");
    assert_eq!(
        matrix_error(&path, None),
        "page.safetensors: not a readable .safetensors file: header of 3473469848023230524 bytes \
         in a file of 26 bytes"
    );
    let full = folder.path().join("full.safetensors");
    write_tensor(&full, Dtype::F32, &[1, 2], &[0; 8]);
    let whole = fs::read(&full).expect("a file");
    let path = file(&folder, "short.safetensors", &whole[..whole.len() - 3]);
    assert_eq!(
        matrix_error(&path, None),
        "short.safetensors: truncated: found 5 bytes of data, expected 8"
    );
}

#[test]
fn hostile_headers() {
    let folder = folder();
    let npy = |dict: &str| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dict.len() as u16).to_le_bytes());
        bytes.extend(dict.as_bytes());
        bytes
    };
    let nested = "(".repeat(60_000);
    let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }\n";
    for dict in [nested.as_str(), huge] {
        assert_eq!(
            matrix_error(&file(&folder, "bad.npy", npy(dict)), None),
            "bad.npy: not a readable .npy file: the header does not describe a plain array"
        );
    }
    let large = "{'descr': '<f4', 'fortran_order': True, 'shape': (999999999, 99999999), }\n";
    assert_eq!(
        matrix_error(&file(&folder, "bad.npy", npy(large)), None),
        "bad.npy: truncated: found 0 bytes of data, expected 399999995600000004"
    );
}

/// Every byte of a small file in turn is damaged: some damage trips assertions of the parquet library.
/// Guards against a panic on a damaged file.
#[test]
fn damaged_parquet_is_an_error_or_a_matrix() {
    let folder = folder();
    let whole = fs::read(fixture("table.parquet")).expect("a fixture");
    let mut refused = 0;
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x81;
        let path = file(&folder, "damaged.parquet", bytes);
        match read_matrix(&path, Some("lists")) {
            Ok(matrix) => assert_eq!(matrix.data.len(), matrix.rows * matrix.dim),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100, "{refused} damaged files refused");
}

#[test]
fn text_tables() {
    let folder = folder();
    let path = file(&folder, "t.csv", "row,split\n0,test\n-1,train\n");
    assert_eq!(
        read_labels(&path, Some("split")).expect("labels"),
        ["test", "train"]
    );
    assert_eq!(
        index_error(&path, Some("row")),
        r#"t.csv: row 1 is "-1", expected an integer from 0 to 4294967295"#
    );
    assert_eq!(
        index_error(&path, None),
        r#"t.csv: a key is needed to choose among "row", "split""#
    );
    let path = file(
        &folder,
        "t.json",
        r#"{"a": [1, 2], "b": [1, -2], "c": "x"}"#,
    );
    assert_eq!(read_indices(&path, Some("a")).expect("indices"), [1, 2]);
    assert_eq!(read_labels(&path, Some("b")).expect("labels"), ["1", "-2"]);
    assert_eq!(
        index_error(&path, Some("b")),
        "t.json: row 1 is -2, expected an integer from 0 to 4294967295"
    );
    assert_eq!(
        index_error(&path, Some("c")),
        "t.json: values of type string, expected a list"
    );
}

/// The parser passes over blank lines, which in a file of one column would move all values behind them to other rows.
/// Guards against passing over a blank line that stood for an empty value: all values behind it went to other rows without a
/// word.
#[test]
fn blank_lines_of_one_column() {
    let folder = folder();
    let read = |name: &str, content: &str| {
        let path = file(&folder, name, content);
        let labels = read_labels(&path, None);
        labels.map_err(|error| message(&error))
    };
    let refused = |line: usize| {
        Err(format!(
            "t.csv: line {line}: blank, expected a value; an empty one is written \"\""
        ))
    };
    let values = |all: &[&str]| Ok(all.iter().map(|&it| it.to_owned()).collect());
    assert_eq!(read("t.csv", "text\na\n\nb\n"), refused(3));
    assert_eq!(read("t.csv", "text\r\na\r\n\r\nb\r\n"), refused(3));
    assert_eq!(read("t.csv", "\u{feff}text\n\n\na\n"), refused(2));
    assert_eq!(read("t.csv", "text\n\"a\n\nb\"\n\nc\n"), refused(5));
    // An empty value, a blank line within quotes, and lines behind the last value move nothing.
    assert_eq!(
        read("t.csv", "text\na\n\"\"\nb\n\n"),
        values(&["a", "", "b"])
    );
    assert_eq!(read("t.csv", "text\r\na\r\nb\r\n\r\n"), values(&["a", "b"]));
    assert_eq!(
        read("t.csv", "text\n\"a\n\nb\"\nc"),
        values(&["a\n\nb", "c"])
    );
    let path = file(&folder, "i.csv", "row\n3\n\n4\n");
    assert_eq!(
        index_error(&path, None),
        "i.csv: line 3: blank, expected a value; an empty one is written \"\""
    );
    // Of several columns a blank line is no row.
    let path = file(&folder, "w.csv", "a,b\n1,2\n\n3,4\n");
    assert_eq!(read_indices(&path, Some("b")).expect("indices"), [2, 4]);
}

/// Features of a network often keep dimensions of one.
#[test]
fn dimensions_of_one_are_no_dimensions() {
    let folder = folder();
    let path = folder.path().join("x.npy");
    let values: Vec<f32> = (0..6).map(|value| value as f32).collect();
    for shape in [
        vec![2, 3],
        vec![2, 1, 3],
        vec![2, 3, 1, 1],
        vec![2, 1, 1, 3],
    ] {
        write_npy(&path, &shape, false, values.clone());
        let matrix = read_matrix(&path, None).expect("a matrix");
        assert_eq!((matrix.rows, matrix.dim), (2, 3), "{shape:?}");
        assert_eq!(matrix.data, values);
    }
    for shape in [
        vec![6],
        vec![1, 2, 3],
        vec![3, 2, 1, 1].into_iter().chain([1, 1]).rev().collect(),
    ] {
        write_npy(&path, &shape, false, values.clone());
        let error = read_matrix(&path, None).expect_err("no matrix");
        assert!(
            error
                .to_string()
                .contains("expected two dimensions (items, dim)"),
            "{error}"
        );
    }
}

/// Shape and values; the numbers are finite in f16 too.
fn matrices() -> impl Strategy<Value = Matrix> {
    (0usize..9, 1usize..40).prop_flat_map(|(rows, dim)| {
        prop::collection::vec(-60000f32..60000.0, rows * dim).prop_map(move |data| Matrix {
            data,
            rows,
            dim,
        })
    })
}

proptest! {
    #[test]
    fn npy_round_trips(matrix in matrices(), fortran: bool) {
        let folder = folder();
        let path = folder.path().join("m.npy");
        let shape = [matrix.rows as u64, matrix.dim as u64];
        let at = |i: usize| if fortran {
            matrix.data[(i % matrix.rows) * matrix.dim + i / matrix.rows]
        } else {
            matrix.data[i]
        };
        let values: Vec<f32> = (0..matrix.data.len()).map(at).collect();
        write_npy(&path, &shape, fortran, values.clone());
        prop_assert_eq!(&read_matrix(&path, None).expect("f32"), &matrix);
        write_npy(&path, &shape, fortran, values.into_iter().map(f64::from).collect());
        prop_assert_eq!(&read_matrix(&path, None).expect("f64"), &matrix);
    }

    #[test]
    fn npz_round_trips(matrix in matrices()) {
        let folder = folder();
        let path = folder.path().join("m.npz");
        let array = folder.path().join("m.npy");
        let shape = [matrix.rows as u64, matrix.dim as u64];
        write_npy(&array, &shape, false, matrix.data.clone());
        let mut archive = zip::ZipWriter::new(File::create(&path).expect("a file"));
        archive.start_file("only.npy", SimpleFileOptions::default()).expect("an entry");
        archive.write_all(&fs::read(array).expect("an array")).expect("values");
        archive.finish().expect("the end");
        prop_assert_eq!(read_matrix(&path, None).expect("an array"), matrix);
    }

    #[test]
    fn safetensors_round_trip(matrix in matrices()) {
        let folder = folder();
        let path = folder.path().join("m.safetensors");
        let shape = [matrix.rows, matrix.dim];
        let bytes: Vec<u8> = matrix.data.iter().flat_map(|v| v.to_le_bytes()).collect();
        write_tensor(&path, Dtype::F32, &shape, &bytes);
        prop_assert_eq!(&read_matrix(&path, Some("x")).expect("f32"), &matrix);
        let halves: Vec<f16> = matrix.data.iter().map(|&v| f16::from_f32(v)).collect();
        let bytes: Vec<u8> = halves.iter().flat_map(|v| v.to_le_bytes()).collect();
        write_tensor(&path, Dtype::F16, &shape, &bytes);
        let expected: Vec<f32> = halves.iter().map(|v| v.to_f32()).collect();
        prop_assert_eq!(read_matrix(&path, None).expect("f16").data, expected);
        let brains: Vec<bf16> = matrix.data.iter().map(|&v| bf16::from_f32(v)).collect();
        let bytes: Vec<u8> = brains.iter().flat_map(|v| v.to_le_bytes()).collect();
        write_tensor(&path, Dtype::BF16, &shape, &bytes);
        let expected: Vec<f32> = brains.iter().map(|v| v.to_f32()).collect();
        prop_assert_eq!(read_matrix(&path, None).expect("bf16").data, expected);
    }

    #[test]
    fn parquet_round_trips(matrix in matrices().prop_filter("rows", |m| m.rows > 0)) {
        let folder = folder();
        let path = folder.path().join("m.parquet");
        let rows = || matrix.data.chunks(matrix.dim);
        let single = lists::<Float32Type>(rows().map(|row| row.iter().map(|&v| Some(v)).collect()));
        let wide = rows().map(|row| row.iter().map(|&v| Some(f64::from(v))).collect());
        let double = lists::<Float64Type>(wide);
        write_parquet(&path, vec![("single", single), ("double", double)]);
        prop_assert_eq!(&read_matrix(&path, Some("single")).expect("f32"), &matrix);
        prop_assert_eq!(&read_matrix(&path, Some("double")).expect("f64"), &matrix);
    }

    #[test]
    fn random_bytes_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = folder();
        for extension in ["npy", "npz", "safetensors", "parquet"] {
            let path = file(&folder, &format!("x.{extension}"), &bytes);
            prop_assert!(read_matrix(&path, None).is_err());
            prop_assert!(read_indices(&path, None).is_err());
        }
    }

    #[test]
    fn truncated_files_are_errors(name in source(), cut in 0.0..1.0) {
        let folder = folder();
        let whole = fs::read(fixture(name.0)).expect("a fixture");
        let length = (whole.len() as f64 * cut) as usize;
        let path = file(&folder, name.0, &whole[..length]);
        prop_assert!(read_matrix(&path, name.1).is_err());
    }

    /// A changed byte may go unnoticed (these formats are not all checksummed); it must not bring the program down.
    #[test]
    fn damaged_files_never_panic(name in source(), at in any::<prop::sample::Index>(), byte: u8) {
        let folder = folder();
        let mut bytes = fs::read(fixture(name.0)).expect("a fixture");
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let path = file(&folder, name.0, bytes);
        if let Ok(matrix) = read_matrix(&path, name.1) {
            prop_assert_eq!(matrix.data.len(), matrix.rows * matrix.dim);
        }
    }
}

fn source() -> impl Strategy<Value = (&'static str, Option<&'static str>)> {
    prop::sample::select(vec![
        ("half.npy", None),
        ("big_fortran.npy", None),
        ("two.npz", Some("first")),
        ("table.parquet", Some("fixed")),
        ("table.parquet", Some("lists")),
    ])
}
