//! [`World`]: the servers, and what the programs say.

use std::path::{Path, PathBuf};

use fhir_sub::FhirClient;
use fhir_sub_real::{DynamoDbLocal, HapiServer, Program, Transcript, client};

use super::Deployed;
use super::balancer::Balancer;
use super::gate::Gate;

/// Milliseconds between two looks of the server for what is to be told, instead of HAPI's 5000.
pub(crate) const QUICK: &str = "250";

/// What the cases share.
pub(crate) struct World {
    pub(crate) server: HapiServer,
    /// Before the store.
    pub(crate) gate: Gate,
    pub(crate) transcript: Transcript,
    store: DynamoDbLocal,
    directory: PathBuf,
}

impl World {
    /// Starts the servers, on databases of this run's own.
    pub(crate) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-once-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let (server, store) =
            tokio::join!(HapiServer::start_quick(&directory, QUICK), DynamoDbLocal::start(&directory));
        let gate = Gate::start(store.port()).await;
        Self { server, gate, transcript: Transcript::default(), store, directory }
    }

    /// A client of the server.
    pub(crate) fn fhir(&self) -> FhirClient {
        client(&self.server.base_url())
    }

    /// One instance in which all goes well, with a table and effects of its own.
    pub(crate) async fn deploy(&self, name: &str) -> Deployed {
        let (program, balancer, directory) = self.program(name, 0).await;
        Deployed::start(program, balancer, directory, 1, None).await
    }

    /// Several instances in which not all goes well.
    pub(crate) async fn deploy_frail(&self, name: &str, instances: usize, seed: u64) -> Deployed {
        let (program, balancer, directory) = self.program(name, seed).await;
        // There is far too much of the rest.
        let program = program.with("RUST_LOG", "info");
        Deployed::start(program, balancer, directory, instances, Some(seed)).await
    }

    async fn program(&self, name: &str, seed: u64) -> (Program, Balancer, PathBuf) {
        self.store.make_table(name).await;
        let (balancer, directory) = (Balancer::start(seed).await, self.directory.join(name));
        let path = Path::new(env!("CARGO_BIN_EXE_frail"));
        let program = Program::new(path, &self.server.base_url(), &self.transcript)
            .with("APP_BASE_URL", &balancer.base_url())
            .with("FHIR_SERVER", "hapi")
            .with("FHIR_SUBSCRIPTION_IDEMPOTENCY", &format!("dynamodb:{name}"))
            .with("FHIR_SUBSCRIPTION_STORE_KEY", "canary-of-the-key-of-the-store-of-a-ward")
            .with("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://127.0.0.1:{}", self.gate.port()))
            .with("AWS_REGION", "eu-central-1")
            .with("AWS_ACCESS_KEY_ID", "local")
            .with("AWS_SECRET_ACCESS_KEY", "canary-of-an-access-key")
            .with("AWS_CONFIG_FILE", "/dev/null")
            .with("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .with("FRAIL_DIRECTORY", directory.to_str().expect("a path in UTF-8"));
        (program, balancer, directory)
    }

    /// Stops the servers. What was written stays for a look if not all went well.
    pub(crate) async fn end(mut self, all_went_well: bool) {
        self.server.stop().await;
        self.store.stop().await;
        self.transcript.end(&self.directory, all_went_well);
    }
}
