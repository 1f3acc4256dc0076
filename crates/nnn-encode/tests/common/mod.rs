//! What the tests share: golden files, and an encoder that is no model.
#![allow(dead_code, unreachable_pub, missing_docs)]

use nnn_encode::{EncodeError, Encoder, EncoderInfo, RgbImage};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

pub fn json(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(golden(name)).expect(name);
    serde_json::from_str(&text).expect(name)
}

/// Embeds an item as simple functions of its content; counts forward passes and can fail at one of them.
pub struct Toy {
    pub info: EncoderInfo,
    pub calls: AtomicUsize,
    pub fail_at: usize,
    pub before_call: Option<fn(usize)>,
}

impl Toy {
    pub fn new() -> Self {
        let info = EncoderInfo {
            family: "toy".into(),
            dim: 3,
            architecture: "{}".into(),
            weights_sha256: "0".into(),
            preprocessing: "{}".into(),
            tokenizer_sha256: "0".into(),
            dtype: "f32".into(),
            code: "toy 1".into(),
        };
        Self {
            info,
            calls: AtomicUsize::new(0),
            fail_at: usize::MAX,
            before_call: None,
        }
    }

    pub fn failing_at(call: usize) -> Self {
        Self {
            fail_at: call,
            ..Self::new()
        }
    }

    pub fn with_info(change: impl Fn(&mut EncoderInfo)) -> Self {
        let mut toy = Self::new();
        change(&mut toy.info);
        toy
    }

    pub fn call_count(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn call(&self) -> Result<(), EncodeError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(before) = self.before_call {
            before(call);
        }
        match call == self.fail_at {
            true => Err(EncodeError::Forward("the toy was told to fail".into())),
            false => Ok(()),
        }
    }
}

impl Encoder for Toy {
    fn info(&self) -> &EncoderInfo {
        &self.info
    }

    fn prepare_image(&self, image: &RgbImage) -> Result<Vec<f32>, EncodeError> {
        let sum = image.as_raw().iter().map(|&it| f32::from(it)).sum();
        Ok(vec![image.width() as f32, image.height() as f32, sum])
    }

    fn prepare_text(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        Ok(text.bytes().map(u32::from).collect())
    }

    fn encode_pixels(&self, batch: &[Vec<f32>]) -> Result<Vec<f32>, EncodeError> {
        self.call()?;
        Ok(batch.concat())
    }

    fn encode_tokens(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        self.call()?;
        let row = |ids: &Vec<u32>| {
            let sum = ids.iter().sum::<u32>() as f32;
            [ids.len() as f32, sum, ids[0] as f32 - 90.5]
        };
        Ok(batch.iter().flat_map(row).collect())
    }
}
