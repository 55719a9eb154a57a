//! [`SecretString`]: a secret that no `Debug` shows.

use std::fmt;

use secrecy::ExposeSecret;

/// A secret text, such as a password or a token. `Debug` does not show it, and its memory is overwritten when
/// it is dropped.
///
/// ```
/// use fhir_sub::client::{Authorization, SecretString};
///
/// let authorization = Authorization::Bearer(SecretString::from("a-token"));
/// assert!(!format!("{authorization:?}").contains("a-token"));
/// ```
#[derive(Clone)]
pub struct SecretString(secrecy::SecretString);

impl SecretString {
    /// The secret itself: do not log it.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretString(…)")
    }
}
