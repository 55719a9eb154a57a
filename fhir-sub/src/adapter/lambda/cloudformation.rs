//! CloudFormation: a custom resource that registers the subscriptions when a stack is created or updated
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>).
//!
//! CloudFormation waits until an answer is put at `ResponseURL`. So each request gets an answer, even if the
//! registration fails, takes too long or panics, or if the program cannot start.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use lambda_http::lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::app::App;
use crate::client::transport::{Limits, Network, Transport};
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::json::Text;
use crate::registration::{self, Options, Report, Row, RowResult};

/// The time of the invocation that is reserved for sending the answer.
const TO_SEND: Duration = Duration::from_secs(4);

/// How often the program tries to send the answer.
const TRIES: u32 = 3;

/// The longest reason, in bytes. A whole answer may have 4096.
const LONGEST_REASON: usize = 2048;

/// The ends of AWS's host names, of each partition. `ResponseURL` is a signed URL of S3.
const OF_AWS: [&str; 7] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk",
];

/// A request of CloudFormation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Asked<'a> {
    #[serde(borrow)]
    request_type: Text<'a>,
    #[serde(borrow, rename = "ResponseURL")]
    response_url: Text<'a>,
    #[serde(borrow)]
    stack_id: Text<'a>,
    #[serde(borrow)]
    request_id: Text<'a>,
    #[serde(borrow)]
    logical_resource_id: Text<'a>,
    #[serde(borrow)]
    physical_resource_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    resource_properties: Properties<'a>,
}

/// The resource's properties in the template.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties<'a> {
    /// Whether to remove Subscriptions that the program no longer has. If the resource is deleted, all are
    /// removed.
    #[serde(borrow)]
    prune: Option<&'a RawValue>,
}

/// The answer to CloudFormation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StackResponse<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

/// The request in `payload`, if it is one.
pub(super) fn asked(payload: &[u8]) -> Option<Asked<'_>> {
    serde_json::from_slice(payload).ok()
}

/// Executes the request, and answers it.
pub(super) async fn run(
    app: &App,
    asked: &Asked<'_>,
    deadline: Deadline,
) -> Result<Box<RawValue>, Diagnostic> {
    let network = Network::new(app.settings().connection.clone(), TO_SEND);
    run_by(app, asked, deadline, &network).await
}

async fn run_by(
    app: &App,
    asked: &Asked<'_>,
    deadline: Deadline,
    transport: &dyn Transport,
) -> Result<Box<RawValue>, Diagnostic> {
    if !is_of_aws(&asked.response_url) {
        // CloudFormation did not write this: the program does nothing, and sends nothing to the URL.
        return Err(not_told(NOT_OF_AWS));
    }
    let until = deadline.earlier_by(TO_SEND);
    // The work may run a hook of the user's.
    let done = tokio::time::timeout_at(until.instant(), contain(work(app, asked, until))).await;
    let done = match done {
        Ok(Ok(done)) => done,
        Ok(Err(_panicked)) => Err("the program panicked: see its log".to_owned()),
        Err(_elapsed) => {
            Err("registration took too long: raise the function's Timeout, and deploy again".to_owned())
        }
    };
    if let Err(reason) = &done {
        tracing::error!(reason, "the custom resource failed");
    }
    let id = asked.physical_resource_id(&asked.id());
    tell(asked, done.err().as_deref(), &id, transport).await
}

/// Says that the program cannot start.
pub(super) async fn tell_that_it_cannot_start(asked: &Asked<'_>, problems: &str, transport: &dyn Transport) {
    let reason = format!("the program cannot start:\n{problems}");
    let failure = (!asked.deletes_nothing()).then_some(&*reason);
    let id = asked.physical_resource_id(&asked.id_of_nothing());
    // Whether or not it arrives, the invocation fails.
    let _ = tell(asked, failure, &id, transport).await;
}

