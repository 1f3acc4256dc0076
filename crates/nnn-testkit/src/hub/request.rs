//! A request as it was received.

use std::io::{self, ErrorKind, Read};

/// Heads are short; anything longer is no test's.
const LONGEST_HEAD: usize = 16 << 10;

/// A request as it was received; its body, if any, is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.0 == name);
        found.map(|header| header.1.as_str())
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub(crate) fn read(mut from: impl Read) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > LONGEST_HEAD || from.read(&mut byte)? == 0 {
                return Err(ErrorKind::InvalidData.into());
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let method = first.next().unwrap_or_default().to_owned();
        let target = first.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        };
        Ok(Self {
            method,
            path,
            headers: lines.filter_map(header).collect(),
        })
    }
}
