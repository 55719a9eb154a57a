//! Bundles: pages of a search, transactions and their answers.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json_error::JsonError;
use crate::operation_outcome::{self, OperationOutcome};

/// The `Bundle` resource, generic over the type of its resources.
///
/// `Bundle<Box<RawValue>>` keeps the text of each resource, which [`BundleEntry::parse`] reads. A transaction
/// answers with this type, since its entries are of different types. To write a transaction, start from
/// [`Bundle::transaction`] or [`Bundle::batch`]. `Debug` shows counts, but no content.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
pub struct Bundle<T> {
    #[serde(default = "bundle")]
    resource_type: String,
    /// `searchset`, `transaction`, `transaction-response`, ….
    #[serde(rename = "type", default)]
    pub bundle_type: String,
    /// The number of matches, if the server states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Links to this page and the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<BundleLink>,
    /// The entries.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub entry: Vec<BundleEntry<T>>,
}

/// `Bundle.link`.
#[derive(Clone, Serialize, Deserialize)]
pub struct BundleLink {
    /// `self`, `next`, ….
    #[serde(default)]
    pub relation: String,
    /// The URL.
    #[serde(default)]
    pub url: String,
}

/// `Bundle.entry`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
pub struct BundleEntry<T> {
    /// The resource's URL, or a `urn:uuid:` by which other entries refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_url: Option<String>,
    /// The resource.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub resource: Option<T>,
    /// Why the entry is in a search's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<BundleSearch>,
    /// In a transaction, the request to execute; in a history, the executed request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<BundleRequest>,
    /// The result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<BundleResponse>,
}

/// `Bundle.entry.search`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BundleSearch {
    /// `match`, `include` or `outcome`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// `Bundle.entry.request`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleRequest {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    #[serde(default)]
    pub method: String,
    /// The URL, relative to the base.
    #[serde(default)]
    pub url: String,
    /// `If-Match` of an update, `W/"3"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// `If-None-Match` of a create with an id that the client chooses, `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_none_match: Option<String>,
    /// `If-None-Exist` of a create: a query without its `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_none_exist: Option<String>,
}

/// `Bundle.entry.response`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleResponse {
    /// The status, such as `201 Created`.
    #[serde(default, deserialize_with = "status")]
    pub status: String,
    /// The URL of the resource's new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The new version, `W/"3"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The time of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The server's `OperationOutcome`, such as the reason of a refusal. Its texts may quote patients.
    #[serde(
        default,
        deserialize_with = "operation_outcome::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub outcome: Option<OperationOutcome>,
}

/// Reads a text, or a number, which some servers write.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

impl<T> Bundle<T> {
    /// An empty bundle of this type.
    #[must_use]
    pub fn new(bundle_type: impl Into<String>) -> Self {
        let bundle_type = bundle_type.into();
        Self { resource_type: bundle(), bundle_type, total: None, link: Vec::new(), entry: Vec::new() }
    }

    /// The URL of the link with this relation.
    #[must_use]
    pub fn link(&self, relation: &str) -> Option<&str> {
        self.link.iter().find(|link| link.relation == relation).map(|link| link.url.as_str())
    }
}

impl BundleEntry<Box<RawValue>> {
    /// Parses the entry's resource; `None` if the entry has none.
    ///
    /// # Errors
    /// The resource does not fit the type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<Option<T>, JsonError> {
        self.resource
            .as_deref()
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(JsonError::from)
    }
}

impl<T> Default for BundleEntry<T> {
    fn default() -> Self {
        Self { full_url: None, resource: None, search: None, request: None, response: None }
    }
}

fn bundle() -> String {
    "Bundle".to_owned()
}

impl<T> fmt::Debug for Bundle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("entries", &self.entry.len())
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for BundleEntry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleEntry").field("has_resource", &self.resource.is_some()).finish_non_exhaustive()
    }
}

// URLs carry ids and queries.
macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque_debug!(BundleLink, BundleRequest, BundleResponse);
