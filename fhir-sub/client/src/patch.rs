//! [`Patch`]: the body of a patch.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;

use crate::fhir::JsonError;
use crate::request::{FHIR_JSON, Request};

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

    /// A patch of another content type, such as an XML Patch. The client sends it unchanged.
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
