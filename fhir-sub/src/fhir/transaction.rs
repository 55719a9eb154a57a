//! Writing transactions and batches.

use std::fmt;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::fhir::bundle::{Bundle, BundleEntry, BundleRequest};
use crate::fhir::json_error::JsonError;
use crate::fhir::query::Condition;
use crate::fhir::reference::{encode_query, is_id, is_type_name};

/// Writes a transaction or a batch, entry by entry.
///
/// The entries are checked as they come and the first mistake is told by [`build`](Self::build), so the calls chain.
///
/// ```
/// use fhir_sub::fhir::Bundle;
/// use serde_json::json;
///
/// let bundle = Bundle::transaction()
///     .create("Encounter", &json!({"resourceType": "Encounter", "status": "arrived"}))
///     .full_url("urn:uuid:5e1a7a52-5b7e-4d0e-8f3c-6f6a1a0c9d11")
///     .update("Appointment", "1", &json!({"resourceType": "Appointment", "id": "1", "status": "arrived"}))
///     .if_match("3")
///     .delete("Slot", "9")
///     .build()?;
/// assert_eq!(bundle.entry.len(), 3);
/// # Ok::<(), fhir_sub::fhir::InvalidEntry>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct TransactionBuilder {
    bundle: Bundle<Box<RawValue>>,
    mistake: Option<InvalidEntry>,
}

impl Bundle<Box<RawValue>> {
    /// Starts a transaction: all entries are done, or none.
    pub fn transaction() -> TransactionBuilder {
        TransactionBuilder { bundle: Self::new("transaction"), mistake: None }
    }

    /// Starts a batch: each entry is done for itself, and may fail for itself.
    pub fn batch() -> TransactionBuilder {
        TransactionBuilder { bundle: Self::new("batch"), mistake: None }
    }
}

impl TransactionBuilder {
    /// Creates a resource.
    pub fn create<B: Serialize + ?Sized>(self, resource_type: &str, resource: &B) -> Self {
        self.entry("POST", resource_type, None, Some(to_raw_value(resource)))
    }

    /// Creates or updates the resource with an id.
    pub fn update<B: Serialize + ?Sized>(self, resource_type: &str, id: &str, resource: &B) -> Self {
        self.entry("PUT", resource_type, Some(id), Some(to_raw_value(resource)))
    }

    /// Deletes the resource with an id.
    pub fn delete(self, resource_type: &str, id: &str) -> Self {
        self.entry("DELETE", resource_type, Some(id), None)
    }

    /// Reads the resource with an id.
    pub fn read(self, resource_type: &str, id: &str) -> Self {
        self.entry("GET", resource_type, Some(id), None)
    }

    /// Does the entry before only if the resource still has this version.
    ///
    /// The server has to heed it: HAPI and Medplum ignore `If-Match` on a `DELETE`.
    pub fn if_match(mut self, version_id: &str) -> Self {
        if !is_id(version_id) {
            return self.mistaken(Mistake::Version);
        }
        match self.bundle.entry.last_mut().and_then(|entry| entry.request.as_mut()) {
            Some(request) => request.if_match = Some(format!("W/\"{version_id}\"")),
            None => return self.mistaken(Mistake::NoEntry),
        }
        self
    }

    /// Does the create before only if no resource matches a search: names and values, or a [`search!`](crate::search!).
    pub fn if_none_exist(mut self, condition: impl Condition) -> Self {
        match self.bundle.entry.last_mut().and_then(|entry| entry.request.as_mut()) {
            Some(request) if request.method == "POST" => match condition.pairs(&request.url) {
                Ok(query) if !query.is_empty() => request.if_none_exist = Some(encode_query(&query)),
                Ok(_) => return self.mistaken(Mistake::NoCreate),
                Err(what) => return self.mistaken(Mistake::Condition(what)),
            },
            Some(_) => return self.mistaken(Mistake::NoCreate),
            None => return self.mistaken(Mistake::NoEntry),
        }
        self
    }

    /// Gives the entry before a URL, mostly a `urn:uuid:`, by which other entries may refer to it.
    pub fn full_url(mut self, url: impl Into<String>) -> Self {
        match self.bundle.entry.last_mut() {
            Some(entry) => entry.full_url = Some(url.into()),
            None => return self.mistaken(Mistake::NoEntry),
        }
        self
    }

    /// The finished bundle.
    ///
    /// # Errors
    /// The first entry that names no resource type or id, or could not be written as JSON.
    pub fn build(self) -> Result<Bundle<Box<RawValue>>, InvalidEntry> {
        self.mistake.map_or(Ok(self.bundle), Err)
    }

    fn entry(
        mut self,
        method: &str,
        resource_type: &str,
        id: Option<&str>,
        resource: Option<Result<Box<RawValue>, serde_json::Error>>,
    ) -> Self {
        let mistake = match &resource {
            _ if !is_type_name(resource_type) => Some(Mistake::Type),
            _ if id.is_some_and(|id| !is_id(id)) => Some(Mistake::Id),
            Some(Err(error)) => Some(Mistake::Json(error.into())),
            _ => None,
        };
        let url = id.map_or_else(|| resource_type.to_owned(), |id| format!("{resource_type}/{id}"));
        self.bundle.entry.push(BundleEntry {
            resource: resource.and_then(Result::ok),
            request: Some(BundleRequest { method: method.to_owned(), url, ..BundleRequest::default() }),
            ..BundleEntry::default()
        });
        match mistake {
            Some(mistake) => self.mistaken(mistake),
            None => self,
        }
    }

    fn mistaken(mut self, mistake: Mistake) -> Self {
        let entry = self.bundle.entry.len();
        self.mistake.get_or_insert(InvalidEntry { entry, mistake });
        self
    }
}

/// An entry of a transaction that cannot be sent, by its place in the bundle.
#[derive(Clone, Debug)]
pub struct InvalidEntry {
    entry: usize,
    mistake: Mistake,
}

#[derive(Clone, Debug)]
enum Mistake {
    Type,
    Id,
    Version,
    NoEntry,
    NoCreate,
    Condition(&'static str),
    Json(JsonError),
}

impl fmt::Display for InvalidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of the bundle: ", self.entry)?;
        match &self.mistake {
            Mistake::Type => f.write_str("the resource type is not the name of one"),
            Mistake::Id => f.write_str("the id is not a FHIR id"),
            Mistake::Version => f.write_str("the version is not a FHIR id"),
            Mistake::NoEntry => f.write_str("a condition or URL stands before the first entry"),
            Mistake::NoCreate => {
                f.write_str("if_none_exist belongs on a create, with a query that is not empty")
            }
            Mistake::Condition(what) => f.write_str(what),
            Mistake::Json(error) => write!(f, "the resource could not be written: {error}"),
        }
    }
}

impl std::error::Error for InvalidEntry {}
