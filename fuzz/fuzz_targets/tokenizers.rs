//! Tokenizers of the `tokenizers` library and vocabularies. First byte: the kind; second: how many of the following bytes are a text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_encode::{CheckpointFiles, TextTokenizer, TokenSettings};

fuzz_target!(|bytes: &[u8]| {
    let [kind, length, rest @ ..] = bytes else {
        return;
    };
    let (text, content) = rest.split_at(usize::from(*length).min(rest.len()));
    let with = |name: &str, content: &[u8]| {
        CheckpointFiles::default().with_file(name, nnn_fuzz::file(name, content))
    };
    let cut = TokenSettings::cut_to(16);
    let tokenizer = match kind % 5 {
        0 => TextTokenizer::siglip(&with("tokenizer.json", content), 16),
        1 => TextTokenizer::clip(&with("tokenizer.json", content), cut),
        2 => TextTokenizer::bert(&with("tokenizer.json", content), cut),
        3 => TextTokenizer::bert(&with("vocab.txt", content), cut),
        _ => {
            let end = content.windows(2).position(|it| it == b"\0\0");
            let (vocabulary, merges) = content.split_at(end.unwrap_or(content.len()));
            let files = with("vocab.json", vocabulary);
            let merges = nnn_fuzz::file("merges.txt", merges.get(2..).unwrap_or(&[]));
            TextTokenizer::clip(&files.with_file("merges.txt", merges), cut)
        }
    };
    if let Ok(tokenizer) = tokenizer {
        nnn_fuzz::tokenize(&tokenizer, text, 16);
    }
});
