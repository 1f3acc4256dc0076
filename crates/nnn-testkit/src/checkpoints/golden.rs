//! What a reference makes of some texts and images.

use nnn_encode::{ImageLimits, RgbImage, load_image};
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's folder, or that of `NNN_TEST_WORKSPACE` where tests run on another machine than they were built on.
#[must_use]
pub fn workspace() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os("NNN_TEST_WORKSPACE").map_or_else(built, PathBuf::from)
}

/// The folder of a golden checkpoint of a crate.
#[must_use]
pub fn golden_folder(crate_name: &str, name: &str) -> PathBuf {
    let tests = workspace().join("crates").join(crate_name).join("tests");
    tests.join("golden").join(name)
}

/// The folder of the images that all golden checkpoints share.
#[must_use]
pub fn golden_images() -> PathBuf {
    golden_folder("nnn-encode", "images")
}

/// A JSON file.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn json(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

/// What the reference makes of some texts and images.
pub struct Golden {
    /// The texts.
    pub texts: Vec<String>,
    /// Token ids of each text.
    pub ids: Vec<Vec<u32>>,
    /// The files of the images.
    pub files: Vec<PathBuf>,
    /// The images.
    pub images: Vec<RgbImage>,
    /// Features of the texts, row by row.
    pub text_rows: Vec<f32>,
    /// Features of the images, row by row.
    pub image_rows: Vec<f32>,
    tensors: HashMap<String, Vec<f32>>,
}

impl Golden {
    /// Reads `golden.json` and `golden.safetensors` of a folder.
    ///
    /// # Panics
    /// A file is missing or is not as the scripts write it.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let golden = json(&folder.join("golden.json"));
        let tensors = tensors(&folder.join("golden.safetensors"));
        let names: Vec<String> = serde_json::from_value(golden["images"].clone()).expect("names");
        let files: Vec<PathBuf> = names.iter().map(|it| golden_images().join(it)).collect();
        let image = |file: &PathBuf| load_image(file, ImageLimits::default()).expect("an image");
        Self {
            texts: serde_json::from_value(golden["texts"].clone()).expect("texts"),
            ids: serde_json::from_value(golden["ids"].clone()).expect("ids"),
            images: files.iter().map(image).collect(),
            files,
            text_rows: tensors["texts"].clone(),
            image_rows: tensors["images"].clone(),
            tensors,
        }
    }

    /// The texts, borrowed.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    /// Another tensor of the reference, such as `itm`, the logits of a match, (images, texts).
    ///
    /// # Panics
    /// There is none of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> &[f32] {
        &self.tensors[name]
    }
}

fn tensors(file: &Path) -> HashMap<String, Vec<f32>> {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let values = |data: &[u8]| -> Vec<f32> {
        let values = data.as_chunks().0.iter();
        values.map(|it| f32::from_le_bytes(*it)).collect()
    };
    let tensors = tensors.tensors().into_iter();
    tensors
        .map(|(name, view)| (name, values(view.data())))
        .collect()
}