/// An error is the reason for the person who deploys: it contains no secret, and no text of the server.
async fn work(app: &App, asked: &Asked<'_>, until: Deadline) -> Result<(), String> {
    let mut failed = Vec::new();
    for (app, until) in app.apps_in_turn(until) {
        let done = work_of_one(app, asked, until).await;
        failed.extend(done.err().map(|reason| match app.tenant_name() {
            Some(tenant) => format!("{tenant}: {reason}"),
            None => reason,
        }));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

async fn work_of_one(app: &App, asked: &Asked<'_>, until: Deadline) -> Result<(), String> {
    // The Subscriptions stay, and notifications get no answer: the stack may be created again elsewhere.
    if asked.deletes_nothing() {
        return Ok(());
    }
    let prune = asked.resource_properties.prune()?;
    let app = &*app.with_secrets_of_now(until).await;
    let report = match &*asked.request_type {
        "Create" | "Update" => {
            registration::register(app, Options { prune, ..Options::default() }, until).await
        }
        "Delete" => registration::unregister(app, until).await,
        _ => return Err("`RequestType` is not one of Create, Update and Delete".to_owned()),
    };
    if report.is_complete() { Ok(()) } else { Err(failures(&report)) }
}

/// The failed rows, with their reasons.
fn failures(report: &Report) -> String {
    let rows = report.rows().iter().chain(report.pruned());
    let failed = rows.filter(|row| row.result == RowResult::Failed);
    let line = |row: &Row| format!("{}: {}", row.endpoint, row.message.as_deref().unwrap_or("failed"));
    failed.map(line).collect::<Vec<_>>().join("; ")
}

impl Asked<'_> {
    /// Whether a deletion leaves every Subscription in place. A stack whose program cannot start is then rolled back.
    fn deletes_nothing(&self) -> bool {
        let has_registered = self.physical_resource_id.as_deref() != Some(&*self.id_of_nothing());
        &*self.request_type == "Delete" && !(has_registered && self.resource_properties.prune() == Ok(true))
    }

    fn id(&self) -> String {
        format!("fhir-sub-{}", &*self.logical_resource_id)
    }

    /// The id of a resource whose program could not start, and so has registered nothing.
    fn id_of_nothing(&self) -> String {
        format!("{}-of-nothing", self.id())
    }

    /// The id of the resource; `new` if it has none yet, or has registered nothing until now. If the id changed,
    /// CloudFormation would delete the old resource.
    fn physical_resource_id(&self, new: &str) -> String {
        let is_kept = |id: &&str| &*self.request_type == "Delete" || **id != *self.id_of_nothing();
        self.physical_resource_id.as_deref().filter(is_kept).unwrap_or(new).to_owned()
    }
}

impl Properties<'_> {
    /// CloudFormation passes every value as a string.
    fn prune(&self) -> Result<bool, String> {
        match self.prune.map(RawValue::get) {
            None | Some("false" | "\"false\"") => Ok(false),
            Some("true" | "\"true\"") => Ok(true),
            Some(_) => Err("the property `Prune` is neither true nor false".to_owned()),
        }
    }
}

/// Puts the answer at the URL. The URL is a secret while it is valid, so no log contains it.
async fn tell(
    asked: &Asked<'_>,
    failure: Option<&str>,
    physical_resource_id: &str,
    transport: &dyn Transport,
) -> Result<Box<RawValue>, Diagnostic> {
    let reason = failure.map(shortened);
    let told = StackResponse {
        status: if failure.is_none() { "SUCCESS" } else { "FAILED" },
        reason: reason.as_deref(),
        physical_resource_id,
        stack_id: &asked.stack_id,
        request_id: &asked.request_id,
        logical_resource_id: &asked.logical_resource_id,
    };
    let body = serde_json::to_vec(&told).map_err(|_| not_told("the result could not be written as JSON"))?;
    let body = Bytes::from(body);
    if !is_of_aws(&asked.response_url) {
        return Err(not_told(NOT_OF_AWS));
    }
    let mut reason = NOT_OF_AWS.to_owned();
    let until = Deadline::after(TO_SEND);
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
        // A try that hangs leaves time for the next one.
        let stop = if attempt + 1 < TRIES { until.sooner_by_half() } else { until };
        // The URL is signed for a request without a content type.
        let request = Request::builder().method(Method::PUT).uri(&*asked.response_url).body(body.clone());
        let Ok(request) = request else { break };
        let sending = transport.send(request, Limits { answer_bytes: 64 * 1024 });
        let failure = match tokio::time::timeout_at(stop.instant(), sending).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(RawValue::NULL.to_owned()),
            Ok(Ok(answer)) => {
                reason = format!("`ResponseURL` answered {}", answer.status().as_u16());
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "no answer came in time".to_owned(),
        };
        reason =
            format!("{failure}; let the function reach S3, in a VPC by a gateway endpoint or a NAT gateway");
    }
    Err(not_told(&reason))
}

const NOT_OF_AWS: &str = "`ResponseURL` is not an https URL of S3, so nothing was sent to it";

fn is_of_aws(url: &str) -> bool {
    let url = url::Url::parse(url).ok().filter(|url| url.scheme() == "https" && url.username().is_empty());
    let Some(url) = url else { return false };
    // Anybody may have an API of AWS.
    let is_of_s3 = |host: &str| {
        OF_AWS.iter().any(|end| host.ends_with(end))
            && host.split('.').any(|label| label == "s3" || label.starts_with("s3-"))
    };
    url.port().is_none() && url.host_str().is_some_and(is_of_s3)
}

fn not_told(why: &str) -> Diagnostic {
    tracing::error!(
        reason = why,
        "CloudFormation could not be told the result, and the stack waits for up to an hour"
    );
    Diagnostic {
        error_type: "NotTold".into(),
        error_message: format!("CloudFormation could not be told the result: {why}"),
    }
}

fn shortened(reason: &str) -> String {
    let fits = |end: &usize| *end <= LONGEST_REASON;
    match reason.char_indices().map(|(start, _)| start).take_while(fits).last() {
        Some(end) if reason.len() > LONGEST_REASON => format!("{}…", &reason[..end]),
        _ => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
