//! A request before it is signed and sent. All its parts are validated.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderName, IF_MATCH};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde::Serialize;
use url::Url;

use crate::error::{Error, Kind};
use crate::fhir::reference::encode_query;
use crate::fhir::{FhirVersion, is_id, is_type_name};
use crate::retry::Repeat;

pub(crate) const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json");
/// Without this, a server may compress its answers, and the client reads none of these.
const UNCHANGED: HeaderValue = HeaderValue::from_static("identity");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

/// One request, which may be sent several times.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// Its name in errors, such as `Encounter/…`, without an id or a query.
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
    /// The longest answer of this request, in addition to the client's own limit.
    pub(crate) answer_bytes: usize,
}

impl Request {
    /// A request to a URL. The method decides whether it may be repeated (RFC 9110 §9.2.2).
    pub(crate) fn new(method: Method, url: &Url, subject: impl Into<String>) -> Result<Self, Error> {
        let subject = subject.into();
        let uri = url.as_str().parse().map_err(|_| {
            Error::invalid("the URL cannot be sent, mostly for its length").of(&method, &subject, 0)
        })?;
        let repeat = if method.is_idempotent() { Repeat::Safe } else { Repeat::IfUnprocessed };
        let headers = HeaderMap::from_iter([(ACCEPT, FHIR_JSON), (ACCEPT_ENCODING, UNCHANGED)]);
        Ok(Self { method, uri, subject, headers, body: Bytes::new(), repeat, answer_bytes: usize::MAX })
    }

    /// Sets the body, written as JSON.
    pub(crate) fn json<B: Serialize + ?Sized>(self, body: &B) -> Result<Self, Error> {
        match serde_json::to_vec(body) {
            Ok(bytes) => Ok(self.body(FHIR_JSON, bytes.into())),
            Err(error) => Err(Error::new(Kind::Encode(error.into())).of(&self.method, &self.subject, 0)),
        }
    }

    pub(crate) fn body(mut self, content_type: HeaderValue, body: Bytes) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body;
        self
    }

    /// Asks for a fresh answer: for a minute, HAPI repeats the result of an equal search.
    pub(crate) fn no_cache(mut self) -> Self {
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self
    }

    /// Asks for the resource in the answer, or only for an OperationOutcome.
    ///
    /// It never asks for `return=minimal`, because Medplum's refusal then lacks the reason. A server that
    /// does not know `return=OperationOutcome` uses its default.
    pub(crate) fn prefer(mut self, representation: bool) -> Self {
        let value = if representation { "return=representation" } else { "return=OperationOutcome" };
        self.headers.insert(PREFER, HeaderValue::from_static(value));
        self
    }

    /// Asks the server to refuse an unknown parameter instead of ignoring it:
    /// <https://hl7.org/fhir/R4/search.html#errors>.
    pub(crate) fn make_strict(&mut self) {
        self.headers.insert(PREFER, HeaderValue::from_static("handling=strict"));
    }

    /// Makes a write depend on the resource's version.
    pub(crate) fn if_match(mut self, version_id: &str) -> Result<Self, Error> {
        let value = is_id(version_id).then(|| HeaderValue::try_from(format!("W/\"{version_id}\"")).ok());
        let value = value.flatten().ok_or_else(|| self.invalid("the version is not a FHIR id"))?;
        self.headers.insert(IF_MATCH, value);
        Ok(self)
    }

    /// Makes a create depend on a search without matches. Such a create may be repeated, too.
    pub(crate) fn if_none_exist(mut self, query: &[(&str, &str)]) -> Result<Self, Error> {
        if query.is_empty() {
            return Err(self.invalid("a condition needs at least one parameter"));
        }
        // Servers ignore a parameter without a value, and the condition would match another resource.
        if query.iter().any(|(name, value)| name.is_empty() || value.is_empty()) {
            return Err(self.invalid("a condition has a parameter without a value"));
        }
        let value = HeaderValue::try_from(encode_query(query))
            .map_err(|_| self.invalid("the condition is too long"))?;
        self.headers.insert(IF_NONE_EXIST, value);
        self.repeat = Repeat::Safe;
        Ok(self)
    }

    /// Names the FHIR version of the resources that are sent and expected.
    pub(crate) fn of_version(mut self, version: FhirVersion) -> Self {
        let media_type = format!("application/fhir+json; fhirVersion={}", version.media_type_parameter());
        let media_type = HeaderValue::try_from(media_type).expect("a media type is visible ASCII");
        for name in [ACCEPT, CONTENT_TYPE] {
            if let Some(value) = self.headers.get_mut(name).filter(|value| **value == FHIR_JSON) {
                *value = media_type.clone();
            }
        }
        self
    }

    /// An error of this request before it is sent.
    pub(crate) fn invalid(&self, what: &'static str) -> Error {
        Error::invalid(what).of(&self.method, &self.subject, 0)
    }
}

