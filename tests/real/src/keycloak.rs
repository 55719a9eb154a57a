//! [`Keycloak`]: a Keycloak for this run.

use std::path::Path;

use tokio::process::Command;

use crate::server_process::ServerProcess;

/// A Keycloak with the realm of `keycloak/realm.json`, in memory.
pub struct Keycloak(ServerProcess);

impl Keycloak {
    /// Starts a Keycloak on any free port.
    pub async fn start(directory: &Path) -> Self {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/keycloak/run"));
        command.arg("serve").arg(directory.join("keycloak.log"));
        Self(ServerProcess::start(&mut command, &directory.join("keycloak-run.log")).await)
    }

    /// The URL of one of its endpoints: `token`, `token/introspect`.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/protocol/openid-connect/{name}", self.issuer("ward"))
    }

    /// What the tokens of a realm name as their issuer.
    pub fn issuer(&self, realm: &str) -> String {
        format!("{}/realms/{realm}", self.url())
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port())
    }

    pub async fn stop(&mut self) {
        self.0.stop().await;
    }
}
