pub(crate) mod callers;
pub(crate) mod refusals;
pub(crate) mod tokens;
