//! The forms and the files against NumPy's, from `tools/reference/forms_goldens.py`.

use nnn_export::{
    About, BiasRows, Constants, Delivery, Exact, Form, Format, Id, Ids, Shape, Spread, read_items,
};
use serde_json::Value;
use std::fs;
use std::path::Path;

struct Golden(Value);

impl Golden {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/forms.json");
        Self(serde_json::from_slice(&fs::read(path).expect("the golden")).expect("JSON"))
    }

    fn floats(value: &Value) -> Vec<f32> {
        let numbers = value.as_array().expect("a list").iter();
        let bits = numbers.map(|it| it.as_u64().expect("a whole number") as u32);
        bits.map(f32::from_bits).collect()
    }

    fn of(&self, key: &str) -> Vec<f32> {
        Self::floats(&self.0[key])
    }

    fn dim(&self) -> usize {
        self.0["dim"].as_u64().expect("a number") as usize
    }

    fn rows(&self, ids: Ids) -> BiasRows {
        let biases = self.of("biases");
        let vectors = vec![0; biases.len()];
        BiasRows {
            ids,
            biases,
            vectors,
        }
    }

    fn constants(&self, form: Form) -> Constants {
        let mut spread = Spread::default();
        spread.extend(self.of("biases"));
        let scale = self.0["scale"].as_f64().expect("a number");
        let scale = if form == Form::L2 { 1.0 } else { scale };
        Constants::new(form, &spread, scale).expect("constants")
    }

    fn export(&self, form: Form, format: Format, ids: Ids, folder: &Path) -> Shape {
        let rows = self.rows(ids);
        let shape = Shape {
            rows: rows.biases.len() as u64,
            dim: self.dim(),
            named: matches!(rows.ids, Ids::Named(_)),
        };
        let constants = Some(self.constants(form));
        let mut out = Delivery::begin(folder, (form, format), shape, constants).expect("begun");
        out.push(&rows.ids, &self.of("vectors"), &rows.biases)
            .expect("pushed");
        let about = About {
            method: "nnn(k=1,alpha=1)".to_owned(),
            spread: None,
            query_map: None,
            inputs: Vec::new(),
            program: "test".to_owned(),
        };
        out.finish(about).expect("finished").shape()
    }
}

fn names(count: usize) -> Ids {
    Ids::Named((0..count).map(|row| format!("item {row}")).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const FORMS: [Form; 3] = [Form::Ip, Form::L2, Form::Cosine];

#[test]
fn items_and_queries_are_those_of_numpy() {
    let golden = Golden::read();
    for form in FORMS {
        let expected = &golden.0["forms"][form.name()];
        let constants = golden.constants(form);
        let query = [golden.of("query"), constants.query_suffix()].concat();
        assert_eq!(query, Golden::floats(&expected["query"]), "{form:?}");
        let mut items = Vec::new();
        let vectors = golden.of("vectors");
        let rows = vectors.chunks_exact(golden.dim()).zip(golden.of("biases"));
        for (row, bias) in rows {
            items.extend_from_slice(row);
            constants.append(bias, &mut items).expect("it fits");
        }
        assert_eq!(items, Golden::floats(&expected["items"]), "{form:?}");
    }
}

#[test]
fn the_exact_order_is_that_of_numpy() {
    let golden = Golden::read();
    let folder = tempfile::tempdir().expect("a folder");
    for form in FORMS {
        let shape = golden.export(form, Format::Npy, Ids::Rows(0..7), folder.path());
        let of = (form, Some(golden.constants(form)));
        let mut exact = Exact::new(7, of, vec![golden.of("query")], &[]);
        read_items(Format::Npy, folder.path(), shape, &mut |ids, rows| {
            exact.push(ids, rows);
            Ok(())
        })
        .expect("it reads back");
        let list = exact.into_lists().remove(0);
        let found: Vec<Value> = list
            .best
            .iter()
            .map(|it| match it.id {
                Id::Row(row) => row.into(),
                Id::Text(ref text) => text.as_str().into(),
            })
            .collect();
        assert_eq!(Value::from(found), golden.0["order"], "{form:?}");
    }
}

#[test]
fn files_have_the_bytes_that_their_readers_expect() {
    let golden = Golden::read();
    let files = [
        (Format::Npy, Ids::Rows(0..7), "items.npy", "items.npy"),
        (Format::Npy, Ids::Rows(0..7), "ids.npy", "ids.npy"),
        (Format::Fvecs, Ids::Rows(0..7), "items.fvecs", "items.fvecs"),
        (Format::Pgcopy, Ids::Rows(0..7), "items.copy", "items.copy"),
        (Format::Pgcopy, names(7), "items.copy", "named items.copy"),
    ];
    for (format, ids, file, expected) in files {
        let folder = tempfile::tempdir().expect("a folder");
        golden.export(Form::Ip, format, ids, folder.path());
        let found = fs::read(folder.path().join(file)).expect("the file");
        assert_eq!(
            hex(&found),
            golden.0["files"][expected].as_str().expect("hex"),
            "{expected}"
        );
    }
}

#[test]
fn every_format_reads_back_what_was_written() {
    let golden = Golden::read();
    let formats = [
        Format::Parquet,
        Format::Npy,
        Format::Fvecs,
        Format::Jsonl,
        Format::Pgcopy,
    ];
    for format in formats {
        for ids in [Ids::Rows(0..7), names(7)] {
            let folder = tempfile::tempdir().expect("a folder");
            let shape = golden.export(Form::Cosine, format, ids.clone(), folder.path());
            let (mut found, mut values) = (Vec::new(), Vec::new());
            read_items(format, folder.path(), shape, &mut |ids, rows| {
                found.extend((0..ids.len()).map(|at| ids.id(at)));
                values.extend_from_slice(rows);
                Ok(())
            })
            .expect("it reads back");
            let expected: Vec<Id> = (0..7).map(|at| ids.id(at)).collect();
            assert_eq!(found, expected, "{format:?}");
            let items = Golden::floats(&golden.0["forms"]["cosine"]["items"]);
            assert_eq!(values, items, "{format:?}");
        }
    }
}
