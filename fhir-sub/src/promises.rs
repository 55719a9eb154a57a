//! Tests of the promises in README.md and docs/once.md, by the kind of fault that each test would show.

mod crashes;
mod creations;
mod dead_letters;
mod deletions;
mod fair_time;
mod identity;
pub(crate) mod kit;
#[cfg(feature = "local")]
mod medplum;
mod memory;
mod order;
mod panics;
mod poison;
mod rotation;
mod telling;
mod tracing;
