//! Writing transactions and batches.

use std::fmt;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::bundle::{Bundle, BundleEntry, BundleRequest};
use crate::json_error::JsonError;
use crate::query::Condition;
use crate::reference::{encode_query, is_id, is_type_name};

/// Writes a transaction or a batch, entry by entry.
///
/// The builder checks each entry as you add it, and [`build`](Self::build) returns the first mistake, so that
/// you can chain the calls.
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
    /// Starts a transaction: the server executes all entries or none.
    pub fn transaction() -> TransactionBuilder {
        TransactionBuilder { bundle: Self::new("transaction"), mistake: None }
    }

    /// Starts a batch: the server executes each entry by itself, and an entry can fail by itself.
    pub fn batch() -> TransactionBuilder {
        TransactionBuilder { bundle: Self::new("batch"), mistake: None }
    }
}

impl TransactionBuilder {
    /// Creates a resource.
    pub fn create<B: Serialize + ?Sized>(self, resource_type: &str, resource: &B) -> Self {
        self.entry("POST", resource_type, None, Some(to_raw_value(resource)))
    }

    /// Creates or updates the resource with this id.
    pub fn update<B: Serialize + ?Sized>(self, resource_type: &str, id: &str, resource: &B) -> Self {
        self.entry("PUT", resource_type, Some(id), Some(to_raw_value(resource)))
    }

    /// Deletes the resource with this id.
    pub fn delete(self, resource_type: &str, id: &str) -> Self {
        self.entry("DELETE", resource_type, Some(id), None)
    }

    /// Reads the resource with this id.
    pub fn read(self, resource_type: &str, id: &str) -> Self {
        self.entry("GET", resource_type, Some(id), None)
    }

    /// Executes the previous entry only if the resource still has this version.
    ///
    /// The server must support this: HAPI and Medplum ignore `If-Match` on a `DELETE`.
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

    /// Executes the previous create only if no resource matches the condition: names and values, or a
    /// `search!`.
    pub fn if_none_exist(mut self, condition: impl Condition) -> Self {
        match self.bundle.entry.last_mut().and_then(|entry| entry.request.as_mut()) {
            Some(request) if request.method == "POST" => match condition.pairs(&request.url) {
                // Servers ignore a parameter without a value, and the condition would match another resource.
                Ok(query) if query.iter().any(|(name, value)| name.is_empty() || value.is_empty()) => {
                    return self.mistaken(Mistake::Condition("a condition has a parameter without a value"));
                }
                Ok(query) if !query.is_empty() => request.if_none_exist = Some(encode_query(&query)),
                Ok(_) => return self.mistaken(Mistake::NoCreate),
                Err(what) => return self.mistaken(Mistake::Condition(what)),
            },
            Some(_) => return self.mistaken(Mistake::NoCreate),
            None => return self.mistaken(Mistake::NoEntry),
        }
        self
    }

    /// Gives the previous entry a URL, usually a `urn:uuid:`, by which other entries can refer to it.
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
    /// The first entry that has no valid resource type or id, or cannot be written as JSON.
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

/// An entry of a transaction that cannot be sent, with its place in the bundle.
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
            Mistake::Type => {
                f.write_str("the resource type is not a name of FHIR: write one such as `Encounter`")
            }
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
