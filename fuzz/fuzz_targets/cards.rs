//! Cards of models and data sets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{DatasetCard, ModelCard};

fuzz_target!(|text: &str| {
    let _ = serde_saphyr::from_str::<ModelCard>(text);
    let _ = serde_saphyr::from_str::<DatasetCard>(text);
});
