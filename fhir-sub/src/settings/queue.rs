//! `FHIR_SUBSCRIPTION_QUEUE`: the queue for notifications.

use super::{Address, Settings, Variables};
use crate::problems::Problems;

const QUEUE: &str = "FHIR_SUBSCRIPTION_QUEUE";
const CONTENT: &str = "FHIR_SUBSCRIPTION_QUEUE_CONTENT";

/// The queue for notifications.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "queue"), allow(dead_code))] // It is refused at start-up.
pub(crate) struct QueueSettings {
    /// The URL of an SQS queue.
    pub(crate) url: Address,
    /// Whether messages never carry a resource.
    pub(crate) only_references: bool,
}

impl QueueSettings {
    /// The queue, if one is set.
    pub(super) fn read(variables: &Variables, allow_http: bool) -> Result<Option<Self>, Problems> {
        let mut problems = Problems::default();
        let only_references = match variables.get(CONTENT) {
            None | Some("notification") => false,
            Some("reference") => true,
            Some(text) => {
                problems.add(format!("{CONTENT} is {text:?}: write notification or reference"));
                false
            }
        };
        let Some(text) = variables.get(QUEUE) else {
            if variables.get(CONTENT).is_some() {
                problems.add(format!("{CONTENT} is set, and {QUEUE} is not: set both or none"));
            }
            return problems.or(None);
        };
        if !cfg!(feature = "queue") {
            problems.add(format!(
                "{QUEUE} is set, and this program is built without queues: add the feature `queue` of fhir-sub in Cargo.toml"
            ));
        }
        let url = problems.collect(Address::parse(QUEUE, text, allow_http));
        if url.as_ref().is_some_and(|url| !is_queue(url)) {
            problems.add(format!(
                "{QUEUE} is not the URL of a queue: write one like https://sqs.eu-west-2.amazonaws.com/123456789012/name"
            ));
        }
        match url {
            Some(url) => problems.or(Some(Self { url, only_references })),
            None => Err(problems),
        }
    }

    /// Settings that are allowed but unwise.
    pub(super) fn warnings(&self, settings: &Settings) -> Vec<String> {
        let mut warnings = Vec::new();
        if !settings.on_lambda {
            warnings.push(format!(
                "{QUEUE} is set: this process puts notifications on the queue, and a Lambda of the same program must handle them"
            ));
        }
        if !settings.idempotency.is_durable() {
            warnings.push(format!(
                "{QUEUE} is set without a durable store: SQS may deliver a message twice, and it is then handled twice; set \
                 FHIR_SUBSCRIPTION_IDEMPOTENCY to dynamodb:TABLE, or to postgres://…"
            ));
        }
        warnings
    }

    /// Whether `arn` names the queue: it has the same account and the same name.
    #[cfg(feature = "events")]
    pub(crate) fn has_arn(&self, arn: &str) -> bool {
        let (mut of_url, mut of_arn) = (self.url.url().path().rsplit('/'), arn.rsplit(':'));
        (of_url.next(), of_url.next()) == (of_arn.next(), of_arn.next())
    }

    /// Whether the queue keeps the order within a group.
    #[cfg(feature = "queue")]
    pub(crate) fn is_fifo(&self) -> bool {
        self.url.as_str().ends_with(".fifo")
    }

    /// The region in the queue's host name.
    #[cfg(feature = "queue")]
    pub(crate) fn region(&self) -> Option<&str> {
        let host = self.url.url().host_str()?;
        let (region, _) = host.strip_prefix("sqs.")?.split_once(".amazonaws.com")?;
        Some(region)
    }
}

/// Whether the path names a queue: the account, and the queue's own name.
fn is_queue(url: &Address) -> bool {
    let mut segments = url.url().path().rsplit('/');
    let is_name = |name: &str| {
        let name = name.strip_suffix(".fifo").unwrap_or(name);
        (1..=80).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let is_account = |account: &str| !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    segments.next().is_some_and(is_name) && segments.next().is_some_and(is_account)
}
