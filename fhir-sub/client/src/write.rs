//! Creates and updates, before and while they are sent.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_core::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::FhirClient;
use crate::answer::{Identity, Written, decode_resource, failure, has_no_resource};
use crate::error::{Error, Kind};
use crate::fhir::Condition;
use crate::request::Request;

/// A create, sent when you await it. [`FhirClient::create`] makes it.
///
/// It asks for an OperationOutcome (`Prefer: return=OperationOutcome`), and returns a [`Written`]. After
/// [`returning`](Create::returning), it asks for `return=representation`, and returns the resource. It never asks for `return=minimal`,
/// because Medplum then does not say why it refuses a write.
#[must_use = "nothing is sent until this is awaited"]
pub struct Create(Prepared);

/// An update or patch, sent when you await it. [`FhirClient::update`], [`FhirClient::update_where`] and [`FhirClient::patch`] make it.
///
/// It returns a [`Written`]; after [`returning`](Update::returning), it returns the resource. It sends the same `Prefer` as a
/// [`Create`].
#[must_use = "nothing is sent until this is awaited"]
pub struct Update(Prepared);

/// A write that returns the stored resource, sent when you await it.
#[must_use = "nothing is sent until this is awaited"]
pub struct Returning<T>(Prepared, PhantomData<fn() -> T>);

struct Prepared {
    client: FhirClient,
    resource_type: String,
    /// The id, if the request names it.
    id: Option<String>,
    /// The condition that finds the written resource, if the request has one.
    condition: Vec<(String, String)>,
    finds_id: bool,
    request: Result<Request, Error>,
}

impl Create {
    pub(crate) fn new(client: &FhirClient, resource_type: &str, request: Result<Request, Error>) -> Self {
        Self(Prepared::new(client, resource_type, request))
    }

    /// Creates only if no resource matches a search (`If-None-Exist`): names and values, or a `search!`.
    ///
    /// If one resource matches, nothing is written, and [`Written::was_created`] is false. An earlier attempt of this call may have created
    /// the match. If several match, the error [is a conflict](Error::is_conflict). A repetition creates nothing twice, so the client
    /// retries such a create where it does not retry a plain one.
    ///
    /// A server need not name the match in its answer. Then [`Written::id`] is `None`, unless you also call [`with_id`](Create::with_id).
    pub fn if_none_exist(mut self, condition: impl Condition) -> Self {
        match condition.pairs(&self.0.resource_type) {
            Ok(query) => {
                self.0.request = self.0.request.and_then(|request| request.if_none_exist(&query));
                self.0.condition = owned(&query);
            }
            Err(what) => self.0.request = self.0.request.and_then(|request| Err(request.invalid(what))),
        }
        self
    }

    /// Adds this header, or replaces it.
    #[doc(hidden)]
    pub fn header(mut self, name: http::HeaderName, value: http::HeaderValue) -> Self {
        if let Ok(request) = &mut self.0.request {
            request.headers.insert(name, value);
        }
        self
    }

    /// If the answer does not name the id, searches once by the condition of [`if_none_exist`](Create::if_none_exist).
    ///
    /// [`Written::id`] stays `None` if the search finds no resource or several, or if there is no condition. An error of the search is the
    /// error of the call. The create was done then, and its condition lets you repeat it.
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
    /// let encounter = serde_json::json!({"resourceType": "Encounter", "status": "arrived"});
    /// let condition = [("appointment", "Appointment/1")];
    /// let written = fhir.create("Encounter", &encounter).if_none_exist(&condition).with_id().await?;
    /// let id = written.id;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_id(mut self) -> Self {
        self.0.finds_id = true;
        self
    }

    /// Returns the resource as the server has stored it.
    ///
    /// If the answer does not contain the resource, the client reads it: by the id in the answer, else by the condition of
    /// [`if_none_exist`](Create::if_none_exist). If neither names one resource, the call is an error although the write was done.
    pub fn returning<T: DeserializeOwned>(self) -> Returning<T> {
        Returning(self.0, PhantomData)
    }
}

impl Update {
    pub(crate) fn new(client: &FhirClient, resource_type: &str, request: Result<Request, Error>) -> Self {
        Self(Prepared::new(client, resource_type, request))
    }

