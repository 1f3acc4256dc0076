//! Files that are no good images: each error says which file, and what is wrong.

mod common;

use common::golden;
use nnn_encode::{ImageError, ImageLimits, load_image, thumbnail};
use std::fs;
use std::path::PathBuf;

/// Writes `bytes` to a file and loads it.
fn load(bytes: &[u8]) -> ImageError {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bad image.png");
    fs::write(&file, bytes).expect("written");
    let error = load_image(&file, ImageLimits::default()).expect_err("a bad image");
    assert!(error.to_string().contains("bad image.png"), "{error}");
    error
}

fn good(name: &str) -> Vec<u8> {
    fs::read(golden("images").join(name)).expect(name)
}

/// A PNG whose header claims a size; the rest is nothing.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(&header);
    png.extend(crc32(&header).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_missing_file_is_named() {
    let file = PathBuf::from("no/such/image.png");
    let error = load_image(&file, ImageLimits::default()).expect_err("missing");
    assert!(matches!(error, ImageError::Read(_)), "{error:?}");
    assert!(error.to_string().contains("no/such/image.png"), "{error}");
}

/// Guards against a message that does not say which format the file is of, or what to do.
#[test]
fn what_is_no_image_is_said() {
    assert!(matches!(load(b""), ImageError::Empty { .. }));
    let read = "PNG, JPEG, WebP, GIF, BMP and TIFF are read";
    for (bytes, found) in [
        (&b"\0\0\0 ftypavif........"[..], "AVIF"),
        (b"\0\0\0 ftypheic........", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a........", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS........", "PSD"),
        (b"II+\0........", "BigTIFF"),
        (b"\0\0\x01\0.......", "ICO"),
    ] {
        let error = load(bytes);
        assert!(matches!(error, ImageError::NotAnImage { .. }));
        let expected = format!(
            "is {found}; {read}; to convert it with Pillow: python -c 'from PIL import Image; \
             Image.open(\"bad image.png\").convert(\"RGB\").save(\"bad image.png\")'"
        );
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
    for (bytes, found) in [
        (&b"<!DOCTYPE html><html></html>"[..], "an HTML page"),
        (b"<?xml version='1.0'?>\n<svg>", "SVG, which has no pixels"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer (`git lfs pull` fetches the image)",
        ),
        (b"\x89PN", "no image of a known format"),
    ] {
        let error = load(bytes);
        let expected = format!("is {found}; {read}");
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

/// Whatever is cut off or changed in a file of the other formats, there is an image or an error, never a panic; a header that
/// claims too much is refused before a pixel is stored.
#[test]
fn damage_to_other_formats_is_an_image_or_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("damaged");
    let mut errors = 0;
    for entry in fs::read_dir(golden("formats")).expect("goldens") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|it| it == "png") {
            continue;
        }
        let bytes = fs::read(&path).expect("a golden file");
        let narrow = ImageLimits {
            max_pixels: 0,
            ..ImageLimits::default()
        };
        let error = load_image(&path, narrow).expect_err("too many pixels");
        assert!(matches!(error, ImageError::Size { .. }), "{error}");
        for at in (1..bytes.len()).step_by(101) {
            let mut damaged = bytes.clone();
            damaged[at] = !damaged[at];
            fs::write(&file, &damaged).expect("written");
            errors += usize::from(load_image(&file, ImageLimits::default()).is_err());
            fs::write(&file, &bytes[..at]).expect("written");
            errors += usize::from(load_image(&file, ImageLimits::default()).is_err());
        }
    }
    assert!(errors > 0);
}

#[test]
fn every_cut_is_an_error() {
    for name in ["rgb-61x47.png", "palette-30x44.png", "grey16-24x31.png"] {
        let bytes = good(name);
        // Without its last 12 bytes, the end chunk, a PNG is still whole.
        for keep in (1..bytes.len() - 12).step_by(23) {
            load(&bytes[..keep]);
        }
        assert!(matches!(
            load(&bytes[..bytes.len() / 2]),
            ImageError::Truncated { .. }
        ));
    }
    for name in [
        "photo-444.jpg",
        "photo-420.jpg",
        "photo-progressive.jpg",
        "photo-grey.jpg",
    ] {
        let bytes = good(name);
        for keep in (1..bytes.len() - 1).step_by(23) {
            load(&bytes[..keep]);
        }
        assert!(matches!(
            load(&bytes[..bytes.len() - 2]),
            ImageError::Truncated { .. }
        ));
    }
}

#[test]
fn a_jpeg_with_bytes_after_its_end_is_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tail.jpg");
    let mut bytes = good("photo-420.jpg");
    bytes.extend(b"appended by a camera");
    fs::write(&file, bytes).expect("written");
    assert!(load_image(&file, ImageLimits::default()).is_ok());
}

