//! The FHIR client: read, search and write on a FHIR server over its REST interface.
//!
//! The methods follow <https://hl7.org/fhir/http.html>. A resource may have any type that serde knows: a struct with the fields
//! that you use, `serde_json::Value`, or a type of a FHIR crate.
//!
//! Use it through [`fhir-sub`](https://docs.rs/fhir-sub). The items that `fhir-sub` re-exports are public; the rest of
//! this crate may change in any release.

// In reading order: each module uses those above it.
#[doc(hidden)]
pub mod deadline;
mod page_limits;
mod signer;
mod failed_entry;
mod location;
mod retry_after;
mod page_link;
mod sign_in_error;
#[doc(hidden)]
pub mod transport;
mod error;
mod retry;
mod request;
mod transaction;
mod patch;
mod assertion;
mod signing_key;
mod token_provider;
mod token;
mod token_endpoint;
mod exchange;
#[doc(hidden)]
pub mod discovery;
mod client_credentials;
mod backend_services;
mod authorization;
mod keeper;
mod config;
mod fhir_client;
mod answer;
mod pages;
mod search;
mod write;
mod operation;
mod interactions;

use fhir_sub_vocabulary as fhir;

pub use answer::Written;
pub use authorization::Authorization;
pub use backend_services::BackendServices;
pub use client_credentials::ClientCredentials;
pub use config::ClientConfig;
pub use deadline::Deadline;
pub use error::Error;
pub use failed_entry::FailedEntry;
pub use fhir_client::FhirClient;
pub use fhir_sub_vocabulary::{Condition, Query, SecretString};
#[doc(hidden)]
pub use keeper::Renewal;
pub use operation::Operation;
pub use page_limits::PageLimits;
#[doc(hidden)]
pub use pages::{Place, Said};
pub use patch::Patch;
#[doc(hidden)]
pub use search::Page;
pub use search::{History, Search};
pub use signer::{SignatureFuture, Signer, SigningAlgorithm};
pub use signing_key::SigningKey;
pub use token_provider::{AccessToken, TokenFuture, TokenProvider, TokenRequest};
pub use url::Url;
pub use write::{Create, Returning, Update};

#[cfg(test)]
mod tests;
