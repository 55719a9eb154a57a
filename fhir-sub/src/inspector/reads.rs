//! [`Reads`]: the resources that handlers got from the FHIR server. The sandbox of a copied test must have them too.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::transport::{Limits, Transport, TransportError};
use crate::fhir::{Reference, is_id, is_type_name};

tokio::task_local! {
    /// The reads of the delivery that this task answers.
    static READS: Arc<Mutex<Reads>>;
}

/// The resources that handlers got from the FHIR server during one delivery. A read in a task that the handler spawns does
/// not count.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    resources: Vec<Read>,
    /// References to resources that the handlers needed. The content of these resources is unknown or too large.
    unseen: Vec<String>,
    /// References to resources that the handlers wrote. The handlers of a test write them too.
    written: HashSet<String>,
}

/// A resource as it was at its first read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) reference: String,
    pub(super) json: String,
    /// Whether the handlers asked for this version, which may be an old one.
    is_version: bool,
}

/// The most resources that are kept of a delivery, and the most bytes of them. Nobody reads a longer test.
pub(super) const MOST: usize = 50;
const MOST_BYTES: usize = 256 << 10;

/// The most references to other resources.
const MOST_UNSEEN: usize = 100;

/// The types that no test creates. A Subscription would make the sandbox of the test send notifications, and contains a
/// secret.
const NOT_COPIED: [&str; 6] = [
    "CapabilityStatement",
    "OperationOutcome",
    "Parameters",
    "Subscription",
    "SubscriptionStatus",
    "SubscriptionTopic",
];

/// Does `work`, and returns what its handlers read meanwhile.
pub(super) async fn with_reads<T>(work: impl Future<Output = T>) -> (T, Reads) {
    let reads = Arc::<Mutex<Reads>>::default();
    let done = READS.scope(reads.clone(), work).await;
    let mut reads = std::mem::take(&mut *reads.lock().unwrap_or_else(PoisonError::into_inner));
    // Only the reads of the same handlers needed this.
    reads.written = HashSet::new();
    (done, reads)
}

/// Notes the answers that pass from a transport to the handlers of a delivery.
struct Tap(Arc<dyn Transport>);

/// The transport, with a [`Tap`] before it.
pub(crate) fn tapped(transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
    Arc::new(Tap(transport))
}

impl Transport for Tap {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        let Ok(reads) = READS.try_with(Arc::clone) else { return self.0.send(request, limits) };
        Box::pin(async move {
            let (method, url) = (request.method().clone(), request.uri().to_string());
            let is_conditional = request.headers().contains_key("if-none-exist");
            let body = request.body().clone();
            let answer = self.0.send(request, limits).await?;
            let asked = Asked { method: method.as_str(), url: &url, is_conditional };
            let location = answer.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
            let text = std::str::from_utf8(answer.body()).unwrap_or_default();
            let told = ServerAnswer { status: answer.status(), location, text };
            let mut reads = reads.lock().unwrap_or_else(PoisonError::into_inner);
            match entries(&method, &body) {
                Some(asked) => reads.note_each(&asked, text),
                None => reads.note(&asked, &told),
            }
            drop(reads);
            Ok(answer)
        })
    }
}

/// A request to the FHIR server, or a request within a batch or a transaction.
struct Asked<'a> {
    method: &'a str,
    url: &'a str,
    is_conditional: bool,
}

/// The FHIR server's answer to an [`Asked`].
struct ServerAnswer<'a> {
    status: StatusCode,
    location: Option<&'a str>,
    text: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    resource_type: String,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Bundle<'j> {
    #[serde(borrow, default)]
    entry: Vec<Entry<'j>>,
}

#[derive(Deserialize)]
struct Entry<'j> {
    #[serde(borrow)]
    resource: Option<&'j RawValue>,
    request: Option<EntryRequest>,
    response: Option<EntryResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryRequest {
    method: String,
    url: String,
    if_none_exist: Option<String>,
}

#[derive(Deserialize)]
struct EntryResponse {
    /// `201 Created`
    status: String,
    location: Option<String>,
}

/// The requests of a batch or a transaction; `None` for another request.
fn entries(method: &Method, body: &[u8]) -> Option<Vec<EntryRequest>> {
    if *method != Method::POST {
        return None;
    }
    let entries = serde_json::from_slice::<Bundle<'_>>(body).ok()?.entry;
    let requests: Vec<_> = entries.into_iter().filter_map(|entry| entry.request).collect();
    (!requests.is_empty()).then_some(requests)
}

impl Reads {
    /// The resources that a test must create, as they were.
    pub(super) fn resources(&self) -> &[Read] {
        &self.resources
    }

