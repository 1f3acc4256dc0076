//! From a text to token ids: one file per kind of tokenizer.

mod bert;
mod clip;
mod open_clip;
mod sentencepiece;
mod siglip;

pub use bert::squeezed;
pub use open_clip::OpenClipCleaning;
pub use sentencepiece::PieceFrame;

use crate::checkpoint::stand_in;
use crate::checksum::files_sha256;
use crate::error::{ReadError, TokenizerError};
use nnn_files::{Sha256, contained, without_mark};
use sentencepiece::SentencePiece;
use std::fs;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;
use tokenizers::utils::truncation::TruncationParams;

/// A tokenizer with a context length: ids with start and end tokens, cut to fit.
#[derive(Clone)]
pub struct TextTokenizer {
    model: Model,
    settings: TokenSettings,
    sha256: String,
}

/// What turns a text into ids.
#[derive(Clone)]
enum Model {
    /// A pipeline of the `tokenizers` library, which cuts by itself.
    Pipeline(Box<Tokenizer>),
    /// A SentencePiece model.
    SentencePiece(Box<SentencePiece>),
}

/// What a family does to texts and ids beside its tokenizer's own pipeline.
#[derive(Clone, Copy, Debug)]
pub struct TokenSettings {
    /// Most ids of a text, start and end tokens included; longer ones are cut with the end token kept.
    pub context: usize,
    /// Filled up to `context` with this id, for models trained on padding without a mask; never padded if none.
    pub pad: Option<u32>,
    /// What is done to a text before the tokenizer sees it.
    pub clean: fn(&str) -> String,
    /// Names what `clean` does; part of the checksum.
    pub cleaning: &'static str,
}

impl TokenSettings {
    /// Cut to `context` ids, not padded, not cleaned.
    #[must_use]
    pub fn cut_to(context: usize) -> Self {
        Self {
            context,
            pad: None,
            clean: str::to_owned,
            cleaning: "as it is",
        }
    }
}

impl TextTokenizer {
    /// A tokenizer made of `files`, whose own padding and cutting are switched off.
    ///
    /// # Errors
    /// A context shorter than three; a file that cannot be read.
    pub(crate) fn new(
        mut tokenizer: Tokenizer,
        files: Vec<PathBuf>,
        settings: TokenSettings,
    ) -> Result<Self, TokenizerError> {
        let truncation = TruncationParams {
            max_length: settings.context,
            ..TruncationParams::default()
        };
        tokenizer
            .with_padding(None)
            .with_truncation((settings.context >= 3).then_some(truncation))
            .map_err(|it| format(&files[0], it))?;
        Self::of(Model::Pipeline(Box::new(tokenizer)), files, settings)
    }

    /// Takes a model of either kind, and the checksum of its files and settings.
    ///
    /// # Errors
    /// A context shorter than three; a file that cannot be read.
    fn of(
        model: Model,
        files: Vec<PathBuf>,
        settings: TokenSettings,
    ) -> Result<Self, TokenizerError> {
        if settings.context < 3 {
            return Err(TokenizerError::ContextLength {
                received: settings.context,
            });
        }
        let sha256 = Sha256::new()
            .part(files_sha256(&files)?)
            .part(settings.context.to_le_bytes())
            .part(std::format!("{:?}", settings.pad))
            .part(settings.cleaning)
            .hex();
        Ok(Self {
            model,
            settings,
            sha256,
        })
    }

    /// Token ids of `text`, start and end tokens included.
    ///
    /// # Errors
    /// The tokenizer's model refuses the text, as one without an unknown token may.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let text = (self.settings.clean)(text);
        let mut ids = match &self.model {
            Model::Pipeline(tokenizer) => pipeline_ids(tokenizer, text)?,
            Model::SentencePiece(model) => model.ids(&text, self.settings.context),
        };
        if let Some(pad) = self.settings.pad {
            ids.resize(self.settings.context, pad);
        }
        Ok(ids)
    }

    /// SHA-256 of the tokenizer's files and settings.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// White space by Python's `\s`, which has four separators more than Unicode's property.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// A tokenizer in the format of the `tokenizers` library.
fn read_json(file: &Path) -> Result<Tokenizer, TokenizerError> {
    let bytes = read(file)?;
    // The library unwraps what it reads of decoders and normalizers.
    contained(
        || Tokenizer::from_bytes(without_mark(&bytes)).map_err(|it| format(file, it)),
        |said| format(file, said),
    )
}

/// The ids that a pipeline of the library gives, which may panic at parts of a damaged file that it had read without complaint.
fn pipeline_ids(tokenizer: &Tokenizer, text: String) -> Result<Vec<u32>, TokenizerError> {
    contained(
        || {
            let encoding = tokenizer.encode_fast(text, true);
            let encoding = encoding.map_err(|it| TokenizerError::Encode(it.to_string()))?;
            Ok(encoding.get_ids().to_vec())
        },
        |said| TokenizerError::Encode(said.to_owned()),
    )
}

/// The same for a family whose texts have a start and an end token, which the file's post-processor must add.
fn read_json_with_ends(file: &Path) -> Result<Tokenizer, TokenizerError> {
    let mut tokenizer = read_json(file)?;
    // Filled up or cut by itself it would give as many ids either way.
    let whole = tokenizer.with_padding(None).with_truncation(None);
    whole.map_err(|it| format(file, it))?;
    let ids = |special| {
        let encode = || tokenizer.encode_fast("a", special).map(|it| it.len());
        contained(encode, |said| said.to_owned().into())
    };
    match (ids(true), ids(false)) {
        (Ok(with), Ok(without)) if with < without + 2 => Err(format(
            file,
            "its post-processor (`post_processor`) adds no start and end tokens, which the model needs; save the tokenizer \
             anew with `save_pretrained` of transformers, or leave its vocabulary files in its place",
        )),
        _ => Ok(tokenizer),
    }
}

/// The content of a tokenizer's file.
fn read(file: &Path) -> Result<Vec<u8>, TokenizerError> {
    refuse_stand_in(file)?;
    Ok(fs::read(file).map_err(|source| ReadError::new(file, source))?)
}

/// Refuses what stands in for a file.
fn refuse_stand_in(file: &Path) -> Result<(), TokenizerError> {
    match stand_in(file)? {
        None => Ok(()),
        Some(reason) => Err(format(file, reason)),
    }
}

fn format(file: &Path, reason: impl ToString) -> TokenizerError {
    TokenizerError::Format {
        file: file.to_path_buf(),
        reason: reason.to_string(),
    }
}
