//! The names of fhir-sub's own routes. The macros and the program share them, and both use this crate.

/// The path segments of the program's own routes: no endpoint and no tenant may have one as its name.
pub const ROUTES: [&str; 7] = ["register", "sweep", "status", "health", "ready", "metrics", "dead-letters"];
