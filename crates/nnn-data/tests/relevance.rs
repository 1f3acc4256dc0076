//! What answers what, in every form that people have it in.

use nnn_data::{Answered, FileError, RoleSource, RowNames, read_relevance};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Reads a file for two queries and three items that are known by their rows.
fn read(name: &str, content: &str) -> Result<Answered, FileError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    read_relevance(&path, None, &RowNames::queries(2), &RowNames::gallery(3))
}

fn said(name: &str, content: &str) -> String {
    let error = read(name, content).expect_err("refused").to_string();
    let place = error.find(name).expect("the file is named");
    error[place..].to_owned()
}

/// Query 0 has the items 0 and 2, query 1 item 1.
#[test]
fn every_form_says_the_same() {
    let forms = [
        ("r.json", "[[2, 0], [1]]"),
        ("r.json", "[[2.0, \"0\"], 1]"),
        ("r.json", r#"{"answers": [[2, 0], [1]]}"#),
        ("r.json", r#"{"1": [1], "0": [2, 0]}"#),
        (
            "r.json",
            r#"{"0": {"2": 1, "1": 0, "0": 1}, "1": {"1": 1, "0": -1}}"#,
        ),
        ("r.json", r#"[{"2": 1, "0": 1}, {"1": 1}]"#),
        (
            "r.json",
            r#"[{"q_id": 0, "doc_id": "2", "score": 1}, {"q_id": 0, "doc_id": 0, "score": 1}, {"q_id": 1, "doc_id": 1, "score": 1}]"#,
        ),
        ("r.jsonl", "[2, 0]\n[1]\n"),
        ("r.jsonl", "\u{feff}[2, 0]\r\n[1]\r\n\r\n\n"),
        (
            "r.jsonl",
            "{\"query-id\": \"0\", \"corpus-id\": [\"2\", \"0\"]}\n{\"query-id\": \"1\", \"corpus-id\": \"1\", \"score\": 1.0}\n",
        ),
        ("r.csv", "query,gallery\n1,1\n0,0\n0,2\n"),
        ("r.csv", "\u{feff}gallery, Query\n1, 1\n\n0, 0\n2, 0\n"),
        (
            "r.csv",
            "query-id,corpus-id,score\n1,1,1\n0,0,1.0\n0,2,1\n0,1,0\n",
        ),
        (
            "r.csv",
            "query,gallery,score\n1.0,1.0,1\n0.0,0.0,1\n0.0,2.0,1\n",
        ),
        (
            "r.csv",
            ",query_id,doc_id,relevance\n0,1,1,1\n1,0,0,1\n2,0,2,1\n",
        ),
        (
            "r.csv",
            ",Unnamed: 0,query,gallery\n0,0,1,1\n1,1,0,0\n2,2,0,2\n",
        ),
        ("r.csv", "query;gallery\n1;1\n0;0\n0;2\n"),
        ("r.csv", "query|gallery\n1|1\n0|0\n0|2\n"),
        (
            "test.tsv",
            "query-id\tcorpus-id\tscore\n1\t1\t1\n0\t0\t1\n0\t2\t1\n1\t0\t-1\n",
        ),
        ("test.tsv", "1\t0\t1\t1\n0\t0\t0\t1\n0\t0\t2\t1\n"),
        ("qrels.txt", "1 0 1 1\n0 0 0 1\n0 Q0 2 1\n0 0 1 0\n\n"),
        (
            "test.qrels",
            "query_id doc_id\n1 0 1 1\n"
                .split_once('\n')
                .expect("two lines")
                .1,
        ),
        ("qrels", "1\t0\t1\t1\n0\t0\t0\t1\n0\t0\t2\t1\n"),
    ];
    for (name, content) in forms {
        match (name, content) {
            // One judgement only: the other query is left out.
            ("test.qrels", _) => {
                let read = read(name, content).expect("answers");
                assert_eq!(read.kept, Some(vec![1]));
            }
            _ => {
                let read = read(name, content).unwrap_or_else(|error| panic!("{content}: {error}"));
                assert_eq!(read.relevance.of(0), [0, 2], "{content}");
                assert_eq!(read.relevance.of(1), [1], "{content}");
                assert_eq!(read.relevance.grades_of(0), None, "{content}");
                assert_eq!((read.kept, read.findings), (None, vec![]), "{content}");
            }
        }
    }
}

/// As Excel saves Unicode text.
#[test]
fn text_in_utf16_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.tsv");
    let table = "\u{feff}query\tgallery\n0\t2\n1\t1\n";
    let bytes: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&path, &bytes).expect("written");
    let read = |path| read_relevance(path, None, &RowNames::queries(2), &RowNames::gallery(3));
    let answers = read(&path).expect("answers");
    assert_eq!(answers.relevance.of(0), [2]);
    fs::write(&path, b"query\tgallery\n0\t\xe9\n").expect("written");
    let error = read(&path).expect_err("Latin-1").to_string();
    assert!(error.contains("line 2: not UTF-8: "), "{error}");
}

/// As `datasets` and ranx write judgements; pandas keeps an index beside.
#[test]
fn columns_say_the_same() {
    use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use std::sync::Arc;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test-00000-of-00001.parquet");
    let texts = |values: [&str; 4]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let integers = |values: [i64; 4]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    let mut columns = vec![
        ("query-id", texts(["0", "0", "0", "1"])),
        (
            "corpus-id",
            Arc::new(Float64Array::from(vec![2.0, 0.0, 1.0, 1.0])) as ArrayRef,
        ),
        ("score", integers([1, 3, 0, 1])),
        ("__index_level_0__", integers([5, 6, 7, 8])),
    ];
    let write = |columns: &[(&str, ArrayRef)]| {
        let batch = RecordBatch::try_from_iter(columns.to_vec()).expect("columns of one length");
        let file = fs::File::create(&path).expect("a file");
        let mut out = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
        out.write(&batch).expect("rows");
        out.close().expect("a written file");
        read_relevance(&path, None, &RowNames::queries(2), &RowNames::gallery(3))
    };
    let read = write(&columns).expect("answers");
    assert_eq!(read.relevance.of(0), [0, 2]);
    assert_eq!(read.relevance.grades_of(0), Some([3.0, 1.0].as_slice()));
    assert_eq!(read.relevance.of(1), [1]);
    columns.push(("split", texts(["a"; 4])));
    let error = write(&columns).expect_err("refused").to_string();
    assert!(
        error.contains("unknown column \"split\"; expected a query (query,"),
        "{error}"
    );
}

/// The fault that this guards against: pairs judged 0 or -1 counted as right.
#[test]
fn what_is_graded_zero_or_below_does_not_answer() {
    let forms = [
        (
            "r.csv",
            "query,gallery,score\n0,0,2\n0,1,0\n1,1,1\n1,2,-1\n",
        ),
        (
            "r.tsv",
            "query-id\tcorpus-id\tscore\n0\t0\t2\n0\t1\t0\n1\t1\t1\n1\t2\t-1\n",
        ),
        (
            "r.json",
            r#"{"0": {"0": 2, "1": 0}, "1": {"1": 1, "2": -1}}"#,
        ),
        ("r.qrels", "0 0 0 2\n0 0 1 0\n1 0 1 1\n1 0 2 -1\n"),
    ];
    for (name, content) in forms {
        let read = read(name, content).expect("answers");
        assert_eq!(read.relevance.of(0), [0], "{content}");
        assert_eq!(read.relevance.grades_of(0), Some([2.0].as_slice()));
        assert_eq!(read.relevance.of(1), [1]);
    }
}

#[test]
fn ids_of_one_stem_are_rows_by_their_numbers_and_that_is_said() {
    let read = read("r.json", r#"{"q_0": {"d_2": 1}, "q_1": {"d_1": 3}}"#).expect("answers");
    assert_eq!(read.relevance.of(0), [2]);
    assert_eq!(read.relevance.of(1), [1]);
    assert_eq!(
        read.findings,
        [
            "\"q_0\" and its like are taken for query rows by their numbers (from 0), as no query_ids are given",
            "\"d_2\" and its like are taken for gallery rows by their numbers (from 0), as no gallery_ids are given",
        ]
    );
}

#[test]
fn queries_without_an_answer_are_left_out_and_that_is_said() {
    let read = read("r.csv", "query,gallery,score\n0,1,0\n1,1,1\n").expect("answers");
    assert_eq!(read.kept, Some(vec![1]));
    assert_eq!(read.relevance.of(0), [1]);
    assert_eq!(
        read.findings,
        ["1 of 2 queries have no relevant gallery item and are left out, the first of them row 0"]
    );
}

#[test]
fn lists_that_may_be_records_are_read_as_lists_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.json");
    let read = |content: &str| {
        fs::write(&path, content).expect("written");
        let read = read_relevance(&path, None, &RowNames::queries(3), &RowNames::gallery(3));
        read.expect("answers")
    };
    let records = read("[[0, 2], [1, 0], [2, 1]]");
    assert_eq!(records.relevance.of(1), [0, 1]);
    let finding = "every list begins with its own number, as records of a query and an item would";
    assert!(
        records.findings[0].starts_with(finding),
        "{:?}",
        records.findings
    );
    assert!(read("[[0, 2], [1], [2, 1]]").findings.is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let columns = "expected a query (query, query_id, queryid, qid, q_id, topic, topic_id), a gallery item (gallery, gallery_id, corpus_id, \
                   corpusid, doc_id, docid, docno, did, doc, document, document_id, item, item_id, pid, passage_id) and, where there are \
                   grades, a grade (score, grade, relevance, rel, label, judgment, judgement, relevance_score)";
    let cases = [
        ("r.json", "[[0]]", "1 relevance lists, expected 2".to_owned()),
        ("r.json", "[[0], []]", "query 1 has no relevant gallery item".to_owned()),
        (
            "r.json",
            "[[0], [3]]",
            "query 1: \"3\" is no gallery row from 0 to 2; if it is an id, name the file that has the id of every row: gallery_ids: {file: ...}".to_owned(),
        ),
        (
            "r.jsonl",
            "[0]\n[",
            "line 2: not readable as JSON: EOF while parsing a list at line 1 column 1".to_owned(),
        ),
        ("r.jsonl", "[0]\n\n[1]", "line 2: blank, expected a list or an object".to_owned()),
        (
            "r.csv",
            "query,gallery,colour\n0,0,red\n",
            format!("line 1: unknown column \"colour\"; {columns}"),
        ),
        (
            "r.csv",
            "query,gallery,doc_id\n0,0,0\n",
            format!("line 1: \"doc_id\" says again what another column says; {columns}"),
        ),
        (
            "r.csv",
            "0;0\n",
            format!("line 1: \"0;0\" (separator: semicolon) is no header of judgements and no TREC line; {}", columns.replacen("expected", "expected columns for", 1)),
        ),
        (
            "r.csv",
            "query,gallery\n0,0\n2,0\n",
            "line 3: \"2\" is no query row from 0 to 1; if it is an id, name the file that has the id of every row: query_ids: {file: ...}".to_owned(),
        ),
        ("r.csv", "query,gallery\n0,\n", "line 2: the gallery item is blank".to_owned()),
        (
            "r.csv",
            "query,gallery,score\n0,0,high\n",
            "line 2: the grade is \"high\", expected a number".to_owned(),
        ),
        (
            "r.csv",
            "query,gallery,score\n0,0,0\n1,0,1\n1,0,0\n",
            "query row 1: gallery item row 0 is judged twice, with the grades 0 and 1".to_owned(),
        ),
        (
            "r.csv",
            "query,gallery,score\n0,0,0\n1,1,-1\n",
            "none of 2 queries has a relevant gallery item (a grade above 0)".to_owned(),
        ),
        (
            "r.qrels",
            "0 0 0 1\n1 0 1\n",
            "line 2: 3 fields, expected four: query, iteration, document and grade".to_owned(),
        ),
        (
            "r.json",
            r#"{"0": {"0": "high"}, "1": {"1": 1}}"#,
            "query \"0\": the grade is \"high\", expected a number".to_owned(),
        ),
        (
            "r.json",
            r#"{"0": {"0": 2, "0": 0}, "1": {"1": 1}}"#,
            "not a readable .json file: \"0\" stands twice in one object at line 1 column 22".to_owned(),
        ),
    ];
    for (name, content, expected) in cases {
        assert_eq!(
            said(name, content),
            format!("{name}: {expected}"),
            "{content}"
        );
    }
}

fn save(folder: &TempDir, name: &str, rows: usize) {
    let shape = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 2), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((shape.len() as u16).to_le_bytes());
    bytes.extend(shape.bytes());
    let values = (0..rows * 2).flat_map(|value| (value as f32 + 1.0).to_le_bytes());
    bytes.extend(values);
    fs::write(folder.path().join(name), bytes).expect("written");
}

fn source(more: &str) -> RoleSource {
    let text = format!(
        r#"{{"gallery": {{"file": "g.npy"}}, "queries": {{"file": "q.npy"}}, "reference_queries": {{"file": "q.npy"}},
            "relevance": {{"file": "r.tsv"}}{more}}}"#
    );
    serde_json::from_str(&text).expect("a source")
}

