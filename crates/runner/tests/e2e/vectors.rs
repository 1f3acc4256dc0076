//! Made-up vectors, the files that hold them, and configs that name the files.

use crate::lab::Lab;

/// Length of the vectors.
pub(crate) const DIM: usize = 6;

/// Images: the first half is `train`, the second `test`.
pub(crate) const IMAGES: usize = 48;

/// Texts: two an image, one after another.
pub(crate) const TEXTS: usize = 2 * IMAGES;

/// Rows of a matrix.
pub(crate) type Matrix = Vec<Vec<f32>>;

/// Numbers in -1..1 that look random and are the same everywhere (SplitMix64).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f32 {
        (self.unit() * 2.0 - 1.0) as f32
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn rows(&mut self, rows: usize) -> Matrix {
        (0..rows)
            .map(|_| (0..DIM).map(|_| self.next()).collect())
            .collect()
    }

    /// A row near each of the given ones, `copies` times.
    pub(crate) fn near(&mut self, rows: &Matrix, copies: usize) -> Matrix {
        let each = rows.iter().flat_map(|row| vec![row; copies]);
        each.map(|row| row.iter().map(|value| value + 0.8 * self.next()).collect())
            .collect()
    }
}

/// A matrix as the bytes of a `.npy` file of f32.
pub(crate) fn npy(rows: &Matrix) -> Vec<u8> {
    let values = rows.iter().flatten().flat_map(|value| value.to_le_bytes());
    npy_of("<f4", rows, values.collect())
}

/// The shape of `rows` over any values: `descr` is the type as NumPy writes it.
pub(crate) fn npy_of(descr: &str, rows: &Matrix, values: Vec<u8>) -> Vec<u8> {
    let (count, dim) = (rows.len(), rows.first().map_or(DIM, Vec::len));
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count}, {dim}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // Magic, version and length take ten bytes; the header ends at a multiple of 64.
    let padded = format!("{header:<117}\n");
    bytes.extend((padded.len() as u16).to_le_bytes());
    bytes.extend(padded.into_bytes());
    bytes.extend(values);
    bytes
}

/// A lab with a data set by its parts: `images.npy`, `texts.npy`, `pairs.json`, `splits.json`.
pub(crate) fn by_dataset() -> Lab {
    let lab = Lab::new();
    let mut noise = Noise(1);
    let images = noise.rows(IMAGES);
    lab.write("images.npy", npy(&images));
    lab.write("texts.npy", npy(&noise.near(&images, 2)));
    lab.write(
        "pairs.json",
        json(&(0..TEXTS).map(|text| text / 2).collect::<Vec<_>>()),
    );
    lab.write("splits.json", json(&splits()));
    lab
}

/// The split of every image.
pub(crate) fn splits() -> Vec<&'static str> {
    let train = |image| image < IMAGES / 2;
    (0..IMAGES)
        .map(|image| if train(image) { "train" } else { "test" })
        .collect()
}

pub(crate) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}

/// Statistics that take no time.
const STATISTICS: &str = "statistics: {resamples: 40, permutations: 40}\n";

/// Embeddings by data set.
pub(crate) const BY_DATASET: &str = "
experiment: lab
embeddings:
  - name: made-up
    model: noise
    by_dataset:
      images: {file: images.npy}
      texts: {file: texts.npy}
      text_to_image: {file: pairs.json}
      split: {file: splits.json}
";

/// A small sweep on [`BY_DATASET`]; what `rest` says replaces the methods and the statistics.
pub(crate) fn dataset_config(rest: &str) -> String {
    let defaults = [
        ("statistics:", STATISTICS),
        ("methods:", "methods: [raw, nnn: {k: 4, alpha: 0.5}]\n"),
    ];
    let missing = defaults.iter().filter(|(key, _)| !rest.contains(key));
    let lines: String = missing.map(|(_, line)| *line).collect();
    format!("{BY_DATASET}{lines}{rest}")
}

/// Rows of the gallery of [`by_role`].
pub(crate) const GALLERY: usize = 20;

/// Queries of [`by_role`], and as many reference queries.
pub(crate) const QUERIES: usize = 30;

/// A lab with vectors by their roles: `gallery.npy`, `queries.npy`, `past.npy`, `answers.json`.
pub(crate) fn by_role() -> Lab {
    let lab = Lab::new();
    let mut noise = Noise(2);
    lab.write("gallery.npy", npy(&noise.rows(GALLERY)));
    lab.write("queries.npy", npy(&noise.rows(QUERIES)));
    lab.write("past.npy", npy(&noise.rows(QUERIES)));
    let answers: Vec<usize> = (0..QUERIES).map(|query| query % GALLERY).collect();
    lab.write("answers.json", json(&answers));
    lab
}

/// Embeddings by role; `answers` is `query_to_gallery` or `relevance`.
pub(crate) fn role_config(answers: &str) -> String {
    format!(
        "
experiment: lab
embeddings:
  - name: made-up
    by_role:
      gallery: {{file: gallery.npy}}
      queries: {{file: queries.npy}}
      {answers}: {{file: answers.json}}
      reference_queries: {{file: past.npy}}
methods: [raw, nnn: {{k: 4, alpha: 0.5}}]
statistics: {{resamples: 40, permutations: 40}}
"
    )
}
