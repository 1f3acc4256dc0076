//! What columns and keys are called in the files that people have, the usual name first.

/// Names of images.
pub(super) const IMAGE: [&str; 6] = [
    "image",
    "filename",
    "file_name",
    "filepath",
    "image_name",
    "image_path",
];

/// Captions.
pub(super) const CAPTION: [&str; 6] = ["caption", "captions", "raw", "text", "title", "comment"];
