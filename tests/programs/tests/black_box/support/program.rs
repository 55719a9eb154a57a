//! A running program.

use std::net::SocketAddr;

use tokio::process::Child;

use super::output::Output;
use super::within;

/// A process, which ends with the test.
pub(crate) struct Program {
    child: Child,
    pub(crate) output: Output,
}

/// The result of a process.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(super) fn new(child: Child, output: Output) -> Self {
        Self { child, output }
    }

    /// Its address, as soon as it listens.
    pub(crate) async fn address(&self) -> SocketAddr {
        const LISTENS: [&str; 2] = ["listening on http://", "The handlers listen on http://"];
        let begins =
            |line: &str| LISTENS.iter().find_map(|begin| line.strip_prefix(begin)).map(str::to_owned);
        let line =
            self.output.line("the line that says where it listens", |line| begins(line).is_some()).await;
        let address = begins(&line).expect("the line was chosen for it");
        let end = address.find([';', ',']).expect("the line goes on after the address");
        address[..end].parse().expect("an address")
    }

    /// Sends the signal `name`, `TERM` or `INT`, with the command `kill`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it has not ended").to_string();
        let status = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.expect("every system has `kill`").success());
    }

    /// The most bytes of memory that the process has had. Only Linux tells.
    pub(crate) fn peak_memory(&self) -> usize {
        let id = self.child.id().expect("it has not ended");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux shows it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process has a peak");
        let kibibytes = line.trim().strip_suffix(" kB").and_then(|number| number.parse::<usize>().ok());
        1024 * kibibytes.expect("a number")
    }

    /// The exit code, when the process has ended and its whole output is read.
    pub(crate) async fn exit(&mut self) -> Option<i32> {
        let status = within("the end of the program", self.child.wait()).await.expect("it is our child");
        self.output.end().await;
        status.code()
    }

    /// Whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }
}

impl Finished {
    /// Both streams, for messages.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The cells of the table row that begins with `endpoint`.
    pub(crate) fn row(&self, endpoint: &str) -> Vec<String> {
        let first = |line: &&str| line.split("  ").next() == Some(endpoint);
        let line = self.stdout.lines().find(first);
        let line = line.unwrap_or_else(|| panic!("there is no row {endpoint:?} in:\n{}", self.text()));
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    }
}
