//! [`Token`]: the claims of an access token, before its signature is verified.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::refused::Refused;
use super::{ALGORITHMS, LEEWAY};
use crate::settings::TokenCallers;

/// The longest token that is read, in bytes. Gateways accept little more in all headers together.
const LONGEST: usize = 8 * 1024;

/// The types of an access token: RFC 9068 §2.1, and those that issuers wrote before it. An access token may
/// have no type.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// The key that a token says it is signed with. All other claims are right.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
}

impl Token {
    /// Reads `text`, and checks everything except its signature.
    pub(super) fn read(text: &str, callers: &TokenCallers, now: SystemTime) -> Result<Self, Refused> {
        if text.len() > LONGEST {
            return Err(Refused::TooLong);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Malformed);
        };
        let (header, claims) = (decoded(header)?, decoded(claims)?);
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Refused::Malformed)?;
        let algorithm = header.check()?;
        let claims: Claims<'_> = serde_json::from_slice(&claims).map_err(|_| Refused::Malformed)?;
        claims.check(callers, now)?;
        Ok(Self { algorithm, key_id: header.kid.map(Cow::into_owned) })
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)
}

/// RFC 7515 §4.1. A repeated member is refused.
#[derive(Deserialize)]
struct Header<'h> {
    #[serde(borrow)]
    alg: Cow<'h, str>,
    #[serde(borrow)]
    kid: Option<Cow<'h, str>>,
    #[serde(borrow)]
    typ: Option<Cow<'h, str>>,
    /// An extension that we must understand, but do not.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
    /// The token contains something else, usually another token.
    #[serde(default, deserialize_with = "present")]
    cty: bool,
    #[serde(default, deserialize_with = "present")]
    enc: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
}

impl Header<'_> {
    fn check(&self) -> Result<Algorithm, Refused> {
        let algorithm = self.alg.parse::<Algorithm>().ok().filter(|it| ALGORITHMS.contains(it));
        let algorithm = algorithm.ok_or(Refused::Algorithm)?;
        if self.crit || self.b64 || self.cty || self.enc || self.zip {
            return Err(Refused::Header);
        }
        match &self.typ {
            Some(typ) if !TYPES.iter().any(|taken| typ.eq_ignore_ascii_case(taken)) => Err(Refused::Type),
            _ => Ok(algorithm),
        }
    }
}

/// Whether a member exists, with any value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// RFC 9068 §2.2, and the members in which Keycloak and Cognito name the kind of a token.
#[derive(Deserialize)]
struct Claims<'c> {
    #[serde(borrow)]
    iss: Cow<'c, str>,
    #[serde(borrow)]
    aud: Audience<'c>,
    exp: f64,
    nbf: Option<f64>,
    #[serde(borrow)]
    client_id: Option<Cow<'c, str>>,
    #[serde(borrow)]
    azp: Option<Cow<'c, str>>,
    #[serde(borrow)]
    sub: Option<Cow<'c, str>>,
    #[serde(borrow)]
    typ: Option<Cow<'c, str>>,
    #[serde(borrow)]
    token_use: Option<Cow<'c, str>>,
    /// Only ID tokens have these two: OpenID Connect Core §3.3.2.11.
    #[serde(default, deserialize_with = "present")]
    at_hash: bool,
    #[serde(default, deserialize_with = "present")]
    c_hash: bool,
    /// The token is bound to a key of its client: RFC 7800, RFC 8705 §3.1 (mutual TLS) and RFC 9449 §6 (DPoP).
    #[serde(default, deserialize_with = "present")]
    cnf: bool,
}

impl Claims<'_> {
    fn check(&self, callers: &TokenCallers, now: SystemTime) -> Result<(), Refused> {
        if self.iss != callers.issuer {
            return Err(Refused::Issuer);
        }
        // An ID token or a refresh token of the same issuer may have the same audience.
        let is_other = |kind: &Option<Cow<'_, str>>, access: &str| {
            kind.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case(access))
        };
        let is_id_token = self.at_hash || self.c_hash;
        if is_id_token || is_other(&self.typ, "Bearer") || is_other(&self.token_use, "access") {
            return Err(Refused::Type);
        }
        // Nothing here verifies that the caller has the key. Without that, a stolen token would let its thief in.
        if self.cnf {
            return Err(Refused::Bound);
        }
        if !self.aud.0.iter().any(|audience| *audience == callers.audience) {
            return Err(Refused::Audience);
        }
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = LEEWAY as f64;
        if self.exp + leeway < now {
            return Err(Refused::Expired);
        }
        if self.nbf.is_some_and(|begin| begin > now + leeway) {
            return Err(Refused::NotYetValid);
        }
        // The most reliable claim first: an issuer may let users choose their `sub`.
        let client = self.client_id.as_ref().or(self.azp.as_ref()).or(self.sub.as_ref());
        let is_known = |client: &Cow<'_, str>| callers.clients.iter().any(|known| known == client);
        if !callers.clients.is_empty() && !client.is_some_and(is_known) {
            return Err(Refused::Client);
        }
        Ok(())
    }
}

/// One text or several.
struct Audience<'c>(Vec<Cow<'c, str>>);

impl<'de: 'c, 'c> Deserialize<'de> for Audience<'c> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Vec<Cow<'de, str>>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, or several")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(vec![Cow::Borrowed(text)])
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![Cow::Owned(text.to_owned())])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element::<String>()? {
                    texts.push(Cow::Owned(text));
                }
                Ok(texts)
            }
        }
        deserializer.deserialize_any(Texts).map(Audience)
    }
}
