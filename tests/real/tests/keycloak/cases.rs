pub(crate) mod refusals;
pub(crate) mod tokens;
