//! One file from one address into a partial file: resumed, counted, and checked before anybody sees it.

use crate::error::HubError;
use crate::event::Event;
use crate::http::{Answer, Ask, Client, bad_answer, shown};
use crate::retry::{Fault, Patience, persist};
use nnn_files::{sync_folder, write_atomically};
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
    /// Whether the partial file's name says which content it is of, and `expect` a checksum of it; what the server says of
    /// the content is kept beside it otherwise, and asked about before going on.
    pub(crate) named_by_content: bool,
    pub(crate) expect: &'a Expect,
    pub(crate) tell: &'a dyn Fn(Event<'_>),
}

/// Size of the pieces that arrive.
const PIECE: usize = 1 << 16;

/// After so many bytes a part of which no checksum is known is flushed, and noted as being there. A transfer that is killed
/// goes on from the last note, so this is what a kill may cost; flushing more often costs time in every transfer.
const FLUSHED_EVERY: u64 = 16 << 20;

/// What is kept beside a partial file whose content nothing else vouches for.
///
/// After a power loss a file can have its length without its data: zeros where the last of them were. So a transfer goes on
/// from what was flushed, not from what is there.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    /// What the server says of the content.
    validator: String,
    /// How many bytes were on the disk when this was written.
    flushed: u64,
}

impl Note {
    fn text(&self) -> String {
        format!("{}\n{}\n", self.validator, self.flushed)
    }

    /// Nothing of a text that has no number, as earlier versions wrote it.
    fn parse(text: &str) -> Option<Self> {
        let (validator, flushed) = text.strip_suffix('\n')?.split_once('\n')?;
        Some(Self {
            validator: validator.to_owned(),
            flushed: flushed.parse().ok()?,
        })
    }
}

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
        let _ = fs::remove_file(self.note_path());
        Ok(sum)
    }

    /// Where the [`Note`] on a partial file is kept.
    fn note_path(&self) -> PathBuf {
        beside(self.partial, ".etag")
    }

    /// How much is there, and the condition under which it is worth going on from.
    fn have(&self) -> (u64, Option<String>) {
        let length = fs::metadata(self.partial).map_or(0, |it| it.len());
        if self.named_by_content {
            return (length, None);
        }
        let text = fs::read_to_string(self.note_path()).ok();
        let note = text.and_then(|text| Note::parse(&text));
        match note {
            Some(note) if note.flushed.min(length) > 0 => {
                (note.flushed.min(length), Some(note.validator))
            }
            _ => (0, None),
        }
    }

    fn forget(&self) {
        let _ = fs::remove_file(self.partial);
        let _ = fs::remove_file(self.note_path());
    }

    /// What the server says of the content, where that is to be kept; nothing is resumed of which it says nothing.
    fn validator(&self, answer: &Answer) -> Option<String> {
        let strong = answer.header("etag").filter(|etag| !etag.starts_with("W/"));
        let text = strong.or_else(|| answer.header("last-modified"));
        text.filter(|_| !self.named_by_content).map(str::to_owned)
    }

    /// Removes the note on what is about to be overwritten, for good: it must not come back with other data after a crash.
    fn drop_note(&self) -> Result<(), HubError> {
        let path = self.note_path();
        let folder = path.parent().unwrap_or(&path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| sync_folder(folder)),
        }
        .map_err(|error| HubError::disk(&path, error))
    }

    /// Flushes a partial file of `flushed` bytes, then notes that they are there.
    fn flush(&self, file: &File, validator: Option<&str>, flushed: u64) -> Result<(), HubError> {
        let Some(validator) = validator else {
            return Ok(());
        };
        file.sync_data()
            .or_else(is_device)
            .map_err(|error| HubError::disk(self.partial, error))?;
        let path = self.note_path();
        let validator = validator.to_owned();
        let text = Note { validator, flushed }.text();
        write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|error| HubError::disk(&path, error))
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
        if from == 0 {
            transfer.drop_note()?;
        }
        let file = open_at(transfer.partial, from).map_err(disk)?;
        let validator = transfer.validator(&answer);
        (transfer.tell)(Event::Start {
            name: transfer.ask.name,
            total: total.or(transfer.expect.bytes),
            have: from,
        });
        let (at, broken) = self.copy(answer, &file, from, validator.as_deref())?;
        file.sync_all().or_else(is_device).map_err(disk)?;
        if broken.is_none() && total.is_none_or(|total| at >= total) {
            return Ok(());
        }
        transfer.flush(&file, validator.as_deref(), at)?;
        Err(Fault::Passing {
            reason: format!(
                "the transfer broke off after {at} bytes ({})",
                broken.as_deref().unwrap_or("the connection ended")
            ),
            wait: None,
            advanced: self.furthest.replace(self.furthest.get().max(at)) < at,
        })
    }

    /// Writes what arrives behind the first `at` bytes: how long the file is then, and what the connection broke off with.
    fn copy(
        &self,
        answer: Answer,
        mut file: &File,
        mut at: u64,
        validator: Option<&str>,
    ) -> Result<(u64, Option<String>), HubError> {
        let transfer = self.transfer;
        let mut reader = answer.into_reader();
        let mut piece = vec![0; PIECE];
        let mut flushed = at;
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok((at, None)),
                Ok(read) => {
                    file.write_all(&piece[..read])
                        .map_err(|error| HubError::disk(transfer.partial, error))?;
                    at += read as u64;
                    (transfer.tell)(Event::Bytes(read as u64));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Ok((at, Some(error.to_string()))),
            }
            if at - flushed >= FLUSHED_EVERY {
                transfer.flush(file, validator, at)?;
                flushed = at;
            }
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
    if from > 0 {
        file.set_len(from)?;
    }
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

    #[test]
    fn notes() {
        let note = |validator: &str, flushed| Note {
            validator: validator.to_owned(),
            flushed,
        };
        let some = note("\"v-1\"", 12);
        assert_eq!(Note::parse(&some.text()), Some(some));
        for torn in [
            "",
            "\"v-1\"",
            "\"v-1\"\n",
            "\"v-1\"\n1",
            "\"v-1\"\nx\n",
            "\0\0\0",
        ] {
            assert_eq!(Note::parse(torn), None, "{torn:?}");
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
