//! Medplum's signature of a body: HMAC-SHA256 (RFC 2104) in lower-case hexadecimal digits.
//!
//! fhir-sub checks signatures with other code. If both shared their code, a mistake in it would go unnoticed.

use ring::hmac::{HMAC_SHA256, Key};

/// The header with the signature.
pub(crate) const SIGNATURE: &str = "x-signature";

/// The signature of `body` with `secret`.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let tag = ring::hmac::sign(&Key::new(HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn it_is_that_of_the_specification() {
        // RFC 4231 §4.3.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", b"what do ya want for nothing?"), expected);
    }
}
