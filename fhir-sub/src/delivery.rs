//! An event in, and what became of it out. It knows of no request, and of no answer.
//!
//! An event is read, where it is only named; identified; begun in the store; handled; and completed there, or released.
//! Notifications, look-ups, gaps, sweeps and dead letters call [`deliver`], and nothing else runs a handler.

pub(crate) mod doubt;
mod failure;
mod delivered;
mod time;
mod identity;
pub(crate) mod history;
mod reader;
mod version;
mod read;
mod once;
mod interaction;
mod handle;
mod deliver;
pub(crate) mod query;
pub(crate) mod changed;
pub(crate) mod look_up;
mod gap;
mod notified;
mod record;
pub(crate) mod dead_letters;

pub(crate) use deliver::{deliver_found, deliver_unless_suspect};
#[cfg(test)]
pub(crate) use delivered::GivenUp;
pub(crate) use delivered::{Delivered, Due, End, Ended};
pub(crate) use failure::Failure;
pub(crate) use handle::Deferred;
pub(crate) use notified::{Notified, Place, events, none};
pub(crate) use read::Deletion;
pub(crate) use record::{Record, Severity};
pub(crate) use time::Time;

#[cfg(test)]
pub(crate) mod scripted;
