//! Files that are no images of a format that is read: what they are, and what to do.

use super::error::ImageError;
use image::ImageFormat;
use nnn_files::LFS_POINTER;
use std::path::Path;

/// Beginnings of files that are images, by place.
const IMAGES: [(usize, &[u8], &str); 14] = [
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypheix", "HEIC"),
    (4, b"ftyphevc", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"8BPS", "PSD"),
    (0, b"II+\0", "BigTIFF"),
    (0, b"MM\0+", "BigTIFF"),
];

/// Beginnings of files that are none.
const OTHERS: [(&str, &str); 6] = [
    (
        LFS_POINTER,
        "a Git LFS pointer (`git lfs pull` fetches the image)",
    ),
    ("%pdf", "PDF"),
    ("<!doctype html", "an HTML page"),
    ("<html", "an HTML page"),
    ("{", "JSON"),
    ("pk\x03\x04", "a zip archive"),
];

/// The error of a file whose content is of no format that is read.
pub(super) fn refused(file: &Path, bytes: &[u8], known: Option<ImageFormat>) -> ImageError {
    let image = IMAGES.iter().find(|(at, mark, _)| {
        let rest = bytes.get(*at..).unwrap_or_default();
        rest.starts_with(mark)
    });
    let start = start(bytes);
    let other = OTHERS.iter().find(|(mark, _)| start.starts_with(mark));
    let (found, convertible) = match (image, known, other) {
        (Some((_, _, name)), _, _) => ((*name).to_owned(), true),
        (None, Some(format), _) => (format!("{format:?}").to_uppercase(), true),
        (None, None, Some((_, name))) => ((*name).to_owned(), false),
        (None, None, None) if is_svg(&start) => ("SVG, which has no pixels".to_owned(), false),
        (None, None, None) => ("no image of a known format".to_owned(), false),
    };
    ImageError::NotAnImage {
        file: file.into(),
        found,
        convertible,
    }
}

/// The first letters of a file, in lower case.
fn start(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = &bytes[..bytes.len().min(512)];
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    text.trim_start().to_owned()
}

fn is_svg(start: &str) -> bool {
    start.starts_with("<svg") || (start.starts_with("<?xml") && start.contains("<svg"))
}
