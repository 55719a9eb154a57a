//! [`TestRequest`]: a request in the shape of any server.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde_json::{Value, json};

use super::TestNotification;
use crate::interaction::Interaction;
use crate::recorded::{Recorded, Sent};
use crate::sandbox::topic::bundle::name;
use crate::settings::Settings;
use crate::signature::sign;

/// A request to the app, as a server sends it, or your own.
///
/// ```
/// use fhir_sub::testing::{TestNotification, TestRequest};
///
/// let patient = serde_json::json!({ "resourceType": "Patient", "id": "1" });
/// let behind_a_stage = TestRequest::hapi_update("patients", &patient).prefix("/prod");
/// let from_a_stranger = TestRequest::hapi_delete("patients", "Patient/1").without_secret();
/// let handshake = TestRequest::notification("patients", &TestNotification::handshake());
/// let not_json = TestRequest::post("patients").header("content-type", "application/fhir+json").body("{");
/// # let _ = (behind_a_stage, from_a_stranger, handshake, not_json);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is sent by `TestApp::send`"]
pub struct TestRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    secret: Secret,
}

#[derive(Clone, Debug)]
enum Secret {
    TheApps,
    Other(HeaderValue),
    None,
}

impl TestRequest {
    /// A request without a body: `TestRequest::new(Method::GET, "/health")`. A query may follow the path.
    pub fn new(method: Method, path: &str) -> Self {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path, None),
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Self { method, path, query, headers: HeaderMap::new(), body: Bytes::new(), secret: Secret::TheApps }
    }

    /// A `POST` to a path.
    pub fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    /// A create or an update, as HAPI sends it for a Subscription with a payload: a `PUT` of the resource to `{endpoint}/{Type}/{id}`, with its
    /// version in `If-Match`.
    pub fn hapi_update(endpoint: &str, resource: &impl Serialize) -> Self {
        let resource = value(resource);
        let path = format!("{endpoint}/{}", name(&resource));
        let request =
            Self::new(Method::PUT, &path).resource(&resource, "application/fhir+json; charset=UTF-8");
        match text(&resource, "/meta/versionId") {
            "" => request,
            version_id => request.header("if-match", &format!("\"{version_id}\"")),
        }
    }

    /// A deletion, as HAPI sends it: a `DELETE` of `{endpoint}/{Type}/{id}`. The reference is `Type/id`.
    pub fn hapi_delete(endpoint: &str, reference: &str) -> Self {
        Self::new(Method::DELETE, &format!("{endpoint}/{reference}"))
    }

    /// Any change, as HAPI sends it for a Subscription without a payload: an empty `POST`.
    pub fn hapi_empty(endpoint: &str) -> Self {
        Self::post(endpoint)
    }

    /// HAPI's notification of a Subscription with the extension `subscription-payload-search-criteria`: a `POST` of a
    /// transaction with a `PUT` of each resource that HAPI's search has found.
    pub fn hapi_payload_search<R: Serialize>(endpoint: &str, resources: impl IntoIterator<Item = R>) -> Self {
        let entry = |resource: R| {
            let resource = value(&resource);
            let reference = name(&resource);
            json!({ "fullUrl": reference, "resource": resource, "request": { "method": "PUT", "url": reference } })
        };
        let entries: Vec<_> = resources.into_iter().map(entry).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        Self::post(endpoint).resource(&bundle, "application/fhir+json; charset=UTF-8")
    }

    /// A create or an update, as Medplum sends it: a `POST` of the resource.
    pub fn medplum(endpoint: &str, interaction: Interaction, resource: &impl Serialize) -> Self {
        Self::post(endpoint)
            .resource(&value(resource), "application/fhir+json")
            .header("x-medplum-subscription", "d5d8ef5a-6a4f-4a0c-9b0e-5d0f8f6a7a11")
            .header("x-medplum-interaction", interaction.name())
    }

    /// A deletion, as Medplum sends it: a `POST` of `{}` that names the resource in a header.
    pub fn medplum_delete(endpoint: &str, reference: &str) -> Self {
        Self::medplum(endpoint, Interaction::Delete, &json!({}))
            .header("x-medplum-deleted-resource", reference)
    }

    /// The notification of a topic subscription: a `POST` of a Bundle.
    pub fn notification(endpoint: &str, notification: &TestNotification) -> Self {
        Self::post(endpoint).resource(&notification.to_json(), "application/fhir+json")
    }

    /// The request in a file that `record DIR` has written, or that the page of `cargo run` copies as a test. It
    /// carries the app's secret.
    ///
    /// ```
    /// use fhir_sub::testing::TestRequest;
    ///
    /// let request = TestRequest::recorded(
    ///     r#"{
    ///       "method": "PUT",
    ///       "path": "/patients/Patient/1",
    ///       "headers": { "content-type": "application/fhir+json" },
    ///       "body": { "resourceType": "Patient", "id": "1" }
    ///     }"#,
    /// );
    /// // In a test: TestRequest::recorded(include_str!("deliveries/0001-patients-handled.json"))
    /// # let _ = request;
    /// ```
    ///
    /// # Panics
    ///
    /// The text is not a recorded delivery. The message says why.
    #[track_caller]
    pub fn recorded(text: &str) -> Self {
        let sent = Recorded::parse(text).and_then(|recorded| recorded.sent());
        let Sent { method, path, headers, body } = sent.unwrap_or_else(|reason| panic!("{reason}"));
        Self { headers, body, ..Self::new(method, &path) }
    }

    /// A registration: `POST /register`. `query` is its query, such as `dry-run=true`, or empty.
    pub fn register(query: &str) -> Self {
        Self::post(&format!("register?{query}"))
    }

    /// Puts a stage or a path prefix before the path.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.path = under(prefix, &self.path);
        self
    }

    /// Adds a header. A header that the request already has occurs twice.
    ///
    /// # Panics
    ///
    /// The name or the value cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("the name of a header");
        self.headers.append(name, value.parse().expect("the value of a header"));
        self
    }

    /// Sends this body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Shows this secret instead of the app's.
    ///
    /// # Panics
    ///
    /// It cannot stand in a header.
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Secret::Other(secret.parse().expect("the value of a header"));
        self
    }

    /// Shows no secret.
    pub fn without_secret(mut self) -> Self {
        self.secret = Secret::None;
        self
    }

    #[cfg(test)]
    pub(crate) fn sent_body(&self) -> &Bytes {
        &self.body
    }

    fn resource(self, resource: &Value, content_type: &str) -> Self {
        self.header("content-type", content_type).body(resource.to_string())
    }

    /// The request with the secret in its header, and with a signature if the app requires one.
    pub(super) fn signed(mut self, settings: &Settings) -> Self {
        match &self.secret {
            Secret::TheApps => {
                if let Some(shared) = &settings.secrets.shared {
                    self.headers.append(settings.header.clone(), shared.to_header());
                }
                if let Some(signing) = settings.told_to_sign_with()
                    && let (header, prefix) = settings.fhir_server.signature_header()
                    && !self.headers.contains_key(header)
                {
                    let signature = sign(signing.current.expose(), &self.body);
                    self = self.header(header, &format!("{prefix}{signature}"));
                }
            }
            Secret::Other(value) => {
                self.headers.append(settings.header.clone(), value.clone());
            }
            Secret::None => {}
        }
        self
    }
}

/// The path below a prefix, which begins with a slash in every request.
pub(super) fn under(prefix: &str, path: &str) -> String {
    match prefix.trim_matches('/') {
        "" => path.to_owned(),
        prefix => format!("/{prefix}{path}"),
    }
}

pub(super) fn value(resource: &impl Serialize) -> Value {
    serde_json::to_value(resource).expect("a resource that can be written as JSON")
}

fn text<'r>(resource: &'r Value, pointer: &str) -> &'r str {
    resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
