//! The signature of a body, in Medplum's form: HMAC-SHA256 (RFC 2104) in 64 lower-case hexadecimal digits.
//!
//! `ring` computes it, which TLS needs anyway.

use ring::hmac::{HMAC_SHA256, Key};

/// The header with the signature.
pub(crate) const SIGNATURE: &str = "x-signature";

/// The header with a WebSub signature (<https://www.w3.org/TR/websub/#recognized-algorithm-names>).
pub(crate) const HUB_SIGNATURE: &str = "x-hub-signature";

/// The text before the digits in [`HUB_SIGNATURE`].
pub(crate) const HUB_PREFIX: &str = "sha256=";

/// The length of a signature in bytes.
const LENGTH: usize = 32;

/// Whether `shown` is the signature of `body` with `secret`. The time does not reveal where the two differ.
pub(crate) fn is_signature(secret: &str, body: &[u8], shown: &[u8]) -> bool {
    let Some(shown) = bytes(shown) else { return false };
    ring::hmac::verify(&key(secret), body, &shown).is_ok()
}

/// The signature of `body` with `secret`.
#[cfg(any(feature = "registration", test))]
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    hex(ring::hmac::sign(&key(secret), body).as_ref())
}

fn key(secret: &str) -> Key {
    Key::new(HMAC_SHA256, secret.as_bytes())
}

/// The lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of lower-case hexadecimal digits.
pub(crate) fn bytes(digits: &[u8]) -> Option<[u8; LENGTH]> {
    if digits.len() != 2 * LENGTH {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_specification() {
        // RFC 4231 §4.3.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        assert_eq!(sign("Jefe", body), expected);
        assert!(is_signature("Jefe", body, expected.as_bytes()));
        for (secret, body, shown) in [
            ("jefe", &body[..], expected),
            ("Jefe", b"what do ya want for nothing", expected),
            ("Jefe", body, "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"),
            ("Jefe", body, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384"),
            ("Jefe", body, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3842"),
            ("Jefe", body, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            ("Jefe", body, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384g"),
            ("Jefe", body, ""),
        ] {
            assert!(!is_signature(secret, body, shown.as_bytes()), "{secret} {shown}");
        }
    }
}
