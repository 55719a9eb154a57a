//! [`Postgres`]: a PostgreSQL server for this run.

use std::path::Path;

use tokio::process::Command;

use crate::server_process::ServerProcess;

/// A PostgreSQL server, with its files in a directory of the run.
pub struct Postgres(ServerProcess);

impl Postgres {
    /// Starts a server on a free port.
    pub async fn start(directory: &Path) -> Self {
        let directory = directory.join("postgres");
        std::fs::create_dir_all(&directory).expect("a directory in the temporary directory");
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/postgres/run"));
        command.arg("serve").arg(&directory);
        Self(ServerProcess::start(&mut command, &directory.join("log")).await)
    }

    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// The URL of the server on `port`, which may be a proxy's.
    pub fn url_at(port: u16) -> String {
        format!("postgres://tests@127.0.0.1:{port}/postgres")
    }

    pub async fn stop(&mut self) {
        self.0.stop().await;
    }
}
