//! The desk: what `serve` sees of deliveries is kept for a while, shown, written into files, changed and sent again.
//!
//! [`observe`] answers as `serve` does, and keeps what came and what became of it in a [`Recorder`]. [`run`] sends a request of
//! one's own through the same service. Nothing of it is compiled without the feature `inspector`, and nothing that it keeps is
//! in a log.

mod delivery;
mod recorder;
mod redact;
mod files;
mod observe;
mod run;
mod code;
mod guard;
mod page;
mod live;
mod desk;
#[cfg(feature = "mcp")]
mod mcp;

pub(crate) use delivery::{Delivery, Origin};
pub(crate) use desk::{Inspector, View};
pub(crate) use files::Files;
pub(crate) use observe::observe;
pub(crate) use recorder::Recorder;
pub(crate) use redact::Redactor;
pub(crate) use run::run;
