//! [`Aws`]: Parameter Store and Secrets Manager themselves, for a program without the extension and the agent.
//!
//! Each service needs only one call. The crate that signs for the SDK's DynamoDB signs it, and `FhirClient`'s transport
//! sends it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::Extension;
use super::answer::{self, ANSWER};
use super::resolve::{Failure, Places, Version};
use crate::aws::{Access, NoCredentials, UNSIGNABLE, sign};
use crate::client::transport::{Connection, Network, Transport};

/// The longest time of all tries.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest time of one try.
const ATTEMPT: Duration = Duration::from_secs(2);

const ATTEMPTS: u32 = 3;

/// The pause between two tries. It doubles each time, less a random part: the replicas of a program start at once.
const BACKOFF: Duration = Duration::from_millis(100);

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
            transport: Arc::new(Network::new(connection.clone(), ATTEMPT)),
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
            let access = self.access.get_or_try_init(|| Access::connect(&self.connection, ATTEMPT)).await?;
            let region = region_of(id)
                .or(access.region())
                .ok_or_else(|| Failure::Other("no region is set: set AWS_REGION, or write the ARN".into()))?;
            let url = self.url(service, region, access.wants_fips)?;
            let mut attempt = 1;
            loop {
                let tried = tokio::time::timeout(ATTEMPT, self.attempt(service, access, region, &url, body));
                let Failed { may_succeed, why } = match tried.await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(failed)) => failed,
                    Err(_) => Failed { may_succeed: true, why: late(service) },
                };
                if !may_succeed || attempt == ATTEMPTS {
                    return Err(why);
                }
                let backoff = BACKOFF * 2u32.pow(attempt - 1);
                tokio::time::sleep(backoff.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                attempt += 1;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(late(service)))
    }

    async fn attempt(
        &self,
        service: &Service,
        access: &Access,
        region: &str,
        url: &url::Url,
        body: &Value,
    ) -> Result<Bytes, Failed> {
        let request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", service.target)
            .body(Bytes::from(body.to_string()));
        let unsignable = || Failed::for_good(UNSIGNABLE);
        let mut request = request.map_err(|_| unsignable())?;
        let credentials = access.credentials().await;
        let credentials = credentials.map_err(|none| Failed { may_succeed: true, why: none.into() })?;
        sign(&mut request, &credentials, region, service.name).map_err(|_| unsignable())?;
        let answer = self.transport.send(request, ANSWER).await.map_err(|error| Failed {
            may_succeed: error.is_transient(),
            why: Failure::Other(format!("AWS is not reached: {error}")),
        })?;
        let status = answer.status();
        if status == StatusCode::OK {
            return Ok(answer.into_body());
        }
        let text = String::from_utf8_lossy(answer.body());
        let may_succeed = status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || text.contains("Throttl")
            || text.contains("TooManyRequests");
        let why = answer::refusal(&text).unwrap_or_else(|| {
            Failure::Other(format!(
                "AWS answered with status {} to {}: try again, and check {} and AWS_ENDPOINT_URL if they are set",
                status.as_u16(),
                service.target,
                service.endpoint
            ))
        });
        Err(Failed { may_succeed, why })
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

/// A failed try, and whether another one may succeed.
struct Failed {
    may_succeed: bool,
    why: Failure,
}

impl Failed {
    fn for_good(why: &str) -> Self {
        Self { may_succeed: false, why: Failure::Other(why.to_owned()) }
    }
}

impl From<NoCredentials> for Failure {
    fn from(_: NoCredentials) -> Self {
        Self::Other(NoCredentials::TEXT.into())
    }
}

fn late(service: &Service) -> Failure {
    Failure::Other(format!(
        "AWS did not answer in time to {}: let the program reach it, in a VPC by an interface endpoint for `{}` or a NAT gateway",
        service.target, service.name
    ))
}

/// The region in an ARN: `arn:aws:ssm:eu-west-2:123456789012:parameter/ward`.
fn region_of(id: &str) -> Option<&str> {
    id.strip_prefix("arn:")?.split(':').nth(2)
}

/// Whether nobody on the way can read what is sent to this URL.
fn is_private(url: &url::Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && is_local
}
