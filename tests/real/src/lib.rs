//! Shared by the suites with real servers: programs to run, their output, and a proxy.

#![allow(missing_docs, missing_debug_implementations, reason = "only the suites use it")]

mod program;
mod proxy;
mod server_process;
mod dynamodb;
mod effects;
mod hapi;
mod keycloak;
mod postgres;
mod resources;
mod subscriptions;
mod suite;
mod transcript;

pub use dynamodb::DynamoDb;
pub use effects::{Done, Run};
pub use hapi::HapiServer;
pub use keycloak::Keycloak;
pub use postgres::Postgres;
pub use program::{Deployment, Finished, Program, SECRET};
pub use proxy::{Before, Passed, Proxy, listen, send};
pub use resources::{CANARY, id, resource, version_id};
pub use server_process::{append_to, tail};
pub use subscriptions::{Snapshot, Stored, subscriptions};
pub use suite::{Case, Suite, say};
pub use transcript::Transcript;

use std::time::Duration;

use fhir_sub::FhirClient;
use fhir_sub::client::ClientConfig;

/// The longest time that a case waits for anything: many times the usual time, because the machine may be
/// busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The pause before the server is asked again, if it offers nothing to wait for.
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// A client of the server at `base_url`.
#[must_use]
pub fn client(base_url: &str) -> FhirClient {
    let base_url = base_url.parse().expect("a base URL");
    FhirClient::new(ClientConfig::new(base_url)).expect("a client without sign-in")
}

/// Checks that no line of any program has a canary, after everything that the cases did at `RUST_LOG=trace`.
pub fn expect_no_canary(transcript: &Transcript) {
    let lines = transcript.lines();
    // The programs did log, and at that level.
    let has = |part| lines.iter().any(|line| line.contains(part));
    assert!(has(r#"outcome="handled""#) && has("TRACE"), "{} lines", lines.len());
    let told = lines.iter().find(|line| line.contains(CANARY));
    assert_eq!(told, None, "among {} lines", lines.len());
}
