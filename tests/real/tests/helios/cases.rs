//! What is shown, case by case.

pub(crate) mod activation;
pub(crate) mod canary;
pub(crate) mod events;
pub(crate) mod outages;
