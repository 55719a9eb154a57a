//! [`Access`]: the region and the credentials, found as all programs on AWS find theirs.

use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

use super::{ATTEMPT, NotSent};
use crate::aws::OverTransport;
use crate::client::transport::Connection;
use crate::settings::QueueSettings;

/// Credentials are asked for again when they have less time left than this.
const LEFT: Duration = Duration::from_secs(60);

/// The region and the credentials.
pub(super) struct Access {
    pub(super) region: String,
    provider: SharedCredentialsProvider,
    /// Those that were found last.
    found: Mutex<Option<Credentials>>,
}

/// The region is the queue's, if its host names one; else it and the credentials are those of the environment:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>.
pub(super) async fn connect(settings: &QueueSettings, connection: &Connection) -> Result<Access, NotSent> {
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(OverTransport::new(connection.clone(), ATTEMPT))
        .load()
        .await;
    let refused = |reason: &str| NotSent::Refused(reason.to_owned());
    let region = settings.region().map(str::to_owned).or_else(|| config.region().map(ToString::to_string));
    let region = region.ok_or_else(|| refused("no region is set: AWS_REGION is missing"))?;
    let provider = config.credentials_provider().ok_or_else(|| refused("there are no AWS credentials"))?;
    Ok(Access { region, provider, found: Mutex::default() })
}

impl Access {
    pub(super) async fn credentials(&self) -> Result<Credentials, NotSent> {
        let mut found = self.found.lock().await;
        let is_fresh = |credentials: &&Credentials| {
            credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + LEFT)
        };
        if let Some(credentials) = found.as_ref().filter(is_fresh) {
            return Ok(credentials.clone());
        }
        // Their error may name files and hosts of the machine.
        let fresh = self.provider.provide_credentials().await;
        let fresh = fresh.map_err(|_| NotSent::Refused("there are no AWS credentials".into()))?;
        Ok(found.insert(fresh).clone())
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        let credentials = Credentials::new("AKIDEXAMPLE", "canary-secret-key", None, None, "tests");
        let provider = SharedCredentialsProvider::new(credentials);
        Self { region: "eu-west-2".into(), provider, found: Mutex::default() }
    }
}
