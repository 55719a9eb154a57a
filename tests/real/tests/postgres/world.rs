//! [`World`]: the database, and processes that share it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use fhir_sub_real::{Deployment, Done, Postgres, Program, SECRET, Transcript, resource, send};
use http::Request;
use http_body_util::Full;
use serde_json::json;

/// Shared by the cases.
pub(crate) struct World {
    pub(crate) transcript: Transcript,
    postgres: Postgres,
    directory: PathBuf,
}

impl World {
    pub(crate) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-processes-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let postgres = Postgres::start(&directory).await;
        Self { transcript: Transcript::default(), postgres, directory }
    }

    /// This many processes, with their own records and effects. With a seed, the first process is slow and
    /// fails.
    pub(crate) async fn fleet(&self, name: &str, processes: usize, seed: Option<u64>) -> Fleet {
        let (directory, path) = (self.directory.join(name), Path::new(env!("CARGO_BIN_EXE_frail")));
        // The notification carries the resource: no FHIR server is needed.
        let program = Program::new(path, "http://127.0.0.1:9/fhir", &self.transcript)
            .with("FHIR_SERVER", "hapi")
            .with("FHIR_SUBSCRIPTION_IDEMPOTENCY", &Postgres::url_at(self.postgres.port()))
            .with("FHIR_SUBSCRIPTION_STORE_KEY", &format!("canary-of-the-key-of-the-store-of-{name}"))
            .with("FRAIL_SECONDS", "5")
            .with("FRAIL_DIRECTORY", directory.to_str().expect("a path in UTF-8"));
        let first = match seed {
            Some(seed) => program.with("FRAIL_SEED", &seed.to_string()),
            None => program.clone(),
        };
        let mut running = vec![first.serve().await];
        for _ in 1..processes {
            running.push(program.serve().await);
        }
        let ports = running.iter().map(|one| one.base_url.rsplit(':').next().unwrap().parse().unwrap());
        let ports = Mutex::new(ports.collect());
        Fleet { running: Mutex::new(running), ports, next: AtomicUsize::new(0), directory }
    }

    pub(crate) async fn end(mut self, all_went_well: bool) {
        self.postgres.stop().await;
        self.transcript.end(&self.directory, all_went_well);
    }
}

/// Processes of one program.
pub(crate) struct Fleet {
    running: Mutex<Vec<Deployment>>,
    ports: Mutex<Vec<u16>>,
    /// The next process to get an event.
    next: AtomicUsize,
    directory: PathBuf,
}

/// The answer to a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(u16),
    /// The process was killed while it handled it.
    None,
}

impl Fleet {
    /// Sends an event to the next process, like HAPI.
    pub(crate) async fn tell(&self, event: usize) -> Answer {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let port = {
            let ports = self.ports.lock().expect("no test has panicked");
            ports[next % ports.len()]
        };
        let mut task =
            resource("Task", &json!({ "id": event.to_string(), "status": "requested", "intent": "order" }));
        task["meta"] = json!({ "versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z" });
        task["identifier"] = json!([{ "system": "urn:change", "value": event.to_string() }]);
        let request = Request::put(format!("/tasks/Task/{event}"))
            .header("Host", format!("127.0.0.1:{port}"))
            .header("X-Subscription-Auth", SECRET)
            .header("Content-Type", "application/fhir+json")
            .body(Full::new(Bytes::from(task.to_string())))
            .expect("a request");
        send(port, request).await.map_or(Answer::None, |answer| Answer::Status(answer.status().as_u16()))
    }

    /// Kills the first process with `SIGKILL`. From then on, nothing is sent to it.
    pub(crate) async fn kill_first(&self) {
        let first = self.running.lock().expect("no test has panicked").remove(0);
        first.kill().await;
        self.ports.lock().expect("no test has panicked").remove(0);
    }

    pub(crate) fn done(&self) -> Done {
        Done::read(&self.directory)
    }
}