    /// References to resources that a test must create. Their content is not here.
    pub(super) fn unseen(&self) -> &[String] {
        &self.unseen
    }

    /// The approximate number of bytes that the resources take in memory.
    pub(super) fn size(&self) -> usize {
        let resources = self.resources.iter().map(|read| read.json.len() + read.reference.len());
        resources.chain(self.unseen.iter().map(String::len)).sum()
    }

    /// Replaces the text of each resource for which `hidden` returns another text.
    pub(super) fn hide(&mut self, hidden: impl Fn(&str) -> Option<String>) {
        for read in &mut self.resources {
            if let Some(hidden) = hidden(&read.json) {
                read.json = hidden;
            }
        }
    }

    fn has(&self, reference: &str) -> bool {
        self.resources.iter().any(|read| read.reference == reference)
    }

    fn note(&mut self, asked: &Asked<'_>, told: &ServerAnswer<'_>) {
        if !told.status.is_success() {
            return;
        }
        let path = asked.url.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        match asked.method {
            // A history may begin with a version that was deleted later.
            "GET" if last != "_history" => self.keep(told.text, path.contains("/_history/")),
            "POST" if last == "_search" => self.keep(told.text, false),
            // The effect of an operation is unknown.
            "POST" if last.starts_with('$') => {}
            // The conditional create has found a resource. A test may create another, and ends alike.
            "POST" if asked.is_conditional && told.status == StatusCode::OK => self.keep(told.text, false),
            "POST" => {
                let of_body =
                    || serde_json::from_str::<Head>(told.text).ok().and_then(|head| head.reference());
                self.written.extend(told.location.and_then(named).or_else(of_body));
            }
            "PATCH" | "DELETE" => {
                self.lack(named(path));
                self.written.extend(named(path));
            }
            "PUT" => self.written.extend(named(path)),
            _ => {}
        }
    }

    /// Notes each request of a batch or a transaction. The answer has an entry for each, in the same order.
    fn note_each(&mut self, asked: &[EntryRequest], answer: &str) {
        let Ok(Bundle { entry }) = serde_json::from_str(answer) else { return };
        for (asked, entry) in asked.iter().zip(entry) {
            let Some(response) = entry.response else { continue };
            let status = response.status.get(..3).and_then(|status| status.parse().ok());
            let asked = Asked {
                method: &asked.method,
                url: &asked.url,
                is_conditional: asked.if_none_exist.is_some(),
            };
            let told = ServerAnswer {
                status: status.unwrap_or(StatusCode::BAD_REQUEST),
                location: response.location.as_deref(),
                text: entry.resource.map_or("", RawValue::get),
            };
            self.note(&asked, &told);
        }
    }

    /// Keeps a resource, or each resource of a Bundle. The current version replaces a version that was asked for.
    fn keep(&mut self, json: &str, is_version: bool) {
        let Ok(head) = serde_json::from_str::<Head>(json) else { return };
        if head.resource_type == "Bundle" {
            let Ok(Bundle { entry }) = serde_json::from_str(json) else { return };
            entry
                .iter()
                .filter_map(|entry| entry.resource)
                .for_each(|resource| self.keep(resource.get(), is_version));
            return;
        }
        let Some(reference) = head.reference().filter(|_| !NOT_COPIED.contains(&&*head.resource_type)) else {
            return;
        };
        if self.written.contains(&reference) {
            return;
        }
        if !is_version {
            self.resources.retain(|read| !read.is_version || read.reference != reference);
        }
        if self.has(&reference) {
            return;
        }
        if self.resources.len() == MOST || self.size() + json.len() > MOST_BYTES {
            self.lack(Some(reference));
        } else {
            self.resources.push(Read { reference, json: json.to_owned(), is_version });
        }
    }

    /// Notes that a test must create the resource.
    fn lack(&mut self, reference: Option<String>) {
        let Some(reference) = reference else { return };
        let is_known =
            self.has(&reference) || self.written.contains(&reference) || self.unseen.contains(&reference);
        if !is_known && self.unseen.len() < MOST_UNSEEN {
            self.unseen.push(reference);
        }
    }
}

impl Head {
    /// `Type/id`, if both are names. The text goes into the code of a test, so nothing else may be in it.
    fn reference(&self) -> Option<String> {
        let id = self.id.as_deref().filter(|id| is_id(id))?;
        is_type_name(&self.resource_type).then(|| format!("{}/{id}", self.resource_type))
    }
}

/// The resource that a URL or a path names, as `Type/id`.
fn named(url: &str) -> Option<String> {
    Reference::parse(url).map(|reference| reference.to_string())
}

#[cfg(test)]
mod tests;
