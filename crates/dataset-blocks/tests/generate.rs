//! Folders on disk: layout, resumption, recognition, checksums.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use dataset_blocks::{
    BlocksError, BlocksSpec, CAPTIONS_FILE, MARKER, SUMS_FILE, SplitSpec, Style, completed,
    content_checksum, generate, open,
};

fn spec() -> BlocksSpec {
    let split = |name: &str, images| SplitSpec {
        name: name.to_owned(),
        images,
    };
    BlocksSpec {
        seed: 3,
        image_size: 32,
        style: Style::Everyday,
        splits: vec![split("train", 12), split("test", 5)],
    }
}

/// Generates and says how many images were written.
fn count_written(spec: &BlocksSpec, folder: &Path) -> (String, u64) {
    let written = AtomicU64::new(0);
    let progress = |images| {
        written.fetch_add(images, Ordering::Relaxed);
    };
    let checksum = generate(spec, folder, &progress).unwrap();
    (checksum, written.into_inner())
}

#[test]
fn layout_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    count_written(&spec(), folder.path());
    let mut reader = csv::Reader::from_path(folder.path().join(CAPTIONS_FILE)).unwrap();
    assert_eq!(reader.headers().unwrap(), vec!["image", "split", "caption"]);
    let rows: Vec<[String; 3]> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5 * 17);
    let sample = spec().sample("test", 2).unwrap();
    for (row, caption) in rows[5 * 14..5 * 15].iter().zip(&sample.captions) {
        assert_eq!(
            row,
            &[
                "images/test/000002.png".to_owned(),
                "test".to_owned(),
                caption.clone()
            ]
        );
    }
    let image = image::open(folder.path().join("images/test/000002.png")).unwrap();
    assert_eq!(image.into_rgb8(), sample.image);
}

#[test]
fn no_partial_file_is_left() {
    let folder = tempfile::tempdir().unwrap();
    count_written(&spec(), folder.path());
    let names = |path: &str| {
        let entries = fs::read_dir(folder.path().join(path)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(""),
        [".lock", MARKER, SUMS_FILE, CAPTIONS_FILE, "images"]
    );
    let expected: Vec<String> = (0..5).map(|index| format!("{index:06}.png")).collect();
    assert_eq!(names("images/test"), expected);
}

#[test]
fn complete_folder_is_recognised_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (checksum, written) = count_written(&spec(), folder.path());
    assert_eq!(written, 17);
    assert_eq!(
        completed(&spec(), folder.path()).unwrap().as_deref(),
        Some(checksum.as_str())
    );
    assert_eq!(count_written(&spec(), folder.path()), (checksum, 0));
}

#[test]
fn folder_without_marker_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (checksum, _) = count_written(&spec(), folder.path());
    fs::remove_file(folder.path().join(MARKER)).unwrap();
    fs::write(
        folder.path().join("images/train/000003.png"),
        "half a picture",
    )
    .unwrap();
    assert_eq!(completed(&spec(), folder.path()).unwrap(), None);
    assert_eq!(
        count_written(&spec(), folder.path()),
        (checksum.clone(), 17)
    );
    assert_eq!(content_checksum(folder.path()).unwrap(), checksum);
}

/// A process that was killed leaves whole images, which are kept, and parts of files, which are neither used nor left.
/// Guards against beginning anew after a kill, and against parts of files that stayed because their names held the number of a
/// process.
#[test]
fn drawing_goes_on_where_it_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (checksum, _) = count_written(&spec(), folder.path());
    let path = |name: &str| folder.path().join(name);
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let age = |name: &str| {
        let file = fs::File::options().write(true).open(path(name)).unwrap();
        file.set_modified(long_ago).unwrap();
    };
    let is_old = |name: &str| fs::metadata(path(name)).unwrap().modified().unwrap() == long_ago;
    let (whole, absent, cut, foreign) = (
        "images/train/000002.png",
        "images/train/000011.png",
        "images/test/000003.png",
        "images/test/000004.png",
    );
    fs::remove_file(path(MARKER)).unwrap();
    fs::remove_file(path(CAPTIONS_FILE)).unwrap();
    fs::remove_file(path(absent)).unwrap();
    let half = fs::read(path(cut)).unwrap();
    fs::write(path(cut), &half[..half.len() / 2]).unwrap();
    fs::copy(path(whole), path(foreign)).unwrap();
    for part in [
        "captions.csv.partial",
        "images/train/000011.png.partial",
        "images/test/000000.png.77.partial",
    ] {
        fs::write(path(part), "half").unwrap();
    }
    for name in [whole, cut, foreign] {
        age(name);
    }
    assert_eq!(
        count_written(&spec(), folder.path()),
        (checksum.clone(), 17)
    );
    assert_eq!(content_checksum(folder.path()).unwrap(), checksum);
    assert_eq!([whole, cut, foreign].map(is_old), [true, false, false]);
    let parts = ["", "images/train", "images/test"].map(|name| {
        let entries = fs::read_dir(path(name)).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with("partial")).count()
    });
    assert_eq!(parts, [0; 3]);
}

