//! An answer, for HTTP or for an entry of a Bundle.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, LOCATION},
};
use serde_json::{Value, json};

use super::{clock, refusal::Refusal, store::Version};
use crate::fhir::Instant;

/// Status, content, and the data of the headers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Arc<Value>>,
    pub(crate) location: Option<String>,
    version: Option<(u64, Instant)>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(Arc::new(body)), location: None, version: None }
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: None, location: None, version: None }
    }

    /// A version of a resource.
    pub(crate) fn resource(status: StatusCode, version: &Version, resource: Arc<Value>) -> Self {
        Self { status, body: Some(resource), location: None, version: Some((version.number, version.at)) }
    }

    pub(crate) fn refuse(refusal: &Refusal) -> Self {
        Self { status: refusal.status(), ..Self::ok(refusal.outcome()) }
    }

    pub(crate) fn etag(&self) -> Option<String> {
        self.version.map(|(number, _)| format!("W/\"{number}\""))
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.status;
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        };
        self.etag().into_iter().for_each(|etag| set(ETAG, etag));
        self.version.into_iter().for_each(|(_, at)| set(LAST_MODIFIED, clock::http_date(at)));
        self.location.into_iter().for_each(|location| set(LOCATION, location));
        if let Some(body) = self.body {
            set(CONTENT_TYPE, "application/fhir+json; charset=UTF-8".to_owned());
            *response.body_mut() = Bytes::from(body.to_string());
        }
        response
    }

    /// The answer as `entry.response` of a Bundle, with its content, if any.
    pub(crate) fn into_entry(self) -> Value {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let mut response = json!({ "status": format!("{} {reason}", self.status.as_u16()) });
        if let Some(etag) = self.etag() {
            response["etag"] = etag.into();
        }
        if let Some((_, at)) = self.version {
            response["lastModified"] = at.to_string().into();
        }
        if let Some(location) = self.location {
            response["location"] = location.into();
        }
        match self.body {
            Some(body) if body["resourceType"] == "OperationOutcome" => {
                response["outcome"] = Value::clone(&body);
                json!({ "response": response })
            }
            Some(body) => json!({ "resource": *body, "response": response }),
            None => json!({ "response": response }),
        }
    }
}
