//! The program as its users meet it: configs and files in, messages and results out.
//!
//! Every test has a folder of its own with its configs, its results and its cache. Vectors are made up and small; what
//! needs an encoder draws a few images of Blocks and encodes them with the checkpoint that ships with the project.

mod archives;
mod bad_cache;
mod bad_config;
mod bad_disk;
mod bad_files;
mod bad_images;
mod bad_sources;
mod bank_search;
mod bias;
mod blocks;
mod checkpoints;
mod comparisons;
mod compute;
mod docs;
mod downloads;
mod dry_runs;
mod edges;
mod expectations;
mod experiments;
mod export;
mod groups;
mod identity;
mod kills;
mod lab;
mod leaks;
mod limits;
mod own_images;
mod parts;
mod published;
mod real_data;
mod references;
mod relevance;
mod report;
mod rerank;
mod schema;
mod semantics;
mod similarity;
mod vectors;
mod verbs;
mod verify;
