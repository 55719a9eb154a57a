//! [`Queue`]: an SQS queue for notifications.
//!
//! It needs only one request of SQS, `SendMessage`. The crate that signs for the SDK's DynamoDB signs it, and
//! `FhirClient`'s transport sends it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::aws::{self, Access, Call, CallError, NoCredentials, Tries, UNSIGNABLE};
use crate::client::transport::{Connection, Limits, Network, Transport};
use crate::deadline::Deadline;
use crate::settings::QueueSettings;

/// The largest message, in bytes:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub(crate) const MESSAGE_LIMIT: usize = 1024 * 1024;

/// The longest time for all messages of a notification, with all tries: the most impatient caller waits for two
/// seconds.
const SENDING: Duration = Duration::from_millis(1_700);

const TRIES: Tries = Tries {
    most: 3,
    // Most take less than 20 ms, and the first one, with TLS, less than 200 ms.
    each: Duration::from_millis(800),
    backoff: Duration::from_millis(50),
    limits: Limits { answer_bytes: 64 * 1024 },
};

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

impl From<CallError> for NotSent {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoCredentials => NoCredentials.into(),
            CallError::Unsignable => Self::Refused(UNSIGNABLE.into()),
            CallError::NotReached(error) => Self::Refused(error.to_string()),
            CallError::TimedOut => Self::Refused("no answer in time".into()),
            CallError::Refused(status, body) => refused(status, &body),
        }
    }
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings, connection: Connection) -> Self {
        let transport = Arc::new(Network::new(connection.clone(), TRIES.each));
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

    /// The deadline for all messages of a notification, if the first one is sent now. The caller waits for the
    /// last one too.
    pub(crate) fn deadline(request: Deadline) -> Deadline {
        Deadline::after(SENDING).min(request)
    }

    /// Puts a message on the queue. If this succeeds, the queue has the message.
    pub(crate) async fn send(&self, message: &Outgoing, deadline: Deadline) -> Result<(), NotSent> {
        let late = |_| NotSent::Refused("no answer in time".into());
        tokio::time::timeout_at(deadline.instant(), self.attempts(message)).await.map_err(late)?
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
        // The region in the queue's host name, else the region of the environment.
        let region = self.settings.region().or(access.region());
        let region = region.ok_or_else(|| NotSent::Refused("no region is set: set AWS_REGION".into()))?;
        let mut url = self.settings.url.url().clone();
        url.set_path("/");
        let call = Call {
            service: "sqs",
            target: "AmazonSQS.SendMessage",
            content_type: "application/x-amz-json-1.0",
            region,
            url: &url,
            body: body.into(),
        };
        aws::call(&*self.transport, access, &call, &TRIES).await.map(drop).map_err(NotSent::from)
    }

    /// The region and the credentials. They are looked up in a separate task: if this takes longer than one sending, a
    /// later sending gets them.
    async fn connected(&self) -> Result<&Access, NotSent> {
        let (access, connection) = (Arc::clone(&self.access), self.connection.clone());
        let connecting = async move {
            access.get_or_try_init(|| Access::connect(&connection, TRIES.each)).await.map(drop)
        };
        tokio::spawn(connecting).await.unwrap_or(Err(NoCredentials))?;
        Ok(self.access.get().ok_or(NoCredentials)?)
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

/// The meaning of the queue's answer: its code only, because its text may quote the message.
fn refused(status: StatusCode, body: &[u8]) -> NotSent {
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
    if !is_code {
        return NotSent::Refused(format!("SQS answered {status}"));
    }
    // A queue may have a lower limit than the service. Every wrong parameter has this code, for example a group for
    // a queue that is not FIFO. The text distinguishes them: "Message must be shorter than 262144 bytes".
    let is_too_long = code.contains("InvalidParameterValue") && message.contains("shorter than");
    if is_too_long || code.contains("TooLong") {
        return NotSent::TooLong;
    }
    NotSent::Refused(format!("SQS answered {status} ({code})"))
}

impl fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Queue").field("url", &self.settings.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
