//! From a text to token ids, as `transformers`' `CLIPTokenizer`.

use crate::checksum::{ReadError, files_sha256};
use nnn_data::Sha256;
use std::fs;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{NFC, Replace, Sequence as Normalizers, replace::ReplacePattern};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::utils::truncation::TruncationParams;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer, normalizers::Lowercase};

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// What CLIP takes for a word, before byte-pair merging.
const WORD: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// A tokenizer with a context length: ids with start and end tokens, cut to fit, never padded.
#[derive(Clone)]
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    sha256: String,
}

/// Why there is no tokenizer, or no ids.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Neither form of a tokenizer lies in the folder.
    #[error("{} holds neither tokenizer.json nor vocab.json and merges.txt", folder.display())]
    Absent {
        /// The folder.
        folder: PathBuf,
    },
    /// The files are not a tokenizer.
    #[error("{} does not hold a tokenizer: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The context is too short for a start token, an end token and one between.
    #[error("a context length of at least 3 is needed, received {received}")]
    ContextLength {
        /// What was asked for.
        received: usize,
    },
    /// The text could not be tokenized.
    #[error("cannot tokenize: {0}")]
    Encode(String),
}

impl TextTokenizer {
    /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt` as a CLIP byte-pair tokenizer.
    ///
    /// Ids are cut to `context_length` with the end token kept; padding that the file asks for is switched off.
    ///
    /// # Errors
    /// Files that are missing or not a tokenizer; a context shorter than three.
    pub fn load(folder: &Path, context_length: usize) -> Result<Self, TokenizerError> {
        if context_length < 3 {
            return Err(TokenizerError::ContextLength {
                received: context_length,
            });
        }
        let (files, mut tokenizer) = read(folder)?;
        let truncation = TruncationParams {
            max_length: context_length,
            ..TruncationParams::default()
        };
        tokenizer
            .with_padding(None)
            .with_truncation(Some(truncation))
            .map_err(|it| format(&files[0], it))?;
        let sha256 = Sha256::new()
            .part(files_sha256(&files)?)
            .part(context_length.to_le_bytes())
            .hex();
        Ok(Self { tokenizer, sha256 })
    }

    /// Token ids of `text`, start and end tokens included.
    ///
    /// # Errors
    /// The tokenizer's model refuses the text, as one without an unknown token may.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.tokenizer.encode_fast(text, true);
        let encoding = encoding.map_err(|it| TokenizerError::Encode(it.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// SHA-256 of the tokenizer's files and the context length.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

fn read(folder: &Path) -> Result<(Vec<PathBuf>, Tokenizer), TokenizerError> {
    let whole = folder.join("tokenizer.json");
    let parts = [folder.join("vocab.json"), folder.join("merges.txt")];
    if whole.is_file() {
        let bytes = fs::read(&whole).map_err(|source| ReadError::new(&whole, source))?;
        let tokenizer = Tokenizer::from_bytes(bytes).map_err(|it| format(&whole, it))?;
        Ok((vec![whole], tokenizer))
    } else if parts.iter().all(|part| part.is_file()) {
        let tokenizer = clip_tokenizer(&parts).map_err(|it| format(&parts[0], it))?;
        Ok((parts.to_vec(), tokenizer))
    } else {
        let folder = folder.to_path_buf();
        Err(TokenizerError::Absent { folder })
    }
}

fn format(file: &Path, reason: impl ToString) -> TokenizerError {
    TokenizerError::Format {
        file: file.to_path_buf(),
        reason: reason.to_string(),
    }
}

/// The pipeline of `transformers` 5.23.0, `models/clip/tokenization_clip.py`: NFC, runs of white space to one space,
/// lower case; words by [`WORD`]; bytes; byte-pair merges that end a word with `</w>`; start and end tokens.
fn clip_tokenizer([vocab, merges]: &[PathBuf; 2]) -> tokenizers::Result<Tokenizer> {
    let (vocab, merges) = BPE::read_file(&vocab.to_string_lossy(), &merges.to_string_lossy())?;
    let id = |token: &str| {
        let id = vocab.get(token).copied();
        id.ok_or_else(|| format!("the vocabulary lacks {token}"))
    };
    let (start, end) = (id(START)?, id(END)?);
    let mut tokenizer = Tokenizer::new(clip_model(vocab, merges)?);
    let space = Replace::new(ReplacePattern::Regex(r"\s+".into()), " ")?;
    let cleanup = Normalizers::new(vec![NFC.into(), space.into(), Lowercase.into()]);
    tokenizer.with_normalizer(Some(cleanup))?;
    tokenizer.with_pre_tokenizer(Some(clip_words()?));
    tokenizer.add_special_tokens([START, END].map(|it| AddedToken::from(it, true)))?;
    let ends = RobertaProcessing::new((END.into(), end), (START.into(), start));
    let ends = ends.trim_offsets(false).add_prefix_space(false);
    tokenizer.with_post_processor(Some(ends));
    Ok(tokenizer)
}

fn clip_model(vocab: Vocab, merges: Merges) -> tokenizers::Result<BPE> {
    BPE::builder()
        .vocab_and_merges(vocab, merges)
        .unk_token(END.into())
        .end_of_word_suffix("</w>".into())
        .continuing_subword_prefix(String::new())
        .fuse_unk(false)
        .build()
}

fn clip_words() -> tokenizers::Result<PreTokenizers> {
    let word = SplitPattern::Regex(WORD.into());
    let split = Split::new(word, SplitDelimiterBehavior::Removed, true)?;
    let bytes = ByteLevel::new(false, true, true);
    Ok(PreTokenizers::new(vec![split.into(), bytes.into()]))
}
