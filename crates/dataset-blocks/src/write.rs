//! Writing a data set to a folder, and recognising one that is complete.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, ErrorKind};
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{BlocksError, BlocksSpec, CAPTIONS_PER_IMAGE};

/// The file that is written last: the specification on its first line, the content checksum on its second, that of the list of
/// files on its third, and its own on the last.
pub const MARKER: &str = "COMPLETE";

/// The caption table: `image,split,caption`, one row per caption; of the style `Roles` with `class` (the role, where captions
/// are said of it) and `group` behind them.
pub const CAPTIONS_FILE: &str = "captions.csv";

/// The list of all other files with their checksums, as `sha256sum` writes and reads it.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// The file that is locked by the process that draws.
const LOCK: &str = ".lock";

/// The ending of files that are being written.
const PART: &str = "partial";

/// The version of the world: raised by one whenever any pixel or caption moves, so that folders made before the change
/// are made again.
const WORLD: u32 = 1;

/// One written image: its path relative to the folder, its split, its captions, the digest of all of it and
/// the checksum of its file.
struct Written<'a> {
    path: String,
    split: &'a str,
    captions: [String; CAPTIONS_PER_IMAGE],
    /// Class and group, in the style `Roles`.
    labels: Vec<String>,
    digest: [u8; 32],
    /// SHA-256 of the file.
    sum: String,
}

/// The first columns of the caption table, and those that the style `Roles` has behind them.
const COLUMNS: [&str; 3] = ["image", "split", "caption"];
const LABELS: [&str; 2] = ["class", "group"];

/// A drawn data set that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The content checksum in hexadecimal (see [`content_checksum`]).
    pub sha256: String,
    /// SHA-256 of the files themselves, by their paths below the folder: all images and the caption table.
    pub files: BTreeMap<String, String>,
    /// Files that were not as they had been written and have been made again, each with what was wrong.
    pub rebuilt: Vec<(PathBuf, String)>,
}

