//! Runs programs, and talks to them.

pub(crate) mod directory;
pub(crate) mod door;
pub(crate) mod event;
pub(crate) mod fhir_server;
pub(crate) mod gate;
pub(crate) mod wire;
pub(crate) mod launch;
pub(crate) mod output;
pub(crate) mod page;
pub(crate) mod patient;
pub(crate) mod program;
pub(crate) mod runtime_api;
pub(crate) mod sandbox;

use std::time::Duration;

/// The result of `future`, or a failure of the test after a long time. The limit is long, because a busy
/// machine is no failure.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(180), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited three minutes for {what}"),
    }
}
