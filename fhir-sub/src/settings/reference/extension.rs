//! [`Extension`]: the AWS Parameters and Secrets Lambda Extension. The AWS Secrets Manager Agent gives the
//! same answers
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html>).

use std::time::Duration;

use crate::client::SecretString;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::{self, ANSWER};
use super::resolve::{Failure, Places, Version};
use crate::client::transport::{Connection, Network, Transport, TransportErrorKind};

/// The longest time of a request: the extension may have to ask AWS.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a request waits for the extension, which starts at the same time as the function.
const STARTING: Duration = Duration::from_secs(1);

/// The pause between two tries while the extension starts.
const PAUSE: Duration = Duration::from_millis(25);

/// A local HTTP server that reads parameters and secrets for the program.
pub(crate) struct Extension {
    network: Network,
    /// `http://localhost:2773`.
    base: String,
    token: SecretString,
    #[cfg(feature = "secrets")]
    on_lambda: bool,
    /// Whether a request waits for the extension to listen.
    waits: bool,
}

impl Extension {
    /// The extension in the environment.
    pub(crate) fn from_environment(on_lambda: bool) -> Self {
        let port = std::env::var("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT").ok();
        let port = port.and_then(|port| port.parse().ok()).unwrap_or(2773);
        // The extension and the agent have different tokens. Neither should see the other's token.
        let names =
            if on_lambda { ["AWS_SESSION_TOKEN", "AWS_TOKEN"] } else { ["AWS_TOKEN", "AWS_SESSION_TOKEN"] };
        let token = names.into_iter().find_map(|name| std::env::var(name).ok());
        let token = token.unwrap_or_default();
        // The agent's token is in a file: the variable contains the URL of the file.
        let token = match token.strip_prefix("file://") {
            Some(path) => std::fs::read_to_string(path).unwrap_or_default().trim().to_owned(),
            None => token,
        };
        // If AWS itself can be asked, no request waits.
        let waits = on_lambda && !cfg!(feature = "secrets");
        Self { waits, ..Self::new(port, token, on_lambda) }
    }

    pub(crate) fn new(port: u16, token: impl Into<SecretString>, on_lambda: bool) -> Self {
        let network = Network::new(Connection::default(), Duration::from_secs(1));
        let base = format!("http://localhost:{port}");
        Self {
            network,
            base,
            token: token.into(),
            #[cfg(feature = "secrets")]
            on_lambda,
            waits: on_lambda,
        }
    }

    /// The same, but no request waits for the extension to listen.
    #[cfg(all(test, feature = "secrets"))]
    pub(super) fn impatient(self) -> Self {
        Self { waits: false, ..self }
    }

    /// Whether to ask it: the agent refuses every request without its token.
    #[cfg(feature = "secrets")]
    pub(super) fn may_be_there(&self) -> bool {
        self.on_lambda || std::env::var_os("AWS_TOKEN").is_some()
    }

    /// Whether it has parameters. The agent has secrets only.
    #[cfg(feature = "secrets")]
    pub(super) fn has_parameters(&self) -> bool {
        self.on_lambda
    }

    /// The answer to `path`. While the extension starts, the request is repeated.
    async fn get(&self, path: String) -> Result<Bytes, Failure> {
        let asked = async {
            let mut tries = (STARTING.as_millis() / PAUSE.as_millis()) as u32;
            loop {
                match self.ask(&path).await {
                    Err(Failure::NotReady) if tries > 0 => tries -= 1,
                    answered => return answered,
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let late = |_| {
            Failure::Other(
                "the AWS Parameters and Secrets Lambda Extension did not answer in time: let the function reach AWS, in a VPC by \
                 interface endpoints or a NAT gateway"
                    .into(),
            )
        };
        tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
    }

    async fn ask(&self, path: &str) -> Result<Bytes, Failure> {
        let request = Request::get(format!("{}{path}", self.base))
            .header("x-aws-parameters-secrets-token", self.token.expose_secret())
            .body(Bytes::new())
            .map_err(|_| {
                Failure::Other(
                    "the token of the extension (AWS_SESSION_TOKEN, AWS_TOKEN) fits no header".into(),
                )
            })?;
        match self.network.send(request, ANSWER).await {
            Ok(answer) if answer.status() == StatusCode::OK => Ok(answer.into_body()),
            Ok(answer) => Err(refusal(&answer)),
            // The extension may not listen yet. Outside Lambda, it is not going to start.
            Err(error) if error.kind == TransportErrorKind::NotSent && self.waits => Err(Failure::NotReady),
            Err(error) if error.kind == TransportErrorKind::NotSent => Err(Failure::Nobody(format!(
                "nothing answers at {}: run the AWS Secrets Manager Agent there, build with the feature `secrets` of fhir-sub, \
                 which asks AWS itself, or use `file:`",
                self.base
            ))),
            Err(error) => {
                Err(Failure::Other(format!("the AWS Parameters and Secrets Lambda Extension: {error}")))
            }
        }
    }
}

impl Places for Extension {
    fn parameter<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        let path = format!("/systemsmanager/parameters/get?name={}&withDecryption=true", encoded(name));
        Box::pin(async move { answer::parameter(&self.get(path).await?) })
    }

    fn secret<'a>(&'a self, id: &'a str, version: Version) -> BoxFuture<'a, Result<String, Failure>> {
        let stage = match version {
            Version::Current => "",
            Version::Previous => "&versionStage=AWSPREVIOUS",
        };
        let path = format!("/secretsmanager/get?secretId={}{stage}", encoded(id));
        Box::pin(async move { answer::secret(&self.get(path).await?) })
    }
}

fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// Why there is no value. The answer's own text is not repeated, because it may name accounts and roles.
fn refusal(answer: &Response<Bytes>) -> Failure {
    let text = String::from_utf8_lossy(answer.body());
    if text.contains("not ready to serve traffic") {
        return Failure::NotReady;
    }
    let status = answer.status().as_u16();
    if let Some(known) = answer::refusal(&text) {
        return known;
    }
    Failure::Other(match status {
        401 | 403 => format!(
            "the extension refuses the program's token ({status}): AWS_SESSION_TOKEN, or AWS_TOKEN for the agent"
        ),
        _ => format!(
            "the extension answered with status {status}: its log lines, or the agent's, say why; \
             PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL=debug makes the extension write more"
        ),
    })
}
