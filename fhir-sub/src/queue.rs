//! [`Queue`]: an SQS queue for notifications.
//!
//! It needs only one request of SQS, `SendMessage`. The crate that signs for the SDK's DynamoDB signs it, and
//! `FhirClient`'s transport sends it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::aws::{Access, NoCredentials, UNSIGNABLE, sign};
use crate::client::transport::{Connection, Limits, Network, Transport};
use crate::deadline::Deadline;
use crate::settings::QueueSettings;

/// The largest message, in bytes:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub(crate) const MESSAGE_LIMIT: usize = 1024 * 1024;

/// The longest time of one try. Most take less than 20 ms, and the first one, with TLS, less than 200 ms.
const ATTEMPT: Duration = Duration::from_millis(800);

/// The longest time of all tries: the most impatient caller waits for two seconds.
const SENDING: Duration = Duration::from_millis(1_700);

const ATTEMPTS: u32 = 3;

/// The pause between two tries. It doubles each time, less a random part.
const BACKOFF: Duration = Duration::from_millis(50);

const LIMITS: Limits = Limits { answer_bytes: 64 * 1024 };

/// An SQS queue. To create it costs nothing: the first message sets it up.
pub(crate) struct Queue {
    settings: QueueSettings,
    connection: Connection,
    transport: Arc<dyn Transport>,
    access: Arc<OnceCell<Access>>,
}

/// A message, with its group in a FIFO queue.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: String,
    /// Messages of one group are handled one after the other. `None` gives the message its own group.
    pub(crate) group: Option<String>,
}

/// Why the queue has not accepted a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The message is too large for the queue.
    TooLong,
    /// A later try may succeed. The text quotes nothing of the message.
    Refused(String),
}

