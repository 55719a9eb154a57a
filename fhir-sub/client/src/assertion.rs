//! The assertion with which a client signs in: a JWT by RFC 7523 §2.2, as SMART App Launch defines it
//! (<https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;

use crate::sign_in_error::SignInError;
use crate::signer::{Signer, SigningAlgorithm};

/// How long an assertion is valid. SMART allows five minutes; one of them is left for clocks that differ.
const LIFE: Duration = Duration::from_secs(240);

/// The most bytes of each number of an ES384 signature.
const P384_BYTES: usize = 48;

/// Signs an assertion of a client for a token endpoint. Each assertion serves one request: its `jti` is
/// random.
pub(crate) async fn assertion(
    signer: &dyn Signer,
    client_id: &str,
    audience: &str,
    now: SystemTime,
) -> Result<String, SignInError> {
    let mut random = [0; 16];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| SignInError::plain("the system gives no random numbers", true))?;
    let seconds =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let header = json!({ "alg": signer.algorithm().name(), "kid": signer.key_id(), "typ": "JWT" });
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": seconds(now),
        "exp": seconds(now + LIFE),
        "jti": URL_SAFE_NO_PAD.encode(random),
    });
    let encode = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let mut jwt = format!("{}.{}", encode(header), encode(claims));
    let signature = signer.sign(jwt.as_bytes()).await.map_err(|source| SignInError {
        text: "the signer of the client assertion failed".to_owned(),
        transient: true,
        source: Some(source.into()),
    })?;
    let signature = match signer.algorithm() {
        SigningAlgorithm::Rs384 => Some(signature).filter(|signature| !signature.is_empty()),
        SigningAlgorithm::Es384 => fixed(signature),
    };
    let signature = signature
        .ok_or_else(|| SignInError::plain("the signer gave no signature of its algorithm's form", false))?;
    jwt.push('.');
    jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(jwt)
}

/// Converts an ES384 signature to the form of RFC 7518 §3.4: two numbers of 48 bytes each. The input may also
/// be DER.
fn fixed(signature: Vec<u8>) -> Option<Vec<u8>> {
    if signature.len() == 2 * P384_BYTES {
        return Some(signature);
    }
    let [0x30, length, rest @ ..] = &*signature else { return None };
    if usize::from(*length) != rest.len() {
        return None;
    }
    let mut numbers = Vec::with_capacity(2 * P384_BYTES);
    let mut rest = rest;
    for _ in 0..2 {
        let [0x02, length, tail @ ..] = rest else { return None };
        let (number, tail) = tail.split_at_checked(usize::from(*length))?;
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        numbers.resize(numbers.len() + P384_BYTES.checked_sub(number.len())?, 0);
        numbers.extend(number);
        rest = tail;
    }
    rest.is_empty().then_some(numbers)
}

#[cfg(test)]
mod tests;
