//! The cases, one file for each subject.

pub(crate) mod canary;
pub(crate) mod client;
pub(crate) mod criteria;
pub(crate) mod crowd;
pub(crate) mod main_job;
pub(crate) mod notifications;
pub(crate) mod registration;
pub(crate) mod restart;
pub(crate) mod retries;
pub(crate) mod topics;
