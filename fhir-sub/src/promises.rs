//! Tests of what README.md and docs/once.md promise, by the class of fault that each would show.

mod crashes;
mod creations;
mod dead_letters;
mod deletions;
mod fair_time;
mod identity;
pub(crate) mod kit;
mod memory;
mod order;
mod panics;
mod poison;
mod telling;
