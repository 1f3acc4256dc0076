//! Why a checkpoint does not load.

use crate::error::{ReadError, TokenizerError};
use crate::pixels::PixelSpecError;
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
    #[error("{}: {reason}", file.display())]
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
        "the model takes images of {expected} x {expected}, preprocessing gives (height, width) {received:?}"
    )]
    ImageSize {
        /// Side in pixels.
        expected: usize,
        /// Size after preprocessing; `None` if it depends on the image.
        received: Option<(u32, u32)>,
    },
    /// The tokenizer is missing or damaged.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// There are no weights, or several files that could be meant.
    #[error(
        "{files} holds neither model.safetensors nor its index, and {candidates} other files of weights (*.safetensors, or else *.bin, *.pth, *.pt) where one is expected"
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
    /// Weights do not fit the configuration.
    #[error("{} does not fit the configuration:{}", file.display(), list(faults))]
    Tensors {
        /// The (first) file.
        file: PathBuf,
        /// Every tensor that is missing, unexpected or wrong.
        faults: Vec<TensorFault>,
    },
}

fn list(faults: &[TensorFault]) -> String {
    faults.iter().map(|it| format!("\n  {it}")).collect()
}

/// Number types in which weights can be read.
pub(super) const READABLE: [&str; 3] = ["F32", "F16", "BF16"];

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
                "{name}: expected {expected:?} as one of {READABLE:?}, received {received}"
            ),
        }
    }
}
