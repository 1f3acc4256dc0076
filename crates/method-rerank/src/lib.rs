//! Re-ranking as image retrieval has it: what the best items of a query say of the others. Each query is treated alone, and nothing is
//! known of the gallery but its own vectors.
//!
//! - `k_reciprocal`: by the Jaccard distance of encoded sets of mutual neighbours: Zhong, Zheng, Cao, Li, "Re-ranking Person
//!   Re-identification with k-reciprocal Encoding", CVPR 2017, arXiv 1701.08398.
//! - `query_expansion`: by the similarity to a weighted mean of the query and its best items: average query expansion, Chum, Philbin, Sivic,
//!   Isard, Zisserman, "Total Recall", ICCV 2007; with weights `s^alpha`, Radenović, Tolias, Chum, "Fine-tuning CNN Image Retrieval with No
//!   Human Annotation", TPAMI 2018, arXiv 1711.02512.

mod encoding;
mod expansion;
mod neighborhoods;
mod reciprocal;

pub use expansion::{QueryExpansion, QueryExpansionFamily};
pub use reciprocal::{KReciprocal, KReciprocalFamily};
