//! CLIP's byte-pair tokenizer, as `transformers`' `CLIPTokenizer`.

use super::{TextTokenizer, TokenSettings, format, read, read_json_with_ends};
use crate::checkpoint::CheckpointFiles;
use crate::error::TokenizerError;
use nnn_files::without_mark;
use serde_json::Value;
use std::io::BufRead;
use std::path::Path;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{NFC, Replace, Sequence as Normalizers, replace::ReplacePattern};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer, normalizers::Lowercase};

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// What CLIP takes for a word, before byte-pair merging.
const WORD: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

impl TextTokenizer {
    /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt` as a CLIP byte-pair tokenizer.
    ///
    /// Ids are cut to the context with the end token kept; padding that the file asks for is switched off.
    ///
    /// # Errors
    /// Files that are missing, not a tokenizer or one that adds no start and end tokens; a context shorter than three.
    pub fn clip(from: &CheckpointFiles, settings: TokenSettings) -> Result<Self, TokenizerError> {
        let parts = (from.path("vocab.json"), from.path("merges.txt"));
        if let Some(whole) = from.path("tokenizer.json") {
            Self::new(
                read_json_with_ends(whole)?,
                vec![whole.to_path_buf()],
                settings,
            )
        } else if let (Some(vocab), Some(merges)) = parts {
            let pieces = clip_vocab(vocab)?;
            let joined = clip_merges(merges)?;
            let tokenizer = clip_tokenizer(pieces, joined).map_err(|it| format(vocab, it))?;
            let files = vec![vocab.to_path_buf(), merges.to_path_buf()];
            Self::new(tokenizer, files, settings)
        } else {
            Err(TokenizerError::Absent {
                expected: "tokenizer.json, or vocab.json and merges.txt",
                files: from.to_string(),
            })
        }
    }
}

/// The pipeline of `transformers` 5.23.0, `models/clip/tokenization_clip.py`: NFC, runs of white space to one space,
/// lower case; words by [`WORD`]; bytes; byte-pair merges that end a word with `</w>`; start and end tokens.
fn clip_tokenizer(vocab: Vocab, merges: Merges) -> tokenizers::Result<Tokenizer> {
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

/// The ids of `vocab.json`, as `BPE::read_file` takes them, which wants names of files in UTF-8.
fn clip_vocab(file: &Path) -> Result<Vocab, TokenizerError> {
    let whole = serde_json::from_slice(without_mark(&read(file)?));
    let Value::Object(members) = whole.map_err(|it| format(file, it))? else {
        return Err(format(file, "expected an object of tokens with their ids"));
    };
    let id = |(token, id): (String, Value)| {
        let number = id.as_u64().and_then(|it| u32::try_from(it).ok());
        let wrong = || format(file, format_args!("token {token:?} has the id {id}"));
        Ok((token.clone(), number.ok_or_else(wrong)?))
    };
    members.into_iter().map(id).collect()
}

/// The merges of `merges.txt`, one a line, in their order; lines that begin with `#version` say nothing.
fn clip_merges(file: &Path) -> Result<Merges, TokenizerError> {
    let mut merges = Merges::new();
    for (number, line) in (1..).zip(without_mark(&read(file)?).lines()) {
        let line = line.map_err(|it| format(file, format_args!("line {number}: {it}")))?;
        if line.starts_with("#version") {
            continue;
        }
        match line.split(' ').collect::<Vec<_>>()[..] {
            [left, right] => merges.push((left.to_owned(), right.to_owned())),
            _ => {
                let found =
                    std::format!("line {number}: {line:?}, expected two tokens and a space");
                return Err(format(file, found));
            }
        }
    }
    Ok(merges)
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
