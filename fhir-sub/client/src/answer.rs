//! Reads the body of an answer.

use std::borrow::Cow;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LOCATION, ETAG, LOCATION};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind};
use crate::exchange::Attempts;
use crate::fhir::is_id;
use crate::fhir::reference::entity_tag_version;
use crate::location::Location;
use crate::request::Request;

/// Parses the body of an answer. An empty body counts as `null`.
pub(crate) fn decode<T: DeserializeOwned>(request: &Request, answer: &Response<Bytes>) -> Result<T, Error> {
    let body = answer.body();
    if body.is_empty() {
        let empty = Kind::Unexpected("the answer has no body");
        return serde_json::from_slice(b"null").map_err(|_| failure(request, answer, empty));
    }
    serde_json::from_slice(body).map_err(|error| failure(request, answer, Kind::Decode(error.into())))
}

/// Parses the body of an answer, after a check of its `resourceType`.
///
/// Without the check, a type with only optional fields would accept an `OperationOutcome`, and hide that the
/// resource is missing.
pub(crate) fn decode_resource<T: DeserializeOwned>(
    request: &Request,
    answer: &Response<Bytes>,
    resource_type: &str,
) -> Result<T, Error> {
    let body = answer.body();
    if body.is_empty() {
        return Err(failure(request, answer, Kind::Unexpected("the answer has no body")));
    }
    let tag: Tag<'_> =
        serde_json::from_slice(body).map_err(|error| failure(request, answer, Kind::Decode(error.into())))?;
    if tag.resource_type.is_none_or(|found| found != resource_type) {
        let other = Kind::Unexpected("the answer is not a resource of the type asked for");
        return Err(failure(request, answer, other));
    }
    decode(request, answer)
}

pub(crate) fn failure(request: &Request, answer: &Response<Bytes>, kind: Kind) -> Error {
    let attempts = answer.extensions().get().map_or(1, |Attempts(attempts)| *attempts);
    Error::new(kind).of(&request.method, &request.subject, attempts)
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource_type: Option<Cow<'a, str>>,
}

/// A server's answer to a write, without the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The status: 201 if the resource is new; 200 or 204 if it was changed, or existed already.
    pub status: u16,
    /// The resource's id, if the server or the request names it. After a create, the server may leave it out: see
    /// [`Create::with_id`](crate::Create::with_id).
    pub id: Option<String>,
    /// The resource's version, if the server names it. Use it for `if_match`.
    pub version_id: Option<String>,
}

impl Written {
    /// Whether the resource is new.
    #[must_use]
    pub fn was_created(&self) -> bool {
        self.status == 201
    }

    /// Reads id and version from `Location` and `ETag`. If these are missing, it reads them from
    /// `Content-Location` or the body: HAPI answers a patch without `Location` and `ETag`.
    pub(crate) fn from_answer(answer: &Response<Bytes>, resource_type: &str) -> Self {
        let header =
            |name| answer.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let location = [LOCATION, CONTENT_LOCATION]
            .into_iter()
            .find_map(|name| Location::parse(header(name)?, resource_type));
        let etag = header(ETAG).map(entity_tag_version);
        let mut id = location.map(|location| location.id.to_owned());
        let mut version_id = location
            .and_then(|location| location.version_id)
            .or(etag)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned);
        if id.is_none() || version_id.is_none() {
            let (body_id, body_version) = Identity::of_body(answer.body(), resource_type).parts();
            id = id.or(body_id);
            version_id = version_id.or(body_version);
        }
        Self { status: answer.status().as_u16(), id, version_id }
    }
}

/// Whether an answer carries no resource: its body is empty, or an OperationOutcome about the write.
pub(crate) fn has_no_resource(answer: &Response<Bytes>) -> bool {
    let body = answer.body();
    body.is_empty()
        || serde_json::from_slice::<Tag<'_>>(body)
            .is_ok_and(|tag| tag.resource_type.is_some_and(|found| found == "OperationOutcome"))
}

/// The parts of a resource that identify it.
#[derive(Default, Deserialize)]
pub(crate) struct Identity {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    id: Option<String>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "versionId")]
    version_id: Option<String>,
}

impl Identity {
    fn of_body(body: &[u8], resource_type: &str) -> Self {
        // An OperationOutcome may have an id too.
        let is_meant =
            |found: &Self| found.resource_type.as_deref().is_none_or(|found| found == resource_type);
        serde_json::from_slice(body).ok().filter(is_meant).unwrap_or_default()
    }

    /// The id and the version.
    pub(crate) fn parts(self) -> (Option<String>, Option<String>) {
        (self.id.filter(|id| is_id(id)), self.meta.and_then(|meta| meta.version_id))
    }
}
