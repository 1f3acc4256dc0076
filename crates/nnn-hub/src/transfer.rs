//! One file from one address into a partial file: resumed, counted, and checked before anybody sees it.

use crate::error::HubError;
use crate::event::Event;
use crate::http::{Answer, Ask, Client, bad_answer, shown};
use crate::retry::{Fault, Patience, persist};
use nnn_files::write_atomically;
use sha2::Digest;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use ureq::http::StatusCode;

/// What the whole file must be.
#[derive(Debug, Default)]
pub(crate) struct Expect {
    pub(crate) bytes: Option<u64>,
    /// The SHA-256 and who says so.
    pub(crate) sha256: Option<(String, String)>,
    /// SHA-1 as git counts it: of `blob <length>\0` and the content.
    pub(crate) git_sha1: Option<String>,
}

/// One file on its way.
pub(crate) struct Transfer<'a> {
    pub(crate) client: &'a Client,
    pub(crate) ask: Ask<'a>,
    pub(crate) partial: &'a Path,
    /// Whether the partial file's name says which content it is of; what the server says of the content is kept beside
    /// it otherwise, and asked about before going on.
    pub(crate) named_by_content: bool,
    pub(crate) expect: &'a Expect,
    pub(crate) tell: &'a dyn Fn(Event<'_>),
}

/// Size of the pieces that arrive.
const PIECE: usize = 1 << 16;

/// The state of a transfer over its tries.
struct Course<'a, 'b> {
    transfer: &'b Transfer<'a>,
    /// The furthest position that was reached.
    furthest: Cell<u64>,
}

impl Transfer<'_> {
    /// Brings the file, and gives its SHA-256. The partial file is then whole and flushed.
    pub(crate) fn run(&self, patience: &Patience) -> Result<String, HubError> {
        let name = self.ask.name;
        let tell = |reason: &str, wait| (self.tell)(Event::Retry { name, reason, wait });
        let course = Course {
            transfer: self,
            furthest: Cell::new(0),
        };
        let url = shown(self.ask.url);
        let sum = persist(patience, (name, &url), &tell, || course.attempt())?;
        (self.tell)(Event::Done { name });
        let _ = fs::remove_file(self.validator());
        Ok(sum)
    }

    /// Where the server's word on the content of a partial file is kept.
    fn validator(&self) -> PathBuf {
        beside(self.partial, ".etag")
    }

    /// How much is there, and the condition under which it is worth going on from.
    fn have(&self) -> (u64, Option<String>) {
        let length = fs::metadata(self.partial).map_or(0, |it| it.len());
        if self.named_by_content {
            return (length, None);
        }
        match fs::read_to_string(self.validator()) {
            Ok(validator) if length > 0 => (length, Some(validator)),
            _ => (0, None),
        }
    }

    fn forget(&self) {
        let _ = fs::remove_file(self.partial);
        let _ = fs::remove_file(self.validator());
    }

    /// Keeps what the server says of the content; nothing is resumed of which it says nothing.
    fn note_validator(&self, answer: &Answer) -> Result<(), HubError> {
        if self.named_by_content {
            return Ok(());
        }
        let strong = answer.header("etag").filter(|etag| !etag.starts_with("W/"));
        let path = self.validator();
        match strong.or_else(|| answer.header("last-modified")) {
            Some(text) => write_atomically(&path, |out| out.write_all(text.as_bytes()))
                .map_err(|error| HubError::disk(&path, error)),
            None => {
                let _ = fs::remove_file(path);
                Ok(())
            }
        }
    }
}

impl Course<'_, '_> {
    fn attempt(&self) -> Result<String, Fault> {
        let transfer = self.transfer;
        let (have, condition) = transfer.have();
        if have > 0 && transfer.expect.bytes == Some(have) {
            return self.verify(true);
        }
        let mut headers = Vec::new();
        if have > 0 {
            headers.push(("range", format!("bytes={have}-")));
            headers.extend(condition.map(|it| ("if-range", it)));
        }
        let mut answer = transfer.client.get(&Ask {
            headers: &headers,
            ..transfer.ask
        })?;
        if answer.status == StatusCode::RANGE_NOT_SATISFIABLE {
            transfer.forget();
            return Err(Fault::passing(
                "what had arrived is not part of the file any more",
            ));
        }
        if answer.status == StatusCode::OK {
            answer.refuse_page(&transfer.ask)?;
        }
        let (from, total) = self.span(&answer, have)?;
        self.receive(answer, from, total)?;
        self.verify(from > 0)
    }

