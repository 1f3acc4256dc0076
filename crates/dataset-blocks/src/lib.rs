//! Blocks: a procedural data set of small scenes and partial captions.
