//! The printed intervals of the NNN paper.

use std::path::PathBuf;

use nnn_metrics::binomial_interval;
use serde_json::Value;

/// Table, and the numbers of queries that its cells go with (COCO has 25,010 captions, its common cut 25,000).
const TABLES: [(&str, &[usize]); 4] = [
    ("A8_flickr_image_full", &[5_000]),
    ("A9_flickr_text_full", &[1_000]),
    ("A10_coco_image_full", &[25_000, 25_010]),
    ("A11_coco_text_full", &[5_000]),
];

/// Half a unit of the last printed place of a percentage, and the error of writing that place in binary.
const PRINTED: f64 = 0.005 + 1e-9;

#[test]
fn all_cells_of_tables_a8_to_a11() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/paper.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        // stderr of the test harness, for whoever wonders: the paper's numbers are not part of the repository.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: no ../shared/paper.json\n",
        );
        return;
    };
    let paper: Value = serde_json::from_str(&text).expect("JSON");
    let mut cells = 0;
    for (table, counts) in TABLES {
        for (model, row) in paper["tables"][table]["rows"].as_object().expect("rows") {
            let row: Vec<f64> = row
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_f64)
                .collect();
            for cell in row.chunks_exact(2) {
                for &n in counts {
                    let interval = binomial_interval(cell[0] / 100.0, n).expect("a proportion");
                    let half = 50.0 * (interval.high - interval.low);
                    assert!(
                        (half - cell[1]).abs() <= PRINTED,
                        "{table}, {model}: {half} at {cell:?}"
                    );
                }
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 504);
}
