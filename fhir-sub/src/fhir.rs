//! The handful of FHIR types and rules that the machinery itself needs.
//!
//! Resources are the user's own types, or those of any FHIR crate; these here are only what has to be read to
//! register a subscription, to page through a search, to write a transaction, or to tell what a server complains
//! of. All are read leniently: fields that are not listed are ignored.

pub(crate) mod backport;
pub(crate) mod bundle;
mod instant;
pub(crate) mod json_error;
mod media_type;
pub(crate) mod operation_outcome;
mod query;
pub(crate) mod reference;
mod subscription;
pub(crate) mod transaction;
mod version;

pub use bundle::{Bundle, BundleEntry, BundleLink, BundleRequest, BundleResponse, BundleSearch};
pub(crate) use instant::Instant;
#[cfg(feature = "sandbox")]
pub(crate) use instant::digits;
pub use json_error::JsonError;
pub(crate) use media_type::is_json;
pub use operation_outcome::{OperationOutcome, OperationOutcomeIssue};
#[doc(hidden)]
pub use query::Piece;
pub use query::{Condition, Query};
pub(crate) use reference::{Reference, is_id, is_type_name};
pub use subscription::Subscription;
pub use transaction::{InvalidEntry, TransactionBuilder};
pub use version::{FhirVersion, FhirVersions};

#[cfg(test)]
mod tests;
