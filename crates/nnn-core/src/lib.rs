//! Embeddings, score kernels, bank statistics, ranking and the normaliser traits; the methods raw and NNN.
