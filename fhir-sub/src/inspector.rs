//! The desk: keeps the deliveries that `serve` gets for a while, shows them, writes them into files, and sends them
//! again, changed or not.
//!
//! [`observe`] answers as `serve` does, and keeps each request and its outcome in a [`Recorder`]. [`run`] sends a
//! request from the desk through the same service. [`tapped`] notes the handlers' reads. Without the feature
//! `inspector`, none of this is compiled. Nothing that the desk keeps is in a log.

mod reads;
mod delivery;
mod recorder;
mod redact;
mod files;
mod observe;
mod run;
mod code;
mod path;
mod change;
mod notified;
mod guard;
mod page;
mod live;
mod desk;
#[cfg(feature = "mcp")]
mod mcp;

pub(crate) use change::{first_wanted, make, prepare};
pub(crate) use delivery::Delivery;
pub(crate) use desk::{Inspector, View};
pub(crate) use files::Files;
pub(crate) use observe::{observe, observed};
pub(crate) use reads::tapped;
pub(crate) use recorder::Recorder;
pub(crate) use redact::Redactor;
pub(crate) use run::run;
