//! [`World`]: the servers, and the output of the programs.

use std::path::{Path, PathBuf};

use fhir_sub::FhirClient;
use fhir_sub_real::{DynamoDb, HapiServer, Postgres, Program, Transcript, client};

use super::Deployed;
use super::balancer::Balancer;
use super::gate::Gate;

/// The server looks for due notifications after so many milliseconds, instead of HAPI's 5000.
pub(crate) const QUICK: &str = "250";

/// The store of handled events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    DynamoDb,
    Postgres,
    /// A file that all instances share.
    Sqlite,
}

/// Shared by the cases.
pub(crate) struct World {
    pub(crate) server: HapiServer,
    pub(crate) transcript: Transcript,
    dynamodb: DynamoDb,
    dynamodb_gate: Gate,
    postgres: Postgres,
    postgres_gate: Gate,
    directory: PathBuf,
}

impl World {
    /// Starts the servers, with databases for this run.
    pub(crate) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-once-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let (server, dynamodb, postgres) = tokio::join!(
            HapiServer::start_quick(&directory, QUICK),
            DynamoDb::start(&directory),
            Postgres::start(&directory),
        );
        let (dynamodb_gate, postgres_gate) =
            tokio::join!(Gate::start(dynamodb.port()), Gate::start(postgres.port()));
        let transcript = Transcript::default();
        Self { server, transcript, dynamodb, dynamodb_gate, postgres, postgres_gate, directory }
    }

    /// The gate before a store. A file has none.
    pub(crate) fn gate(&self, store: Store) -> Option<&Gate> {
        match store {
            Store::DynamoDb => Some(&self.dynamodb_gate),
            Store::Postgres => Some(&self.postgres_gate),
            Store::Sqlite => None,
        }
    }

    /// A client of the server.
    pub(crate) fn fhir(&self) -> FhirClient {
        client(&self.server.base_url())
    }

    /// One instance in which nothing fails, with its own table and effects.
    pub(crate) async fn deploy(&self, name: &str) -> Deployed {
        self.deploy_with(Store::DynamoDb, name, |program| program).await
    }

    /// The same, with its own store and settings.
    pub(crate) async fn deploy_with(
        &self,
        store: Store,
        name: &str,
        set: impl FnOnce(Program) -> Program,
    ) -> Deployed {
        let (program, balancer, directory) = self.program(store, name, 0).await;
        Deployed::start(set(program), balancer, directory, 1, None).await
    }

    /// Several instances with failures.
    pub(crate) async fn deploy_frail(
        &self,
        store: Store,
        name: &str,
        instances: usize,
        seed: u64,
    ) -> Deployed {
        let (program, balancer, directory) = self.program(store, name, seed).await;
        // Without this, there would be far too many lines.
        let program = program.with("RUST_LOG", "info");
        Deployed::start(program, balancer, directory, instances, Some(seed)).await
    }

    async fn program(&self, store: Store, name: &str, seed: u64) -> (Program, Balancer, PathBuf) {
        let (balancer, directory) = (Balancer::start(seed).await, self.directory.join(name));
        let place = match store {
            Store::DynamoDb => {
                self.dynamodb.make_table(name).await;
                format!("dynamodb:{name}")
            }
            Store::Postgres => Postgres::url_at(self.postgres_gate.port()),
            Store::Sqlite => format!("sqlite:{}", self.directory.join(format!("{name}.sqlite")).display()),
        };
        let path = Path::new(env!("CARGO_BIN_EXE_frail"));
        let program = Program::new(path, &self.server.base_url(), &self.transcript)
            .with("APP_BASE_URL", &balancer.base_url())
            .with("FHIR_SERVER", "hapi")
            .with("FHIR_SUBSCRIPTION_IDEMPOTENCY", &place)
            // Cases share a database, and must not share their records.
            .with("FHIR_SUBSCRIPTION_STORE_KEY", &format!("canary-of-the-key-of-the-store-of-{name}"))
            .with("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://127.0.0.1:{}", self.dynamodb_gate.port()))
            .with("AWS_REGION", "eu-central-1")
            .with("AWS_ACCESS_KEY_ID", "local")
            .with("AWS_SECRET_ACCESS_KEY", "canary-of-an-access-key")
            .with("AWS_CONFIG_FILE", "/dev/null")
            .with("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .with("FRAIL_DIRECTORY", directory.to_str().expect("a path in UTF-8"));
        (program, balancer, directory)
    }

    /// Stops the servers. If a case failed, the files stay.
    pub(crate) async fn end(mut self, all_went_well: bool) {
        self.server.stop().await;
        self.dynamodb.stop().await;
        self.postgres.stop().await;
        self.transcript.end(&self.directory, all_went_well);
    }
}