#[test]
fn damage_inside_a_png_is_an_error() {
    let mut bytes = good("rgb-61x47.png");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    assert!(matches!(load(&bytes), ImageError::Decode { .. }));
}

#[test]
fn sizes_are_checked_on_the_header() {
    for (width, height) in [
        (100_000, 100_000),
        (70_000, 1),
        (1, 70_000),
        (10_000, 10_000),
    ] {
        let error = load(&claiming(width, height));
        let claim = format!("{width} x {height}");
        assert!(matches!(error, ImageError::Size { .. }), "{error:?}");
        assert!(error.to_string().contains(&claim), "{error}");
    }
    for (width, height) in [(0, 5), (5, 0), (0, 0)] {
        load(&claiming(width, height));
    }
    let narrow = ImageLimits {
        max_pixels: 61 * 47 - 1,
        ..ImageLimits::default()
    };
    let file = golden("images/rgb-61x47.png");
    assert!(matches!(
        load_image(&file, narrow),
        Err(ImageError::Size { .. })
    ));
    let short = ImageLimits {
        max_bytes: 100,
        ..ImageLimits::default()
    };
    let error = load_image(&file, short).expect_err("too many bytes");
    assert!(matches!(error, ImageError::FileTooLarge { limit: 100, .. }));
    let exact = ImageLimits {
        max_side: 61,
        max_pixels: 61 * 47,
        ..ImageLimits::default()
    };
    assert!(load_image(&file, exact).is_ok());
}

/// Whatever a byte of a JPEG is changed to, there is an image or an error, never a panic.
#[test]
fn damage_inside_a_jpeg_is_an_image_or_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("damaged.jpg");
    let (mut images, mut errors) = (0, 0);
    for name in ["photo-progressive.jpg", "photo-cmyk.jpg", "photo-420.jpg"] {
        let bytes = good(name);
        for at in (2..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] = !damaged[at];
            fs::write(&file, &damaged).expect("written");
            match load_image(&file, ImageLimits::default()) {
                Ok(_) => images += 1,
                Err(_) => errors += 1,
            }
        }
    }
    // Damage to tables and headers is noticed, most of that within a scan is not.
    assert!(images > 0 && errors > 0, "{images} images, {errors} errors");
}

#[test]
fn a_jpeg_of_endless_scans_is_refused() {
    let mut bytes = good("photo-progressive.jpg");
    let at = bytes.windows(2).rposition(|it| it == [0xff, 0xda]);
    let scan = bytes[at.expect("a scan")..bytes.len() - 2].to_vec();
    bytes.truncate(bytes.len() - 2);
    for _ in 0..500 {
        bytes.extend(&scan);
    }
    bytes.extend([0xff, 0xd9]);
    let error = load(&bytes);
    assert!(error.to_string().contains("500 scans"), "{error}");
}

/// A long picture keeps its shape, a small one its size, and equal files give equal bytes.
#[test]
fn thumbnails_are_small_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = folder.path().join("long.png");
    let stripes = |x, _| image::Rgb([if x / 60 % 2 == 0 { 0 } else { 255 }, 128, 40]);
    image::RgbImage::from_fn(300, 10, stripes)
        .save(&long)
        .expect("written");
    let small = |longest| thumbnail(&long, ImageLimits::default(), longest).expect("a thumbnail");
    let made = small(96);
    assert_eq!((made.width, made.height), (96, 3));
    assert_eq!(made, small(96));
    let copy = folder.path().join("copy.jpg");
    fs::write(&copy, &made.jpeg).expect("written");
    let read = load_image(&copy, ImageLimits::default()).expect("a JPEG");
    assert_eq!(read.dimensions(), (96, 3));
    // The first stripe is dark in red, the second bright; what a JPEG loses is less than half of that.
    assert!(
        read.get_pixel(8, 1)[0] < 64 && read.get_pixel(29, 1)[0] > 191,
        "{read:?}"
    );
    let kept = small(1_000);
    assert_eq!((kept.width, kept.height), (300, 10));
    assert_eq!((small(0).width, small(0).height), (1, 1));
}

#[test]
fn a_thumbnail_of_no_image_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("notes.png");
    fs::write(&file, "no image").expect("written");
    assert!(thumbnail(&file, ImageLimits::default(), 96).is_err());
}
