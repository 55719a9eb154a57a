//! A request, from HTTP or from an entry of a Bundle.

use bytes::Bytes;
use http::{
    HeaderMap, Method, Request,
    header::{CONTENT_TYPE, IF_MATCH},
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{refusal::Refusal, search::query};

/// The parts of a request that the interactions need.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Decoded, relative to the base.
    pub(crate) segments: Vec<String>,
    pub(crate) query: String,
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_exist: Option<String>,
    /// `Prefer: return=minimal`.
    pub(crate) minimal: bool,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Body,
    /// The id that a transaction has already put into references.
    pub(crate) promised_id: Option<String>,
    /// Whether it comes from the test itself, which may do more than the imitated server allows a client.
    pub(crate) is_by_hand: bool,
}

/// The content of a request.
#[derive(Debug)]
pub(crate) enum Body {
    Bytes(Bytes),
    Json(Value),
}

impl Call {
    /// Reads an HTTP request, whose path may begin with the path of the base.
    pub(crate) fn read(request: Request<Bytes>, base_path: &str) -> Self {
        let (parts, body) = request.into_parts();
        let header = |name| header(&parts.headers, name);
        let path = match parts.uri.path().strip_prefix(base_path) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => parts.uri.path(),
        };
        Self {
            segments: segments(path),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            if_match: header(IF_MATCH.as_str()),
            if_none_exist: header("if-none-exist"),
            minimal: header("prefer").is_some_and(|prefer| prefer.contains("return=minimal")),
            content_type: header(CONTENT_TYPE.as_str()),
            body: Body::Bytes(body),
            promised_id: None,
            is_by_hand: false,
            method: parts.method,
        }
    }

    /// Reads `entry.request` of a Bundle, with `entry.resource` as the content.
    pub(crate) fn entry(method: Method, url: &str, base_url: &str) -> Self {
        let relative = url.strip_prefix(base_url).unwrap_or(url);
        let (path, query) = relative.split_once('?').unwrap_or((relative, ""));
        Self {
            method,
            segments: segments(path),
            query: query.to_owned(),
            if_match: None,
            if_none_exist: None,
            minimal: true,
            content_type: None,
            body: Body::Bytes(Bytes::new()),
            promised_id: None,
            is_by_hand: false,
        }
    }

    /// The path relative to the base, as in the list of requests.
    pub(crate) fn path(&self) -> String {
        self.segments.join("/")
    }

    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        query::pairs(&self.query)
    }

    /// Whether the body is empty.
    pub(crate) fn has_no_body(&self) -> bool {
        match &self.body {
            Body::Bytes(bytes) => bytes.is_empty(),
            Body::Json(value) => value.is_null(),
        }
    }

    /// The media type of the content, without parameters.
    pub(crate) fn media_type(&self) -> Option<String> {
        let media_type = self.content_type.as_deref()?.split(';').next()?;
        Some(media_type.trim().to_ascii_lowercase())
    }

    /// The content as any JSON value.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        match &self.body {
            Body::Json(value) => Ok(value.clone()),
            Body::Bytes(bytes) => serde_json::from_slice(bytes).map_err(|error| {
                // The error's message may quote the content; its position does not.
                let (line, column) = (error.line(), error.column());
                Refusal::bad_request(format!("the body is not JSON (line {line}, column {column})"))
            }),
        }
    }

    /// The content as a resource of this type.
    pub(crate) fn resource(&self, kind: &str) -> Result<Map<String, Value>, Refusal> {
        match self.media_type().as_deref() {
            None
            | Some("application/fhir+json" | "application/json" | "application/json+fhir" | "text/json") => {}
            Some(_) => {
                let status = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
                return Err(Refusal::unsupported("the sandbox reads JSON only (`application/fhir+json`)")
                    .with_status(status));
            }
        }
        let Value::Object(content) = self.json()? else {
            return Err(Refusal::unprocessable("the body is not a resource: not a JSON object"));
        };
        match content.get("resourceType").and_then(Value::as_str) {
            Some(found) if found == kind => Ok(content),
            _ => Err(Refusal::unprocessable(format!("the body is not a resource of type {kind}"))),
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn segments(path: &str) -> Vec<String> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}
