//! A checkpoint: its files by name ([`files`]), what its JSON files say ([`config`]), and its weights ([`weights`]), which may
//! lie in a pickle (`nnn-pickle` reads those). What does not load is a [`LoadError`].

pub mod checks;
mod config;
mod error;
mod files;
mod weights;

pub use config::{read_config, read_preprocessor};
pub use error::{LoadError, TensorFault};
pub use files::CheckpointFiles;
pub use weights::{Checkpoint, Shapes, Weights};
