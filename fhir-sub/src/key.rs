//! [`Key`]: identifies an event in the idempotency store, without naming a patient.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use ring::hmac;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::SharedSecret;

/// Identifies an event: an HMAC-SHA256, so that it names no patient. `Display` writes it in lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// A key that no hash produces.
    pub(crate) const ZERO: Self = Self([0; 32]);

    /// Parses the text that `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        crate::signature::bytes(text.as_bytes()).map(Self)
    }
}

/// A key is a hash already: its first eight bytes are enough.
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

/// Makes keys for the events of one FHIR server: the keys of two servers differ.
///
/// Anyone can guess a plain hash of `Patient/123` by hashing all numbers, but not a hash with a secret.
#[derive(Clone)]
pub(crate) struct Keys {
    secret: Option<SharedSecret>,
    base_url: String,
    tenant: Option<Box<str>>,
    /// The keys that replace these, while the store's key is rotated.
    successor: Option<Box<Keys>>,
    /// Made for the first key, so that a program without keys does not pay for it at each start.
    hashed: OnceLock<Hashed>,
}

/// The keys of the hash functions.
#[derive(Clone)]
struct Hashed {
    of_server: hmac::Key,
    /// With the secret alone: for old keys, which did not contain the server.
    old: hmac::Key,
}

/// Without a secret, records do not leave the process. A handler may use an event's key as it likes.
const NO_SECRET: &str = "fhir-sub";

impl Keys {
    /// The keys for the events of the server at `base_url`, which ends without a slash.
    pub(crate) fn new(secret: Option<&SharedSecret>, base_url: &str) -> Self {
        let (tenant, successor) = (None, None);
        Self {
            secret: secret.cloned(),
            base_url: base_url.to_owned(),
            tenant,
            successor,
            hashed: OnceLock::new(),
        }
    }

    /// The same, which `successor` replaces.
    pub(crate) fn replaced_by(self, successor: &Self) -> Self {
        Self { successor: Some(Box::new(successor.clone())), ..self }
    }

    /// The keys that stay once a rotation is over.
    pub(crate) fn lasting(&self) -> &Self {
        self.successor.as_deref().unwrap_or(self)
    }

    /// The same for one of several tenants. Tenants share no keys.
    pub(crate) fn of_tenant(self, tenant: Option<&str>) -> Self {
        Self { tenant: tenant.map(Into::into), ..self }
    }

    fn hashed(&self) -> &Hashed {
        self.hashed.get_or_init(|| {
            let secret = self.secret.as_ref().map_or(NO_SECRET, SharedSecret::expose);
            let old = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let key = |names: &[&str]| hmac::Key::new(hmac::HMAC_SHA256, &made_with(&old, names).0);
            match &self.tenant {
                None => Hashed { of_server: key(&["server", &self.base_url]), old },
                // Old keys did not include the server. Tenants are newer, so they have no such records.
                Some(tenant) => {
                    let of_server = key(&["server", &self.base_url, tenant]);
                    Hashed { old: of_server.clone(), of_server }
                }
            }
        })
    }

    /// The key of `parts`. The first part says the kind of key.
    pub(crate) fn key(&self, parts: &[&str]) -> Key {
        made_with(&self.hashed().of_server, parts)
    }

    /// The key of the same parts from before keys contained the server.
    pub(crate) fn old_key(&self, parts: &[&str]) -> Key {
        made_with(&self.hashed().old, parts)
    }
}

/// Not inlined: this takes 17 KB off the program.
#[inline(never)]
fn made_with(secret: &hmac::Key, parts: &[&str]) -> Key {
    let mut context = hmac::Context::with_key(secret);
    for part in parts {
        // The lengths separate the parts, so that two different lists never make the same text.
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
    fn two_tenants_of_one_server_share_no_key() {
        let of = |tenant| Keys::new(None, "https://fhir.example.org").of_tenant(tenant);
        let keys = [of(None), of(Some("north")), of(Some("south"))];
        for (at, keys_at) in keys.iter().enumerate() {
            for other in &keys[at + 1..] {
                assert_ne!(keys_at.key(&["a"]), other.key(&["a"]));
                assert_ne!(keys_at.old_key(&["a"]), other.old_key(&["a"]));
            }
        }
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let key = Keys::new(None, "https://fhir.example.org").key(&["Patient/1"]);
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        assert_eq!(Key::parse("Patient/1"), None);
        assert_eq!(key.to_string().len(), 64);
    }
}