    /// The position of the first byte of an answer, and the size of the whole file where it is known.
    fn span(&self, answer: &Answer, have: u64) -> Result<(u64, Option<u64>), HubError> {
        let ask = &self.transfer.ask;
        let (from, total) = match answer.status {
            StatusCode::OK => (
                0,
                answer
                    .header("content-length")
                    .and_then(|it| it.parse().ok()),
            ),
            StatusCode::PARTIAL_CONTENT => {
                let range = answer.header("content-range").unwrap_or_default();
                let (from, total) = content_range(range)
                    .ok_or_else(|| bad_answer(ask, format!("the range {range:?}")))?;
                (from, total)
            }
            other => return Err(bad_answer(ask, format!("status {other}"))),
        };
        if from != 0 && from != have {
            return Err(bad_answer(
                ask,
                format!("bytes from {from}, asked from {have}"),
            ));
        }
        match (total, self.transfer.expect.bytes) {
            (Some(total), Some(expected)) if total != expected => Err(bad_answer(
                ask,
                format!("a file of {total} bytes, expected {expected}"),
            )),
            _ => Ok((from, total)),
        }
    }

    fn receive(&self, answer: Answer, from: u64, total: Option<u64>) -> Result<(), Fault> {
        let transfer = self.transfer;
        let disk = |error| Fault::Lasting(HubError::disk(transfer.partial, error));
        let mut file = open_at(transfer.partial, from).map_err(disk)?;
        transfer.note_validator(&answer)?;
        (transfer.tell)(Event::Start {
            name: transfer.ask.name,
            total: total.or(transfer.expect.bytes),
            have: from,
        });
        let mut reader = answer.into_reader();
        let mut piece = vec![0; PIECE];
        let mut at = from;
        let end = loop {
            match reader.read(&mut piece) {
                Ok(0) => break None,
                Ok(read) => {
                    file.write_all(&piece[..read]).map_err(disk)?;
                    at += read as u64;
                    (transfer.tell)(Event::Bytes(read as u64));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(error.to_string()),
            }
        };
        file.sync_all().or_else(is_device).map_err(disk)?;
        let whole = total.is_none_or(|total| at >= total);
        match end {
            None if whole => Ok(()),
            broken => Err(Fault::Passing {
                reason: format!(
                    "the transfer broke off after {at} bytes ({})",
                    broken.as_deref().unwrap_or("the connection ended")
                ),
                wait: None,
                advanced: self.furthest.replace(self.furthest.get().max(at)) < at,
            }),
        }
    }

    /// Compares the partial file with what is known of the whole one, and gives its SHA-256. `resumed`: it came in more
    /// than one piece, so that another try from the start may help.
    fn verify(&self, resumed: bool) -> Result<String, Fault> {
        let transfer = self.transfer;
        let sums =
            sums(transfer.partial).map_err(|error| HubError::disk(transfer.partial, error))?;
        let wrong = match (&transfer.expect.sha256, &transfer.expect.git_sha1) {
            (Some((expected, by)), _) if !expected.eq_ignore_ascii_case(&sums.sha256) => Some((
                format!("SHA-256 {}", sums.sha256),
                format!("SHA-256 {expected}"),
                by.clone(),
            )),
            (_, Some(expected)) if *expected != sums.git_sha1 => Some((
                format!("git's SHA-1 {}", sums.git_sha1),
                format!("git's SHA-1 {expected}"),
                "the hub".to_owned(),
            )),
            _ => None,
        };
        let Some((found, expected, source_of)) = wrong else {
            return Ok(sums.sha256);
        };
        transfer.forget();
        if resumed {
            return Err(Fault::passing(
                "what arrived in pieces has a wrong checksum",
            ));
        }
        Err(Fault::Lasting(HubError::Checksum {
            name: transfer.ask.name.to_owned(),
            url: shown(transfer.ask.url),
            found,
            expected,
            source_of,
        }))
    }
}

/// A file that is written from a position on; what stood behind it goes.
fn open_at(path: &Path, from: u64) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    let mut file = options
        .create(true)
        .write(true)
        .truncate(from == 0)
        .open(path)?;
    file.seek(SeekFrom::Start(from))?;
    Ok(file)
}

/// Devices cannot be flushed, and need not be.
fn is_device(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        ErrorKind::InvalidInput => Ok(()),
        _ => Err(error),
    }
}

/// `bytes 5-9/10` as 5 and 10.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split_once('-')?.0.trim().parse().ok()?;
    match total.trim() {
        "*" => Some((from, None)),
        total => Some((from, Some(total.parse().ok()?))),
    }
}

struct Sums {
    sha256: String,
    git_sha1: String,
}

fn sums(path: &Path) -> std::io::Result<Sums> {
    let mut file = File::open(path)?;
    let mut sha256 = sha2::Sha256::new();
    let mut sha1 = sha1::Sha1::new();
    sha1.update(format!("blob {}\0", file.metadata()?.len()));
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sha256.update(&piece[..read]);
        sha1.update(&piece[..read]);
    }
    Ok(Sums {
        sha256: hex(&sha256.finalize()),
        git_sha1: hex(&sha1.finalize()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path with something added to its last part.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for wrong in [
            "",
            "bytes",
            "bytes 5/10",
            "items 5-9/10",
            "bytes a-9/10",
            "bytes 5-9/x",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    /// As `git hash-object` prints it for a file with `hello` and a line break.
    #[test]
    fn the_checksum_that_git_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        fs::write(&path, "hello\n").expect("a file");
        let sums = sums(&path).expect("sums");
        assert_eq!(sums.git_sha1, "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
