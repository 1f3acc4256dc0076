//! Pixels against `transformers`' PIL-backed processor, files against Pillow.

mod common;

use common::{golden, json};
use nnn_encode::{ImageLimits, PixelSpec, RgbImage, load_image};
use nnn_files::sha256_bytes;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// As `pattern` of tools/reference/clip_goldens.py.
fn pattern(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let value = 3 * x * x + 5 * y * y + 7 * x * y + (x / 7) * (y / 5) * 13;
        image::Rgb([0, 91, 182].map(|channel| ((value + channel) % 256) as u8))
    })
}

fn spec(name: &str) -> PixelSpec {
    PixelSpec::load(&golden(&format!("spec-{name}.json"))).expect(name)
}

/// The values of a golden tensor, levels and reals alike.
fn values(tensors: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = tensors.tensor(name).expect(name);
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::U8 => data.iter().map(|&level| f64::from(level)).collect(),
        Dtype::F32 => {
            let reals = data.as_chunks().0.iter();
            reals.map(|it| f64::from(f32::from_le_bytes(*it))).collect()
        }
        other => panic!("{name} is {other:?}"),
    }
}

/// Largest and mean absolute difference.
fn difference(ours: &[f64], theirs: &[f64]) -> (f64, f64) {
    assert_eq!(ours.len(), theirs.len());
    let distances = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    let (max, sum) = distances.fold((0.0, 0.0), |(max, sum), it| (f64::max(max, it), sum + it));
    (max, sum / ours.len() as f64)
}

#[test]
fn resampling_is_pillows_bit_by_bit() {
    let cases = json("resized.json");
    let cases = cases.as_array().expect("a list");
    assert_eq!(cases.len(), 7);
    for case in cases {
        let spec = PixelSpec::parse(&case["spec"].to_string()).expect("a specification");
        let sizes: Vec<(u32, u32)> = serde_json::from_value(case["sizes"].clone()).expect("sizes");
        for (&(width, height), sum) in sizes.iter().zip(case["sha256"].as_array().expect("sums")) {
            let values = spec.apply(&pattern(width, height));
            let levels: Vec<u8> = values.iter().map(|&it| it as u8).collect();
            assert!(levels.iter().zip(&values).all(|(&a, &b)| f32::from(a) == b));
            assert_eq!(
                Some(sha256_bytes(&levels).as_str()),
                sum.as_str(),
                "{width} x {height}, {}",
                spec.canonical()
            );
        }
    }
}

#[test]
fn pixels_are_those_of_transformers() {
    let bytes = std::fs::read(golden("pixels.safetensors")).expect("pixels");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let mut compared = 0;
    for name in tensors.names() {
        let (spec_name, file) = name.split_once('/').expect("spec/file");
        if spec_name == "decoded" {
            continue;
        }
        let image = load_image(&golden("images").join(file), ImageLimits::default());
        let ours = spec(spec_name).apply(&image.expect(file));
        let ours: Vec<f64> = ours.into_iter().map(f64::from).collect();
        let (max, _) = difference(&ours, &values(&tensors, name));
        // One step of single precision at the values at hand (below 4 normalised, below 1000 unscaled).
        let tolerance = match spec_name {
            "clip" => 2.4e-7,
            "normalize-only" => 6.2e-5,
            _ => 0.0,
        };
        assert!(max <= tolerance, "{name}: {max:e}");
        compared += 1;
    }
    assert_eq!(compared, 30);
}

/// Every kind of JPEG: sampling 4:4:4, 4:2:2 and 4:2:0, progressive, restarts, grey, RGB, CMYK, YCCK, an orientation tag
/// (which is not applied), sides of one pixel.
/// Guards against a decoder whose pixels were some levels off Pillow's.
#[test]
fn jpeg_pixels_are_pillows() {
    let bytes = std::fs::read(golden("pixels.safetensors")).expect("pixels");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let names = tensors.names();
    let files: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix("decoded/"))
        .collect();
    assert_eq!(files.len(), 14);
    for file in files {
        let image = load_image(&golden("images").join(file), ImageLimits::default()).expect(file);
        let ours: Vec<f64> = image.as_raw().iter().map(|&it| f64::from(it)).collect();
        let theirs = tensors.tensor(&format!("decoded/{file}")).expect(file);
        let size = [image.height() as usize, image.width() as usize, 3];
        assert_eq!(theirs.shape(), size, "{file}");
        let (max, _) = difference(&ours, &values(&tensors, &format!("decoded/{file}")));
        assert_eq!(max, 0.0, "{file}");
    }
}

