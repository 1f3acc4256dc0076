//! BERT's WordPiece tokenizer, as `transformers`' `BertTokenizer` with lower-casing.

use super::{TextTokenizer, TokenSettings, format, is_python_space, read, read_json_with_ends};
use crate::checkpoint::CheckpointFiles;
use crate::error::TokenizerError;
use nnn_files::without_mark;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Model, Tokenizer};

const UNKNOWN: &str = "[UNK]";
const CLASS: &str = "[CLS]";
const SEPARATOR: &str = "[SEP]";
const SPECIAL: [&str; 5] = ["[PAD]", UNKNOWN, CLASS, SEPARATOR, "[MASK]"];

impl TextTokenizer {
    /// Reads `tokenizer.json`, or else `vocab.txt` as the vocabulary of a lower-casing BERT.
    ///
    /// # Errors
    /// Files that are missing, not a tokenizer or one that adds no start and end tokens; a context shorter than three.
    pub fn bert(from: &CheckpointFiles, settings: TokenSettings) -> Result<Self, TokenizerError> {
        if let Some(whole) = from.path("tokenizer.json") {
            let tokenizer = read_json_with_ends(whole)?;
            Self::new(tokenizer, vec![whole.to_path_buf()], settings)
        } else if let Some(vocabulary) = from.path("vocab.txt") {
            let lines = read(vocabulary)?;
            let tokenizer =
                bert_tokenizer(without_mark(&lines)).map_err(|it| format(vocabulary, it))?;
            Self::new(tokenizer, vec![vocabulary.to_path_buf()], settings)
        } else {
            Err(TokenizerError::Absent {
                expected: "tokenizer.json, or vocab.txt",
                files: from.to_string(),
            })
        }
    }
}

/// The pipeline of `transformers` 5.23.0, `models/bert/tokenization_bert.py`: control characters dropped, Chinese
/// characters apart, lower case, accents stripped; words by white space and punctuation; WordPiece, in which a word of more
/// than 100 characters is unknown; `[CLS]` and `[SEP]`.
fn bert_tokenizer(vocabulary: &[u8]) -> tokenizers::Result<Tokenizer> {
    let pieces = WordPiece::read_bytes(vocabulary)?;
    let model = WordPiece::builder()
        .vocab(pieces)
        .unk_token(UNKNOWN.into())
        .max_input_chars_per_word(100)
        .continuing_subword_prefix("##".into())
        .build()?;
    let id = |token: &str| {
        let id = model.token_to_id(token);
        id.ok_or_else(|| format!("the vocabulary lacks {token}"))
    };
    let (class, separator, _) = (id(CLASS)?, id(SEPARATOR)?, id(UNKNOWN)?);
    let known = SPECIAL.map(|token| id(token).is_ok().then(|| AddedToken::from(token, true)));
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::new(true, true, None, true)))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.add_special_tokens(known.into_iter().flatten())?;
    let ends = BertProcessing::new((SEPARATOR.into(), separator), (CLASS.into(), class));
    tokenizer.with_post_processor(Some(ends));
    Ok(tokenizer)
}

/// The end of the caption cleaning that ALBEF and BLIP share: runs of two or more white-space characters become one space,
/// line ends and then spaces at the ends go, and of the words between spaces the first `words` stay. A single tab or line
/// break within a caption stays, as in the authors' `re.sub(r"\s{2,}", " ", caption)`.
#[must_use]
pub fn squeezed(text: &str, words: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if is_python_space(c) => run.push(c),
            other => {
                match run.chars().nth(1) {
                    Some(_) => out.push(' '),
                    None => out.push_str(&run),
                }
                run.clear();
                out.extend(other);
            }
        }
    }
    let trimmed = out.trim_end_matches('\n').trim_matches(' ');
    trimmed.split(' ').take(words).collect::<Vec<_>>().join(" ")
}
