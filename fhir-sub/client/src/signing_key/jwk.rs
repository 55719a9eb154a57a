//! A private key as a JWK: RFC 7517, RFC 7518 §6.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Map, Value};

use super::{EC_UNFIT, OTHER, Pair, RSA_UNFIT};

/// The length of a coordinate and of the private number of P-384.
const P384_BYTES: usize = 48;

/// A JWK. A struct for it would add 15 KB to the program.
struct Jwk(Map<String, Value>);

impl Jwk {
    /// A part of the key. An absent part is empty.
    fn part(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The key, and its `kid`, if it has one.
pub(super) fn read(text: &str) -> Result<(Pair, Option<String>), &'static str> {
    let jwk = serde_json::from_str(text).map(Jwk).map_err(
        |_| "is not a JWK: write a JSON object with `kty`, `kid` and the parts of the private key",
    )?;
    let pair = match jwk.part("kty") {
        "" if text.contains("\"keys\"") => {
            return Err("is a JWK Set: write one key of it, with its private part");
        }
        _ if jwk.part("d").is_empty() => return Err("is a JWK without its private part (`d`)"),
        "RSA" => rsa(&jwk)?,
        "EC" if jwk.part("crv") == "P-384" => p384(&jwk)?,
        "EC" => return Err(EC_UNFIT),
        _ => return Err(OTHER),
    };
    Ok((pair, Some(jwk.part("kid")).filter(|kid| !kid.is_empty()).map(str::to_owned)))
}

fn rsa(jwk: &Jwk) -> Result<Pair, &'static str> {
    const PARTS: &str =
        "is an RSA key as a JWK that lacks one of `n`, `e`, `d`, `p`, `q`, `dp`, `dq` and `qi`";
    let part = |name| decode(jwk.part(name)).filter(|bytes| !bytes.is_empty()).ok_or(PARTS);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: part("n")?, e: part("e")? },
        d: part("d")?,
        p: part("p")?,
        q: part("q")?,
        dP: part("dp")?,
        dQ: part("dq")?,
        qInv: part("qi")?,
    };
    RsaKeyPair::from_components(&components).map(|pair| Pair::Rsa(Box::new(pair))).map_err(|_| RSA_UNFIT)
}

fn p384(jwk: &Jwk) -> Result<Pair, &'static str> {
    const PARTS: &str = "is a P-384 key as a JWK whose `d`, `x` and `y` are missing or do not fit";
    let part = |name| decode(jwk.part(name)).filter(|bytes| bytes.len() == P384_BYTES).ok_or(PARTS);
    let public = [vec![4], part("x")?, part("y")?].concat();
    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &part("d")?, &public, &SystemRandom::new())
        .map(|pair| Pair::P384(Box::new(pair)))
        .map_err(|_| PARTS)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
