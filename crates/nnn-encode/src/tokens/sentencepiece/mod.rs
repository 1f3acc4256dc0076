//! SentencePiece models (`*.spm`, `spiece.model`, `tokenizer.model`), read from their protobuf and run here.
//!
//! Ids are those of the `sentencepiece` library itself, which the slow tokenizers of `transformers` call. The pipeline
//! of the `tokenizers` library is close to it but not equal: it looks characters up by grapheme instead of by the
//! longest rule, sums scores in another precision (which moves ties) and matches control pieces in texts.

mod bpe;
mod normalize;
mod proto;
mod unigram;

use super::{Model, TextTokenizer, TokenSettings, format, read};
use crate::checkpoint::CheckpointFiles;
use crate::error::TokenizerError;
use normalize::Normalizer;
use prost::Message;
use proto::{Kind, ModelProto, ModelType};
use std::collections::HashMap;

/// What stands around a SentencePiece model's own ids, by the names of its pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct PieceFrame {
    /// Put before every text.
    pub start: &'static [&'static str],
    /// Put after every text.
    pub end: &'static [&'static str],
    /// Recognised in a text before the model sees it, as the special tokens of `transformers` are.
    pub whole: &'static [&'static str],
    /// Whether a space is put before the text (and each part between recognised pieces), in place of what the model
    /// says.
    pub dummy_prefix: Option<bool>,
}

/// The first special tokens in XLM-RoBERTa's numbering.
const XLM_ROBERTA: [(&str, u32); 4] = [("<s>", 0), ("<pad>", 1), ("</s>", 2), ("<unk>", 3)];

/// A model with the numbers that a family gives its pieces.
#[derive(Clone)]
pub(super) struct SentencePiece {
    pieces: Pieces,
    normalizer: Normalizer,
    algorithm: ModelType,
    numbers: Numbers,
    start: Vec<u32>,
    end: Vec<u32>,
    whole: Vec<(String, u32)>,
}

/// Most bytes of a piece, as in the library; it bounds what a text costs.
const LONGEST_PIECE: usize = 7_999;

/// From the model's ids to the family's.
#[derive(Clone, Copy)]
enum Numbers {
    Own,
    /// One higher each, since `<pad>` is put among the first; the unknown piece, the model's first, is 3.
    XlmRoberta,
}

/// The vocabulary.
#[derive(Clone)]
struct Pieces {
    ids: HashMap<String, u32>,
    scores: Vec<f32>,
    kinds: Vec<Kind>,
    unknown: u32,
    /// The ids of the 256 bytes, in which unknown text is spelt.
    bytes: Option<Vec<u32>>,
    /// Bytes of the longest piece.
    longest: usize,
}

impl TextTokenizer {
    /// Reads a SentencePiece model whose ids are used as they are.
    ///
    /// Ids are cut to the context with what `frame` puts around them kept.
    ///
    /// # Errors
    /// The file is missing, no model of the kind unigram or BPE, or lacks a piece that `frame` names; a context
    /// shorter than three.
    pub fn sentencepiece(
        from: &CheckpointFiles,
        file: &'static str,
        frame: PieceFrame,
        settings: TokenSettings,
    ) -> Result<Self, TokenizerError> {
        Self::open(from, file, settings, |model| model.framed(frame))
    }

    /// Reads a SentencePiece model numbered as `transformers`' `XLMRobertaTokenizer` does: `<s>` 0, `<pad>` 1, `</s>`
    /// 2, `<unk>` 3, then the model's pieces from its fourth, `<mask>` last. A text stands between `<s>` and `</s>`.
    ///
    /// # Errors
    /// As [`sentencepiece`](Self::sentencepiece); a model whose first piece is not the unknown one.
    pub fn xlm_roberta(
        from: &CheckpointFiles,
        file: &'static str,
        settings: TokenSettings,
    ) -> Result<Self, TokenizerError> {
        Self::open(from, file, settings, SentencePiece::xlm_roberta)
    }

    fn open(
        from: &CheckpointFiles,
        file: &'static str,
        settings: TokenSettings,
        number: impl Fn(SentencePiece) -> Result<SentencePiece, String>,
    ) -> Result<Self, TokenizerError> {
        let path = from.path(file).ok_or_else(|| TokenizerError::Absent {
            expected: file,
            files: from.to_string(),
        })?;
        let model = SentencePiece::parse(&read(path)?).and_then(number);
        let model = model.map_err(|reason| format(path, reason))?;
        let model = Model::SentencePiece(Box::new(model));
        Self::of(model, vec![path.to_path_buf()], settings)
    }
}

