//! Data sets: as they are published, and as vectors; what a split is; and what is drawn from one.
//!
//! | where | what |
//! |---|---|
//! | the root | what both wings give: a split as [`Pairs`], its [`Task`] in one [`Direction`], reference sets and hold-outs drawn from it, what a bank shares with what is evaluated, and the cards that name a data set or a checkpoint |
//! | `published/` | a data set in the formats in which it is published: annotation files, archives, and images on disk |
//! | `vectors/` | embeddings and similarities from any other program, in files |
//!
//! Neither wing knows the other. A data set is a [`DatasetCard`] and its splits. A split is [`Pairs`]: images, texts and
//! which belong together; [`Pairs::task`] makes queries and a gallery of it for one [`Direction`]. A reference set is a
//! [`Subset`] of a training split, drawn by [`reference_set`]; [`overlap`] tells whether it shares items with what is
//! evaluated.
//!
//! Items come from an [`ImageStore`], made of annotation files and archives of images as a [`FilesSource`] names them, or
//! as vectors from an [`EmbeddingSource`], a [`RoleSource`] or a [`SimilaritySource`], whose files the `read_*` functions
//! read.

mod card;
mod cluster;
mod direction;
mod file_error;
mod leakage;
mod pairs;
mod published;
mod reference;
mod text;
mod vectors;

pub use card::{CardError, DatasetCard, DatasetSource, ModelCard, ModelSource, SplitCounts};
pub use cluster::Cluster;
pub use direction::{Direction, DirectionError};
pub use file_error::{FileError, FileProblem, Held};
pub use leakage::{Identities, Overlap, overlap, row_contents, same_wording, shared};
pub use pairs::{Pairs, PairsError, Subset, Task};
pub use published::{
    Addressed, AnnotationError, AnnotationFormat, AnnotationPart, AnnotationProblem, Annotations,
    Archive, ArchiveError, ArchiveLimits, ArchiveProblem, CaptionColumns, ColumnName, ColumnNames,
    FilesSource, Finding, FoundFile, ImagePart, ImageStore, Needed, OnGap, Opening, Place, Reading,
    StoreError, read_annotations,
};
pub use reference::{HoldOut, SelectError, hold_out, reference_set};
pub use vectors::{
    Answered, ArrayFile, ArrayFiles, EmbeddedDataset, EmbeddedRoles, EmbeddedSplit,
    EmbeddingSource, Matrix, RoleSource, RowNames, SimilarityError, SimilaritySource, SourceError,
    count_rows, each_block, read_embeddings, read_indices, read_labels, read_matrix,
    read_relevance, read_texts,
};
