//! Blocks: a procedural data set of small scenes and partial captions.
//!
//! A scene holds one to four objects of some shape, colour, size, pattern and place, on a background, with clutter,
//! light and noise. Each image has five captions that mention a part of it, in varied wording, as people's captions do; so
//! some images answer many captions, and hubs arise by themselves. Everything follows from a seed, on any machine:
//! [`BlocksSpec::sample`] makes one image and its captions, [`generate`] writes a whole data set.
//!
//! Four styles share the world: everyday scenes in sentences (data set `blocks`), the same scenes and sentences with pictures from an
//! unfamiliar camera (`blocks-shifted`), for a model that was not trained on what it sees, tidy scenes in a catalogue's tags
//! (`blocks-styled`), for reference sets from another distribution, and scenes of roles in two groups (`blocks-roles`), for
//! metrics of bias.

mod backdrop;
mod camera;
mod catalogue;
mod draw;
mod draws;
mod error;
mod everyday;
mod limits;
mod roles;
mod scene;
mod spec;
mod vocabulary;
mod write;

pub use error::BlocksError;
pub use limits::{CAPTIONS_PER_IMAGE, IMAGE_SIZES};
pub use roles::Role;
pub use scene::{Cell, Object, Scene};
pub use spec::{BlocksSpec, Sample, SplitSpec, Style};
pub use vocabulary::{Background, Colour, Pattern, Shape, Size};
pub use write::{
    CAPTIONS_FILE, Drawn, MARKER, SUMS_FILE, completed, content_checksum, generate, open,
};
