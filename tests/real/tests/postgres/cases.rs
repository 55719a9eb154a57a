//! What is shown, case by case.

pub(crate) mod canary;
pub(crate) mod processes;
