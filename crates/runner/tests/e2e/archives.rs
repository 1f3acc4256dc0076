//! Small data in the formats in which COCO and Flickr30k are published.

use dataset_blocks::{BlocksSpec, Sample};
use image::ImageFormat;
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use std::io::{Cursor, Write};
use std::sync::Arc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// One image with its captions.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Its file name, such as `COCO_val2014_000000000001.jpg`.
    pub(crate) name: String,
    pub(crate) captions: Vec<String>,
    /// A PNG; the names in the real archives end in `.jpg`, and content is told by its first bytes.
    pub(crate) content: Vec<u8>,
}

/// Images of Blocks and their captions, called as `name` says; every fourth has a sixth caption, as some of COCO's have.
pub(crate) fn items(seed: u64, count: u64, name: impl Fn(u64) -> String) -> Vec<Item> {
    let mut spec = BlocksSpec::blocks(seed);
    spec.image_size = 32;
    let item = |index| {
        let Sample {
            image, captions, ..
        } = spec.sample("made", index).expect("an image");
        let mut content = Cursor::new(Vec::new());
        image.write_to(&mut content, ImageFormat::Png).expect("PNG");
        let mut captions = captions.to_vec();
        if index % 4 == 3 {
            captions.push(format!(
                "One more, with a comma, a \"quote\" and it's {index}."
            ));
        }
        Item {
            name: name(index),
            captions,
            content: content.into_inner(),
        }
    };
    (0..count).map(item).collect()
}

/// A zip of entries by their whole names, folders first, as `zip -r` makes it.
pub(crate) fn zip(folder: &str, items: &[&Item]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive.add_directory(folder, options).expect("a folder");
    for item in items {
        let name = format!("{folder}/{}", item.name);
        archive.start_file(name, options).expect("an entry");
        archive.write_all(&item.content).expect("its content");
    }
    archive.finish().expect("an archive").into_inner()
}

/// A list as JSON writes it.
pub(crate) fn json_list(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("JSON")
}

/// A list as Python prints it: single quotes, or double ones around a text with a single one in it.
pub(crate) fn python_list(texts: &[String]) -> String {
    let one = |text: &String| match (text.contains('\''), text.contains('"')) {
        (true, false) => format!("\"{text}\""),
        (true, true) => format!("'{}'", text.replace('\'', "\\'")),
        _ => format!("'{text}'"),
    };
    let all: Vec<String> = texts.iter().map(one).collect();
    format!("[{}]", all.join(", "))
}

