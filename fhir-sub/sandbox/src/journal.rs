//! [`Journal`]: every write in a file, so that the sandbox is the same after a restart.

mod compaction;
mod lock;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::compaction::Counts;
use self::lock::Lock;
use super::notification::Interaction;
use super::store::Change;
use crate::fhir::Instant;

/// A file to which every write is added, as a line of JSON. The line is in the file before the write is answered. So if
/// the process is killed, no answered write is lost.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// How many bytes of the file belong to whole transactions.
    length: u64,
    /// Whether a part of a failed transaction may follow these bytes.
    is_torn: bool,
    _lock: Lock,
}

/// The content of a journal when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Content {
    text: Vec<u8>,
    lines: Vec<(Range<usize>, Line)>,
}

#[derive(Debug)]
pub(crate) enum Line {
    Write(Write),
    Counts(Counts),
}

/// A write, as read from a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Write {
    pub(crate) at: Instant,
    interaction: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) version: u64,
    /// The resource after the write; `None` for a deletion.
    #[serde(default)]
    pub(crate) resource: Option<Value>,
    /// Whether the next line belongs to the same transaction.
    #[serde(default)]
    goes_on: bool,
}

/// A write, as it is written to a line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    at: Instant,
    interaction: &'a str,
    kind: &'a str,
    id: &'a str,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    goes_on: bool,
}

/// The name of the file.
const NAME: &str = "journal.ndjson";

impl Journal {
    /// Opens the journal in the directory, and reads the earlier writes. The directory is created if it is absent.
    ///
    /// If the writer was killed, the last transaction may be incomplete. Such a transaction was not answered, and is
    /// cut off.
    ///
    /// # Errors
    ///
    /// Another sandbox uses the directory ([`ResourceBusy`](io::ErrorKind::ResourceBusy)), the directory cannot be
    /// created or read, or a line before the end is not a write.
    pub(crate) fn open(directory: &Path) -> io::Result<(Self, Content)> {
        fs::create_dir_all(directory)?;
        let lock = Lock::take(directory)?;
        let path = directory.join(NAME);
        let text = match fs::metadata(&path) {
            Ok(there) if !there.is_file() => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("its {NAME} is not a regular file"),
                ));
            }
            Ok(_) => fs::read(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let size = text.len();
        let content = Content::read(text)?;
        let file = appended(&path, false)?;
        if content.text.len() < size {
            file.set_len(content.text.len() as u64)?;
        }
        let length = content.text.len() as u64;
        Ok((Self { path, file, length, is_torn: false, _lock: lock }, content))
    }

    /// Adds the writes of one transaction: all of them, or none.
    ///
    /// # Errors
    ///
    /// The file cannot be written, for example because the disk is full.
    pub(crate) fn add(&mut self, changes: &[Change], at: Instant) -> io::Result<()> {
        let mut text = Vec::new();
        for (left, change) in (0..changes.len()).rev().zip(changes) {
            let is_deletion = change.interaction == Interaction::Delete;
            let line = Written {
                at,
                interaction: change.interaction.name(),
                kind: &change.kind,
                id: &change.id,
                version: change.version,
                resource: (!is_deletion).then_some(&*change.resource),
                goes_on: left > 0,
            };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        // Otherwise the next line would follow a partial one.
        if self.is_torn {
            self.file.set_len(self.length)?;
        }
        let added = self.file.write_all(&text);
        self.is_torn = added.is_err() && self.file.set_len(self.length).is_err();
        added?;
        self.length += text.len() as u64;
        Ok(())
    }

    /// Rewrites the file without the lines that it no longer needs, if these are most of it.
    ///
    /// The old file stays until the new one is complete. So if the process is killed meanwhile, nothing is lost.
    ///
    /// # Errors
    ///
    /// The new file cannot be written. Then the old one stays in use.
    pub(crate) fn compact(&mut self, content: &Content, counts: &Counts) -> io::Result<()> {
        let Some(text) = content.compacted(counts) else { return Ok(()) };
        let new = self.path.with_extension("new");
        let written = write_new(&new, &text).and_then(|file| fs::rename(&new, &self.path).map(|()| file));
        match written {
            Ok(file) => (self.file, self.length) = (file, text.len() as u64),
            Err(error) => {
                drop(fs::remove_file(&new));
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Content {
    /// The lines of `text`, up to the end of the last whole transaction.
    fn read(mut text: Vec<u8>) -> io::Result<Self> {
        let (mut lines, mut whole, mut begin) = (Vec::new(), 0, 0);
        let mut whole_lines = 0;
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        for (number, end) in (1..).zip(ends) {
            let line = begin..end;
            begin = end;
            if line.len() > 1 {
                let read = Line::read(&text[line.clone()]).ok_or_else(|| {
                    let why = format!("line {number} of {NAME} is no write of a sandbox");
                    io::Error::new(io::ErrorKind::InvalidData, why)
                })?;
                let goes_on = matches!(&read, Line::Write(Write { goes_on: true, .. }));
                lines.push((line, read));
                if goes_on {
                    continue;
                }
            }
            (whole, whole_lines) = (end, lines.len());
        }
        text.truncate(whole);
        lines.truncate(whole_lines);
        Ok(Self { text, lines })
    }

    /// The lines, oldest first. The remaining content can be compacted, but has no resources any more.
    pub(crate) fn take_lines(&mut self) -> impl Iterator<Item = Line> {
        let taken = |line: &mut Line| match line {
            Line::Counts(counts) => Line::Counts(counts.clone()),
            Line::Write(write) => {
                let resource = write.resource.take();
                let (interaction, kind, id) =
                    (write.interaction.clone(), write.kind.clone(), write.id.clone());
                let Write { at, version, goes_on, .. } = *write;
                Line::Write(Write { at, interaction, kind, id, version, resource, goes_on })
            }
        };
        self.lines.iter_mut().map(move |(_, line)| taken(line))
    }
}

impl Line {
    /// Reads a line. There is no error message, because serde's own message may quote a resource.
    fn read(text: &[u8]) -> Option<Self> {
        match serde_json::from_slice::<Write>(text) {
            Ok(write) => write.interaction().map(|_| Self::Write(write)),
            Err(_) => serde_json::from_slice(text).ok().map(Self::Counts),
        }
    }
}

impl Write {
    pub(crate) fn interaction(&self) -> Option<Interaction> {
        Interaction::ALL.into_iter().find(|interaction| interaction.name() == self.interaction)
    }
}

/// Opens a file for appending. Only its owner may read it.
fn appended(path: &Path, is_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).create_new(is_new).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new file with the text, which is on the disk when this returns.
fn write_new(path: &Path, text: &[u8]) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = appended(path, true)?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(file)
}
