//! [`HapiServer`]: a HAPI FHIR server for this run.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::server_process::ServerProcess;

/// A HAPI FHIR server, with its database in the directory of the run.
pub struct HapiServer {
    process: ServerProcess,
    directory: PathBuf,
}

impl HapiServer {
    /// Starts a server with HAPI's own settings, on any free port.
    pub async fn start(directory: &Path) -> Self {
        Self { process: launch(directory, 0, &[]).await, directory: directory.to_owned() }
    }

    /// Starts a server that looks for due notifications every `interval` milliseconds.
    pub async fn start_quick(directory: &Path, interval: &str) -> Self {
        let process = launch(directory, 0, &["--interval", interval]).await;
        Self { process, directory: directory.to_owned() }
    }

    /// Restarts the server on the same database and port, because programs know its URL. It then looks for
    /// due notifications every `interval` milliseconds.
    pub async fn restart(&mut self, interval: &str) {
        self.stop().await;
        self.process = launch(&self.directory, self.port(), &["--interval", interval]).await;
    }

    /// Stops the server cleanly, so that the database is complete.
    pub async fn stop(&mut self) {
        self.process.stop().await;
    }

    pub fn port(&self) -> u16 {
        self.process.port()
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/fhir", self.port())
    }
}

async fn launch(directory: &Path, port: u16, options: &[&str]) -> ServerProcess {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/hapi/run"));
    command
        .args(["serve", "--until-stdin-closes", "--port", &port.to_string(), "--database"])
        .arg(directory.join("database"))
        .args(options);
    ServerProcess::start(&mut command, &directory.join("server.log")).await
}
