//! Tar shards as webdataset has them: the files of a sample have one name up to the first dot.

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use super::json::Texts;
use crate::FileError;
use crate::published::archive::{Archive, ArchiveError, ArchiveLimits, TakeError};
use serde::Deserialize;
use std::collections::HashMap;

/// Endings of images. `avif` and the like are here so that their files are refused by name.
const IMAGES: [&str; 12] = [
    "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "jxl", "jp2",
];

/// Endings of texts.
const TEXTS: [&str; 5] = ["txt", "text", "caption", "captions", "cap"];

/// An entry of a sample: its number, its name, and the ending of that.
#[derive(Debug, Clone)]
struct Member {
    at: usize,
    name: String,
    ending: String,
}

/// What a sample consists of.
#[derive(Default)]
struct Sample {
    key: String,
    /// Entries with one caption per line.
    texts: Vec<Member>,
    /// Entries with `caption`, and possibly `url` and `split`.
    jsons: Vec<Member>,
    images: Vec<Member>,
}

impl Sample {
    /// Sorts an entry in by its ending, of which the last part says the kind.
    fn add(&mut self, at: usize, name: &str, ending: &str) {
        let last = ending.rsplit('.').next().unwrap_or(ending);
        let last = last.to_ascii_lowercase();
        let kind = match last.as_str() {
            "json" => &mut self.jsons,
            text if TEXTS.contains(&text) => &mut self.texts,
            image if IMAGES.contains(&image) => &mut self.images,
            _ => return,
        };
        kind.push(Member {
            at,
            name: name.to_owned(),
            ending: ending.to_owned(),
        });
    }
}

/// The one of some members that is meant: that with the ending that the card names, else the only one without a further dot, else
/// the only one.
fn meant(members: &[Member], named: Option<&str>) -> Result<Option<Member>, AnnotationProblem> {
    let plain = |it: &&Member| !it.ending.contains('.');
    let called = |it: &&Member| named.is_some_and(|name| it.ending.eq_ignore_ascii_case(name));
    let of = |fits: &dyn Fn(&&Member) -> bool| members.iter().filter(fits).cloned().collect();
    let mut found: Vec<Member> = of(&called);
    if found.is_empty() {
        found = of(&plain);
    }
    if found.is_empty() {
        found = members.to_vec();
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => {
            let endings: Vec<&str> = found.iter().map(|it| it.ending.as_str()).collect();
            Err(AnnotationProblem::Value {
                what: "the sample".to_owned(),
                found: format!("one with {}", endings.join(" and ")),
                expected: "one image and one text, or the endings that are meant as `columns: {image: ..., caption: ...}`",
            })
        }
    }
}

#[derive(Deserialize)]
struct Described {
    caption: Option<Texts>,
    url: Option<String>,
    split: Option<String>,
}

/// Reads the captions of a shard.
pub(super) fn read(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let unreadable = |error: ArchiveError| {
        let problem = AnnotationProblem::Unreadable(error.problem.to_string());
        rows.error(error.entry.map(Place::Entry), problem)
    };
    let kind = AnnotationProblem::Kind {
        format: "shards",
        expected: ".tar, .tar.gz or .tgz, not in an archive",
    };
    if input.member.is_some() || !matches!(input.extension().as_str(), "tar" | "gz" | "tgz") {
        return Err(rows.error(None, kind));
    }
    let archive = input
        .archive(ArchiveLimits::default())
        .map_err(unreadable)?;
    let samples = samples(&archive);
    let samples = samples.iter().map(|it| Chosen::of(it, rows));
    let samples: Vec<Chosen> = samples.collect::<Result<_, _>>()?;
    let mut texts = texts(&archive, &samples, rows)?;
    for sample in samples {
        push(sample, &mut texts, rows)?;
    }
    Ok(())
}

/// The part of a path before the first dot of its last part, and what follows that dot.
fn split(name: &str) -> Option<(&str, &str)> {
    let base = name.rfind('/').map_or(0, |at| at + 1);
    let dot = base + name[base..].find('.')?;
    Some((&name[..dot], &name[dot + 1..]))
}

/// Samples in the order of their first files. Names that begin with a dot are no sample's.
fn samples(archive: &Archive) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut places = HashMap::new();
    for (at, name) in archive.names().enumerate() {
        let Some((key, ending)) =
            split(name).filter(|(key, _)| !key.is_empty() && !key.ends_with('/'))
        else {
            continue;
        };
        let place = *places.entry(key).or_insert_with(|| {
            samples.push(Sample {
                key: key.to_owned(),
                ..Sample::default()
            });
            samples.len() - 1
        });
        samples[place].add(at, name, ending);
    }
    samples
}

/// The members of a sample that are read.
struct Chosen {
    key: String,
    image: Option<Member>,
    text: Option<Member>,
    json: Option<Member>,
}

