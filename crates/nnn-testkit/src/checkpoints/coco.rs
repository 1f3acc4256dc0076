//! Token ids of all captions of COCO's validation split, held against a checksum of the reference's.

use super::golden::{json, workspace};
use nnn_encode::Encoder;
use nnn_files::sha256_bytes;

/// Ids of all captions, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionIds {
    /// Number of captions.
    pub captions: usize,
    /// Number of their ids.
    pub tokens: usize,
    /// SHA-256 of each caption's number of ids and its ids, as little-endian numbers of 32 bits.
    pub sha256: String,
}

/// The ids that `encoder` gives, or `None`, with a line that says so, where the captions are not there.
///
/// # Panics
/// The captions are not COCO's, or the encoder refuses one.
#[must_use]
pub fn coco_caption_ids(encoder: &dyn Encoder) -> Option<CaptionIds> {
    let file = workspace().join("../shared/data/coco-val2017/captions_val2017.json");
    if !file.exists() {
        println!("skipped: {} is absent", file.display());
        return None;
    }
    let captions = json(&file);
    let captions = captions["annotations"].as_array().expect("annotations");
    let mut serialised = Vec::new();
    for caption in captions {
        let text = caption["caption"].as_str().expect("a caption");
        let ids = encoder.prepare_text(text).expect("ids");
        serialised.extend((ids.len() as u32).to_le_bytes());
        serialised.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
    }
    Some(CaptionIds {
        captions: captions.len(),
        tokens: serialised.len() / 4 - captions.len(),
        sha256: sha256_bytes(&serialised),
    })
}