fn load(folder: &Path, more: &str) -> Result<nnn_data::EmbeddedRoles, String> {
    source(more).load(folder).map_err(|error| error.to_string())
}

#[test]
fn ids_are_looked_up_in_the_files_of_the_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    save(&folder, "g.npy", 3);
    save(&folder, "q.npy", 3);
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    put("q.csv", "qid\n7\nabc\n10\n");
    put("g.json", r#"["d7", "d10", "7"]"#);
    put(
        "r.tsv",
        "query-id\tcorpus-id\tscore\nabc\td10\t2\n10\t7\t1\n10\td7\t0\n",
    );
    let ids = r#", "query_ids": {"file": "q.csv"}, "gallery_ids": {"file": "g.json"}"#;
    let data = load(folder.path(), ids).expect("loaded");
    assert_eq!(data.query_ids, ["abc", "10"]);
    let items = data.gallery_ids.as_deref();
    assert_eq!(items, Some(&["d7", "d10", "7"].map(str::to_owned)[..]));
    assert_eq!(data.queries.len(), 2);
    assert_eq!(data.relevance.of(0), [1]);
    assert_eq!(data.relevance.grades_of(0), Some([2.0].as_slice()));
    assert_eq!(data.relevance.of(1), [2]);
    assert_eq!(data.clusters, [0, 1]);
    assert_eq!(
        data.findings,
        [
            "r.tsv: 1 of 3 queries have no relevant gallery item and are left out, the first of them \"7\""
        ]
    );

    put("r.tsv", "query-id\tcorpus-id\tscore\nabc\td11\t2\n");
    let error = load(folder.path(), ids).expect_err("no such item");
    assert!(
        error.ends_with("line 2: \"d11\" is not in the gallery_ids (g.json: 3 ids such as \"d7\")"),
        "{error}"
    );
    put("g.json", r#"["d7", "d10", "d7"]"#);
    let error = load(folder.path(), ids).expect_err("one id twice");
    assert_eq!(error, "g.json: rows 0 and 2 have the same id \"d7\"");
}