impl Chosen {
    fn of(sample: &Sample, rows: &Rows<'_, '_>) -> Result<Self, AnnotationError> {
        let names = &rows.part().columns;
        let image = names.image.as_ref().map(ToString::to_string);
        let caption = names.captions().and_then(|it| it.into_iter().next());
        let one = |members: &[Member], named: Option<&str>| {
            let place = Place::Entry(sample.key.clone());
            meant(members, named).map_err(|problem| rows.error(place, problem))
        };
        Ok(Self {
            key: sample.key.clone(),
            image: one(&sample.images, image.as_deref())?,
            text: one(&sample.texts, caption.as_deref())?,
            json: one(&sample.jsons, caption.as_deref())?,
        })
    }
}

/// The contents of all text and JSON entries, by entry.
fn texts(
    archive: &Archive,
    samples: &[Chosen],
    rows: &Rows<'_, '_>,
) -> Result<HashMap<usize, Vec<u8>>, AnnotationError> {
    let entries = samples.iter().flat_map(|it| [&it.text, &it.json]);
    let mut wanted: Vec<usize> = entries.flatten().map(|it| it.at).collect();
    wanted.sort_unstable();
    let mut texts = HashMap::new();
    let read = archive.read_each(&wanted, &mut |at, content| {
        let mut bytes = Vec::new();
        let read = content.read_to_end(&mut bytes);
        texts.insert(at, bytes);
        read.map(drop)
            .map_err(|error| FileError::new(archive.path(), error))
    });
    match read {
        Ok(()) => Ok(texts),
        Err(TakeError::Archive(error)) => {
            let problem = AnnotationProblem::Unreadable(error.problem.to_string());
            Err(rows.error(error.entry.map(Place::Entry), problem))
        }
        Err(TakeError::Taker(error)) => {
            Err(rows.error(None, AnnotationProblem::Unreadable(error.to_string())))
        }
    }
}

fn push(
    sample: Chosen,
    texts: &mut HashMap<usize, Vec<u8>>,
    rows: &mut Rows<'_, '_>,
) -> Result<(), AnnotationError> {
    let mut text = |member: &Option<Member>| match member {
        Some(Member { at, name, .. }) => {
            let bytes = texts.remove(at).unwrap_or_default();
            utf8(bytes, name, rows).map(|text| Some((text, name.clone())))
        }
        None => Ok(None),
    };
    let lines = text(&sample.text)?.map(|(text, _)| text);
    let described = match text(&sample.json)? {
        Some((json, name)) => Some(parse(&json, &name, rows)?),
        None => None,
    };
    let (caption, url, split) =
        described.map_or((None, None, None), |it| (it.caption, it.url, it.split));
    let caption = caption.map(Texts::into_vec);
    let lines: Option<Vec<String>> = lines.map(|it| full(&it).map(str::to_owned).collect());
    if let (Some(lines), Some(caption)) = (&lines, &caption)
        && lines != caption
    {
        let problem = AnnotationProblem::Value {
            what: "`caption`".to_owned(),
            found: format!("{caption:?} in the .json and {lines:?} in the .txt"),
            expected: "the same captions in both, or one of them",
        };
        return Err(rows.error(Place::Entry(sample.key.clone()), problem));
    }
    let captions: Vec<String> = lines.or(caption).unwrap_or_default();
    let Some(image) = sample.image else {
        return match captions.is_empty() {
            true => Ok(()),
            false => rows.unknown_image(Place::Entry(sample.key.clone()), sample.key),
        };
    };
    let row = Row {
        split: split.as_deref(),
        image: &image.name,
        captions,
        address: url.as_deref(),
        whole: true,
        ..Row::default()
    };
    rows.push(Place::Entry(image.name.clone()), row)
}

/// Lines that are not blank.
fn full(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

fn utf8(bytes: Vec<u8>, entry: &str, rows: &Rows<'_, '_>) -> Result<String, AnnotationError> {
    String::from_utf8(bytes).map_err(|error| {
        let problem = AnnotationProblem::Malformed {
            format: "UTF-8 text",
            problem: error.utf8_error().to_string(),
        };
        rows.error(Place::Entry(entry.to_owned()), problem)
    })
}

fn parse(json: &str, entry: &str, rows: &Rows<'_, '_>) -> Result<Described, AnnotationError> {
    serde_json::from_str(json).map_err(|error| {
        let problem = AnnotationProblem::Malformed {
            format: "JSON",
            problem: error.to_string(),
        };
        rows.error(Place::Entry(entry.to_owned()), problem)
    })
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_last_part() {
        assert_eq!(split("a.b/c.d.jpg"), Some(("a.b/c", "d.jpg")));
        assert_eq!(split("c.jpg"), Some(("c", "jpg")));
        assert_eq!(split("a.b/c"), None);
    }
}
