//! Thin layers between the service and its callers.

#[cfg(any(test, feature = "testing", all(feature = "inspector", debug_assertions)))]
pub(crate) mod in_process;
#[cfg(feature = "lambda")]
pub(crate) mod lambda;
#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod tower;

pub use tower::ResponseBody;