/// Guards against captions and images that were damaged on the disk and went into results, and against images that a crash of the
/// machine left full of zeros.
#[test]
fn a_damaged_file_is_found_and_drawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let drawn = open(&spec(), folder.path(), &|_| ()).unwrap();
    assert_eq!(drawn.files.len(), 18);
    assert!(drawn.rebuilt.is_empty());
    for name in ["images/train/000003.png", CAPTIONS_FILE, SUMS_FILE, MARKER] {
        let whole = fs::read(path(name)).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let damaged = [
            flipped,
            vec![0; whole.len()],
            whole[..whole.len() - 1].to_vec(),
            Vec::new(),
        ];
        for content in damaged {
            fs::write(path(name), content).unwrap();
            let found = open(&spec(), folder.path(), &|_| ()).unwrap();
            let rebuilt: Vec<_> = found.rebuilt.iter().map(|it| it.0.clone()).collect();
            assert_eq!(rebuilt, [path(name)]);
            assert_eq!((&found.sha256, &found.files), (&drawn.sha256, &drawn.files));
            assert_eq!(fs::read(path(name)).unwrap(), whole);
        }
    }
    // Two images that have changed places, each of them sound.
    let (one, other) = (
        path("images/test/000001.png"),
        path("images/test/000002.png"),
    );
    let whole = fs::read(&one).unwrap();
    fs::copy(&other, &one).unwrap();
    assert_eq!(
        open(&spec(), folder.path(), &|_| ()).unwrap().rebuilt.len(),
        1
    );
    assert_eq!(fs::read(&one).unwrap(), whole);
}

/// Of two that begin at once, one waits and finds the other's work.
/// Guards against two processes that drew all images each, into one folder.
#[test]
fn two_at_once_draw_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = std::thread::scope(|scope| {
        let begin = || scope.spawn(|| count_written(&spec(), folder.path()));
        let both = (begin(), begin());
        (both.0.join().unwrap(), both.1.join().unwrap())
    });
    assert_eq!(one.0, other.0);
    assert_eq!(one.1 + other.1, 17);
}

#[test]
fn folder_of_another_specification_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = count_written(&spec(), folder.path());
    let other = BlocksSpec { seed: 4, ..spec() };
    assert_eq!(completed(&other, folder.path()).unwrap(), None);
    let (second, written) = count_written(&other, folder.path());
    assert_ne!(first, second);
    assert_eq!(written, 17);
}

#[test]
fn checksum_is_of_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let (checksum, _) = count_written(&spec(), folder.path());
    assert_eq!(content_checksum(folder.path()).unwrap(), checksum);
    // The same pixels compressed in another way keep it; one changed pixel moves it.
    let path = folder.path().join("images/train/000000.png");
    let mut image = image::open(&path).unwrap().into_rgb8();
    let before = fs::read(&path).unwrap();
    let file = fs::File::create(&path).unwrap();
    let best = image::codecs::png::CompressionType::Best;
    let encoder = image::codecs::png::PngEncoder::new_with_quality(file, best, Default::default());
    image.write_with_encoder(encoder).unwrap();
    assert_ne!(fs::read(&path).unwrap(), before);
    assert_eq!(content_checksum(folder.path()).unwrap(), checksum);
    image.get_pixel_mut(5, 7).0[1] ^= 1;
    image.save(&path).unwrap();
    assert_ne!(content_checksum(folder.path()).unwrap(), checksum);
}

#[test]
fn threads_change_nothing() {
    let on = |threads| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| count_written(&spec(), folder.path()).0)
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn impossible_specifications_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |spec: BlocksSpec| {
        generate(&spec, folder.path(), &|_| {})
            .unwrap_err()
            .to_string()
    };
    let tiny = BlocksSpec {
        image_size: 8,
        ..spec()
    };
    assert!(matches!(
        tiny.sample("train", 0),
        Err(BlocksError::ImageSize { found: 8 })
    ));
    assert_eq!(
        refuse(tiny),
        "image size: expected 16 to 512 pixels, found 8"
    );
    let outside = SplitSpec {
        name: "../up".to_owned(),
        images: 1,
    };
    let outside = BlocksSpec {
        splits: vec![outside],
        ..spec()
    };
    assert_eq!(
        refuse(outside),
        "split name: expected lower-case letters, digits and `-`, found \"../up\""
    );
    let split = spec().splits.remove(0);
    let twice = BlocksSpec {
        splits: vec![split.clone(), split],
        ..spec()
    };
    assert_eq!(refuse(twice), "split \"train\" is listed twice");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn unwritable_place_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        generate(&spec(), &file, &|_| {}),
        Err(BlocksError::Io { .. })
    ));
}
