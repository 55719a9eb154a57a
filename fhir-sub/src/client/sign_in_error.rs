//! [`SignInError`]: why no access token could be had.

use std::fmt;
use std::sync::Arc;

/// Why no access token could be had.
///
/// It is cloned for every caller who waited for the same token. The source, which a user's own provider may have
/// filled with anything, is shown in no text.
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
