//! Tar shards as webdataset has them: the files of a sample have one name up to the first dot.

use super::Input;
use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use super::json::Texts;
use crate::FileError;
use crate::published::archive::{Archive, ArchiveError, ArchiveLimits, TakeError};
use serde::Deserialize;
use std::collections::HashMap;

const IMAGES: [&str; 3] = ["jpg", "jpeg", "png"];

/// What a sample consists of.
#[derive(Default)]
struct Sample {
    key: String,
    image: Option<String>,
    /// Entry with one caption per line.
    text: Option<usize>,
    /// Entry with `caption`, and possibly `url` and `split`.
    json: Option<usize>,
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
    let samples = samples(&archive, rows)?;
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

/// Samples in the order of their first files.
fn samples(archive: &Archive, rows: &Rows<'_, '_>) -> Result<Vec<Sample>, AnnotationError> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut places = HashMap::new();
    for (at, name) in archive.names().enumerate() {
        let Some((key, ending)) = split(name) else {
            continue;
        };
        let place = *places.entry(key).or_insert_with(|| {
            samples.push(Sample {
                key: key.to_owned(),
                ..Sample::default()
            });
            samples.len() - 1
        });
        let sample = &mut samples[place];
        let ending = ending.to_ascii_lowercase();
        let before = match ending.as_str() {
            "txt" => sample.text.replace(at).is_some(),
            "json" => sample.json.replace(at).is_some(),
            image if IMAGES.contains(&image) => sample.image.replace(name.to_owned()).is_some(),
            _ => false,
        };
        if before {
            let problem = AnnotationProblem::Value {
                what: format!("sample {key:?}"),
                found: "one with two images or two texts".to_owned(),
                expected: "one of each kind",
            };
            return Err(rows.error(Place::Entry(name.to_owned()), problem));
        }
    }
    Ok(samples)
}

/// The contents of all text and JSON entries, by entry.
fn texts(
    archive: &Archive,
    samples: &[Sample],
    rows: &Rows<'_, '_>,
) -> Result<HashMap<usize, Vec<u8>>, AnnotationError> {
    let entries = samples.iter().flat_map(|sample| [sample.text, sample.json]);
    let mut wanted: Vec<usize> = entries.flatten().collect();
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
    sample: Sample,
    texts: &mut HashMap<usize, Vec<u8>>,
    rows: &mut Rows<'_, '_>,
) -> Result<(), AnnotationError> {
    let mut text = |at: Option<usize>, kind: &str| match at.and_then(|at| texts.remove(&at)) {
        Some(bytes) => utf8(bytes, &format!("{}.{kind}", sample.key), rows).map(Some),
        None => Ok(None),
    };
    let lines = text(sample.text, "txt")?;
    let described = match text(sample.json, "json")? {
        Some(json) => Some(parse(&json, &format!("{}.json", sample.key), rows)?),
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
        image: &image,
        captions,
        address: url.as_deref(),
        whole: true,
        ..Row::default()
    };
    rows.push(Place::Entry(image.clone()), row)
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
