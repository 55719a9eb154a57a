//! Topic subscriptions: what a SubscriptionTopic fires for, what its subscriptions ask for, what they were told.
//!
//! <https://hl7.org/fhir/R5/subscriptions.html>

mod basic;
pub(crate) mod bundle;
mod definition;
mod filter;
mod log;
mod operation;
mod stand_in;
mod subscription;
pub(crate) mod writer;

pub(crate) use self::{
    definition::Topic,
    log::{Log, Logged},
    operation::{events, status},
    stand_in::{StandIn, stand_ins},
    subscription::{Form, TopicHook},
};
