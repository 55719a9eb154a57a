//! The vocabulary of FHIR that the crates of fhir-sub share. Use it through
//! [`fhir-sub`](https://docs.rs/fhir-sub), which re-exports the public part; the rest may change in any
//! release.
//!
//! These are the few FHIR types and rules that the library itself needs.
//!
//! Your resources are your own types, or the types of any FHIR crate. The types here only register a
//! subscription, page through a search, write a transaction, or report a server's errors. [`Subscription`]
//! keeps all elements; the other types ignore fields that they do not list.

// In reading order: each module uses those above it.
mod secret_string;
pub mod interaction;
pub mod content;
mod version;
mod media_type;
mod instant;
#[doc(hidden)]
pub mod reference;
#[doc(hidden)]
pub mod json_error;
#[doc(hidden)]
pub mod operation_outcome;
mod query;
#[doc(hidden)]
pub mod bundle;
#[doc(hidden)]
pub mod transaction;
mod subscription;
#[doc(hidden)]
pub mod backport;

pub use bundle::{Bundle, BundleEntry, BundleLink, BundleRequest, BundleResponse, BundleSearch};
#[doc(hidden)]
pub use instant::Instant;
#[doc(hidden)]
pub use instant::digits;
pub use json_error::JsonError;
#[doc(hidden)]
pub use media_type::is_json;
pub use operation_outcome::{OperationOutcome, OperationOutcomeIssue};
#[doc(hidden)]
pub use query::Piece;
pub use query::{Condition, Query};
#[doc(hidden)]
pub use reference::{Reference, is_id, is_type_name};
pub use secret_string::SecretString;
pub use subscription::Subscription;
pub use transaction::{InvalidEntry, TransactionBuilder};
pub use version::{FhirVersion, FhirVersions};

#[cfg(test)]
mod tests;

// `search!` writes paths that begin with `::fhir_sub`. In the tests of this crate, this name means this
// crate.
#[cfg(test)]
extern crate self as fhir_sub;

#[cfg(test)]
use fhir_sub_macros::search;

#[cfg(test)]
mod __private {
    pub(crate) use crate::{Piece, Query};
}
