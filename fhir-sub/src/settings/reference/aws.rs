//! [`Aws`]: Parameter Store and Secrets Manager themselves, for a program without the extension and the agent.
//!
//! Each service needs only one call. The crate that signs for the SDK's DynamoDB signs it, and `FhirClient`'s transport
//! sends it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::Extension;
use super::answer::{self, ANSWER};
use super::resolve::{Failure, Places, Version};
use crate::aws::{self, Access, Call, CallError, NoCredentials, Tries, UNSIGNABLE};
use crate::client::transport::{Connection, Network, Transport};

/// The longest time of all tries.
const PATIENCE: Duration = Duration::from_secs(5);

const TRIES: Tries =
    Tries { most: 3, each: Duration::from_secs(2), backoff: Duration::from_millis(100), limits: ANSWER };

/// A service, and its one call: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>,
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.
struct Service {
    /// Its name in a host's name and in a signature.
    name: &'static str,
    target: &'static str,
    /// The variable for another endpoint of it.
    endpoint: &'static str,
}

const PARAMETERS: Service =
    Service { name: "ssm", target: "AmazonSSM.GetParameter", endpoint: "AWS_ENDPOINT_URL_SSM" };
const SECRETS: Service = Service {
    name: "secretsmanager",
    target: "secretsmanager.GetSecretValue",
    endpoint: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
};

/// Reads a variable of the environment.
type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The services of AWS. To create it costs nothing: the first value sets it up.
pub(crate) struct Aws {
    /// The extension or the agent, which is asked first if it may be there.
    before: Option<Extension>,
    connection: Connection,
    transport: Arc<dyn Transport>,
    access: OnceCell<Access>,
    environment: Environment,
}

impl Aws {
    /// Asks `extension` first. Outside of Lambda, this is the agent, which has secrets only and always requires a
    /// token.
    pub(crate) fn after(extension: Extension, connection: Connection) -> Self {
        Self {
            before: extension.may_be_there().then_some(extension),
            transport: Arc::new(Network::new(connection.clone(), TRIES.each)),
            connection,
            access: OnceCell::new(),
            environment: Box::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
        }
    }

    #[cfg(test)]
    pub(super) fn of_tests(
        before: Option<Extension>,
        transport: Arc<dyn Transport>,
        environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            before,
            connection: Connection::default(),
            transport,
            access: OnceCell::new_with(Some(Access::for_tests())),
            environment: Box::new(environment),
        }
    }

    /// The answer to the call with `body` for the parameter or the secret `id`.
    async fn ask(&self, service: &Service, id: &str, body: &Value) -> Result<Bytes, Failure> {
        let asked = async {
            let access =
                self.access.get_or_try_init(|| Access::connect(&self.connection, TRIES.each)).await?;
            let region = region_of(id)
                .or(access.region())
                .ok_or_else(|| Failure::Other("no region is set: set AWS_REGION, or write the ARN".into()))?;
            let url = self.url(service, region, access.wants_fips)?;
            let call = Call {
                service: service.name,
                target: service.target,
                content_type: "application/x-amz-json-1.1",
                region,
                url: &url,
                body: body.to_string().into(),
            };
            aws::call(&*self.transport, access, &call, &TRIES).await.map_err(|error| failure(service, error))
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| Err(failure(service, CallError::TimedOut)))
    }

    /// The endpoint of the service: from the environment, else the usual one of the region.
    fn url(&self, service: &Service, region: &str, wants_fips: bool) -> Result<url::Url, Failure> {
        if region.is_empty() || !region.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-') {
            return Err(Failure::Other("the region is not one of AWS: write one like eu-west-2".into()));
        }
        for variable in [service.endpoint, "AWS_ENDPOINT_URL"] {
            if let Some(text) = (self.environment)(variable) {
                let url = url::Url::parse(&text).ok().filter(is_private);
                return url.ok_or_else(|| {
                    Failure::Other(format!(
                        "{variable} is not an https URL, and secrets must not be readable on their way: write https://…"
                    ))
                });
            }
        }
        let suffix = match region.split('-').next() {
            Some("cn") => "amazonaws.com.cn",
            Some("eusc") => "amazonaws.eu",
            _ => "amazonaws.com",
        };
        let fips = if wants_fips { "-fips" } else { "" };
        let url = url::Url::parse(&format!("https://{}{fips}.{region}.{suffix}/", service.name));
        url.map_err(|_| Failure::Other("the region is not one of AWS: write one like eu-west-2".into()))
    }
}

impl Places for Aws {
    fn parameter<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            if let Some(extension) = self.before.as_ref().filter(|it| it.has_parameters()) {
                match extension.parameter(name).await {
                    Err(Failure::Nobody(_)) => {}
                    answered => return answered,
                }
            }
            let body = json!({ "Name": name, "WithDecryption": true });
            answer::parameter(&self.ask(&PARAMETERS, name, &body).await?)
        })
    }

    fn secret<'a>(&'a self, id: &'a str, version: Version) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            if let Some(extension) = &self.before {
                match extension.secret(id, version).await {
                    Err(Failure::Nobody(_)) => {}
                    answered => return answered,
                }
            }
            let body = match version {
                Version::Current => json!({ "SecretId": id }),
                Version::Previous => json!({ "SecretId": id, "VersionStage": "AWSPREVIOUS" }),
            };
            answer::secret(&self.ask(&SECRETS, id, &body).await?)
        })
    }
}

impl From<NoCredentials> for Failure {
    fn from(_: NoCredentials) -> Self {
        Self::Other(NoCredentials::TEXT.into())
    }
}

fn failure(service: &Service, error: CallError) -> Failure {
    Failure::Other(match error {
        CallError::NoCredentials => return NoCredentials.into(),
        CallError::Unsignable => UNSIGNABLE.into(),
        CallError::NotReached(error) => format!("AWS is not reached: {error}"),
        CallError::TimedOut => format!(
            "AWS did not answer in time to {}: let the program reach it, in a VPC by an interface endpoint for `{}` or a \
             NAT gateway",
            service.target, service.name
        ),
        CallError::Refused(status, body) => match answer::refusal(&String::from_utf8_lossy(&body)) {
            Some(known) => return known,
            None => format!(
                "AWS answered with status {} to {}: try again, and check {} and AWS_ENDPOINT_URL if they are set",
                status.as_u16(),
                service.target,
                service.endpoint
            ),
        },
    })
}

/// The region in an ARN: `arn:aws:ssm:eu-west-2:123456789012:parameter/ward`.
fn region_of(id: &str) -> Option<&str> {
    id.strip_prefix("arn:")?.split(':').nth(2)
}

/// Whether nobody on the way can read a request to this URL.
fn is_private(url: &url::Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && is_local
}
