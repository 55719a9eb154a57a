//! How the SDK is set up: by the environment, as all programs on AWS are, and within the time that a notification has.

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

/// The longest that a call may take, with what it repeats. The server waits for its answer meanwhile, and a handler's time
/// begins only then.
pub(super) const CALL: Duration = Duration::from_secs(3);

/// The longest that one attempt may take; most take less than 10 ms, the first one with TLS less than 200.
const ATTEMPT: Duration = Duration::from_secs(1);

const ATTEMPTS: u32 = 3;

/// The least that lies between two attempts, doubled each time, less a random part.
const BACKOFF: Duration = Duration::from_millis(50);

/// The region, the credentials and the endpoint are those of the environment:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>.
pub(super) async fn connect(connection: &Connection) -> Stored<Client> {
    // Where no region is set it asks the machine's metadata service, which need not be there.
    let config = tokio::time::timeout(
        CALL,
        settings().http_client(OverTransport::new(connection.clone(), ATTEMPT)).load(),
    );
    let config = config.await.map_err(|_| Unavailable::new("its settings took too long"))?;
    if config.region().is_none() {
        return Err(Unavailable::new("no region is set: AWS_REGION is missing"));
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
        // Every body is in memory, and every call has its time.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
