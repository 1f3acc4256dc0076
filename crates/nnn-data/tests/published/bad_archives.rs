//! Archives that are damaged, or made to do harm: refused by name, and nothing half-written stays.

use crate::{Lab, part, place, source};
use flate2::Compression;
use flate2::write::GzEncoder;
use nnn_data::{AnnotationFormat, Archive, ArchiveLimits, FilesSource, OnGap};
use std::fs;
use std::io::{Cursor, Write};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn zip(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut zip);
    zip.finish().expect("a zip").into_inner()
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip(|zip| {
        for (name, content) in entries {
            zip.start_file(*name, stored()).expect("an entry");
            zip.write_all(content).expect("its content");
        }
    })
}

/// A tar whose names and types are written as they are given, whatever they are.
fn tar_of(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        if !kind.is_file() {
            header.set_link_name("/etc/passwd").expect("a link");
        }
        header.set_cksum();
        tar.append(&header, *content).expect("an entry");
    }
    tar.into_inner().expect("a tar")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(bytes).expect("compressed");
    gz.finish().expect("a gzip file")
}

/// A data set whose only images are `a.jpg` and `b.jpg`.
fn lab(archive: &str, content: &[u8]) -> (Lab, FilesSource) {
    let mut lab = Lab::new();
    lab.put("t.csv", "image,caption\na.jpg,x\nb.jpg,y\n");
    lab.put(archive, content);
    let mut table = part(AnnotationFormat::Table, &["t.csv"]);
    table.split = Some("test".to_owned());
    (lab, source(vec![table], place(&[archive])))
}

/// What is said of an archive, at the latest when the images are extracted; no file is left where it should not be.
fn fault(archive: &str, content: &[u8]) -> String {
    let (lab, from) = lab(archive, content);
    let before = everything(&lab);
    let found = match lab.open(&from, &["test"], OnGap::Fail) {
        Err(message) => message,
        Ok(store) => {
            let images = store.splits()["test"].images().to_vec();
            let error = store.provide(&images, &|_| ()).expect_err("a bad archive");
            for image in images {
                let content = fs::read(store.image_path(&image));
                assert!(content.is_err() || content.is_ok_and(|it| it == b"whole"));
            }
            lab.shorten(&error.to_string())
        }
    };
    let mut after = everything(&lab);
    // Whole images that came before the fault, and the list of their checksums.
    let extracted = |file: &str| file.ends_with(".jpg") || file.ends_with("/.SHA256SUMS");
    after.retain(|file| !(file.starts_with("cache/extracted/") && extracted(file)));
    assert_eq!(before, after);
    found
}

/// All files of a lab.
fn everything(lab: &Lab) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![lab.folder.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(lab.shorten(&path.display().to_string())),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn names_that_climb_out() {
    for name in [
        "../a.jpg",
        "x/../../a.jpg",
        "/a.jpg",
        "C:/a.jpg",
        "..\\a.jpg",
    ] {
        let expected =
            format!("entry {name:?}: its name would leave the folder that it is extracted to");
        let zip = zip_of(&[(name, b"x"), ("b.jpg", b"y")]);
        assert_eq!(fault("i.zip", &zip), format!("i.zip, {expected}"));
        let tar = tar_of(&[
            (name, EntryType::Regular, b"x"),
            ("b.jpg", EntryType::Regular, b"y"),
        ]);
        assert_eq!(fault("i.tar", &tar), format!("i.tar, {expected}"));
        assert_eq!(fault("i.tgz", &gz(&tar)), format!("i.tgz, {expected}"));
    }
}

#[test]
fn links_that_are_asked_for() {
    let linked = zip(|zip| {
        zip.add_symlink("i/a.jpg", "/etc/passwd", stored())
            .expect("a link");
        zip.start_file("i/b.jpg", stored()).expect("an entry");
    });
    assert_eq!(
        fault("i.zip", &linked),
        "i.zip, entry \"i/a.jpg\": it is a symbolic link, expected a plain file"
    );
    for (kind, found) in [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Fifo, "a device or the like"),
    ] {
        let tar = tar_of(&[
            ("i/a.jpg", kind, b""),
            ("i/b.jpg", EntryType::Regular, b"y"),
        ]);
        let expected = format!("entry \"i/a.jpg\": it is {found}, expected a plain file");
        assert_eq!(fault("i.tar", &tar), format!("i.tar, {expected}"));
        assert_eq!(
            fault("i.tar.gz", &gz(&tar)),
            format!("i.tar.gz, {expected}")
        );
    }
}