/// [`open`] without what it says of the files: the content checksum in hexadecimal.
///
/// # Errors
///
/// Those of [`open`].
pub fn generate(
    spec: &BlocksSpec,
    folder: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<String, BlocksError> {
    Ok(open(spec, folder, progress)?.sha256)
}

/// Writes `folder/images/<split>/000123.png`, `folder/captions.csv`, `folder/SHA256SUMS` and, last, `folder/COMPLETE`. A folder
/// that is complete for the same specification is read and left as it is, if every file has the checksum that it was written with.
/// Of any other, such as one that a killed process began or in which a file is damaged, an image is kept if its file holds exactly what
/// is drawn, and parts of files are removed: drawing an image costs less than writing it, and shows that the file is right.
///
/// Nothing waits for the disk: what a crash of the machine takes away has another checksum.
///
/// Images are made in parallel on rayon's current pool; the result does not depend on the number of threads. Every
/// file appears under its name only when it is whole, and of several processes one draws while the others wait. `progress` is
/// called with 1 for every image that is drawn, from any thread.
///
/// # Errors
///
/// Those of [`BlocksSpec::check`]; [`BlocksError::Io`], [`BlocksError::Image`] or [`BlocksError::Captions`] where a
/// file cannot be written.
pub fn open(
    spec: &BlocksSpec,
    folder: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Drawn, BlocksError> {
    spec.check()?;
    if let Found::Whole(drawn) = look(spec, folder)? {
        return Ok(drawn);
    }
    let _lock = lock(folder)?;
    let rebuilt = match look(spec, folder)? {
        Found::Whole(drawn) => return Ok(drawn),
        Found::Damaged(files) => files,
        Found::Unfinished => Vec::new(),
    };
    let drawn = draw(spec, folder, progress)?;
    Ok(Drawn { rebuilt, ..drawn })
}

/// What is in a folder.
enum Found {
    Whole(Drawn),
    /// It was complete, and these files are not as they were.
    Damaged(Vec<(PathBuf, String)>),
    /// Nothing, a part, or the data set of another specification.
    Unfinished,
}

fn look(spec: &BlocksSpec, folder: &Path) -> Result<Found, BlocksError> {
    let path = folder.join(MARKER);
    let marker = match read_marker(&path)? {
        Marked::Sound(marker) if marker.described == describe(spec) => marker,
        Marked::Sound(_) | Marked::Absent => return Ok(Found::Unfinished),
        Marked::Damaged => {
            let reason = "not as it was written".to_owned();
            return Ok(Found::Damaged(vec![(path, reason)]));
        }
    };
    let path = folder.join(SUMS_FILE);
    let listing = match unlike(&path, &marker.listing) {
        Some(reason) => return Ok(Found::Damaged(vec![(path, reason)])),
        None => fs::read_to_string(&path).map_err(io(&path))?,
    };
    let lines = listing.lines().filter_map(|line| line.split_once("  "));
    let files: BTreeMap<String, String> = lines
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect();
    Ok(compare(folder, marker.content, files))
}

/// Reads all files of a data set that was complete.
fn compare(folder: &Path, sha256: String, files: BTreeMap<String, String>) -> Found {
    let each: Vec<_> = files.iter().collect();
    let damaged = each.into_par_iter().filter_map(|(name, sum)| {
        let path = folder.join(name);
        unlike(&path, sum).map(|reason| (path, reason))
    });
    let damaged: Vec<_> = damaged.collect();
    match damaged.is_empty() {
        true => Found::Whole(Drawn {
            sha256,
            files,
            rebuilt: Vec::new(),
        }),
        false => Found::Damaged(damaged),
    }
}

/// What is wrong with a file that should have a checksum, if anything is.
fn unlike(path: &Path, sum: &str) -> Option<String> {
    match fs::read(path) {
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok(bytes) => {
            let found = hex(&Sha256::digest(&bytes));
            (found != sum).then(|| format!("checksum {sum} expected, content has {found}"))
        }
    }
}

fn draw(
    spec: &BlocksSpec,
    folder: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Drawn, BlocksError> {
    prepare(spec, folder)?;
    let mut written = Vec::new();
    for split in &spec.splits {
        let images = (0..split.images).into_par_iter();
        let images = images
            .map(|index| write_sample(spec, folder, &split.name, index).inspect(|_| progress(1)));
        written.extend(images.collect::<Result<Vec<_>, _>>()?);
    }
    let table = caption_table(folder, &written)?;
    write_whole(&folder.join(CAPTIONS_FILE), &table)?;
    let images = written
        .iter()
        .map(|image| (image.path.clone(), image.sum.clone()));
    let mut files: BTreeMap<String, String> = images.collect();
    files.insert(CAPTIONS_FILE.to_owned(), hex(&Sha256::digest(&table)));
    // In the form of `sha256sum`.
    let lines = files.iter().map(|(name, sum)| format!("{sum}  {name}\n"));
    let listing: String = lines.collect();
    write_whole(&folder.join(SUMS_FILE), listing.as_bytes())?;
    let marker = Marker {
        described: describe(spec),
        content: combine(written.iter().map(|image| image.digest)),
        listing: hex(&Sha256::digest(&listing)),
    };
    write_whole(&folder.join(MARKER), marker.text().as_bytes())?;
    Ok(Drawn {
        sha256: marker.content,
        files,
        rebuilt: Vec::new(),
    })
}

/// What [`MARKER`] says, a line each, and a checksum of these lines behind them.
struct Marker {
    described: String,
    content: String,
    /// Checksum of [`SUMS_FILE`].
    listing: String,
}

impl Marker {
    fn text(&self) -> String {
        let Self {
            described,
            content,
            listing,
        } = self;
        let lines = format!("{described}\nsha256 {content}\nfiles {listing}\n");
        let sum = hex(&Sha256::digest(&lines));
        format!("{lines}marker {sum}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let marker = Self {
            described: lines.next()?.to_owned(),
            content: lines.next()?.strip_prefix("sha256 ")?.to_owned(),
            listing: lines.next()?.strip_prefix("files ")?.to_owned(),
        };
        (marker.text() == text).then_some(marker)
    }
}

enum Marked {
    Sound(Marker),
    Damaged,
    Absent,
}

fn read_marker(path: &Path) -> Result<Marked, BlocksError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Marked::Absent),
        result => result.map_err(io(path))?,
    };
    let text = String::from_utf8(bytes).ok();
    // Up to world 1 of version 0.1 there were two lines, and no checksums of files.
    let old = |text: &String| text.starts_with("blocks world=") && text.lines().count() == 2;
    Ok(match text {
        Some(text) if old(&text) => Marked::Absent,
        text => text
            .and_then(|text| Marker::parse(&text))
            .map_or(Marked::Damaged, Marked::Sound),
    })
}