impl From<NoCredentials> for NotSent {
    fn from(_: NoCredentials) -> Self {
        Self::Refused(NoCredentials::TEXT.into())
    }
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings, connection: Connection) -> Self {
        let transport = Arc::new(Network::new(connection.clone(), ATTEMPT));
        Self { settings, connection, transport, access: Arc::default() }
    }

    /// The same queue over another transport, with made-up credentials.
    #[cfg(test)]
    pub(crate) fn over(self, transport: Option<Arc<dyn Transport>>) -> Self {
        match transport {
            Some(transport) => {
                Self { transport, access: Arc::new(OnceCell::new_with(Some(Access::for_tests()))), ..self }
            }
            None => self,
        }
    }

    pub(crate) fn settings(&self) -> &QueueSettings {
        &self.settings
    }

    /// Puts a message on the queue. If this succeeds, the queue has the message.
    pub(crate) async fn send(&self, message: &Outgoing, deadline: Deadline) -> Result<(), NotSent> {
        let limit = Deadline::after(SENDING).min(deadline);
        let late = |_| NotSent::Refused("no answer in time".into());
        tokio::time::timeout_at(limit.instant(), self.attempts(message)).await.map_err(late)?
    }

    async fn attempts(&self, message: &Outgoing) -> Result<(), NotSent> {
        let access = match self.access.get() {
            Some(access) => access,
            None => self.connected().await?,
        };
        let is_fifo = self.settings.is_fifo();
        // The id belongs to this message alone, and is the same for each try. It must not depend on the
        // content: a server may send the same text twice, and mean two events.
        let own = is_fifo.then(|| format!("{:032x}", fastrand::u128(..)));
        let body = SendMessage {
            queue_url: self.settings.url.as_str(),
            message_body: &message.body,
            message_group_id: message.group.as_deref().filter(|_| is_fifo).or(own.as_deref()),
            message_deduplication_id: own.as_deref(),
        };
        let body = serde_json::to_vec(&body)
            .map_err(|_| NotSent::Refused("the message cannot be written".into()))?;
        let body = Bytes::from(body);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let attempted = tokio::time::timeout(ATTEMPT, self.attempt(access, body.clone())).await;
            let failed = match attempted.unwrap_or_else(|_| Err(Failed::again("no answer in time"))) {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            if !failed.may_succeed || attempt == ATTEMPTS {
                return Err(failed.reason);
            }
            let backoff = BACKOFF * 2u32.pow(attempt - 1);
            tokio::time::sleep(backoff.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        }
    }

    /// The region and the credentials. They are looked up in a separate task: if this takes longer than one sending, a
    /// later sending gets them.
    async fn connected(&self) -> Result<&Access, NotSent> {
        let (access, connection) = (Arc::clone(&self.access), self.connection.clone());
        let connecting =
            async move { access.get_or_try_init(|| Access::connect(&connection, ATTEMPT)).await.map(drop) };
        tokio::spawn(connecting).await.unwrap_or(Err(NoCredentials))?;
        Ok(self.access.get().ok_or(NoCredentials)?)
    }

    async fn attempt(&self, access: &Access, body: Bytes) -> Result<(), Failed> {
        let mut url = self.settings.url.url().clone();
        url.set_path("/");
        let mut request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", "AmazonSQS.SendMessage")
            .body(body)
            .map_err(|_| {
                Failed::for_good(
                    "FHIR_SUBSCRIPTION_QUEUE is not the URL of a queue: write one like \
                     https://sqs.eu-west-2.amazonaws.com/123456789012/name",
                )
            })?;
        // The region in the queue's host name, else the region of the environment.
        let region = self.settings.region().or(access.region());
        let region = region.ok_or_else(|| Failed::for_good("no region is set: set AWS_REGION"))?;
        let found = access.credentials().await;
        let credentials = found.map_err(|none| Failed { may_succeed: true, reason: none.into() })?;
        sign(&mut request, &credentials, region, "sqs").map_err(|_| Failed::for_good(UNSIGNABLE))?;
        let answer = self.transport.send(request, LIMITS).await.map_err(|error| Failed {
            may_succeed: error.is_transient(),
            reason: NotSent::Refused(error.to_string()),
        })?;
        if answer.status() == StatusCode::OK {
            return Ok(());
        }
        Err(Failed::of_answer(answer.status(), answer.body()))
    }
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage<'a> {
    queue_url: &'a str,
    message_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<&'a str>,
}

/// A failed try, and whether another one may succeed.
struct Failed {
    may_succeed: bool,
    reason: NotSent,
}

impl Failed {
    fn again(reason: &str) -> Self {
        Self { may_succeed: true, reason: NotSent::Refused(reason.to_owned()) }
    }

    fn for_good(reason: &str) -> Self {
        Self { may_succeed: false, reason: NotSent::Refused(reason.to_owned()) }
    }

    /// The reason in an answer: its code only, because its text may quote the message.
    fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        struct Refused {
            #[serde(default, rename = "__type")]
            kind: String,
            #[serde(default, alias = "Message")]
            message: String,
        }
        let Refused { kind, message } = serde_json::from_slice(body).unwrap_or_default();
        let code = kind.rsplit('#').next().unwrap_or_default();
        let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
        let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // A queue may have a lower limit than the service. Every wrong parameter has this code, for example a group for
        // a queue that is not FIFO. The text distinguishes them: "Message must be shorter than 262144 bytes".
        let is_too_long = code.contains("InvalidParameterValue") && message.contains("shorter than");
        if is_code && (is_too_long || code.contains("TooLong")) {
            return Self { may_succeed: false, reason: NotSent::TooLong };
        }
        let reason = if is_code {
            format!("SQS answered {status} ({code})")
        } else {
            format!("SQS answered {status}")
        };
        let may_succeed =
            status.is_server_error() || code.contains("Throttl") || status == StatusCode::TOO_MANY_REQUESTS;
        Self { may_succeed, reason: NotSent::Refused(reason) }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Queue").field("url", &self.settings.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
