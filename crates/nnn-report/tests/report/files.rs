//! What is written reads back, and is the same whenever it is written.

use std::fs;
use std::path::Path;

use nnn_report::{
    GridRow, QueryColumn, QueryTable, ReportError, ScoreRow, read_comparisons, read_grid,
    read_queries, read_scores, write_bias, write_choosing, write_comparisons, write_grid,
    write_queries, write_scores,
};

use crate::fixture::{Cell, NNN, RAW, choosing, comparisons, sweep};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a text file")
}

/// Names and numbers that a careless writer would mangle.
fn awkward() -> Vec<ScoreRow> {
    let cell = Cell {
        model: "a \"quoted\", model\nof two lines",
        dataset: "007",
        params: "0.10",
        ..NNN
    };
    let mut rows = vec![
        RAW.plain("MRR", 0.1 + 0.2),
        cell.share("R@1", 1.0 / 3.0, 1e-300),
    ];
    rows.push(cell.plain("k_kurtosis@1", -2.5e-17));
    rows.push(cell.plain("MeanR", 12_345_678.901_234_5));
    rows
}

#[test]
fn the_csv_has_shortest_floats_and_empty_gaps() {
    let folder = folder();
    let rows = vec![
        RAW.share("R@1", 0.5, 0.5),
        NNN.share("R@1", 0.1 + 0.2, 0.5),
        NNN.plain("k_max@1", 39.0),
    ];
    write_scores(folder.path(), &rows).expect("scores are written");
    insta::assert_snapshot!(text(&folder.path().join("scores.csv")), @r#"
    experiment,model,dataset,split,direction,reference_set,reference_size,method,kind,params,chosen,metric,value,ci_low,ci_high,binomial_low,binomial_high,delta_raw,delta_low,delta_high,p_value,n_queries,cluster,n_clusters,n_gallery,signature
    paper,CLIP,flickr30k,test,t2i,,0,raw,additive,,,R@1,0.5,0.4826758838609296,0.5173241161390704,0.4861407070887437,0.5138592929112563,,,,,5000,image,1000,1000,R@1|t2i|method:raw
    paper,CLIP,flickr30k,test,t2i,flickr30k/train 20%,29000,nnn,additive,"k=128,alpha=0.75",validation,R@1,0.30000000000000004,0.28412218528890076,0.3158778147110993,0.28729774823112064,0.31270225176887945,-0.19999999999999996,-0.20799999999999996,-0.19199999999999995,0.00009999,5000,image,1000,1000,R@1|t2i|method:nnn
    paper,CLIP,flickr30k,test,t2i,flickr30k/train 20%,29000,nnn,additive,"k=128,alpha=0.75",validation,k_max@1,39.0,,,,,,,,,5000,image,1000,1000,k_max@1|t2i|method:nnn
    "#);
}

#[test]
fn no_rows_are_a_header() {
    let folder = folder();
    write_scores(folder.path(), &[]).expect("scores are written");
    insta::assert_snapshot!(text(&folder.path().join("scores.csv")), @"experiment,model,dataset,split,direction,reference_set,reference_size,method,kind,params,chosen,metric,value,ci_low,ci_high,binomial_low,binomial_high,delta_raw,delta_low,delta_high,p_value,n_queries,cluster,n_clusters,n_gallery,signature");
    assert_eq!(read_scores(folder.path()).expect("parquet"), []);
    fs::remove_file(folder.path().join("scores.parquet")).expect("it was written");
    assert_eq!(read_scores(folder.path()).expect("csv"), []);
}

#[test]
fn scores_read_back_bit_by_bit_from_either_file() {
    for rows in [sweep(), awkward()] {
        let folder = folder();
        write_scores(folder.path(), &rows).expect("scores are written");
        assert_eq!(read_scores(folder.path()).expect("parquet"), rows);
        fs::remove_file(folder.path().join("scores.parquet")).expect("it was written");
        assert_eq!(read_scores(folder.path()).expect("csv"), rows);
    }
}

#[test]
fn equal_rows_are_equal_bytes_on_any_thread() {
    let write = || {
        let folder = folder();
        let rows: Vec<_> = (0..100).flat_map(|_| sweep()).collect();
        write_scores(folder.path(), &rows).expect("scores are written");
        ["scores.csv", "scores.parquet"]
            .map(|file| fs::read(folder.path().join(file)).expect("a file"))
    };
    let here = write();
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(write)).collect();
    for thread in threads {
        assert!(thread.join().expect("no panic") == here);
    }
}

