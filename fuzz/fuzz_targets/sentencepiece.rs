//! SentencePiece models. First byte: the kind; second: how many of the following bytes are a text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_encode::{CheckpointFiles, PieceFrame, TextTokenizer, TokenSettings};

fuzz_target!(|bytes: &[u8]| {
    let [kind, length, rest @ ..] = bytes else {
        return;
    };
    let (text, content) = rest.split_at(usize::from(*length).min(rest.len()));
    let with =
        |name: &str| CheckpointFiles::default().with_file(name, nnn_fuzz::file(name, content));
    let cut = TokenSettings::cut_to(16);
    let frame = PieceFrame::default();
    let tokenizer = match kind % 4 {
        0 => TextTokenizer::sentencepiece(&with("a.model"), "a.model", frame, cut),
        1 => TextTokenizer::xlm_roberta(&with("a.model"), "a.model", cut),
        2 => TextTokenizer::siglip(&with("spiece.model"), 16),
        _ => TextTokenizer::siglip(&with("tokenizer.model"), 16),
    };
    if let Ok(tokenizer) = tokenizer {
        nnn_fuzz::tokenize(&tokenizer, text, 16);
    }
});
