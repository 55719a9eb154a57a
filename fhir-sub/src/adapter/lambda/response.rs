//! [`LambdaResponse`]: the answer in the form that the sender of the event expects.

use serde::Serialize;
use serde::ser::Serializer;

use super::event::{Event, Kind};
use crate::service::Answer;

/// The answer to any of the four kinds of events, which differ little.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LambdaResponse {
    status_code: u16,
    /// Load balancers require it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_description: Option<String>,
    #[serde(flatten)]
    headers: ResponseHeaders,
    body: String,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<[String; 0]>,
}

/// `headers`, or `multiValueHeaders` if the load balancer uses those: then it drops `headers`.
struct ResponseHeaders {
    headers: Vec<(&'static str, String)>,
    is_multi_value: bool,
}

impl LambdaResponse {
    pub(super) fn new(event: &Event<'_>, kind: &Kind<'_>, answer: Answer) -> Self {
        let headers = answer.headers().map(|(name, value)| (name, value.to_owned())).collect();
        let is_multi_value = kind.is_load_balancer && event.has_multi_value_headers();
        Self {
            status_code: answer.status.as_u16(),
            status_description: kind.is_load_balancer.then(|| answer.status.to_string()),
            headers: ResponseHeaders { headers, is_multi_value },
            body: answer.body,
            is_base64_encoded: false,
            cookies: kind.is_format_2.then_some([]),
        }
    }
}

impl Serialize for ResponseHeaders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let member = if self.is_multi_value { "multiValueHeaders" } else { "headers" };
        serializer.collect_map([(member, Values(self))])
    }
}

struct Values<'h>(&'h ResponseHeaders);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers = self.0.headers.iter();
        if self.0.is_multi_value {
            serializer.collect_map(headers.map(|(name, value)| (name, [value])))
        } else {
            serializer.collect_map(headers.map(|(name, value)| (name, value)))
        }
    }
}
