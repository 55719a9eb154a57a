//! Topic subscriptions: the changes that fire a SubscriptionTopic, the requests of its subscriptions, and
//! their events.
//!
//! <https://hl7.org/fhir/R5/subscriptions.html>

mod basic;
#[doc(hidden)]
pub mod bundle;
mod definition;
mod filter;
mod log;
mod operation;
mod stand_in;
mod subscription;
#[doc(hidden)]
pub mod writer;

#[doc(hidden)]
pub use self::stand_in::{StandIn, Watched, stand_ins};
pub(crate) use self::{
    definition::Topic,
    log::{Log, Logged},
    operation::{events, status},
    subscription::{Form, TopicHook},
};

/// The items of a list; none if it is no list.
fn items(list: &serde_json::Value) -> &[serde_json::Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}