fn field(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// `flickr_annotations_30k.csv`: lists as JSON.
pub(crate) fn flickr_table(splits: &[(&str, &[Item])]) -> String {
    let mut text = String::from("raw,sentids,split,filename,img_id\n");
    let mut id = 0;
    for (split, items) in splits {
        for item in *items {
            let captions = field(&json_list(&item.captions));
            text.push_str(&format!(
                "{captions},\"[{id}]\",{split},{},{id}\n",
                item.name
            ));
            id += 1;
        }
    }
    text
}

/// `test_5k_mscoco_2014.csv`: lists as Python prints them.
pub(crate) fn coco_test_table(items: &[Item]) -> String {
    let mut text = String::from("filepath,sentids,filename,imgid,split,raw,cocoid\n");
    for (id, item) in items.iter().enumerate() {
        let captions = field(&python_list(&item.captions));
        text.push_str(&format!(
            "val2014,\"[{id}]\",{},{id},test,{captions},{id}\n",
            item.name
        ));
    }
    text
}

/// The JSON lists of BLIP's authors: one caption an entry in training, all of an image's elsewhere.
pub(crate) fn caption_list(folder: &str, items: &[Item], training: bool) -> String {
    let image = |item: &Item| match folder {
        // COCO's files are in two folders, which their names tell.
        "coco" => format!("{}/{}", &item.name[5..item.name.len() - 17], item.name),
        folder => format!("{folder}/{}", item.name),
    };
    let entries: Vec<serde_json::Value> = match training {
        true => {
            let all = items
                .iter()
                .flat_map(|item| item.captions.iter().map(move |c| (item, c)));
            all.map(|(item, caption)| {
                serde_json::json!({"caption": caption, "image": image(item), "image_id": "x_1"})
            })
            .collect()
        }
        false => {
            let all = items.iter();
            all.map(|item| serde_json::json!({"image": image(item), "caption": item.captions}))
                .collect()
        }
    };
    serde_json::to_string(&entries).expect("JSON")
}

/// A parquet file of `yerevann/coco-karpathy`: one row per image, `sentences` a list of texts.
pub(crate) fn coco_parquet(split: &str, items: &[Item]) -> Vec<u8> {
    let fields = vec![
        text_column("filepath"),
        list_column("sentids", number("element")),
        text_column("filename"),
        number("imgid"),
        text_column("split"),
        list_column("sentences", text_column("element")),
        number("cocoid"),
        text_column("url"),
    ];
    let schema = Type::group_type_builder("schema").with_fields(fields);
    let schema = Arc::new(schema.build().expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let texts = |of: fn(&Item) -> String| items.iter().map(of).collect::<Vec<_>>();
    let ids: Vec<i32> = (0..items.len() as i32).collect();
    write_texts(&mut group, &texts(|_| "val2014".to_owned()));
    let lists: Vec<Vec<i32>> = items
        .iter()
        .map(|it| (0..it.captions.len() as i32).collect())
        .collect();
    write_number_lists(&mut group, &lists);
    write_texts(&mut group, &texts(|it| it.name.clone()));
    write_numbers(&mut group, &ids);
    write_texts(&mut group, &vec![split.to_owned(); items.len()]);
    let lists: Vec<&Vec<String>> = items.iter().map(|it| &it.captions).collect();
    write_text_lists(&mut group, &lists);
    write_numbers(&mut group, &ids);
    write_texts(
        &mut group,
        &texts(|it| format!("http://images.example/{}", it.name)),
    );
    group.close().expect("a row group");
    writer.into_inner().expect("a file")
}

fn text_column(name: &str) -> TypePtr {
    let column = Type::primitive_type_builder(name, Physical::BYTE_ARRAY);
    let column = column.with_logical_type(Some(LogicalType::String));
    Arc::new(
        column
            .with_repetition(Repetition::OPTIONAL)
            .build()
            .expect("a column"),
    )
}

fn number(name: &str) -> TypePtr {
    let column = Type::primitive_type_builder(name, Physical::INT32);
    Arc::new(
        column
            .with_repetition(Repetition::OPTIONAL)
            .build()
            .expect("a column"),
    )
}

/// Three levels, as pyarrow writes a list.
fn list_column(name: &str, element: TypePtr) -> TypePtr {
    let repeated = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
    let repeated = repeated
        .with_fields(vec![element])
        .build()
        .expect("a group");
    let list = Type::group_type_builder(name).with_repetition(Repetition::OPTIONAL);
    let list = list
        .with_converted_type(ConvertedType::LIST)
        .with_fields(vec![Arc::new(repeated)]);
    Arc::new(list.build().expect("a list"))
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn write_texts(group: &mut Group<'_>, texts: &[String]) {
    let values: Vec<ByteArray> = texts.iter().map(|it| it.as_str().into()).collect();
    let mut column = group
        .next_column()
        .expect("a column")
        .expect("another column");
    let levels = vec![1; values.len()];
    let typed = column.typed::<ByteArrayType>();
    typed
        .write_batch(&values, Some(&levels), None)
        .expect("values");
    column.close().expect("a column");
}

fn write_numbers(group: &mut Group<'_>, values: &[i32]) {
    let mut column = group
        .next_column()
        .expect("a column")
        .expect("another column");
    let levels = vec![1; values.len()];
    let typed = column.typed::<Int32Type>();
    typed
        .write_batch(values, Some(&levels), None)
        .expect("values");
    column.close().expect("a column");
}

/// Where each list begins.
fn repetition(lengths: impl Iterator<Item = usize>) -> Vec<i16> {
    lengths
        .flat_map(|length| (0..length).map(|at| i16::from(at > 0)))
        .collect()
}

fn write_number_lists(group: &mut Group<'_>, lists: &[Vec<i32>]) {
    let values = lists.concat();
    let repeats = repetition(lists.iter().map(Vec::len));
    let mut column = group
        .next_column()
        .expect("a column")
        .expect("another column");
    let levels = vec![3; values.len()];
    let typed = column.typed::<Int32Type>();
    typed
        .write_batch(&values, Some(&levels), Some(&repeats))
        .expect("values");
    column.close().expect("a column");
}

fn write_text_lists(group: &mut Group<'_>, lists: &[&Vec<String>]) {
    let texts = lists.iter().flat_map(|list| list.iter());
    let values: Vec<ByteArray> = texts.map(|it| it.as_str().into()).collect();
    let repeats = repetition(lists.iter().map(|list| list.len()));
    let mut column = group
        .next_column()
        .expect("a column")
        .expect("another column");
    let levels = vec![3; values.len()];
    let typed = column.typed::<ByteArrayType>();
    typed
        .write_batch(&values, Some(&levels), Some(&repeats))
        .expect("values");
    column.close().expect("a column");
}