/// The content checksum recorded in a folder that is complete for this specification; `None` if it is not complete,
/// absent, or was made from another specification. Reads the marker only: a few bytes.
///
/// # Errors
///
/// [`BlocksError::Io`] if the marker is there but cannot be read.
pub fn completed(spec: &BlocksSpec, folder: &Path) -> Result<Option<String>, BlocksError> {
    Ok(match read_marker(&folder.join(MARKER))? {
        Marked::Sound(marker) if marker.described == describe(spec) => Some(marker.content),
        _ => None,
    })
}

/// Reads a folder back and computes its content checksum: SHA-256 over the digests of its images in the order of the
/// caption table, each the SHA-256 of the image's relative path, its split (both ended by a zero byte), width and
/// height (32-bit little-endian), its decoded RGB bytes, and its captions, class and group, as far as it has them (each
/// ended by a zero byte). How the PNG
/// files are compressed does not matter.
///
/// # Errors
///
/// [`BlocksError::Captions`] or [`BlocksError::Image`] where a file is missing or malformed.
pub fn content_checksum(folder: &Path) -> Result<String, BlocksError> {
    let table = folder.join(CAPTIONS_FILE);
    let mut reader = csv::Reader::from_path(&table).map_err(captions_error(&table))?;
    let rows = reader
        .deserialize()
        .collect::<Result<Vec<Vec<String>>, _>>()
        .map_err(captions_error(&table))?;
    let groups: Vec<&[Vec<String>]> = rows.chunk_by(|a, b| a[0] == b[0]).collect();
    let digests = groups.into_par_iter().map(|group| {
        let [name, split, _, labels @ ..] = &group[0][..] else {
            return Err(short_row(&table));
        };
        let path = folder.join(name);
        let image = image::open(&path).map_err(image_error(&path))?.into_rgb8();
        let captions = group.iter().map(|row| &row[COLUMNS.len() - 1]);
        let texts = captions.chain(labels).map(String::as_str);
        Ok(digest(name, split, &image, texts))
    });
    Ok(combine(digests.collect::<Result<Vec<_>, BlocksError>>()?))
}

/// The specification in one line: what the marker is compared with.
fn describe(spec: &BlocksSpec) -> String {
    let splits: Vec<String> = spec
        .splits
        .iter()
        .map(|split| format!("{}:{}", split.name, split.images))
        .collect();
    let BlocksSpec {
        seed,
        image_size,
        style,
        ..
    } = spec;
    format!(
        "blocks world={WORLD} seed={seed} size={image_size} style={} splits={}",
        style.name(),
        splits.join(",")
    )
}

/// Waits until no other process draws into the folder. The system lets go of a lock when its process ends.
fn lock(folder: &Path) -> Result<File, BlocksError> {
    fs::create_dir_all(folder).map_err(io(folder))?;
    let path = folder.join(LOCK);
    let mut options = File::options();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io(&path))?;
    file.lock().map_err(io(&path))?;
    Ok(file)
}

/// Takes the marker away before anything else changes, then makes the folders and removes parts of files in them.
fn prepare(spec: &BlocksSpec, folder: &Path) -> Result<(), BlocksError> {
    let marker = folder.join(MARKER);
    match fs::remove_file(&marker) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&marker)(error)),
        _ => {}
    }
    for split in &spec.splits {
        let images = folder.join("images").join(&split.name);
        fs::create_dir_all(&images).map_err(io(&images))?;
        remove_parts(&images)?;
    }
    remove_parts(folder)
}

