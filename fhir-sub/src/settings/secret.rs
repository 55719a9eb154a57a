//! [`SharedSecret`]: a secret that a caller must show.

use std::fmt;

use crate::client::SecretString;
use subtle::{Choice, ConstantTimeEq};

use super::Variables;
use crate::problems::Problems;
use crate::signature::is_signature;

/// A secret of at least 16 visible ASCII characters, without `:` and `,`. In the header `Authorization`, a
/// scheme and a space may stand before it.
///
/// Medplum splits a header's value at every `:`, and API Gateway joins a repeated header with `,`. Without
/// these characters a secret arrives whole, and a repeated header never equals it.
#[derive(Clone)]
pub(crate) struct SharedSecret(SecretString);

const RECOMMENDED: usize = 32;

/// How a secret may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The secret alone.
    Bare,
    /// The secret, or a scheme and the secret, as `Bearer …` or `Basic …`: the value of an `Authorization`
    /// header
    /// (<https://www.rfc-editor.org/rfc/rfc9110#section-11.4>).
    Credentials,
}

impl Form {
    /// The form of the secrets in `header`.
    pub(super) fn of(header: &http::HeaderName) -> Self {
        if header == http::header::AUTHORIZATION { Self::Credentials } else { Self::Bare }
    }
}

impl SharedSecret {
    /// The fewest characters, without a scheme.
    pub(super) const SHORTEST: usize = 16;

    /// The text as it is, only to be compared.
    pub(super) fn compared(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret in the setting `name`, if it is set.
    pub(super) fn optional(variables: &Variables, name: &str, form: Form) -> Result<Option<Self>, Problems> {
        let Some(text) = variables.get(name) else { return Ok(None) };
        match unfit(text, form) {
            None => Ok(Some(Self(text.into()))),
            Some(why) => {
                Err(Problems::from(format!("{name} {why}; `openssl rand -hex 32` makes a good one")))
            }
        }
    }

    /// Whether `shown` is the secret. The time does not reveal where the two differ.
    pub(crate) fn matches(&self, shown: &[u8]) -> Choice {
        self.0.expose_secret().as_bytes().ct_eq(shown)
    }

    /// Whether `shown` is the signature of `body` with the secret.
    pub(crate) fn signs(&self, body: &[u8], shown: &[u8]) -> Choice {
        Choice::from(u8::from(is_signature(self.0.expose_secret(), body, shown)))
    }

    /// The header line that a server must send: `X-Subscription-Auth: …`.
    pub(crate) fn header_line(&self, header: &str) -> String {
        format!("{header}: {}", self.0.expose_secret())
    }

    /// The secret itself, for the Subscription that the server reads.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The value of the header that a server sends, marked as sensitive.
    #[cfg(any(test, feature = "registration", feature = "testing"))]
    pub(crate) fn to_header(&self) -> http::HeaderValue {
        let value = http::HeaderValue::from_str(self.0.expose_secret());
        let mut value = value.expect("a secret is visible ASCII");
        value.set_sensitive(true);
        value
    }

    /// The secret without its scheme, which is not secret.
    pub(super) fn credentials(&self) -> &str {
        let text = self.0.expose_secret();
        text.split_once(' ').map_or(text, |(_scheme, credentials)| credentials)
    }

    pub(super) fn is_short(&self) -> bool {
        self.credentials().len() < RECOMMENDED
    }
}

/// Two secrets are equal if they differ only in their schemes: a caller that knows one knows the other.
impl PartialEq for SharedSecret {
    fn eq(&self, other: &Self) -> bool {
        self.credentials().as_bytes().ct_eq(other.credentials().as_bytes()).into()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedSecret")
    }
}

/// Whether two texts are the same secret. Their schemes make no difference.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    SharedSecret::compared(one) == SharedSecret::compared(other)
}

/// Whether `text` can be a secret, in any header.
pub(super) fn is_fit(text: &str) -> bool {
    unfit(text, Form::Credentials).is_none()
}

/// Why `text` cannot be a secret.
fn unfit(text: &str, form: Form) -> Option<String> {
    let secret = match text.split_once(' ') {
        Some((scheme, credentials)) if form == Form::Credentials => {
            if !is_scheme(scheme) {
                return Some("has no scheme before its space: write it as `Bearer …` or `Basic …`".into());
            }
            credentials
        }
        _ => text,
    };
    let length = secret.len();
    if let Some(character) = secret.chars().find(|character| !character.is_ascii_graphic()) {
        let what = match (character.is_whitespace(), form) {
            (false, _) => "a character that is not visible ASCII in it",
            (true, Form::Bare) => {
                "white space in it, which only FHIR_SUBSCRIPTION_HEADER=Authorization takes, as in `Bearer …`"
            }
            (true, Form::Credentials) => {
                "white space in it besides the one space after a scheme, as in `Bearer …`"
            }
        };
        Some(format!("has {what}"))
    } else if let Some(character) = secret.chars().find(|character| [':', ','].contains(character)) {
        Some(format!("has a `{character}` in it, at which servers and gateways split a header"))
    } else if length < SharedSecret::SHORTEST {
        let what = if secret.len() < text.len() { "characters after its scheme" } else { "characters" };
        Some(format!("has {length} {what}, and needs at least {}", SharedSecret::SHORTEST))
    } else {
        None
    }
}

/// Whether the text is the name of an authentication scheme: `Bearer`, `Basic`, `ApiKey`, `AWS4-HMAC-SHA256`.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}
