//! Thin layers between the service and whoever calls it.

#[cfg(feature = "lambda")]
pub(crate) mod lambda;
#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod tower;

pub use tower::ResponseBody;