/// Removes what processes that are gone had begun to write.
fn remove_parts(folder: &Path) -> Result<(), BlocksError> {
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        if path.extension().is_some_and(|it| it == PART) {
            fs::remove_file(&path).map_err(io(&path))?;
        }
    }
    Ok(())
}

fn write_sample<'a>(
    spec: &BlocksSpec,
    folder: &Path,
    split: &'a str,
    index: u64,
) -> Result<Written<'a>, BlocksError> {
    let sample = spec.sample(split, index)?;
    let path = format!("images/{split}/{index:06}.png");
    let file = folder.join(&path);
    let mut png = Cursor::new(Vec::new());
    sample
        .image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(image_error(&file))?;
    if !fs::read(&file).is_ok_and(|found| found == *png.get_ref()) {
        write_whole(&file, png.get_ref())?;
    }
    let labels = sample.labels();
    let texts = sample.captions.iter().chain(&labels).map(String::as_str);
    Ok(Written {
        digest: digest(&path, split, &sample.image, texts),
        sum: hex(&Sha256::digest(png.get_ref())),
        path,
        split,
        captions: sample.captions,
        labels,
    })
}

fn caption_table(folder: &Path, written: &[Written<'_>]) -> Result<Vec<u8>, BlocksError> {
    let path = folder.join(CAPTIONS_FILE);
    let mut table = csv::Writer::from_writer(Vec::new());
    let labelled = written.iter().any(|image| !image.labels.is_empty());
    let labels = LABELS.iter().filter(|_| labelled);
    table
        .write_record(COLUMNS.iter().chain(labels))
        .map_err(captions_error(&path))?;
    for image in written {
        for caption in &image.captions {
            let row = [image.path.as_str(), image.split, caption.as_str()];
            let labels = image.labels.iter().map(String::as_str);
            table
                .write_record(row.into_iter().chain(labels))
                .map_err(captions_error(&path))?;
        }
    }
    table
        .into_inner()
        .map_err(|error| io(&path)(error.into_error()))
}

/// Writes beside the file and renames: the name never shows a part.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BlocksError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{PART}"));
    let partial = PathBuf::from(partial);
    let written = fs::write(&partial, bytes).map_err(io(&partial));
    let written = written.and_then(|()| fs::rename(&partial, path).map_err(io(path)));
    if written.is_err() {
        // What cannot be removed now is removed by the next process that draws.
        drop(fs::remove_file(&partial));
    }
    written
}

fn digest<'a>(
    path: &str,
    split: &str,
    image: &RgbImage,
    captions: impl Iterator<Item = &'a str>,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in [path, split] {
        hash.update(text);
        hash.update([0]);
    }
    hash.update(image.width().to_le_bytes());
    hash.update(image.height().to_le_bytes());
    hash.update(image.as_raw());
    for caption in captions {
        hash.update(caption);
        hash.update([0]);
    }
    hash.finalize().into()
}

fn combine(digests: impl IntoIterator<Item = [u8; 32]>) -> String {
    let mut hash = Sha256::new();
    digests.into_iter().for_each(|digest| hash.update(digest));
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> BlocksError {
    move |source| BlocksError::Io {
        path: path.to_owned(),
        source,
    }
}

fn image_error(path: &Path) -> impl Fn(image::ImageError) -> BlocksError {
    move |source| BlocksError::Image {
        path: path.to_owned(),
        source,
    }
}

/// A table of fewer columns than it should have; the reader has seen to it that all rows have as many.
fn short_row(path: &Path) -> BlocksError {
    let error = std::io::Error::new(ErrorKind::InvalidData, "fewer than three columns");
    captions_error(path)(error.into())
}

fn captions_error(path: &Path) -> impl Fn(csv::Error) -> BlocksError {
    move |source| BlocksError::Captions {
        path: path.to_owned(),
        source,
    }
}
