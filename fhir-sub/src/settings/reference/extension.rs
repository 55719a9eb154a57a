//! [`Extension`]: the AWS Parameters and Secrets Lambda Extension, and the AWS Secrets Manager Agent, which answers alike
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html>).

use std::time::Duration;

use crate::client::SecretString;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::resolve::{Failure, Places, Version};
use crate::client::transport::{Connection, Limits, Network, Transport, TransportErrorKind};

/// How long one request may take: the extension may have to ask AWS.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a request waits for an extension that is starting, while the function starts too.
const STARTING: Duration = Duration::from_secs(1);

/// The pause between two attempts at an extension that is starting.
const PAUSE: Duration = Duration::from_millis(25);

/// Secrets Manager and Parameter Store answer at most 64 KiB, JSON's escapes aside.
const ANSWER: Limits = Limits { answer_bytes: 512 * 1024 };

/// The errors of AWS that an answer is searched for, and what each means.
const ERRORS: [(&str, &str); 5] = [
    (
        "AccessDeniedException",
        "AWS denies access: allow ssm:GetParameter, secretsmanager:GetSecretValue and kms:Decrypt",
    ),
    ("ParameterNotFound", "Parameter Store has no such parameter"),
    ("ResourceNotFoundException", "Secrets Manager has no such secret, or the secret has no such version"),
    ("DecryptionFailure", "AWS cannot decrypt it: allow kms:Decrypt for its key"),
    ("InvalidRequestException", "the secret is marked for deletion"),
];

/// A local HTTP server that reads parameters and secrets for the program.
pub(crate) struct Extension {
    network: Network,
    /// `http://localhost:2773`.
    base: String,
    token: SecretString,
    on_lambda: bool,
}

impl Extension {
    /// The extension that the environment tells of.
    pub(crate) fn from_environment(on_lambda: bool) -> Self {
        let port = std::env::var("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT").ok();
        let port = port.and_then(|port| port.parse().ok()).unwrap_or(2773);
        let token = ["AWS_SESSION_TOKEN", "AWS_TOKEN"].into_iter().find_map(|name| std::env::var(name).ok());
        let token = token.unwrap_or_default();
        // The agent's token is in a file, of which its variable gives the URL.
        let token = match token.strip_prefix("file://") {
            Some(path) => std::fs::read_to_string(path).unwrap_or_default().trim().to_owned(),
            None => token,
        };
        Self::new(port, token, on_lambda)
    }

    pub(crate) fn new(port: u16, token: impl Into<SecretString>, on_lambda: bool) -> Self {
        let network = Network::new(Connection::default(), Duration::from_secs(1));
        Self { network, base: format!("http://localhost:{port}"), token: token.into(), on_lambda }
    }

    /// What `path` answers; while the extension starts, it is asked again.
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
            Failure::Other("the AWS Parameters and Secrets Lambda Extension did not answer in time".into())
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
            // The layer's process may not listen yet. Elsewhere there is nothing to wait for.
            Err(error) if error.kind == TransportErrorKind::NotSent && self.on_lambda => {
                Err(Failure::NotReady)
            }
            Err(error) if error.kind == TransportErrorKind::NotSent => Err(Failure::Other(format!(
                "nothing answers at {}: run the AWS Secrets Manager Agent there, or use `file:`",
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
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            parameter: Parameter,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Parameter {
            value: String,
        }
        let path = format!("/systemsmanager/parameters/get?name={}&withDecryption=true", encoded(name));
        Box::pin(async move {
            let answer = self.get(path).await?;
            let answer: Answer = serde_json::from_slice(&answer).map_err(|_| unreadable())?;
            Ok(answer.parameter.value)
        })
    }

    fn secret<'a>(&'a self, id: &'a str, version: Version) -> BoxFuture<'a, Result<String, Failure>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            secret_string: Option<String>,
        }
        let stage = match version {
            Version::Current => "",
            Version::Previous => "&versionStage=AWSPREVIOUS",
        };
        let path = format!("/secretsmanager/get?secretId={}{stage}", encoded(id));
        Box::pin(async move {
            let answer = self.get(path).await?;
            let answer: Answer = serde_json::from_slice(&answer).map_err(|_| unreadable())?;
            answer.secret_string.ok_or_else(|| Failure::Other("the secret is binary: store a string".into()))
        })
    }
}

fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// Why there is no value, without the answer's own text, which may name accounts and roles.
fn refusal(answer: &Response<Bytes>) -> Failure {
    let text = String::from_utf8_lossy(answer.body());
    if text.contains("not ready to serve traffic") {
        return Failure::NotReady;
    }
    let status = answer.status().as_u16();
    match ERRORS.iter().find(|(name, _)| text.contains(name)) {
        Some(("ResourceNotFoundException", _)) => Failure::NoSuchVersion,
        Some((name, meaning)) => Failure::Other(format!("{meaning} ({name})")),
        None if status == 401 || status == 403 => Failure::Other(format!(
            "the extension refuses the program's token ({status}): AWS_SESSION_TOKEN, or AWS_TOKEN for the agent"
        )),
        None => Failure::Other(format!("the extension answered with status {status}")),
    }
}

fn unreadable() -> Failure {
    Failure::Other("the extension's answer is not of the form that AWS documents".into())
}
