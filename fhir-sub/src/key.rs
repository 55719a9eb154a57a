//! [`Key`]: what an event is known by to the idempotency store, which names no patient.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use ring::hmac;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::SharedSecret;

/// What an event is known by: an HMAC-SHA256, so that it names no patient. `Display` writes it in lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of nothing else: no hash comes to it.
    pub(crate) const ZERO: Self = Self([0; 32]);

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        crate::signature::bytes(text.as_bytes()).map(Self)
    }
}

/// A key is a hash already: its first eight bytes tell it from others.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no key"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Makes keys for the events of one FHIR server: two servers never share one.
///
/// The hash of `Patient/123` can be guessed by whoever hashes all numbers; that with a secret cannot.
#[derive(Clone)]
pub(crate) struct Keys {
    secret: Option<SharedSecret>,
    base_url: String,
    /// Made for the first key: a program that makes none does not pay for it at each start.
    hashed: OnceLock<Hashed>,
}

/// What keys are made with.
#[derive(Clone)]
struct Hashed {
    of_server: hmac::Key,
    /// With the secret alone: what keys were made with before they told servers apart.
    old: hmac::Key,
}

/// Where no secret is set, what is kept does not leave the process; what a handler makes of an event's key is its own.
const NO_SECRET: &str = "fhir-sub";

impl Keys {
    /// Keys for the events of the server at `base_url`, which ends without a slash.
    pub(crate) fn new(secret: Option<&SharedSecret>, base_url: &str) -> Self {
        Self { secret: secret.cloned(), base_url: base_url.to_owned(), hashed: OnceLock::new() }
    }

    fn hashed(&self) -> &Hashed {
        self.hashed.get_or_init(|| {
            let secret = self.secret.as_ref().map_or(NO_SECRET, SharedSecret::expose);
            let old = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let Key(of_server) = made_with(&old, &["server", &self.base_url]);
            Hashed { of_server: hmac::Key::new(hmac::HMAC_SHA256, &of_server), old }
        })
    }

    /// The key of `parts`, of which the first says what kind it is.
    pub(crate) fn key(&self, parts: &[&str]) -> Key {
        made_with(&self.hashed().of_server, parts)
    }

    /// The key that the same parts had before keys told servers apart.
    pub(crate) fn old_key(&self, parts: &[&str]) -> Key {
        made_with(&self.hashed().old, parts)
    }
}

fn made_with(secret: &hmac::Key, parts: &[&str]) -> Key {
    let mut context = hmac::Context::with_key(secret);
    for part in parts {
        // Told apart by their lengths, so that no two lists are one text.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        context.update(part.as_bytes());
    }
    let tag = context.sign();
    let mut key = [0; 32];
    key.copy_from_slice(tag.as_ref());
    Key(key)
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_have_one_key() {
        let keys = Keys::new(None, "https://fhir.example.org");
        assert_eq!(keys.key(&["a", "bc"]), keys.key(&["a", "bc"]));
        for other in [&["ab", "c"][..], &["abc"], &["a", "b", "c"], &["a", "bc", ""], &[]] {
            assert_ne!(keys.key(&["a", "bc"]), keys.key(other), "{other:?}");
        }
    }

    #[test]
    fn two_servers_share_no_key() {
        let of = |base_url| Keys::new(None, base_url);
        let (one, other) = (of("https://one.example.org/r4"), of("https://one.example.org/r5"));
        assert_ne!(one.key(&["a"]), other.key(&["a"]));
        assert_eq!(one.key(&["a"]), of("https://one.example.org/r4").key(&["a"]));
        assert_eq!(one.old_key(&["a"]), other.old_key(&["a"]));
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let key = Keys::new(None, "https://fhir.example.org").key(&["Patient/1"]);
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        assert_eq!(Key::parse("Patient/1"), None);
        assert_eq!(key.to_string().len(), 64);
    }
}
