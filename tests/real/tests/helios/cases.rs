//! The cases, one file for each subject.

pub(crate) mod activation;
pub(crate) mod canary;
pub(crate) mod events;
pub(crate) mod outages;