/// A place under the base URL. Each segment is validated before it is added, so no segment leads out of the
/// base URL.
pub(crate) struct Target {
    url: Url,
    pub(crate) subject: String,
}

impl Target {
    /// The base URL itself, which takes transactions. `base` must be checked.
    pub(crate) fn system(base: &Url, subject: &str) -> Self {
        let mut url = base.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Self { url, subject: subject.to_owned() }
    }

    /// `metadata`.
    pub(crate) fn metadata(base: &Url) -> Self {
        Self::system(base, "metadata").push("metadata")
    }

    /// `Type`.
    pub(crate) fn resource_type(base: &Url, resource_type: &str) -> Result<Self, Error> {
        if !is_type_name(resource_type) {
            return Err(Error::invalid(
                "the resource type is not a name of FHIR: write one such as `Encounter`",
            ));
        }
        Ok(Self::system(base, resource_type).push(resource_type))
    }

    /// `Type/id`.
    pub(crate) fn instance(base: &Url, resource_type: &str, id: &str) -> Result<Self, Error> {
        let mut target = Self::resource_type(base, resource_type)?;
        if !is_id(id) {
            return Err(Error::invalid("the id is not a FHIR id"));
        }
        target.subject.push_str("/…");
        Ok(target.push(id))
    }

    /// The place with `_history`, and optionally a version.
    pub(crate) fn history(mut self, version_id: Option<&str>) -> Result<Self, Error> {
        self.subject.push_str("/_history");
        let target = self.push("_history");
        match version_id {
            None => Ok(target),
            Some(version_id) if is_id(version_id) => Ok(target.push(version_id)),
            Some(_) => Err(Error::invalid("the version is not a FHIR id")),
        }
    }

    /// The place with `_search`, which takes a search by `POST`.
    pub(crate) fn search(self) -> Self {
        self.push("_search")
    }

    /// The place with `$name`; `name` may begin with `$`.
    pub(crate) fn operation(mut self, name: &str) -> Result<Self, Error> {
        let name = name.strip_prefix('$').unwrap_or(name);
        let valid = (1..=64).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !valid {
            return Err(Error::invalid(
                "the operation's name is not one of FHIR: write one such as `$everything`",
            ));
        }
        let segment = format!("${name}");
        if !self.subject.is_empty() {
            self.subject.push('/');
        }
        self.subject.push_str(&segment);
        Ok(self.push(&segment))
    }

    pub(crate) fn query(mut self, query: &[(&str, &str)]) -> Self {
        if !query.is_empty() {
            self.url.set_query(Some(&encode_query(query)));
            self.subject.push_str("?…");
        }
        self
    }

    pub(crate) fn request(&self, method: Method) -> Result<Request, Error> {
        Request::new(method, &self.url, self.subject.as_str())
    }

    /// The path below the base URL, without a leading slash: `Encounter`.
    pub(crate) fn path_under(&self, base: &Url) -> String {
        let base = base.path().trim_end_matches('/');
        self.url.path().strip_prefix(base).unwrap_or_default().trim_matches('/').to_owned()
    }

    /// Adds a validated segment.
    fn push(mut self, segment: &str) -> Self {
        let path = format!("{}/{segment}", self.url.path().trim_end_matches('/'));
        self.url.set_path(&path);
        self
    }
}

#[cfg(test)]
mod tests;
