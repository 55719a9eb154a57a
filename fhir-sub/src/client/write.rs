//! Creates, updates and patches, before and while they are sent.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderValue, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::FhirClient;
use crate::client::answer::{Written, decode_resource};
use crate::client::error::Error;
use crate::client::request::{FHIR_JSON, Request};
use crate::fhir::JsonError;

/// A create, sent when it is awaited; made by [`FhirClient::create`].
///
/// Awaited, it asks for `return=minimal` and gives what the server says of the write; after
/// [`returning`](Create::returning) it asks for `return=representation` and gives the resource.
#[must_use = "nothing is sent until this is awaited"]
pub struct Create(Prepared);

/// An update or patch, sent when it is awaited; made by [`FhirClient::update`], [`FhirClient::update_where`] and
/// [`FhirClient::patch`].
///
/// Awaited, it asks for `return=minimal` and gives what the server says of the write; after
/// [`returning`](Update::returning) it asks for `return=representation` and gives the resource.
#[must_use = "nothing is sent until this is awaited"]
pub struct Update(Prepared);

/// A write that gives back the resource as the server has it now, sent when it is awaited.
#[must_use = "nothing is sent until this is awaited"]
pub struct Returning<T>(Prepared, PhantomData<fn() -> T>);

struct Prepared {
    client: FhirClient,
    resource_type: String,
    request: Result<Request, Error>,
}

impl Create {
    pub(crate) fn new(client: &FhirClient, resource_type: &str, request: Result<Request, Error>) -> Self {
        Self(Prepared::new(client, resource_type, request))
    }

    /// Creates only if no resource matches a search, given as names and values (`If-None-Exist`).
    ///
    /// One match: nothing is written, and [`Written::was_created`] is false; the match may be what an earlier attempt of
    /// this very call has created, whose answer was lost. Several: an error that
    /// [is a conflict](Error::is_conflict). Since repeating it creates nothing twice, it is repeated where a plain
    /// create is not.
    pub fn if_none_exist(mut self, query: &[(&str, &str)]) -> Self {
        self.0.request = self.0.request.and_then(|request| request.if_none_exist(query));
        self
    }

    /// Gives back the resource as the server has stored it. An answer without it is an error, though the write was
    /// done.
    pub fn returning<T: DeserializeOwned>(self) -> Returning<T> {
        Returning(self.0, PhantomData)
    }
}

impl Update {
    pub(crate) fn new(client: &FhirClient, resource_type: &str, request: Result<Request, Error>) -> Self {
        Self(Prepared::new(client, resource_type, request))
    }

    /// Writes only if the resource still has this version, `3` (`If-Match: W/"3"`); otherwise the error
    /// [is a conflict](Error::is_conflict).
    pub fn if_match(mut self, version_id: &str) -> Self {
        self.0.request = self.0.request.and_then(|request| request.if_match(version_id));
        self
    }

    /// Gives back the resource as the server has stored it. An answer without it is an error, though the write was
    /// done.
    pub fn returning<T: DeserializeOwned>(self) -> Returning<T> {
        Returning(self.0, PhantomData)
    }
}

impl Prepared {
    fn new(client: &FhirClient, resource_type: &str, request: Result<Request, Error>) -> Self {
        Self { client: client.clone(), resource_type: resource_type.to_owned(), request }
    }

    async fn send(self, representation: bool) -> Result<(Request, Response<Bytes>, String), Error> {
        let request = self.request?.prefer(representation);
        let answer = self.client.send(&request).await?;
        Ok((request, answer, self.resource_type))
    }

    async fn minimal(self) -> Result<Written, Error> {
        let (_, answer, _) = self.send(false).await?;
        Ok(Written::from_answer(&answer))
    }
}

impl IntoFuture for Create {
    type Output = Result<Written, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.minimal())
    }
}

impl IntoFuture for Update {
    type Output = Result<Written, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.minimal())
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Returning<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (request, answer, resource_type) = self.0.send(true).await?;
            decode_resource(&request, &answer, &resource_type)
        })
    }
}

/// The body of a patch, in one of the forms that FHIR allows.
#[derive(Clone)]
pub struct Patch {
    content_type: HeaderValue,
    body: Bytes,
}

impl Patch {
    /// A JSON Patch (RFC 6902): an array of operations.
    ///
    /// # Errors
    /// The operations cannot be written as JSON.
    pub fn json<B: Serialize + ?Sized>(operations: &B) -> Result<Self, JsonError> {
        let body = serde_json::to_vec(operations)?.into();
        Ok(Self { content_type: HeaderValue::from_static("application/json-patch+json"), body })
    }

    /// A `FHIRPath` Patch: a `Parameters` resource.
    ///
    /// # Errors
    /// The parameters cannot be written as JSON.
    pub fn fhir_path<B: Serialize + ?Sized>(parameters: &B) -> Result<Self, JsonError> {
        Ok(Self { content_type: FHIR_JSON, body: serde_json::to_vec(parameters)?.into() })
    }

    /// A patch of another content type, such as an XML Patch, as it is.
    #[must_use]
    pub fn other(content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self { content_type, body: body.into() }
    }

    pub(crate) fn apply_to(&self, request: Request) -> Request {
        request.body(self.content_type.clone(), self.body.clone())
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patch").field("bytes", &self.body.len()).finish_non_exhaustive()
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
