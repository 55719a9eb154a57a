//! The cases, one file for each subject.

pub(crate) mod canary;
pub(crate) mod processes;