/// Every kind of WebP, GIF, BMP and TIFF: each file has Pillow's pixels beside it as a PNG. Made by
/// `tools/reference/image_goldens.py`.
#[test]
fn pixels_of_other_formats_are_pillows() {
    let load = |file: &Path| load_image(file, ImageLimits::default());
    let mut compared = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(golden("formats")).expect("goldens") {
        let png = entry.expect("an entry").path();
        if png.extension().is_none_or(|it| it != "png") {
            continue;
        }
        compared += 1;
        let theirs = load(&png).expect("Pillow's pixels");
        let ours = match load(&png.with_extension("")) {
            Ok(ours) => ours,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let name = png.display();
        let distances = ours.as_raw().iter().zip(theirs.as_raw());
        let most = distances.map(|(a, b)| a.abs_diff(*b)).max();
        if ours.dimensions() != theirs.dimensions() || most != Some(0) {
            wrong.push(format!(
                "{name}: by up to {most:?}, {:?}",
                ours.dimensions()
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(compared, 54);
}

#[test]
fn twenty_megapixels_are_pillows() {
    let sums = json("large.json");
    let spec = spec_of_224();
    let sum = |image: &RgbImage| {
        let levels: Vec<u8> = spec.apply(image).iter().map(|&it| it as u8).collect();
        sha256_bytes(&levels)
    };
    let image = load_image(&golden("large.jpg"), ImageLimits::default()).expect("an image");
    assert_eq!(image.dimensions(), (5472, 3648));
    assert_eq!(sums["decoded"], sha256_bytes(image.as_raw()));
    assert_eq!(sums["levels"], sum(&image));
    assert_eq!(sums["pattern"], sum(&pattern(5472, 3648)));
}

/// The first of the resizing cases.
fn spec_of_224() -> PixelSpec {
    let spec = &json("resized.json")[0]["spec"];
    let spec = PixelSpec::parse(&spec.to_string()).expect("a specification");
    assert_eq!(spec.fixed_size(), Some((224, 224)));
    spec
}

#[test]
fn a_side_of_one_pixel_is_cropped_before_it_is_stretched() {
    // The whole resized image would have 32 x 2,097,120 pixels.
    let image = RgbImage::from_fn(1, 65_535, |_, y| image::Rgb([(y / 256) as u8; 3]));
    let values = spec("levels").apply(&image);
    assert_eq!(values.len(), 3 * 32 * 32);
    assert!(values.iter().all(|&it| it == 127.0 || it == 128.0));
}

#[test]
fn sizes_are_read_in_all_spellings() {
    let parse = |size: &str, crop: &str| {
        let json = format!(
            r#"{{"feature_extractor_type": "CLIPFeatureExtractor", "size": {size}, "crop_size": {crop},
                 "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}}"#
        );
        PixelSpec::parse(&json)
    };
    let spelt = parse(
        r#"{"shortest_edge": 224}"#,
        r#"{"height": 200, "width": 200}"#,
    );
    let bare = parse("224", "200").expect("bare");
    assert_eq!(spelt.expect("spelt"), bare);
    assert_eq!(bare.fixed_size(), Some((200, 200)));
    let squash = parse(r#"{"height": 10, "width": 20}"#, "200").expect("squash");
    assert_ne!(squash, bare);
    for (size, crop) in [
        ("0", "200"),
        ("9000", "200"),
        ("-3", "200"),
        ("\"224\"", "200"),
        (r#"{"longest_edge": 224}"#, "200"),
        (r#"{"shortest_edge": 224, "longest_edge": 300}"#, "200"),
        ("224", r#"{"shortest_edge": 224}"#),
        ("224", "null"),
    ] {
        let error = parse(size, crop).expect_err(size).to_string();
        assert!(error.contains("size"), "{error}");
    }
}

#[test]
fn nothing_that_decides_pixels_is_guessed() {
    let whole = std::fs::read_to_string(golden("spec-clip.json")).expect("the file");
    let whole: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    let changed = |key: &str, value: serde_json::Value| {
        let mut json = whole.clone();
        json[key] = value;
        let error = PixelSpec::parse(&json.to_string()).expect_err(key);
        error.to_string()
    };
    let null = serde_json::Value::Null;
    for key in ["image_mean", "image_std", "resample", "size", "crop_size"] {
        let error = changed(key, null.clone());
        assert_eq!(
            error,
            format!("{key} is missing, and no default is assumed")
        );
    }
    for (key, value, part) in [
        (
            "image_processor_type",
            null,
            "image processor without a name is unknown",
        ),
        (
            "image_processor_type",
            "ViTImageProcessor".into(),
            "image processor ViTImageProcessor is unknown",
        ),
        ("resample", 0.into(), "received 0"),
        ("rescale_factor", 0.into(), "received 0"),
        (
            "image_std",
            vec![0.5, 0.0, 0.5].into(),
            "received [0.5, 0.0, 0.5]",
        ),
        ("image_mean", vec![0.5].into(), "length"),
        ("do_pad", true.into(), "do_pad is on"),
    ] {
        let error = changed(key, value);
        assert!(error.contains(part), "{error}");
    }
}

/// SigLIP's processor squashes and never crops; its first files say `mean` and `std`, those of SigLIP 2 leave
/// `do_convert_rgb` open.
#[test]
fn siglip_configurations_are_read_as_they_were_written() {
    let spec = |mean: &str, std: &str| {
        PixelSpec::parse(&format!(
            r#"{{"image_processor_type": "SiglipImageProcessor", "{mean}": [0.5, 0.5, 0.5], "{std}": [0.5, 0.5, 0.5],
            "resample": 2, "size": {{"height": 20, "width": 20}}, "do_convert_rgb": null}}"#
        ))
    };
    let now = spec("image_mean", "image_std").expect("a specification");
    assert_eq!(now.fixed_size(), Some((20, 20)));
    assert_eq!(spec("mean", "std").expect("a specification"), now);
    let values = now.apply(&pattern(40, 10));
    assert_eq!(values.len(), 3 * 20 * 20);
    assert!(values.iter().all(|it| (-1.0..=1.0).contains(it)));
    let error = spec("mean", "deviation").expect_err("no deviation");
    assert!(
        error.to_string().contains("image_std is missing"),
        "{error}"
    );
}

/// torchvision's `center_crop` starts at `round((surplus) / 2)`, which Python rounds half to even.
#[test]
fn open_clip_crops_as_torchvision() {
    let json = serde_json::json!({"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]});
    let open_clip = PixelSpec::open_clip(&json, 32).expect("a specification");
    let clip = PixelSpec::parse(
        r#"{"image_processor_type": "CLIPImageProcessor", "image_mean": [0, 0, 0], "image_std": [1, 1, 1],
        "resample": 3, "size": 32, "crop_size": 32}"#,
    );
    let clip = clip.expect("a specification");
    for (surplus, torchvision, transformers) in [
        (0, 0, 0),
        (1, 0, 0),
        (2, 1, 1),
        (3, 2, 1),
        (4, 2, 2),
        (5, 2, 2),
        (7, 4, 3),
    ] {
        let image = pattern(32 + surplus, 32);
        for (spec, first) in [(&open_clip, torchvision), (&clip, transformers)] {
            let level = f32::from(image.get_pixel(first, 0).0[0]);
            let value = spec.apply(&image)[0] * 255.0;
            assert!((value - level).abs() < 1e-3, "{surplus}: {value}, {level}");
        }
    }
    let squash = serde_json::json!({"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0], "resize_mode": "squash"});
    let squash = PixelSpec::open_clip(&squash, 32).expect("a specification");
    assert_eq!(squash.fixed_size(), Some((32, 32)));
    let null = PixelSpec::open_clip(&serde_json::Value::Null, 32).expect_err("nothing said");
    assert!(null.to_string().contains("mean is missing"), "{null}");
}
