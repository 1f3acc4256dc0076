//! Why a checkpoint does not load.

use crate::compute::ComputeError;
use crate::error::{ReadError, TokenizerError, in_words};
use crate::pixels::PixelSpecError;
use nnn_files::counted;
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// Why a checkpoint does not load.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file that the family needs is not there.
    #[error("{name} is missing from {files}")]
    Absent {
        /// The file.
        name: String,
        /// What there is.
        files: String,
    },
    /// `config.json` is not that of a model that can be computed.
    #[error("{}: {}", file.display(), in_words(reason))]
    Config {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// `preprocessor_config.json` is refused.
    #[error("{}: {source}", file.display())]
    Preprocessor {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: PixelSpecError,
    },
    /// Preprocessing gives images of a size that the model does not take.
    #[error(
        "the model takes images of {expected} x {expected} by its configuration, and preprocessing ({}) gives {}",
        file.display(), size(*received)
    )]
    ImageSize {
        /// The file that says how images are prepared.
        file: PathBuf,
        /// Side in pixels.
        expected: usize,
        /// Height and width after preprocessing; `None` if it depends on the image.
        received: Option<(u32, u32)>,
    },
    /// The tokenizer is missing or damaged.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The model cannot be computed here.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// Something else lies in a file's place: a link to nothing, a Git LFS pointer, weights of another library.
    #[error("{}: {reason}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What it is, and what to do.
        reason: String,
    },
    /// There are no weights, or several files that could be meant.
    #[error(
        "{files} holds neither model.safetensors nor its index, and {candidates} other files of weights (*.safetensors, or else *.bin, *.pth, *.pt, *.ckpt) where one is expected"
    )]
    NoWeights {
        /// What there is.
        files: String,
        /// How many other files could be meant.
        candidates: usize,
    },
    /// A file of weights is damaged or of another format.
    #[error("cannot read weights from {}: {reason}", file.display())]
    Weights {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Weights are quantised.
    #[error(
        "{}: {count} tensors are {kind} (the first: {first}), a quantised type; weights are read as F64, F32, F16 or BF16: \
         take the checkpoint as it was before",
        file.display()
    )]
    Packed {
        /// The (first) file.
        file: PathBuf,
        /// The number type.
        kind: String,
        /// How many tensors have it.
        count: usize,
        /// One of them.
        first: String,
    },
    /// The weights are those of one tower.
    #[error("{} has no {tower}: images and texts both need theirs, and it holds the other alone", file.display())]
    Tower {
        /// The (first) file.
        file: PathBuf,
        /// What is missing.
        tower: &'static str,
    },
    /// The weights hold the model more than once.
    #[error(
        "{} holds {} copies of the model, and which is meant is not said; their first tensors: {}; save one of them alone",
        file.display(), names.len(), names.join(", ")
    )]
    Copies {
        /// The (first) file.
        file: PathBuf,
        /// The first tensor of each.
        names: Vec<String>,
    },
    /// Weights do not fit the configuration.
    #[error("{} does not fit the configuration: {}", file.display(), list(faults))]
    Tensors {
        /// The (first) file.
        file: PathBuf,
        /// Every tensor that is missing, unexpected or wrong.
        faults: Vec<TensorFault>,
    },
}

/// How many tensors of a kind of fault are named.
const NAMED: usize = 3;

/// In one line: of every kind of fault how often it is there, with the first few.
fn list(faults: &[TensorFault]) -> String {
    let kinds = ["missing", "of another shape or type", "not of this model"];
    let lines = kinds.iter().filter_map(|kind| {
        let of = faults.iter().filter(|fault| kind_of(fault) == *kind);
        line(kind, &of.map(short).collect::<Vec<_>>())
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn kind_of(fault: &TensorFault) -> &'static str {
    match fault {
        TensorFault::Missing { .. } => "missing",
        TensorFault::Wrong { .. } => "of another shape or type",
        TensorFault::Unexpected { .. } => "not of this model",
    }
}

/// The faults of one kind; none if there are none.
fn line(kind: &str, of: &[String]) -> Option<String> {
    let more = if of.len() > NAMED { ", ..." } else { "" };
    let named = of[..of.len().min(NAMED)].join(", ");
    let verb = if of.len() == 1 { "is" } else { "are" };
    let count = counted(of.len(), "tensor");
    (!of.is_empty()).then(|| format!("{count} {verb} {kind} ({named}{more})"))
}

fn short(fault: &TensorFault) -> String {
    match fault {
        TensorFault::Missing { name, expected } => format!("{name} {expected:?}"),
        TensorFault::Unexpected { name } => name.clone(),
        TensorFault::Wrong {
            name,
            expected,
            received,
        } => format!("{name}: expected {expected:?}, received {received}"),
    }
}

fn size(received: Option<(u32, u32)>) -> String {
    match received {
        Some((height, width)) => format!("{width} x {height}"),
        None => "another size for every image".into(),
    }
}

/// Number types in which weights can be read.
pub(super) const READABLE: [&str; 4] = ["F64", "F32", "F16", "BF16"];

/// A tensor that is not as the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TensorFault {
    /// The model needs it and the checkpoint lacks it.
    Missing {
        /// The tensor.
        name: String,
        /// Its shape by the configuration.
        expected: Vec<usize>,
    },
    /// The checkpoint has it and the model has no place for it.
    Unexpected {
        /// The tensor.
        name: String,
    },
    /// Its shape or number type is wrong.
    Wrong {
        /// The tensor.
        name: String,
        /// Its shape by the configuration.
        expected: Vec<usize>,
        /// Number type and shape in the checkpoint.
        received: String,
    },
}

impl fmt::Display for TensorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, expected } => write!(f, "{name} {expected:?} is missing"),
            Self::Unexpected { name } => write!(f, "{name} is not of this model"),
            Self::Wrong {
                name,
                expected,
                received,
            } => write!(
                f,
                "{name}: expected {expected:?} as {}, received {received}",
                READABLE.join(" or ")
            ),
        }
    }
}
