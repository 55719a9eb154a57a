//! [`SharedSecret`]: a secret that a caller must show.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use super::Variables;
use crate::problems::Problems;
use crate::signature::is_signature;

/// A secret of at least 16 visible ASCII characters, without `:` and `,`.
///
/// Medplum splits a header's value at every `:`, and API Gateway joins a header that was sent twice with
/// `,`; without them a secret arrives whole, and a header sent twice never equals it.
#[derive(Clone)]
pub(crate) struct SharedSecret(SecretString);

const SHORTEST: usize = 16;
const RECOMMENDED: usize = 32;

impl SharedSecret {
    /// The secret that the setting `name` must give.
    pub(super) fn required(variables: &Variables, name: &str) -> Result<Self, Problems> {
        Self::optional(variables, name)?.ok_or_else(|| {
            Problems::from(format!(
                "{name} is not set: without it anyone could send notifications; `openssl rand -hex 32` makes one"
            ))
        })
    }

    /// The secret that the setting `name` gives, if it is set.
    pub(super) fn optional(variables: &Variables, name: &str) -> Result<Option<Self>, Problems> {
        let Some(text) = variables.get(name) else { return Ok(None) };
        match unfit(text) {
            None => Ok(Some(Self(text.into()))),
            Some(why) => {
                Err(Problems::from(format!("{name} {why}; `openssl rand -hex 32` makes a good one")))
            }
        }
    }

    /// Whether `shown` is the secret, in a time that tells nothing of where the two differ.
    pub(crate) fn matches(&self, shown: &[u8]) -> Choice {
        self.0.expose_secret().as_bytes().ct_eq(shown)
    }

    /// Whether `shown` is the signature of `body` with the secret.
    pub(crate) fn signs(&self, body: &[u8], shown: &[u8]) -> Choice {
        Choice::from(u8::from(is_signature(self.0.expose_secret(), body, shown)))
    }

    /// The header line that a server is to send: `X-Subscription-Auth: …`.
    pub(crate) fn header_line(&self, header: &str) -> String {
        format!("{header}: {}", self.0.expose_secret())
    }

    /// The secret itself, for the Subscription that tells it to the server.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The value of the header that a server sends, marked as sensitive.
    #[cfg(any(feature = "registration", feature = "testing"))]
    pub(crate) fn to_header(&self) -> http::HeaderValue {
        let value = http::HeaderValue::from_str(self.0.expose_secret());
        let mut value = value.expect("a secret is visible ASCII");
        value.set_sensitive(true);
        value
    }

    pub(super) fn is_short(&self) -> bool {
        self.0.expose_secret().len() < RECOMMENDED
    }
}

impl PartialEq for SharedSecret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.expose_secret().as_bytes()).into()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedSecret")
    }
}

/// Why `text` cannot be a secret.
fn unfit(text: &str) -> Option<String> {
    let length = text.len();
    if let Some(character) = text.chars().find(|character| !character.is_ascii_graphic()) {
        let what =
            if character.is_whitespace() { "white space" } else { "a character that is no visible ASCII" };
        Some(format!("has {what} in it"))
    } else if let Some(character) = text.chars().find(|character| [':', ','].contains(character)) {
        Some(format!("has a `{character}` in it, at which servers and gateways split a header"))
    } else if length < SHORTEST {
        Some(format!("has {length} characters, and needs at least {SHORTEST}"))
    } else {
        None
    }
}
