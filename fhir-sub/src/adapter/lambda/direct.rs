//! Events that are not HTTP requests. Each kind has a shape of its own.
//!
//! A caller over HTTP cannot send such an event, because an HTTP body is a string within the event. IAM
//! decides who may invoke the function, or write to its queue or its bus, so these events carry no secret.

use lambda_http::Context;
use lambda_http::lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

#[cfg(feature = "registration")]
use super::{cloudformation, sweep};
#[cfg(feature = "events")]
use super::{event_bridge, sqs};
use crate::app::App;
use crate::json::Text;

/// The members that distinguish such events, and the options of a sweep.
#[derive(Deserialize)]
pub(super) struct Shape<'a> {
    /// SQS, and every other service that passes several records at once.
    #[serde(borrow, rename = "Records")]
    records: Option<&'a RawValue>,
    /// EventBridge.
    #[serde(borrow)]
    pub(super) source: Option<Text<'a>>,
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: Option<Text<'a>>,
    #[cfg(feature = "events")]
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    /// CloudFormation.
    #[serde(borrow, rename = "RequestType")]
    request_type: Option<Text<'a>>,
    /// HTTP: if it is there, a stranger may have written the event's content.
    #[serde(rename = "requestContext")]
    request_context: Option<IgnoredAny>,
    /// An event for this program.
    #[serde(borrow, rename = "fhir-sub")]
    pub(super) fhir_sub: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) since: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) endpoint: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) tenant: Option<Text<'a>>,
}

/// Handles the event within the invocation's time. The answer is a JSON object.
pub(super) async fn invoke(
    app: &App,
    payload: &[u8],
    context: &Context,
) -> Result<Box<RawValue>, Diagnostic> {
    let shape: Shape<'_> = serde_json::from_slice(payload).map_err(|_| unknown(UNREADABLE))?;
    if shape.request_context.is_some() {
        return Err(unknown(NO_REQUEST));
    }
    let deadline = super::invocation_deadline(context).unwrap_or_else(|| app.deadline(None));
    #[cfg(feature = "registration")]
    if let Some(options) = sweep::asked(&shape) {
        let tenant = shape.tenant.as_deref();
        return sweep::run_each(app, tenant, &options?, deadline, &context.request_id).await;
    }
    #[cfg(feature = "registration")]
    if shape.request_type.is_some()
        && let Some(asked) = cloudformation::asked(payload)
    {
        return cloudformation::run(app, &asked, deadline).await;
    }
    #[cfg(feature = "events")]
    if let Some(records) = shape.records.and_then(sqs::records) {
        return Ok(sqs::handle(app, &records, deadline, context).await);
    }
    #[cfg(feature = "events")]
    if let (Some(detail_type), Some(detail)) = (&shape.detail_type, shape.detail) {
        return event_bridge::handle(app, detail_type, detail, deadline, context).await;
    }
    let _ = (app, deadline);
    Err(unknown(&shape.name()))
}

const UNREADABLE: &str = "it must be a JSON object, in which members such as `source` are strings";

const NO_REQUEST: &str =
    "it has `requestContext`, and is not a whole HTTP request; no WebSocket API is handled";

/// An unknown event fails the invocation, because nobody reads an answer.
fn unknown(name: &str) -> Diagnostic {
    let handled = handled();
    tracing::error!(event = name, handled, "an event of an unknown kind is refused");
    let error_message = format!("the event is of an unknown kind: {name}. The program handles {handled}");
    Diagnostic { error_type: "UnknownEvent".into(), error_message }
}

/// The kinds of events that this build handles.
fn handled() -> String {
    let mut kinds = "requests of API Gateway, of a Function URL or of a load balancer".to_owned();
    if cfg!(feature = "registration") {
        kinds += ", sweeps (a schedule, or {\"fhir-sub\":\"sweep\"}), custom resources of CloudFormation";
    }
    kinds += if cfg!(feature = "events") {
        ", messages of SQS, events of EventBridge with a `detail`"
    } else {
        ". For SQS and EventBridge, add the feature `events` of fhir-sub in Cargo.toml"
    };
    kinds
}

impl Shape<'_> {
    /// A name for the event, from its shape. The sender's own name is quoted only if it has the form of a
    /// name.
    fn name(&self) -> String {
        /// The service of a record. SNS alone writes it with a capital letter.
        #[derive(Deserialize)]
        struct Record<'a> {
            #[serde(borrow, alias = "EventSource", rename = "eventSource")]
            source: Option<Text<'a>>,
        }
        fn quoted<'t>(text: Option<&'t Text<'_>>) -> &'t str {
            let is_name = |text: &&str| {
                let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b" .:-_".contains(&byte);
                !text.is_empty() && text.len() <= 128 && text.bytes().all(is_of_a_name)
            };
            text.map(|text| &**text).filter(is_name).unwrap_or("something else")
        }
        if let Some(records) = self.records {
            let records: Vec<Record<'_>> = serde_json::from_str(records.get()).unwrap_or_default();
            if records.is_empty() {
                return "its `Records` are an empty list, or none that can be read".to_owned();
            }
            let source = records.first().and_then(|record| record.source.as_ref());
            let cure =
                if quoted(source) == "aws:sns" { " (subscribe a queue to the topic of SNS)" } else { "" };
            return format!("it has records of {}{cure}", quoted(source));
        }
        match (&self.detail_type, &self.request_type) {
            (Some(_), _) => {
                let (kind, source) = (quoted(self.detail_type.as_ref()), quoted(self.source.as_ref()));
                format!("it is EventBridge's `{kind}` of {source}")
            }
            (None, Some(_)) => "it is CloudFormation's, of a custom resource".to_owned(),
            (None, None) if self.fhir_sub.is_some() => "its `fhir-sub` asks for an unknown task".to_owned(),
            (None, None) => {
                "it has none of the members `Records`, `detail-type`, `RequestType` and `fhir-sub`".to_owned()
            }
        }
    }
}
