//! [`ServerProcess`]: a server that prints its port, and serves until its standard input closes.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::PATIENCE;

/// The longest time of its start: ten seconds on an idle machine.
const START: Duration = Duration::from_secs(180);

/// How many lines of its log are printed if it does not start.
const LAST_LINES: usize = 30;

/// The process of a server.
pub(crate) struct ServerProcess {
    process: Child,
    port: u16,
}

impl ServerProcess {
    /// Runs `command`, and waits for its line `listening on PORT`. Its errors are added to `log`.
    pub(crate) async fn start(command: &mut Command, log: &Path) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(append_to(log))
            .kill_on_drop(true)
            .spawn()
            .expect("bash, which runs the server's script");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let line = tokio::time::timeout(START, lines.next_line()).await.ok().and_then(Result::ok).flatten();
        match line.as_deref().and_then(|line| line.strip_prefix("listening on ")?.parse().ok()) {
            Some(port) => Self { process, port },
            None => panic!("the server did not start; its log ends:\n{}", tail(log)),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server cleanly, so that its files are complete.
    pub(crate) async fn stop(&mut self) {
        drop(self.process.stdin.take());
        tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .expect("the server stops when its standard input closes")
            .expect("a process that can be waited for");
    }
}

/// Opens the log of a server for appending.
#[must_use]
pub fn append_to(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a file in the temporary directory")
}

/// The last lines of a log.
#[must_use]
pub fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
