//! [`World`]: the server, the program, the front between them, and their output.

use std::path::{Path, PathBuf};

use fhir_sub_real::{Deployment, Finished, PATIENCE, Program, Transcript};
use http::Method;

use super::topic::topic;
use super::{BETWEEN_LOOKS, Front, Server, Version};

/// Shared by the cases.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) front: Front,
    pub(crate) transcript: Transcript,
    directory: PathBuf,
}

impl World {
    /// Starts the server, with a database for this run.
    pub(crate) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-helios-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let front = Front::start(&directory).await;
        let server = Server::start(&directory).await;
        Self { server, front, transcript: Transcript::default(), directory }
    }

    /// The program, registered under the public URL of the front.
    pub(crate) fn program(&self, version: Version) -> Program {
        let path = Path::new(env!("CARGO_BIN_EXE_encounters"));
        Program::new(path, &self.server.base_url(), &self.transcript)
            .with("FHIR_SERVER", "helios")
            .with("FHIR_VERSION", version.name())
            .with("APP_BASE_URL", &self.front.base_url())
    }

    /// Stores the topic, and serves the program behind the front, after it has removed the Subscriptions of
    /// the last case.
    pub(crate) async fn deploy(&self, version: Version) -> Deployed {
        self.withdraw(version).await;
        let topic = topic(version);
        let path = format!("/{}", topic["resourceType"].as_str().expect("a type"));
        let (status, stored) = self.server.request(version, Method::POST, &path, Some(&topic)).await;
        assert_eq!(status, 201, "{stored}");
        let program = self.program(version);
        let deployment = self.serve(&program).await;
        Deployed { program, deployment: Some(deployment) }
    }

    /// Serves the program, and passes requests to it.
    pub(crate) async fn serve(&self, program: &Program) -> Deployment {
        let deployment = program.serve().await;
        let port = deployment.base_url.rsplit(':').next().and_then(|port| port.parse().ok());
        self.front.pass_to(Some(port.expect("a port at the end of a base URL")));
        deployment
    }

    /// Stores an Encounter, and returns its id.
    pub(crate) async fn create(&self, version: Version, status: &str) -> String {
        let encounter = version.encounter(status);
        let (code, stored) = self.server.request(version, Method::POST, "/Encounter", Some(&encounter)).await;
        assert_eq!(code, 201, "{stored}");
        stored["id"].as_str().expect("what is stored has an id").to_owned()
    }

    pub(crate) async fn update(&self, version: Version, id: &str, status: &str) {
        let mut encounter = version.encounter(status);
        encounter["id"] = id.into();
        let (code, stored) =
            self.server.request(version, Method::PUT, &format!("/Encounter/{id}"), Some(&encounter)).await;
        assert_eq!(code, 200, "{stored}");
    }

    pub(crate) async fn delete(&self, version: Version, id: &str) {
        let (code, answer) =
            self.server.request(version, Method::DELETE, &format!("/Encounter/{id}"), None).await;
        assert!(code < 300, "{code} {answer}");
    }

    /// Removes the Subscriptions, so that the server sends nothing more.
    async fn withdraw(&self, version: Version) {
        self.front.pass_to(None);
        let (_, found) = self.server.request(version, Method::GET, "/Subscription?_count=100", None).await;
        for entry in found["entry"].as_array().into_iter().flatten() {
            let id = entry["resource"]["id"].as_str().expect("what is stored has an id");
            let path = format!("/Subscription/{id}");
            self.server.request(version, Method::DELETE, &path, None).await;
        }
    }

    /// Stops the server. If a case failed, the files stay.
    pub(crate) async fn end(mut self, all_went_well: bool) {
        self.server.stop().await;
        if std::env::var_os("FHIR_SUB_RECORD").is_some() {
            super::record::write(&self.front.received());
        }
        self.transcript.end(&self.directory, all_went_well);
    }
}

/// The deployed program, in one version of FHIR.
pub(crate) struct Deployed {
    pub(crate) program: Program,
    pub(crate) deployment: Option<Deployment>,
}

impl Deployed {
    /// Registers the subscriptions, and waits until all of them are as wanted.
    pub(crate) async fn register(&self) -> Finished {
        let finished = self.program.run(&["register"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.text);
        self.await_status(0).await;
        finished
    }

    /// Waits until `status` exits with this code, and returns its output.
    pub(crate) async fn await_status(&self, code: i32) -> Finished {
        let looks = async {
            loop {
                let status = self.program.run(&["status"]).await;
                if status.code == Some(code) {
                    return status;
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        tokio::time::timeout(PATIENCE, looks).await.expect("a status that comes in the end")
    }
}
