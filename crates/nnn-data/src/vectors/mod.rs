//! Vectors that another program computed: embeddings by data set or by role, similarities, and the files of both.

mod array_file;
mod checks;
mod dataset;
mod error;
mod files;
mod relevance;
mod roles;
mod similarity;

pub use array_file::{ArrayFile, ArrayFiles};
pub use dataset::{EmbeddedDataset, EmbeddedSplit, EmbeddingSource};
pub use error::{SimilarityError, SourceError};
pub use files::{
    Matrix, count_rows, each_block, read_embeddings, read_indices, read_labels, read_matrix,
    read_texts,
};
pub use relevance::{Answered, RowNames, read_relevance};
pub use roles::{EmbeddedRoles, RoleSource};
pub use similarity::SimilaritySource;
