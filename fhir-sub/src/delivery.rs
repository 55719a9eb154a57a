//! An event in, and what became of it out: read, begin in the store, extract, handle, complete.
//!
//! Notifications, look-ups, gaps, sweeps and dead letters call it.

pub(crate) mod changed;
pub(crate) mod dead_letters;
pub(crate) mod dispatch;
pub(crate) mod gap;
pub(crate) mod handle;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod look_up;
pub(crate) mod once;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod record;

#[cfg(all(test, feature = "testing"))]
pub(crate) mod scripted;
