//! [`Shape`]: the members that distinguish the events that are not HTTP requests.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::json::Text;

/// The members that distinguish such events, and the options of a sweep.
#[derive(Deserialize)]
pub(super) struct Shape<'a> {
    /// SQS, and every other service that passes several records at once.
    #[serde(borrow, rename = "Records")]
    pub(super) records: Option<&'a RawValue>,
    /// EventBridge.
    #[serde(borrow)]
    pub(super) source: Option<Text<'a>>,
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: Option<Text<'a>>,
    #[cfg(feature = "events")]
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
    /// CloudFormation.
    #[serde(borrow, rename = "RequestType")]
    pub(super) request_type: Option<Text<'a>>,
    /// HTTP: if it is there, a stranger may have written the event's content.
    #[serde(rename = "requestContext")]
    pub(super) request_context: Option<IgnoredAny>,
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

impl Shape<'_> {
    /// A name for the event, from its shape. The sender's own name is quoted only if it has the form of a
    /// name.
    pub(super) fn name(&self) -> String {
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
