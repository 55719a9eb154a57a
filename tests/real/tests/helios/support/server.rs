//! [`Server`]: a Helios FHIR server for this run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use fhir_sub_real::{BETWEEN_LOOKS, PATIENCE, append_to, send, tail};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::Version;

/// The longest time of its start.
const START: Duration = Duration::from_secs(180);

/// A Helios FHIR server, with its database in the directory of the run.
pub(crate) struct Server {
    process: Child,
    directory: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server which trusts the certificate in `directory`.
    pub(crate) async fn start(directory: &Path) -> Self {
        let port = free_port().await;
        let process = launch(directory, port);
        let mut server = Self { process, directory: directory.to_owned(), port };
        server.await_ready().await;
        server
    }

    /// Restarts the server on the same database and port, because programs know its URL.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.process = launch(&self.directory, self.port);
        self.await_ready().await;
    }

    pub(crate) async fn stop(&mut self) {
        // The script replaces itself by the server, so this is the server's own process.
        self.process.start_kill().expect("a process that runs");
        tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .expect("the server stops")
            .expect("a process that can be waited for");
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends a request in a version of FHIR. Returns the status and the resource of the answer.
    pub(crate) async fn request(
        &self,
        version: Version,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", format!("127.0.0.1:{}", self.port))
            .header("Accept", version.media_type())
            .header("Content-Type", version.media_type())
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let answer = send(self.port, request).await.expect("an answer of the server");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn await_ready(&mut self) {
        let ready = async {
            loop {
                if let Some(status) = self.process.try_wait().expect("a process that can be waited for") {
                    panic!("the server ended with {status}; its log ends:\n{}", tail(&self.log()));
                }
                if answers(self.port).await {
                    break;
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        let ready = tokio::time::timeout(START, ready).await;
        assert!(ready.is_ok(), "the server did not start; its log ends:\n{}", tail(&self.log()));
    }

    fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }
}

/// A port that was free a moment ago: Helios does not print the port that it chose itself.
async fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    listener.local_addr().expect("a bound port").port()
}

fn launch(directory: &Path, port: u16) -> Child {
    let log = directory.join("server.log");
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/helios/run"))
        .arg("serve")
        .arg(directory)
        .arg(port.to_string())
        .env("SSL_CERT_FILE", directory.join(super::front::CERTIFICATE))
        .stdin(Stdio::null())
        .stdout(append_to(&log))
        .stderr(append_to(&log))
        .kill_on_drop(true)
        .spawn()
        .expect("bash, which runs helios/run")
}

async fn answers(port: u16) -> bool {
    let request = Request::get("/health").header("Host", "127.0.0.1").body(Full::new(Bytes::new()));
    let answer = send(port, request.expect("a request")).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
