//! [`Server`]: a HAPI FHIR server of this run's own.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use fhir_sub_real::PATIENCE;

/// How long it may take to start: ten seconds on an idle machine.
const START: Duration = Duration::from_secs(180);

/// How many lines of its log are shown if it does not start.
const LAST_LINES: usize = 30;

/// A HAPI FHIR server, its database in the directory of the run.
pub(crate) struct Server {
    process: Child,
    directory: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server with HAPI's own settings, on any free port.
    pub(crate) async fn start(directory: &Path) -> Self {
        let (process, port) = launch(directory, 0, &[]).await;
        Self { process, directory: directory.to_owned(), port }
    }

    /// Stops the server, and starts it on the same database and port: programs know it by its URL. From then on it
    /// looks every `interval` milliseconds for what is to be told.
    pub(crate) async fn restart(&mut self, interval: &str) {
        self.stop().await;
        (self.process, _) = launch(&self.directory, self.port, &["--interval", interval]).await;
    }

    /// Stops the server as it is asked to, so that the database is whole.
    pub(crate) async fn stop(&mut self) {
        drop(self.process.stdin.take());
        tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .expect("the server stops when its standard input closes")
            .expect("a process that can be waited for");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/fhir", self.port)
    }
}

async fn launch(directory: &Path, port: u16, options: &[&str]) -> (Child, u16) {
    let log = directory.join("server.log");
    let mut process = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/hapi/run"))
        .args(["serve", "--until-stdin-closes", "--port", &port.to_string(), "--database"])
        .arg(directory.join("database"))
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(append_to(&log))
        .kill_on_drop(true)
        .spawn()
        .expect("bash, which runs hapi/run");
    let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    let line = tokio::time::timeout(START, lines.next_line()).await.ok().and_then(Result::ok).flatten();
    match line.as_deref().and_then(|line| line.strip_prefix("listening on ")?.parse().ok()) {
        Some(port) => (process, port),
        None => panic!("the server did not start; its log ends:\n{}", tail(&log)),
    }
}

fn append_to(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a file in the temporary directory")
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
