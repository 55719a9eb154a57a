//! [`Memory`]: what an instance remembers between notifications.
//!
//! It starts empty, ends with the process, and has a limit. No promise depends on it. The numbers of events
//! are logged and counted, and missing ones are asked for; no event is skipped because of its number.
//! Exception: a resource that a search found and that was handled is not handled again.

mod event_numbers;
mod gaps;
mod look_up;
mod readiness;
mod sequence;
#[cfg(feature = "registration")]
mod silences;
#[cfg(feature = "registration")]
mod subscriptions;

pub(crate) use event_numbers::{Asked, Claim, EventNumbers, Name};
pub(crate) use gaps::Range;
pub(crate) use look_up::{LookUp, LookUps, Version};
pub(crate) use readiness::Readiness;
pub(crate) use sequence::{Counts, Numbering};
#[cfg(feature = "registration")]
pub(crate) use silences::{Periods, Silences};
#[cfg(feature = "registration")]
pub(crate) use subscriptions::{Known, Subscriptions, Written};

/// The memory of an instance between notifications.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) event_numbers: EventNumbers,
    pub(crate) look_ups: LookUps,
    pub(crate) readiness: Readiness,
    #[cfg(feature = "registration")]
    pub(crate) silences: Silences,
    #[cfg(feature = "registration")]
    pub(crate) subscriptions: Subscriptions,
    /// Held while an event is handled that has killed an instance. Only one such event runs at a time, so
    /// that few other events die with it.
    pub(crate) alone: tokio::sync::Mutex<()>,
}
