//! [`SignInError`]: why the sign-in failed.

use std::fmt;
use std::sync::Arc;

/// Why the sign-in failed.
///
/// Every caller that waited for the same token gets a clone. A user's own provider may put anything into the source, so no text shows it.
#[derive(Clone)]
pub(crate) struct SignInError {
    pub(crate) text: String,
    pub(crate) transient: bool,
    pub(crate) source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl SignInError {
    pub(crate) fn plain(text: impl Into<String>, transient: bool) -> Self {
        Self { text: text.into(), transient, source: None }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SignInError {}
