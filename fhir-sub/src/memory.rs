//! [`Memory`]: what an instance remembers from one notification to the next.
//!
//! It begins empty, ends with the process, and is bounded. Nothing that must be right depends on it: what is known here
//! of an event's number is logged and counted, and asks for what did not come; no event is left out for it. Only what was
//! found by a search, and handled, is not handled again.

mod event_numbers;
mod gaps;
mod look_up;
mod sequence;
#[cfg(feature = "registration")]
mod subscriptions;

pub(crate) use event_numbers::{Asked, Claim, EventNumbers, Name};
pub(crate) use gaps::Range;
pub(crate) use look_up::{LookUp, LookUps, Version};
pub(crate) use sequence::{Counts, Numbering};
#[cfg(feature = "registration")]
pub(crate) use subscriptions::{Known, Subscriptions, Written};

/// What an instance remembers from one notification to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) event_numbers: EventNumbers,
    pub(crate) look_ups: LookUps,
    #[cfg(feature = "registration")]
    pub(crate) subscriptions: Subscriptions,
    /// Whoever handles an event at which an instance has died: one such event at a time, so that few die with it.
    pub(crate) alone: tokio::sync::Mutex<()>,
}
