//! Images of every format, which their first bytes tell, and small copies of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_encode::{ImageLimits, load_image, thumbnail};

const LIMITS: ImageLimits = ImageLimits {
    max_side: 1 << 16,
    max_pixels: 1 << 20,
    max_bytes: 1 << 20,
};

fuzz_target!(|bytes: &[u8]| {
    let file = nnn_fuzz::file("image", bytes);
    match load_image(&file, LIMITS) {
        Ok(image) => {
            assert!(image.width() > 0 && image.height() > 0);
            let small = thumbnail(&file, LIMITS, 16).expect("a small copy");
            assert!(small.width <= 16 && small.height <= 16 && !small.jpeg.is_empty());
        }
        Err(error) => assert!(error.to_string().contains("image"), "{error}"),
    }
});
