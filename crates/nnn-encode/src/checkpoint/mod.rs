//! A checkpoint: its files by name ([`files`]), what its JSON files say ([`config`]), and its weights ([`weights`]), which may
//! lie in a pickle (`nnn-pickle` reads those). What does not load is a [`LoadError`].

pub mod checks;
mod config;
mod error;
mod files;
mod lookup;
mod names;
mod towers;
mod weights;

pub use config::{read_config, read_preprocessor};
pub use error::{LoadError, TensorFault};
pub(crate) use files::stand_in;
pub use files::{CheckpointFiles, OPEN_CLIP_CONFIG};
pub use lookup::files_to_fetch;
pub use names::Shapes;
pub use weights::{Checkpoint, Weights};