/// A link that nobody asks for does no harm.
#[test]
fn links_beside_the_images() {
    let entries: [(&str, EntryType, &[u8]); 3] = [
        ("latest", EntryType::Symlink, b""),
        ("a.jpg", EntryType::Regular, b"whole"),
        ("b.jpg", EntryType::Regular, b"whole"),
    ];
    let (lab, from) = lab("i.tar", &tar_of(&entries));
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("two images");
    let images = store.splits()["test"].images();
    store.provide(images, &|_| ()).expect("extracted");
    assert_eq!(
        fs::read(store.image_path("b.jpg")).expect("an image"),
        b"whole"
    );
}

/// A zip whose first entry holds ten bytes, and announces `size`.
fn announcing(size: u32) -> Vec<u8> {
    let mut bytes = zip(|zip| {
        zip.start_file("a.jpg", deflated()).expect("an entry");
        zip.write_all(b"0123456789").expect("its content");
        zip.start_file("b.jpg", stored()).expect("an entry");
        zip.write_all(b"whole").expect("its content");
    });
    let is_size = |at: &usize| bytes[*at..at + 4] == 10u32.to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(is_size).collect();
    for at in places {
        bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
    }
    bytes
}

#[test]
fn bombs() {
    assert_eq!(
        fault("i.zip", &announcing(17 << 20)),
        "i.zip, entry \"a.jpg\": 12 bytes grow to 17825792, more than 100 times as many"
    );
    // Zeros are packed a thousandfold.
    let zeros = vec![0; 1 << 20];
    let limits = ArchiveLimits {
        unsuspicious: 1 << 16,
        ..ArchiveLimits::default()
    };
    let tar = tar_of(&[("a.jpg", EntryType::Regular, &zeros)]);
    let zip = zip(|zip| {
        zip.start_file("a.jpg", deflated()).expect("an entry");
        zip.write_all(&zeros).expect("its content");
    });
    for (name, content) in [("i.tar.gz", gz(&tar)), ("i.zip", zip)] {
        let mut lab = Lab::new();
        lab.put(name, content);
        let found = Archive::open(&lab.files[name].path, name, limits);
        let found = found.and_then(|archive| archive.find("a.jpg"));
        let message = lab.shorten(&found.expect_err("a bomb").to_string());
        assert!(message.starts_with(name), "{message}");
        assert!(
            message.ends_with(", more than 100 times as many"),
            "{message}"
        );
    }
}

#[test]
fn sizes_beyond_the_limit() {
    let limits = ArchiveLimits {
        entry: 4,
        ..ArchiveLimits::default()
    };
    let tar = tar_of(&[
        ("a.jpg", EntryType::Regular, b"12345"),
        ("b.jpg", EntryType::Regular, b"1234"),
    ]);
    let packed = gz(&tar);
    let zip = zip_of(&[("a.jpg", b"12345"), ("b.jpg", b"1234")]);
    for (name, content) in [("i.tar", &tar), ("i.tgz", &packed), ("i.zip", &zip)] {
        let mut lab = Lab::new();
        lab.put(name, content);
        let archive = Archive::open(&lab.files[name].path, name, limits).expect("an archive");
        let error = archive.find("a.jpg").expect_err("too large");
        assert_eq!(
            lab.shorten(&error.to_string()),
            format!("{name}, entry \"a.jpg\": it has 5 bytes, more than the limit of 4")
        );
        let small = archive.find("b.jpg").expect("small enough").expect("there");
        assert_eq!(archive.read(small).expect("its content"), b"1234");
        assert!(archive.find("c.jpg").expect("nothing wrong").is_none());
    }
}

