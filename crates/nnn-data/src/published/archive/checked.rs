//! A reader of one entry that holds it to its announced size, and keeps what was wrong.

use super::{ArchiveProblem, damaged};
use std::io::{self, Read};

pub(super) struct Checked<'a> {
    content: &'a mut dyn Read,
    announced: u64,
    found: u64,
    kind: &'static str,
    problem: Option<ArchiveProblem>,
}

impl<'a> Checked<'a> {
    pub(super) fn new(content: &'a mut dyn Read, announced: u64, kind: &'static str) -> Self {
        Self {
            content,
            announced,
            found: 0,
            kind,
            problem: None,
        }
    }

    /// What was wrong with the content, if anything was.
    pub(super) fn problem(self) -> Option<ArchiveProblem> {
        self.problem
    }

    fn fail(&mut self, problem: ArchiveProblem) -> io::Result<usize> {
        let message = problem.to_string();
        self.problem = Some(problem);
        Err(io::Error::other(message))
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (found, announced) = (self.found, self.announced);
        match self.content.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => self.fail(damaged(self.kind, error)),
            Ok(0) if !buffer.is_empty() && found < announced => {
                self.fail(ArchiveProblem::Shorter { found, announced })
            }
            Ok(read) if found + read as u64 > announced => {
                self.fail(ArchiveProblem::Longer { announced })
            }
            Ok(read) => {
                self.found += read as u64;
                Ok(read)
            }
        }
    }
}
