//! [`Queue`]: a queue of SQS that notifications are put on.
//!
//! One request of SQS is needed, `SendMessage`. It is signed by the crate that signs for the SDK's DynamoDB, and sent over the
//! transport that `FhirClient` has: a generated client of SQS would be a second one of the size of DynamoDB's.

mod credentials;
mod sign;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use self::credentials::{Access, connect};
use crate::client::transport::{Connection, Limits, Network, Transport};
use crate::deadline::Deadline;
use crate::settings::QueueSettings;

/// The most bytes of a message: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub(crate) const MESSAGE_LIMIT: usize = 1024 * 1024;

/// The longest that one attempt may take; most take less than 20 ms, the first one with TLS less than 200.
const ATTEMPT: Duration = Duration::from_millis(800);

/// The longest that all attempts may take: the most impatient of callers waits for two seconds.
const SENDING: Duration = Duration::from_millis(1_700);

const ATTEMPTS: u32 = 3;

/// What lies between two attempts, doubled each time, less a random part.
const BACKOFF: Duration = Duration::from_millis(50);

const LIMITS: Limits = Limits { answer_bytes: 64 * 1024 };

/// A queue of SQS. Making one costs nothing: it is set up by the first message.
pub(crate) struct Queue {
    settings: QueueSettings,
    connection: Connection,
    transport: Arc<dyn Transport>,
    access: OnceCell<Access>,
}

/// A message, and for a FIFO queue its group.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: String,
    /// Messages of one group are handled one after the other. `None` gives the message a group of its own.
    pub(crate) group: Option<String>,
}

/// Why the queue has not taken a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The queue takes no message of this size.
    TooLong,
    /// It may take it later. The text quotes nothing of the message.
    Refused(String),
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings, connection: Connection) -> Self {
        let transport = Arc::new(Network::new(connection.clone(), ATTEMPT));
        Self { settings, connection, transport, access: OnceCell::new() }
    }

    /// The same over another transport, with credentials that no one else has.
    #[cfg(test)]
    pub(crate) fn over(self, transport: Option<Arc<dyn Transport>>) -> Self {
        match transport {
            Some(transport) => {
                Self { transport, access: OnceCell::new_with(Some(Access::for_tests())), ..self }
            }
            None => self,
        }
    }

    pub(crate) fn settings(&self) -> &QueueSettings {
        &self.settings
    }

    /// Puts a message on the queue: it is there once this has succeeded.
    pub(crate) async fn send(&self, message: &Outgoing, deadline: Deadline) -> Result<(), NotSent> {
        let limit = Deadline::after(SENDING).min(deadline);
        let late = |_| NotSent::Refused("no answer in time".into());
        tokio::time::timeout_at(limit.instant(), self.attempts(message)).await.map_err(late)?
    }

    async fn attempts(&self, message: &Outgoing) -> Result<(), NotSent> {
        let access = self.access.get_or_try_init(|| connect(&self.settings, &self.connection)).await?;
        let is_fifo = self.settings.is_fifo();
        // Of this message alone, and the same in each attempt. The content must not decide: a server may well tell the same
        // twice, and mean two events.
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

    async fn attempt(&self, access: &Access, body: Bytes) -> Result<(), Failed> {
        let mut url = self.settings.url.url().clone();
        url.set_path("/");
        let mut request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", "AmazonSQS.SendMessage")
            .body(body)
            .map_err(|_| Failed::for_good("the URL of the queue is none"))?;
        let credentials =
            access.credentials().await.map_err(|reason| Failed { may_succeed: true, reason })?;
        sign::sign(&mut request, &credentials, &access.region)
            .map_err(|_| Failed::for_good("the request cannot be signed"))?;
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

/// An attempt that came to nothing, and whether another one may succeed.
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

    /// What an answer other than success says: a code, since its words may quote what was sent.
    fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Refused {
            #[serde(rename = "__type")]
            kind: Option<String>,
        }
        let refused: Option<Refused> = serde_json::from_slice(body).ok();
        let kind = refused.and_then(|refused| refused.kind).unwrap_or_default();
        let code = kind.rsplit('#').next().unwrap_or_default();
        let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
        let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // A queue may have a limit of its own, below that of the service.
        if is_code && (code.contains("InvalidParameterValue") || code.contains("TooLong")) {
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
