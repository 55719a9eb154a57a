//! [`Transcript`]: every line that any program has printed.

use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::{PATIENCE, say};

/// How many lines are printed if the expected one does not arrive.
const LAST_LINES: usize = 25;

/// The output of all programs, to wait for and to search.
///
/// A line is found by its parts, `[r#"endpoint="tasks""#, r#"outcome="handled""#]`, in the order of the log.
#[derive(Clone)]
pub struct Transcript(watch::Sender<Vec<String>>);

impl Default for Transcript {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Transcript {
    /// Adds the lines of `reader` until its end.
    pub async fn follow(&self, reader: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.add(line);
        }
    }

    pub fn add(&self, line: String) {
        self.0.send_modify(|lines| lines.push(line));
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Removes the directory of a run. If a case failed, the directory and these lines stay.
    pub fn end(&self, directory: &Path, all_went_well: bool) {
        if all_went_well {
            let _ = std::fs::remove_dir_all(directory);
        } else {
            let path = directory.join("programs.log");
            std::fs::write(&path, self.lines().join("\n")).expect("a file in the temporary directory");
            say(&format!("the logs of the servers and the programs are in {}", directory.display()));
        }
    }

    /// How many lines contain all of `parts`.
    pub fn count(&self, parts: &[&str]) -> usize {
        count(&self.0.borrow(), parts)
    }

    /// The events in the lines with this text, as `tasks Task/1 2`.
    pub fn events(&self, text: &str) -> Vec<String> {
        let lines = self.0.borrow();
        lines.iter().filter(|line| line.contains(text)).filter_map(|line| event(line)).collect()
    }

    /// Waits until so many lines contain all of `parts`.
    pub async fn await_count(&self, parts: &[&str], least: usize) {
        let mut lines = self.0.subscribe();
        let found =
            tokio::time::timeout(PATIENCE, lines.wait_for(|lines| count(lines, parts) >= least)).await;
        if found.is_err() {
            let lines = self.lines();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            panic!("no {least} lines with {parts:?}; the last lines are:\n{last}");
        }
    }

    /// Waits until a handler has run for a version of a resource, and the notification is answered.
    pub async fn await_handled(&self, endpoint: &str, reference: &str, version_id: &str) {
        self.await_count(&handled(endpoint, reference, version_id).each_ref().map(String::as_str), 1).await;
    }

    /// How often a handler ran for a version of a resource, and succeeded.
    pub fn count_handled(&self, endpoint: &str, reference: &str, version_id: &str) -> usize {
        self.count(&handled(endpoint, reference, version_id).each_ref().map(String::as_str))
    }
}

fn handled(endpoint: &str, reference: &str, version_id: &str) -> [String; 4] {
    [
        format!("endpoint={endpoint:?}"),
        format!("reference={reference:?}"),
        format!("version={version_id:?}"),
        r#"outcome="handled""#.to_owned(),
    ]
}

fn event(line: &str) -> Option<String> {
    let field = |name: &str| Some(line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0);
    Some(format!("{} {} {}", field("endpoint")?, field("reference")?, field("version").unwrap_or("-")))
}

fn count(lines: &[String], parts: &[&str]) -> usize {
    lines.iter().filter(|line| parts.iter().all(|part| line.contains(part))).count()
}
