//! Data sets as they are published: what a card says of their files, the annotations in them, the archives with images,
//! and the store that brings all three together.

mod annotations;
mod archive;
mod leaf;
mod source;
mod store;

pub use annotations::{
    AnnotationError, AnnotationProblem, Annotations, Finding, Place, Reading, read_annotations,
};
pub use archive::{Archive, ArchiveError, ArchiveLimits, ArchiveProblem};
pub use source::{
    AnnotationFormat, AnnotationPart, CaptionColumns, ColumnName, ColumnNames, FilesSource,
    FoundFile, ImagePart, Needed, OnGap,
};
pub(crate) use store::split_names;
pub use store::{Addressed, ImageStore, Opening, StoreError};
