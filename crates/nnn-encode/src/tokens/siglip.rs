//! The tokenizers of SigLIP (SentencePiece unigram) and SigLIP 2 (Gemma's byte-pair merges).

use super::{TextTokenizer, TokenSettings, TokenizerError, format, read_json};
use crate::files::CheckpointFiles;
use std::path::Path;
use tokenizers::Tokenizer;
use tokenizers::models::ModelWrapper;
use tokenizers::processors::template::TemplateProcessing;

/// What a family does around its vocabulary.
struct Rules {
    clean: fn(&str) -> String,
    cleaning: &'static str,
    end: &'static str,
    pad: &'static str,
}

/// `canonicalize_text` of `transformers` 5.23.0 (`models/siglip/tokenization_siglip.py`) and of big_vision
/// (`evaluators/proj/image_text/prompt_engineering.py`); filled up with the end token.
const SIGLIP: Rules = Rules {
    clean: canonical,
    cleaning: "lower case, no punctuation, single spaces",
    end: "</s>",
    pad: "</s>",
};

/// Lower case alone (arXiv 2502.14786, section 2.1), as `Siglip2Tokenizer` of `transformers` 5.23.0 and open_clip do.
/// The published `tokenizer.json` is Gemma's and does not.
const SIGLIP2: Rules = Rules {
    clean: lower_case,
    cleaning: "lower case",
    end: "<eos>",
    pad: "<pad>",
};

impl TextTokenizer {
    /// Reads the `tokenizer.json` of a SigLIP (a unigram model) or of a SigLIP 2 (byte-pair merges), which differ in how
    /// a text is cleaned and in their end and padding tokens.
    ///
    /// Ids are cut to `context_length` with the end token kept, and filled up to it, as the models were trained without
    /// a mask. No start token, whatever the file says.
    ///
    /// # Errors
    /// A file that is missing, not a tokenizer or lacks the tokens named; a context shorter than three.
    pub fn siglip(from: &CheckpointFiles, context_length: usize) -> Result<Self, TokenizerError> {
        let Some(file) = from.path("tokenizer.json") else {
            return Err(TokenizerError::Absent {
                expected: "tokenizer.json",
                files: from.to_string(),
            });
        };
        Self::siglip_json(file, context_length)
    }

    fn siglip_json(file: &Path, context: usize) -> Result<Self, TokenizerError> {
        let mut tokenizer = read_json(file)?;
        let rules = match tokenizer.get_model() {
            ModelWrapper::Unigram(_) => SIGLIP,
            ModelWrapper::BPE(_) => SIGLIP2,
            _ => return Err(format(file, "expected a model of type Unigram or BPE")),
        };
        let pad = ends(&mut tokenizer, &rules).map_err(|it| format(file, it))?;
        let settings = TokenSettings {
            context,
            pad: Some(pad),
            clean: rules.clean,
            cleaning: rules.cleaning,
        };
        Self::new(tokenizer, vec![file.to_path_buf()], settings)
    }
}

/// Has a text followed by its end token and gives the padding token's id.
fn ends(tokenizer: &mut Tokenizer, rules: &Rules) -> tokenizers::Result<u32> {
    let id = |token: &str| {
        let id = tokenizer.token_to_id(token);
        id.ok_or_else(|| std::format!("the vocabulary lacks {token}"))
    };
    let (end, pad) = (id(rules.end)?, id(rules.pad)?);
    let template = TemplateProcessing::builder()
        .try_single(std::format!("$A {}", rules.end))?
        .special_tokens(vec![(rules.end, end)])
        .build()?;
    tokenizer.with_post_processor(Some(template));
    Ok(pad)
}

/// Lower case, without ASCII punctuation, white space collapsed to single spaces and none at the ends.
fn canonical(text: &str) -> String {
    let text = text.to_lowercase();
    let kept: String = text
        .chars()
        .filter(|it| !it.is_ascii_punctuation())
        .collect();
    let words = kept.split(is_space).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Character by character, as the normaliser of the `tokenizers` library: a final sigma is as any other.
fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// White space as Python has it, which counts the four ASCII separators.
fn is_space(it: char) -> bool {
    it.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&it)
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
