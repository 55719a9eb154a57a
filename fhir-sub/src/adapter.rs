//! Thin layers between the service and whoever calls it.

#[cfg(feature = "lambda")]
pub(crate) mod lambda;
#[cfg(feature = "local")]
pub(crate) mod local;
#[cfg(feature = "sandbox")]
mod sandbox;
mod tower;

pub use tower::ResponseBody;
