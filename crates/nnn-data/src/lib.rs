//! Cards, pairs, reference sets and embedding files.
//!
//! A data set is a [`DatasetCard`] and its splits. A split is [`Pairs`]: images, texts and which belong together;
//! [`Pairs::task`] makes queries and a gallery of it for one [`Direction`]. A reference set is a [`Subset`] of a
//! training split, drawn by [`reference_set`]; [`overlap`] tells whether it shares items with what is evaluated. Items
//! come from an [`ImageStore`], made of annotation files and archives of images as a [`FilesSource`] names them, or as
//! vectors from an [`EmbeddingSource`] or [`RoleSource`], whose files the `read_*` functions read.

mod annotations;
mod archive;
mod card;
mod cluster;
mod direction;
mod embedded;
mod files;
mod leaf;
mod leakage;
mod pairs;
mod reference;
mod similarity;
mod source;
mod store;

pub use annotations::{
    AnnotationError, AnnotationProblem, Annotations, Finding, Place, Reading, read_annotations,
};
pub use archive::{Archive, ArchiveError, ArchiveLimits, ArchiveProblem};
pub use card::{CardError, DatasetCard, DatasetSource, ModelCard, ModelSource, SplitCounts};
pub use cluster::Cluster;
pub use direction::{Direction, DirectionError};
pub use embedded::{
    ArrayFile, EmbeddedDataset, EmbeddedRoles, EmbeddedSplit, EmbeddingSource, RoleSource,
    SourceError,
};
pub use files::{
    FileError, FileProblem, Matrix, read_embeddings, read_indices, read_labels, read_matrix,
    read_relevance, read_texts,
};
pub use leakage::{Identities, Overlap, overlap, row_contents, same_wording, shared};
pub use pairs::{Pairs, PairsError, Subset, Task};
pub use reference::{HoldOut, SelectError, hold_out, reference_set};
pub use similarity::{SimilarityError, SimilaritySource};
pub use source::{
    AnnotationFormat, AnnotationPart, ColumnNames, FilesSource, FoundFile, ImagePart, Needed, OnGap,
};
pub use store::{Addressed, ImageStore, Opening, StoreError};