/// The headers say 11 or 9 bytes where the deflated content has 10.
#[test]
fn more_and_less_than_announced() {
    let less = fault("i.zip", &announcing(11));
    assert_eq!(less, "i.zip, entry \"a.jpg\": it ends after 10 of 11 bytes");
    let more = fault("i.zip", &announcing(9));
    assert_eq!(
        more,
        "i.zip, entry \"a.jpg\": not readable as zip: File is larger than its declared uncompressed size"
    );
}

/// Guards against a damaged `.tar.gz` taken for whole: its checksum stands behind the last entry and was not read.
#[test]
fn another_checksum() {
    let mut zip = zip_of(&[("a.jpg", b"whole"), ("b.jpg", b"whole")]);
    let at = zip
        .windows(5)
        .position(|it| it == b"whole")
        .expect("the content");
    zip[at] = b'W';
    assert_eq!(
        fault("i.zip", &zip),
        "i.zip, entry \"a.jpg\": not readable as zip: Invalid checksum"
    );
    let mut packed = gz(&tar_of(&[
        ("a.jpg", EntryType::Regular, b"whole"),
        ("b.jpg", EntryType::Regular, b""),
    ]));
    let sum = packed.len() - 8;
    packed[sum] ^= 1;
    assert_eq!(
        fault("i.tar.gz", &packed),
        "i.tar.gz: not readable as tar.gz: corrupt gzip stream does not have a matching checksum"
    );
}

#[test]
fn archives_that_end_early() {
    let zip = zip_of(&[("a.jpg", b"whole"), ("b.jpg", b"whole")]);
    let found = fault("i.zip", &zip[..zip.len() - 30]);
    assert!(found.starts_with("i.zip: not readable as zip: "), "{found}");
    let long = [7; 2000];
    let tar = tar_of(&[
        ("a.jpg", EntryType::Regular, b"whole"),
        ("b.jpg", EntryType::Regular, &long),
    ]);
    assert_eq!(
        fault("i.tar", &tar[..2000]),
        "i.tar, entry \"b.jpg\": the archive ends within it"
    );
    let packed = gz(&tar);
    let found = fault("i.tar.gz", &packed[..packed.len() / 2]);
    assert!(
        found.starts_with("i.tar.gz: not readable as tar.gz: "),
        "{found}"
    );
    assert!(fault("i.zip", b"").starts_with("i.zip: not readable as zip: "));
    assert!(fault("i.tar", &[9; 700]).starts_with("i.tar: not readable as tar: "));
}

