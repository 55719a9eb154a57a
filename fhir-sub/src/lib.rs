//! React to changes in a FHIR server.

// So that the paths of examples resolve in this crate's own tests too.
#[cfg(test)]
#[allow(unused_extern_crates)] // Some of them name it, some do not.
extern crate self as fhir_sub;

mod deadline;
pub mod fhir;
pub mod client;
#[cfg(feature = "sandbox")]
pub mod sandbox;

pub use client::FhirClient;
pub use deadline::Deadline;
