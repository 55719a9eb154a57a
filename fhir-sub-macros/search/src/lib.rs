//! The grammar of FHIR search, for [fhir-sub](https://docs.rs/fhir-sub). The feature `definitions` adds the
//! definitions of FHIR R4, R4B and R5.
//!
//! Everything that reads a search uses this crate: the macros, the registration, the sandbox and the sweep. So
//! percent-encoding, `+`, escapes, prefixes, modifiers, chains and the forms of filters are decided once.
//!
//! ```
//! use fhir_sub_search::search::{self, Modifier};
//!
//! let (search, mistakes) = search::parse("Observation?subject:Patient.name:exact=O%27Hara,Smith");
//! assert_eq!(mistakes, []);
//! let parameter = &search.unwrap().parameters[0];
//! assert_eq!(parameter.code(), "subject:Patient.name");
//! assert_eq!(parameter.modifier(), Some(Modifier::Exact));
//! assert!(parameter.is_chained());
//! assert_eq!(parameter.values[0].to_string(), "O'Hara");
//! ```
//!
//! Not public API: use `fhir_sub`. The interface may change in any release.

// In reading order: each module uses those above it.
pub mod calendar;
pub mod mistake;
pub mod nearest;
pub mod routes;
pub mod search;
pub mod canonical;
#[cfg(feature = "definitions")]
pub mod definitions;
#[cfg(feature = "definitions")]
pub mod criteria;