/// Sets two bytes in the headers of the first entry: in front of it and in the directory at the end.
fn patched(zip: &[u8], field: usize, value: u16) -> Vec<u8> {
    let mut zip = zip.to_vec();
    let directory = zip
        .windows(4)
        .position(|it| it == b"PK\x01\x02")
        .expect("a directory");
    for at in [field, directory + field + 2] {
        zip[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    zip
}

#[test]
fn encryption_and_odd_compression() {
    let zip = zip_of(&[("a.jpg", b"x"), ("b.jpg", b"y")]);
    let (flags, method) = (6, 8);
    assert_eq!(
        fault("i.zip", &patched(&zip, flags, 1)),
        "i.zip, entry \"a.jpg\": it is encrypted"
    );
    assert_eq!(
        fault("i.zip", &patched(&zip, method, 12)),
        "i.zip, entry \"a.jpg\": it is compressed as Bzip2, expected Stored or Deflated"
    );
}

#[test]
fn two_entries_that_could_be_meant() {
    let zip = zip_of(&[("x/a.jpg", b"1"), ("y/a.jpg", b"2"), ("b.jpg", b"3")]);
    assert_eq!(
        fault("i.zip", &zip),
        "i.zip, entry \"x/a.jpg\": image \"a.jpg\" is this and also \"y/a.jpg\""
    );
    let tar = tar_of(&[
        ("a.jpg", EntryType::Regular, b"1"),
        ("a.jpg", EntryType::Regular, b"2"),
    ]);
    assert_eq!(
        fault("i.tar", &tar),
        "i.tar, entry \"a.jpg\": two entries are called so"
    );
    let (mut lab, mut from) = lab("i.zip", &zip_of(&[("a.jpg", b"1"), ("b.jpg", b"2")]));
    lab.put("j.zip", zip_of(&[("deep/a.jpg", b"3")]));
    from.images = vec![place(&["i.zip", "j.zip"])];
    let found = lab.open(&from, &["test"], OnGap::Fail).expect_err("twice");
    assert_eq!(found, "image \"a.jpg\" is in i.zip and in j.zip");
}

/// Shards whose images have two captions: lines of a text, a list in JSON, or both alike.
/// Guards against dropping the captions of a `.json` without a word where the `.txt` beside it has others.
#[test]
fn shards_with_two_captions_an_image() {
    let read = |shards: &[&[(&str, &str)]]| {
        let mut lab = Lab::new();
        let names: Vec<String> = (0..shards.len()).map(|at| format!("{at}.tar")).collect();
        for (name, entries) in names.iter().zip(shards) {
            let entries = entries
                .iter()
                .map(|(name, text)| (*name, EntryType::Regular, text.as_bytes()));
            lab.put(name, tar_of(&entries.collect::<Vec<_>>()));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut shards = part(AnnotationFormat::Shards, &names);
        shards.split = Some("test".to_owned());
        let store = lab.open(&source(vec![shards], place(&names)), &["test"], OnGap::Fail)?;
        let pairs = &store.splits()["test"];
        Ok::<_, String>((pairs.texts().to_vec(), pairs.text_to_image().to_vec()))
    };
    let two = || {
        let texts = ["x", "y", "z"].map(str::to_owned).to_vec();
        Ok((texts, vec![0, 0, 1]))
    };
    let last = [("b.png", "picture"), ("b.txt", "z\n")];
    let shard = |first: &[(&'static str, &'static str)]| [first, &last[..]].concat();
    let image = ("a.jpg", "picture");
    let lines = ("a.txt", "x\n\ny\n");
    let list = ("a.json", r#"{"caption": ["x", "y"]}"#);
    assert_eq!(read(&[&shard(&[image, lines])]), two());
    assert_eq!(read(&[&shard(&[list, image])]), two());
    assert_eq!(read(&[&shard(&[image, lines, list])]), two());
    assert_eq!(read(&[&[image, list], &last]), two());
    let other = ("a.json", r#"{"caption": ["x", "w"]}"#);
    for (shards, expected) in [
        (
            vec![shard(&[image, lines, other])],
            "0.tar, entry \"a\": `caption` is [\"x\", \"w\"] in the .json and [\"x\", \"y\"] in the .txt, expected the same \
             captions in both, or one of them",
        ),
        (
            vec![shard(&[image, list, other])],
            "0.tar, entry \"a\": the sample is one with json and json, expected one image and one text, or the endings that are \
             meant as `columns: {image: ..., caption: ...}`",
        ),
        (
            vec![shard(&[image, lines, ("a.txt", "w")])],
            "0.tar, entry \"a\": the sample is one with txt and txt, expected one image and one text, or the endings that are \
             meant as `columns: {image: ..., caption: ...}`",
        ),
        (
            vec![shard(&[image, lines]), vec![image, ("a.txt", "w")]],
            "1.tar, entry \"a.jpg\": image \"a.jpg\" is listed twice, first at entry \"a.jpg\" of 0.tar",
        ),
    ] {
        let shards: Vec<&[(&str, &str)]> = shards.iter().map(Vec::as_slice).collect();
        let found = read(&shards).expect_err("two of one kind");
        assert_eq!(found, expected);
    }
}

#[test]
fn kinds_that_are_not_known() {
    assert_eq!(
        fault("i.rar", b"Rar!"),
        "i.rar: no kind of archive that is known, expected .zip, .tar, .tar.gz, .tgz or .parquet"
    );
}

/// What a killed extraction was writing is removed by a later one, unless it may still be written.
/// Guards against half-written files that stayed in the cache for good.
#[test]
fn leftovers_are_removed() {
    let (lab, from) = lab(
        "i.zip",
        &zip_of(&[("a.jpg", b"whole"), ("b.jpg", b"whole")]),
    );
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("two images");
    let images = store.splits()["test"].images();
    let a = store.image_path("a.jpg");
    let folder = a.parent().expect("a folder");
    let (old, new) = (folder.join(".part-old"), folder.join(".part-new"));
    fs::create_dir_all(folder).expect("a folder");
    fs::write(&new, b"wh").expect("a part");
    let before = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    let file = fs::File::create(&old).expect("a part");
    file.set_modified(before).expect("an old part");
    store.provide(images, &|_| ()).expect("both images");
    assert!(!old.exists() && new.exists() && a.exists());
}

/// What a killed extraction left is kept if it is whole, replaced if it is not; another archive's files are never taken.
#[test]
fn extraction_goes_on_where_it_stopped() {
    let first = zip_of(&[("a.jpg", b"whole"), ("b.jpg", b"whole")]);
    let (mut lab, from) = lab("i.zip", &first);
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("two images");
    let images = store.splits()["test"].images().to_vec();
    store.provide(&images[..1], &|_| ()).expect("one image");
    let (a, b) = (store.image_path("a.jpg"), store.image_path("b.jpg"));
    assert!(a.is_file() && !b.exists(), "only what is asked for");
    // Of an old date, to see whether it is written again; the other is cut off.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let file = fs::File::options().write(true).open(&a).expect("a file");
    file.set_modified(old).expect("an old file");
    fs::write(&b, b"who").expect("a part");
    let told = Mutex::new(0);
    let progress = |some| *told.lock().expect("a count") += some;
    store.provide(&images, &progress).expect("both images");
    assert_eq!(*told.lock().expect("a count"), 2);
    let modified = fs::metadata(&a).and_then(|it| it.modified());
    assert_eq!(modified.expect("a time"), old, "it was kept");
    assert_eq!(fs::read(&b).expect("made again"), b"whole");
    lab.put("i.zip", zip_of(&[("a.jpg", b"other"), ("b.jpg", b"other")]));
    let store = lab.open(&from, &["test"], OnGap::Fail).expect("two images");
    store.provide(&images, &|_| ()).expect("both images");
    assert_eq!(fs::read(store.image_path("a.jpg")).expect("new"), b"other");
}

/// Guards against an image of the right size in which a bit has flipped, or which a crash of the machine has left full of zeros: the size
/// alone was compared.
#[test]
fn a_damaged_image_is_extracted_again() {
    let archive = zip_of(&[("a.jpg", b"whole"), ("b.jpg", b"other")]);
    let (lab, from) = lab("i.zip", &archive);
    let open = || lab.open(&from, &["test"], OnGap::Fail).expect("two images");
    let store = open();
    let images = store.splits()["test"].images().to_vec();
    let a = store.image_path("a.jpg");
    store.provide(&images, &|_| ()).expect("both images");
    assert!(store.take_rebuilt().is_empty());
    for damage in [b"whule".as_slice(), &[0; 5], b"other"] {
        fs::write(&a, damage).expect("damaged");
        let store = open();
        store.provide(&images, &|_| ()).expect("both images");
        let rebuilt: Vec<_> = store.take_rebuilt().into_iter().map(|it| it.0).collect();
        assert_eq!(rebuilt, std::slice::from_ref(&a));
        assert_eq!(fs::read(&a).expect("made again"), b"whole");
        assert_eq!(store.sum(&a), Some(nnn_files::sha256_bytes(b"whole")));
    }
    // Where nothing is noted of an image, it may be what a crash has left.
    let ledger = a.with_file_name(".SHA256SUMS");
    fs::write(&ledger, "half a li").expect("a torn ledger");
    fs::write(&a, [0; 5]).expect("damaged");
    open().provide(&images, &|_| ()).expect("both images");
    assert_eq!(fs::read(&a).expect("made again"), b"whole");
    assert!(open().provide(&images, &|_| ()).is_ok());
    // A line of another image that was cut where its name is that of this one.
    let torn = format!("{}  a.jpg", nnn_files::sha256_bytes(b"another"));
    fs::write(&ledger, torn).expect("a torn ledger");
    let store = open();
    store.provide(&images, &|_| ()).expect("both images");
    assert!(store.take_rebuilt().is_empty());
    let store = open();
    store.provide(&images, &|_| ()).expect("both images");
    assert!(store.take_rebuilt().is_empty());
    assert_eq!(store.sum(&a), Some(nnn_files::sha256_bytes(b"whole")));
}
