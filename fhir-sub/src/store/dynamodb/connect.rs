//! Sets up the SDK: from the environment, as all programs on AWS do, and within the time of a notification.

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::{Client, config};

use super::conflict::Conflicts;
use crate::aws::OverTransport;
use crate::client::transport::Connection;
use crate::store::{Stored, Unavailable};

/// The longest time of a call, with its retries. The FHIR server waits meanwhile, and the handler's time
/// begins only afterwards.
pub(super) const CALL: Duration = Duration::from_secs(3);

/// The longest time of one attempt. Most take less than 10 ms, and the first one, with TLS, less than 200 ms.
const ATTEMPT: Duration = Duration::from_secs(1);

const ATTEMPTS: u32 = 3;

/// The shortest pause between two attempts. It doubles each time, less a random part.
const BACKOFF: Duration = Duration::from_millis(50);

/// The environment sets the region, the credentials and the endpoint:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>.
pub(super) async fn connect(connection: &Connection) -> Stored<Client> {
    // If no region is set, the SDK asks the machine's metadata service, which may not exist.
    let config = tokio::time::timeout(
        CALL,
        settings().http_client(OverTransport::new(connection.clone(), ATTEMPT)).load(),
    );
    let config = config.await.map_err(|_| Unavailable::new("its settings took too long"))?;
    if config.region().is_none() {
        return Err(Unavailable::new("no region is set: set AWS_REGION"));
    }
    Ok(client(&config))
}

pub(super) fn client(config: &SdkConfig) -> Client {
    Client::from_conf(config::Builder::from(config).retry_classifier(Conflicts).build())
}

pub(super) fn settings() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF);
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(OverTransport::new(Connection::default(), ATTEMPT))
        .timeout_config(timeouts)
        .retry_config(retries)
        // Every body is in memory, and every call has a time limit.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