    /// Sets the id that the request names.
    pub(crate) fn of_id(mut self, id: &str) -> Self {
        self.0.id = Some(id.to_owned());
        self
    }

    /// Sets the condition that finds the resource.
    pub(crate) fn of_condition(mut self, query: &[(&str, &str)]) -> Self {
        self.0.condition = owned(query);
        self
    }

    /// Writes only if the resource still has this version, `3` (`If-Match: W/"3"`); otherwise the error
    /// [is a conflict](Error::is_conflict).
    ///
    /// **Medplum ignores `If-Match` on a `PATCH`** (5.1.6), and patches the current version. If two programs may write the same resource,
    /// use [`update`](FhirClient::update) with the whole resource.
    pub fn if_match(mut self, version_id: &str) -> Self {
        self.0.request = self.0.request.and_then(|request| request.if_match(version_id));
        self
    }

    /// Returns the resource as the server has stored it.
    ///
    /// If the answer does not contain the resource, the client reads it. Another program may have written it meanwhile.
    pub fn returning<T: DeserializeOwned>(self) -> Returning<T> {
        Returning(self.0, PhantomData)
    }
}

impl Prepared {
    fn new(client: &FhirClient, resource_type: &str, request: Result<Request, Error>) -> Self {
        let (client, resource_type) = (client.clone(), resource_type.to_owned());
        Self { client, resource_type, id: None, condition: Vec::new(), finds_id: false, request }
    }

    /// Writes, and returns the server's answer to the write.
    async fn written(self) -> Result<Written, Error> {
        let request = self.request?.prefer(false);
        let answer = self.client.send(&request).await?;
        let mut written = Written::from_answer(&answer, &self.resource_type);
        written.id = written.id.or(self.id);
        if written.id.is_none() && self.finds_id {
            let found = one(&self.client, &self.resource_type, &self.condition).await?;
            let found = found.and_then(|found| serde_json::from_str(found.get()).ok());
            let (id, version_id) = found.map(Identity::parts).unwrap_or_default();
            written.id = id;
            written.version_id = written.version_id.or(version_id);
        }
        Ok(written)
    }

    /// Writes, and returns the resource: from the answer, or read for this.
    async fn resource<T: DeserializeOwned>(self) -> Result<T, Error> {
        let request = self.request?.prefer(true);
        let answer = self.client.send(&request).await?;
        if has_no_resource(&answer) {
            let named = Written::from_answer(&answer, &self.resource_type).id.or(self.id);
            if let Some(id) = named {
                return self.client.read(&self.resource_type, &id).await;
            }
            if let Some(found) = one(&self.client, &self.resource_type, &self.condition).await? {
                let found = serde_json::from_str(found.get());
                return found.map_err(|error| failure(&request, &answer, Kind::Decode(error.into())));
            }
        }
        decode_resource(&request, &answer, &self.resource_type)
    }
}

/// The one resource that a condition finds. `None` if it finds no resource or several, or if it is empty.
async fn one(
    client: &FhirClient,
    resource_type: &str,
    condition: &[(String, String)],
) -> Result<Option<Box<RawValue>>, Error> {
    if condition.is_empty() {
        return Ok(None);
    }
    let condition = condition.iter().map(|(name, value)| (&**name, &**value));
    let query: Vec<_> = condition.chain([("_count", "2")]).collect();
    let mut search = client.search_type::<Box<RawValue>>(resource_type, &query);
    let first = search.next().await.transpose()?;
    let second = search.next().await.transpose()?;
    Ok(first.filter(|_| second.is_none()))
}

fn owned(query: &[(&str, &str)]) -> Vec<(String, String)> {
    query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl IntoFuture for Create {
    type Output = Result<Written, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.written())
    }
}

impl IntoFuture for Update {
    type Output = Result<Written, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.written())
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Returning<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.resource())
    }
}

impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create").field("resource_type", &self.0.resource_type).finish_non_exhaustive()
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update").field("resource_type", &self.0.resource_type).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Returning<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returning").field("resource_type", &self.0.resource_type).finish_non_exhaustive()
    }
}
