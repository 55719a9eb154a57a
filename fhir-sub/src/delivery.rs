//! Delivers events to handlers. This module knows neither HTTP requests nor answers.
//!
//! An event is read if the notification only names its resource. Then it is identified, begun in the store,
//! handled, and completed or released in the store.
//! Notifications, look-ups, gaps, sweeps and dead letters call [`deliver`]; nothing else runs a handler.

pub(crate) mod doubt;
mod failure;
mod delivered;
mod time;
pub(crate) mod history;
mod identity;
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
#[cfg(feature = "inspector")]
mod told;
mod record;
pub(crate) mod dead_letters;

pub(crate) use deliver::{deliver_found, deliver_unless_suspect};
#[cfg(test)]
pub(crate) use delivered::GivenUp;
pub(crate) use delivered::{Delivered, Due, End, Ended};
pub(crate) use failure::Failure;
pub(crate) use handle::{Deferred, is_unreadable};
pub(crate) use notified::{Notified, Place, events, none};
pub(crate) use read::{Deletion, latest};
pub(crate) use record::{Record, Severity};
pub(crate) use time::Time;
#[cfg(feature = "inspector")]
pub(crate) use told::DeskRecord;