impl SentencePiece {
    /// Reads a model; the error says what is wrong.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let proto = ModelProto::decode(bytes).map_err(|error| error.to_string())?;
        let trainer = proto.trainer_spec.clone().unwrap_or_default();
        let algorithm = match ModelType::try_from(trainer.model_type.unwrap_or(1)) {
            Ok(algorithm @ (ModelType::Unigram | ModelType::Bpe)) => algorithm,
            Ok(other) => {
                return Err(format!(
                    "expected a unigram or BPE model, received {other:?}"
                ));
            }
            Err(_) => return Err("a model of an unknown kind".into()),
        };
        let pieces = Pieces::new(&proto, trainer.byte_fallback())?;
        let spec = proto.normalizer_spec.unwrap_or_default();
        let suffix = trainer.treat_whitespace_as_suffix();
        let user_defined = pieces.of_kind(Kind::UserDefined);
        Ok(Self {
            normalizer: Normalizer::new(&spec, suffix, user_defined)?,
            pieces,
            algorithm,
            numbers: Numbers::Own,
            start: Vec::new(),
            end: Vec::new(),
            whole: Vec::new(),
        })
    }

    fn framed(mut self, frame: PieceFrame) -> Result<Self, String> {
        let ids = |names: &[&str]| -> Result<Vec<u32>, String> {
            let id = |name: &&str| {
                let id = self.pieces.ids.get(*name).copied();
                id.ok_or_else(|| format!("the model lacks the piece {name}"))
            };
            names.iter().map(id).collect()
        };
        let names = frame.whole.iter().map(|name| (*name).to_owned());
        let whole = names.zip(ids(frame.whole)?).collect();
        (self.start, self.end, self.whole) = (ids(frame.start)?, ids(frame.end)?, whole);
        if let Some(prefix) = frame.dummy_prefix {
            self.normalizer.dummy_prefix = prefix;
        }
        Ok(self)
    }

    fn xlm_roberta(mut self) -> Result<Self, String> {
        if self.pieces.unknown != 0 {
            let id = self.pieces.unknown;
            return Err(format!(
                "the unknown piece is expected first, received id {id}"
            ));
        }
        let mask = self.pieces.kinds.len() as u32 + 1;
        let special = XLM_ROBERTA.into_iter().chain([("<mask>", mask)]);
        self.whole = special.map(|(name, id)| (name.to_owned(), id)).collect();
        (self.start, self.end) = (vec![0], vec![2]);
        self.numbers = Numbers::XlmRoberta;
        Ok(self)
    }

    /// The ids of a text, at most `context` of them, start and end kept.
    pub(super) fn ids(&self, text: &str, context: usize) -> Vec<u32> {
        let mut ids = self.start.clone();
        let mut rest = text;
        while let Some((at, (name, id))) = self.next_whole(rest) {
            ids.extend(self.part(&rest[..at]));
            ids.push(*id);
            rest = &rest[at + name.len()..];
        }
        ids.extend(self.part(rest));
        ids.truncate(context.saturating_sub(self.end.len()));
        ids.extend(&self.end);
        ids
    }

    /// Where the first recognised piece begins; of several there, the longest.
    fn next_whole(&self, text: &str) -> Option<(usize, &(String, u32))> {
        let found = self.whole.iter();
        let found = found.filter_map(|it| text.find(&it.0).map(|at| (at, it)));
        found.min_by_key(|(at, it)| (*at, usize::MAX - it.0.len()))
    }

    /// The family's ids of a text without recognised pieces.
    fn part(&self, text: &str) -> Vec<u32> {
        let text = self.normalizer.apply(text);
        let mut ids = match self.algorithm {
            ModelType::Bpe => self
                .pieces
                .spell(bpe::split(&self.pieces, &self.normalizer, &text)),
            _ => self.pieces.spell(unigram::split(&self.pieces, &text)),
        };
        if let Numbers::XlmRoberta = self.numbers {
            ids.iter_mut()
                .for_each(|id| *id = if *id == 0 { 3 } else { *id + 1 });
        }
        ids
    }
}

