//! [`Access`]: the region and the credentials, from the usual places on AWS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

use super::OverTransport;
use crate::client::transport::Connection;

/// If the credentials expire sooner than this, new ones are requested.
const LEFT: Duration = Duration::from_secs(60);

/// The region and the credentials.
pub(crate) struct Access {
    region: Option<String>,
    /// Whether the environment wants endpoints with cryptography that is validated by FIPS 140.
    #[cfg(feature = "secrets")]
    pub(crate) wants_fips: bool,
    provider: SharedCredentialsProvider,
    /// The last credentials.
    found: Arc<Mutex<Option<Credentials>>>,
}

/// There are no credentials. Their own error may name files and hosts of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoCredentials;

impl NoCredentials {
    /// The problem and the cure.
    pub(crate) const TEXT: &str = "there are no AWS credentials: give the program a role, or set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY";
}

impl Access {
    /// The environment sets the region and the credentials: <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>.
    pub(crate) async fn connect(
        connection: &Connection,
        connect_timeout: Duration,
    ) -> Result<Self, NoCredentials> {
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(OverTransport::new(connection.clone(), connect_timeout))
            .load()
            .await;
        Ok(Self {
            region: config.region().map(ToString::to_string),
            #[cfg(feature = "secrets")]
            wants_fips: config.use_fips().unwrap_or(false),
            provider: config.credentials_provider().ok_or(NoCredentials)?,
            found: Arc::default(),
        })
    }

    /// The region that the environment sets.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref().filter(|region| !region.is_empty())
    }

    /// Credentials that do not expire soon. New ones are requested in a separate task: if this takes longer than the
    /// caller waits, a later caller gets them.
    pub(crate) async fn credentials(&self) -> Result<Credentials, NoCredentials> {
        if let Some(credentials) = fresh(self.found.lock().await.as_ref()) {
            return Ok(credentials);
        }
        let (found, provider) = (Arc::clone(&self.found), self.provider.clone());
        let asked = tokio::spawn(async move {
            let mut found = found.lock().await;
            if let Some(credentials) = fresh(found.as_ref()) {
                return Some(credentials);
            }
            let new = provider.provide_credentials().await.ok()?;
            Some(found.insert(new).clone())
        });
        asked.await.ok().flatten().ok_or(NoCredentials)
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let credentials = Credentials::new("AKIDEXAMPLE", "canary-secret-key", None, None, "tests");
        Self::by(SharedCredentialsProvider::new(credentials))
    }

    #[cfg(test)]
    pub(crate) fn by(provider: SharedCredentialsProvider) -> Self {
        Self {
            region: Some("eu-west-2".into()),
            #[cfg(feature = "secrets")]
            wants_fips: false,
            provider,
            found: Arc::default(),
        }
    }
}

fn fresh(found: Option<&Credentials>) -> Option<Credentials> {
    let is_fresh = |credentials: &&Credentials| {
        credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + LEFT)
    };
    found.filter(is_fresh).cloned()
}
