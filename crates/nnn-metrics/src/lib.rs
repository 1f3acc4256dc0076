//! Retrieval metrics, hubness, intervals and paired tests.
