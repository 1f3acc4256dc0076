//! The tokenizers of SigLIP (SentencePiece unigram) and SigLIP 2 (Gemma's byte-pair merges).

use super::{PieceFrame, TextTokenizer, TokenSettings, format, is_python_space, read_json};
use crate::checkpoint::CheckpointFiles;
use crate::error::TokenizerError;
use std::path::Path;
use tokenizers::Tokenizer;
use tokenizers::models::ModelWrapper;
use tokenizers::processors::template::TemplateProcessing;

/// What a family does around its vocabulary.
struct Rules {
    clean: fn(&str) -> String,
    cleaning: &'static str,
    end: &'static [&'static str],
    pad: u32,
}

/// `canonicalize_text` of `transformers` 5.23.0 (`models/siglip/tokenization_siglip.py`) and of big_vision
/// (`evaluators/proj/image_text/prompt_engineering.py`); filled up with the end token's id.
const SIGLIP: Rules = Rules {
    clean: canonical,
    cleaning: "lower case, no punctuation, single spaces",
    end: &["</s>"],
    pad: 1,
};

/// Lower case alone (arXiv 2502.14786, section 2.1), as `Siglip2Tokenizer` of `transformers` 5.23.0; open_clip drops
/// punctuation as well. The published `tokenizer.json` is Gemma's and does neither. Filled up with `<pad>`.
const SIGLIP2: Rules = Rules {
    clean: lower_case,
    cleaning: "lower case",
    end: &["<eos>"],
    pad: 0,
};

impl TextTokenizer {
    /// Reads the `tokenizer.json` of a SigLIP (a unigram model) or of a SigLIP 2 (byte-pair merges), or else SigLIP's
    /// `spiece.model` or SigLIP 2's `tokenizer.model`. They differ in how a text is cleaned and in their end and padding
    /// tokens.
    ///
    /// Ids are cut to `context_length` with the end token kept, and filled up to it, as the models were trained without
    /// a mask. No start token, whatever the file says.
    ///
    /// # Errors
    /// A file that is missing, not a tokenizer or without the end token; a context shorter than three.
    pub fn siglip(from: &CheckpointFiles, context_length: usize) -> Result<Self, TokenizerError> {
        let model = |file, rules: &Rules| {
            let frame = PieceFrame {
                end: rules.end,
                ..PieceFrame::default()
            };
            Self::sentencepiece(from, file, frame, rules.settings(context_length))
        };
        if let Some(file) = from.path("tokenizer.json") {
            Self::siglip_json(file, context_length)
        } else if from.path("spiece.model").is_some() {
            model("spiece.model", &SIGLIP)
        } else if from.path("tokenizer.model").is_some() {
            model("tokenizer.model", &SIGLIP2)
        } else {
            Err(TokenizerError::Absent {
                expected: "tokenizer.json, spiece.model (SigLIP) or tokenizer.model (SigLIP 2)",
                files: from.to_string(),
            })
        }
    }

    fn siglip_json(file: &Path, context: usize) -> Result<Self, TokenizerError> {
        let mut tokenizer = read_json(file)?;
        let rules = match tokenizer.get_model() {
            ModelWrapper::Unigram(_) => &SIGLIP,
            ModelWrapper::BPE(_) => &SIGLIP2,
            _ => return Err(format(file, "expected a model of type Unigram or BPE")),
        };
        let ending = ending(&tokenizer, rules).map_err(|it| format(file, it))?;
        tokenizer.with_post_processor(Some(ending));
        Self::new(tokenizer, vec![file.to_path_buf()], rules.settings(context))
    }
}

impl Rules {
    fn settings(&self, context: usize) -> TokenSettings {
        TokenSettings {
            context,
            pad: Some(self.pad),
            clean: self.clean,
            cleaning: self.cleaning,
        }
    }
}

/// A text followed by its end token.
fn ending(tokenizer: &Tokenizer, rules: &Rules) -> tokenizers::Result<TemplateProcessing> {
    let id = |token: &&'static str| {
        let id = tokenizer.token_to_id(token);
        let id = id.ok_or_else(|| std::format!("the vocabulary lacks {token}"));
        id.map(|id| (*token, id))
    };
    let tokens: Vec<_> = rules.end.iter().map(id).collect::<Result<_, _>>()?;
    Ok(TemplateProcessing::builder()
        .try_single(std::format!("$A {}", rules.end.join(" ")))?
        .special_tokens(tokens)
        .build()?)
}

/// Lower case, without ASCII punctuation, white space collapsed to single spaces and none at the ends.
fn canonical(text: &str) -> String {
    let text = text.to_lowercase();
    let kept: String = text
        .chars()
        .filter(|it| !it.is_ascii_punctuation())
        .collect();
    let words = kept.split(is_python_space).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Character by character, as the normaliser of the `tokenizers` library: a final sigma is as any other.
fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_cleaned_as_python_does() {
        for (text, expected) in [
            ("A \"Dog\",  it's\tred!\n", "a dog its red"),
            (" ! a\u{1c}b\u{a0}c ", "a b c"),
            (
                "\u{201c}Caf\u{c9}\u{201d} \u{130}",
                "\u{201c}caf\u{e9}\u{201d} i\u{307}",
            ),
            ("#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", ""),
        ] {
            assert_eq!(canonical(text), expected, "{text:?}");
        }
    }
}