#[test]
fn the_grid_reads_back() {
    let folder = folder();
    let row = |evaluated_on: &str, value, selected| GridRow {
        cell: NNN.id(),
        evaluated_on: evaluated_on.to_owned(),
        metric: "R@1".to_owned(),
        value,
        n_queries: 5000,
        selected,
    };
    let rows = vec![row("validation", 0.1 + 0.2, true), row("test", 0.25, false)];
    write_grid(folder.path(), &rows).expect("the grid is written");
    assert_eq!(read_grid(folder.path()).expect("the grid"), rows);
    let first = fs::read(folder.path().join("grid.parquet")).expect("a file");
    write_grid(folder.path(), &rows).expect("the grid is written again");
    assert!(fs::read(folder.path().join("grid.parquet")).expect("a file") == first);
    write_grid(folder.path(), &[]).expect("an empty grid is written");
    assert_eq!(read_grid(folder.path()).expect("the grid"), []);
}

#[test]
fn comparisons_read_back() {
    let folder = folder();
    for rows in [comparisons(), Vec::new()] {
        write_comparisons(folder.path(), &rows).expect("comparisons are written");
        assert_eq!(read_comparisons(folder.path()).expect("comparisons"), rows);
    }
    write_comparisons(folder.path(), &comparisons()[..2]).expect("comparisons are written");
    insta::assert_snapshot!(text(&folder.path().join("comparisons.csv")), @r#"
    experiment,model,dataset,split,direction,reference_set,reference_size,method_a,kind_a,params_a,chosen_a,method_b,kind_b,params_b,chosen_b,metric,delta,ci_low,ci_high,p_value,p_holm,wins,ties,losses,n_queries,n_clusters,cluster
    paper,CLIP,flickr30k,test,t2i,flickr30k/train 20%,29000,nnn,additive,"k=128,alpha=0.75",validation,raw,additive,,,R@1,0.0578,0.047799999999999995,0.0678,0.00001,0.000030000000000000004,1200,3000,800,5000,1000,image
    paper,CLIP,flickr30k,test,t2i,flickr30k/train 20%,29000,dsl,"rescaling, transductive",tau=0.1,fixed,raw,additive,,,R@1,0.30000000000000004,0.29000000000000004,0.31000000000000005,0.016,0.048,1200,3000,800,5000,1000,image
    "#);
}

#[test]
fn choices_are_a_csv_with_gaps() {
    let folder = folder();
    write_choosing(folder.path(), &choosing()).expect("choices are written");
    insta::assert_snapshot!(text(&folder.path().join("choosing.csv")), @r#"
    experiment,model,dataset,split,direction,reference_set,reference_size,method,kind,params,chosen,metric,points,statistics_seconds,ranking_seconds,validation,test
    paper,CLIP,flickr30k,test,t2i,flickr30k/train 20%,29000,nnn,additive,"k=128,alpha=0.75",validation,R@1,1110,1.5,0.25,0.63,0.646
    paper,CLIP,flickr30k,test,t2i,flickr30k/train 20%,29000,dsl,"rescaling, transductive",tau=0.1,oracle,R@1,1110,,,,0.646
    "#);
}

fn queries() -> QueryTable {
    let column = |method: &str, chosen: &str, first_rank: [f64; 3], top: [u32; 6]| QueryColumn {
        method: method.to_owned(),
        chosen: chosen.to_owned(),
        first_rank: first_rank.to_vec(),
        top: top.to_vec(),
        top_width: 2,
    };
    QueryTable {
        query_ids: ["a", "b", "b"].map(str::to_owned).to_vec(),
        clusters: vec![7, 7, 0],
        methods: vec![
            column("raw", "", [1.0, 2.5, 40.0], [4, 3, 0, 1, 9, 8]),
            column(
                "nnn(k=1,alpha=0.5)",
                "fixed",
                [1.0, 1.0, 2.0],
                [0, 1, 2, 3, 4, 5],
            ),
            column(
                "nnn(k=1,alpha=0.5)",
                "fixed",
                [3.0, 2.0, 1.0],
                [5, 4, 3, 2, 1, 0],
            ),
        ],
    }
}

#[test]
fn queries_read_back() {
    let folder = folder();
    let path = folder.path().join("queries/clip.parquet");
    let short = QueryTable {
        methods: vec![QueryColumn {
            method: "raw".to_owned(),
            first_rank: vec![1.0; 3],
            ..QueryColumn::default()
        }],
        ..queries()
    };
    for table in [queries(), short, QueryTable::default()] {
        write_queries(&path, &table).expect("queries are written");
        assert_eq!(read_queries(&path).expect("queries"), table);
    }
}

#[test]
fn queries_of_the_wrong_length_are_refused() {
    let folder = folder();
    let path = folder.path().join("clip.parquet");
    let mut table = queries();
    table.methods[1].top.pop();
    let error = write_queries(&path, &table).expect_err("a list is short");
    assert_eq!(
        error.to_string(),
        "best items of nnn(k=1,alpha=0.5): expected 6 values, received 5"
    );
    assert!(!path.exists());
}

#[test]
fn a_bias_is_a_plain_npy_file() {
    let folder = folder();
    let path = folder.path().join("bias/nnn.npy");
    let bias = [0.25_f32, -1.5, f32::MIN_POSITIVE, 0.1];
    write_bias(&path, &bias).expect("the bias is written");
    let bytes = fs::read(&path).expect("a file");
    assert_eq!(bytes[..8], *b"\x93NUMPY\x01\x00");
    let header = String::from_utf8_lossy(&bytes[10..bytes.len() - 16]);
    assert!(header.contains("'descr': '<f4'"), "{header}");
    assert!(header.contains("'shape': (4,"), "{header}");
    let file = npyz::NpyFile::new(&bytes[..]).expect("npy");
    assert_eq!(file.into_vec::<f32>().expect("floats"), bias);
    write_bias(&path, &[]).expect("an empty bias is written");
}

#[test]
fn failures_name_the_file() {
    let folder = folder();
    let error = read_scores(folder.path()).expect_err("nothing is there");
    assert!(matches!(&error, ReportError::NoScores { folder: found } if found == folder.path()));

    let blocked = folder.path().join("file");
    fs::write(&blocked, "not a folder").expect("a file");
    let error = write_scores(&blocked, &sweep()).expect_err("a file is in the way");
    assert!(
        matches!(&error, ReportError::Write { path, .. } if path == &blocked.join("scores.csv"))
    );
    let error = write_bias(&blocked.join("b.npy"), &[1.0]).expect_err("a file is in the way");
    assert!(
        error.to_string().ends_with("b.npy: cannot be written"),
        "{error}"
    );
}

#[test]
fn damaged_and_foreign_scores_are_errors() {
    let folder = folder();
    let (csv, parquet) = (
        folder.path().join("scores.csv"),
        folder.path().join("scores.parquet"),
    );
    write_scores(folder.path(), &sweep()).expect("scores are written");
    let whole = fs::read(&parquet).expect("a file");
    fs::write(&parquet, &whole[..whole.len() / 2]).expect("half a file");
    assert!(
        matches!(read_scores(folder.path()), Err(ReportError::Parse { path, .. }) if path == parquet)
    );

    fs::remove_file(&parquet).expect("it was written");
    fs::write(&csv, "model,value\nclip,0.5\n").expect("a foreign file");
    assert!(
        matches!(read_scores(folder.path()), Err(ReportError::Parse { path, .. }) if path == csv)
    );

    write_scores(folder.path(), &[RAW.plain("MedR", 1.0)]).expect("scores are written");
    fs::remove_file(&parquet).expect("it was written");
    fs::write(&csv, text(&csv).replace("MedR,1.0", "MedR,")).expect("a gap");
    let error = read_scores(folder.path()).expect_err("a value is missing");
    assert!(
        error
            .to_string()
            .ends_with("scores.csv: row 1 has no `value`"),
        "{error}"
    );
}