impl Pieces {
    fn new(proto: &ModelProto, byte_fallback: bool) -> Result<Self, String> {
        let (mut ids, mut scores, mut kinds) = (HashMap::new(), Vec::new(), Vec::new());
        for (id, piece) in proto.pieces.iter().enumerate() {
            let (text, score) = (piece.piece(), piece.score());
            let kind = Kind::try_from(piece.kind.unwrap_or(1));
            let kind = kind.map_err(|_| format!("piece {text:?} is of an unknown kind"))?;
            if text.is_empty() || score.is_nan() {
                return Err(format!(
                    "piece {id} has the text {text:?} and the score {score}"
                ));
            }
            if text.len() > LONGEST_PIECE {
                let received = text.len();
                return Err(format!(
                    "piece {id} has {received} bytes, expected at most {LONGEST_PIECE}"
                ));
            }
            if ids.insert(text.to_owned(), id as u32).is_some() {
                return Err(format!("piece {text:?} is there twice"));
            }
            scores.push(score);
            kinds.push(kind);
        }
        let unknown: Vec<usize> = (0..kinds.len())
            .filter(|&id| kinds[id] == Kind::Unknown)
            .collect();
        let [unknown] = unknown[..] else {
            return Err(format!(
                "one unknown piece is expected, received {}",
                unknown.len()
            ));
        };
        Ok(Self {
            bytes: byte_fallback.then(|| byte_ids(&ids, &kinds)).transpose()?,
            longest: ids.keys().map(String::len).max().unwrap_or(0),
            unknown: unknown as u32,
            ids,
            scores,
            kinds,
        })
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let of_kind = self
            .ids
            .iter()
            .filter(move |(_, id)| self.kinds[**id as usize] == kind);
        of_kind.map(|(text, _)| text.as_str())
    }

    fn kind(&self, id: u32) -> Kind {
        self.kinds[id as usize]
    }

    /// The piece of a text, if it is one that texts are made of.
    fn find(&self, text: &str) -> Option<u32> {
        let made = |id: &u32| {
            matches!(
                self.kind(*id),
                Kind::Normal | Kind::UserDefined | Kind::Unused
            )
        };
        self.ids.get(text).copied().filter(made)
    }

    /// Ids of the parts of a text: what is unknown in bytes or, run by run, as one unknown piece.
    fn spell<'a>(&self, parts: impl IntoIterator<Item = (&'a str, u32)>) -> Vec<u32> {
        let (mut ids, mut after_unknown) = (Vec::new(), false);
        for (text, id) in parts {
            let unknown = id == self.unknown;
            match &self.bytes {
                Some(bytes) if unknown => ids.extend(text.bytes().map(|it| bytes[usize::from(it)])),
                None if unknown && after_unknown => (),
                _ => ids.push(id),
            }
            after_unknown = unknown;
        }
        ids
    }
}

/// The pieces `<0x00>` to `<0xFF>`.
fn byte_ids(ids: &HashMap<String, u32>, kinds: &[Kind]) -> Result<Vec<u32>, String> {
    let id = |byte: u8| {
        let name = format!("<0x{byte:02X}>");
        let id = ids.get(&name).copied();
        let id = id.filter(|&id| kinds[id as usize] == Kind::Byte);
        id.ok_or_else(|| format!("the byte piece {name} is missing"))
    };
    (0..=u8::MAX).map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MODELS: [&[u8]; 4] = [
        include_bytes!("../../../tests/golden/sentencepiece/unigram.model"),
        include_bytes!("../../../tests/golden/sentencepiece/unigram-bytes.model"),
        include_bytes!("../../../tests/golden/sentencepiece/bpe.model"),
        include_bytes!("../../../tests/golden/sentencepiece/bpe-bytes.model"),
    ];

    /// Whatever is read can be used: ids of the vocabulary, in number bounded by the text.
    fn use_it(bytes: &[u8], text: &str) -> Result<bool, TestCaseError> {
        let Ok(model) = SentencePiece::parse(bytes) else {
            return Ok(false);
        };
        let pieces = model.pieces.kinds.len();
        // A piece takes two bytes of a file at the least, so memory is bounded by the file.
        prop_assert!(2 * pieces <= bytes.len());
        prop_assert!(model.pieces.longest <= LONGEST_PIECE);
        let ids = model.ids(text, usize::MAX);
        prop_assert!(ids.iter().all(|&id| (id as usize) < pieces));
        prop_assert_eq!(model.ids(text, 3), &ids[..ids.len().min(3)]);
        Ok(true)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_bytes_are_a_model_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,40}") {
            use_it(&bytes, &text)?;
        }

        #[test]
        fn damaged_models_are_models_or_errors(
            which in 0..MODELS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
            // The second half of a file holds what says how it is used.
            tail in prop::collection::vec((0..5_000_usize, any::<u8>()), 0..3),
            keep in prop::option::weighted(0.1, any::<prop::sample::Index>()),
            text in ".{0,40}",
        ) {
            let mut bytes = MODELS[which].to_vec();
            let count = bytes.len();
            changes.iter().for_each(|(at, to)| bytes[at.index(count)] = *to);
            tail.iter().for_each(|(back, to)| bytes[count - 1 - back] = *to);
            bytes.truncate(keep.map_or(count, |it| it.index(count)));
            use_it(&bytes, &text)?;
        }

        #[test]
        fn any_text_has_ids(which in 0..MODELS.len(), text in "\\PC{0,60}|[ \\t\\n\u{2581}ab<s>\u{301}\u{1100}-\u{1120}]{0,60}") {
            prop_assert!(use_it(MODELS[which], &text)?);
        }
    }
}
