use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P384_SHA384_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

const RSA_PKCS8: &str = include_str!("../tests/keys/rsa.pkcs8.pem");
const RSA_PKCS1: &str = include_str!("../tests/keys/rsa.pkcs1.pem");
const P384_PKCS8: &str = include_str!("../tests/keys/p384.pkcs8.pem");
const P384_SEC1: &str = include_str!("../tests/keys/p384.sec1.pem");

/// Signs, and verifies the signature with the public key.
async fn check(key: &SigningKey, algorithm: SigningAlgorithm) {
    assert_eq!(key.algorithm(), algorithm);
    let signature = key.sign(b"an input").await.unwrap();
    let verified = match &key.pair {
        Pair::Rsa(pair) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA384, pair.public().as_ref())
            .verify(b"an input", &signature),
        Pair::P384(pair) => UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, pair.public_key().as_ref())
            .verify(b"an input", &signature),
    };
    verified.unwrap();
}

fn public(key: &SigningKey) -> &[u8] {
    match &key.pair {
        Pair::Rsa(pair) => pair.public().as_ref(),
        Pair::P384(pair) => pair.public_key().as_ref(),
    }
}

#[tokio::test]
async fn a_key_is_read_in_every_form() {
    use SigningAlgorithm::{Es384, Rs384};
    let comments = format!(
        "subject=/CN=x\n{}\n{P384_SEC1}",
        "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----"
    );
    let mut keys = Vec::new();
    for (pem, algorithm) in [
        (RSA_PKCS8.to_owned(), Rs384),
        (RSA_PKCS1.to_owned(), Rs384),
        (RSA_PKCS8.trim().replace('\n', "\\n"), Rs384),
        (RSA_PKCS1.replace('\n', "\r\n"), Rs384),
        (P384_PKCS8.to_owned(), Es384),
        (P384_SEC1.to_owned(), Es384),
        (P384_SEC1.replace('\n', "\\n"), Es384),
        (comments, Es384),
    ] {
        let key = SigningKey::from_pem(&pem, "a-kid").unwrap();
        check(&key, algorithm).await;
        assert_eq!(key.key_id(), "a-kid");
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ algorithm: {algorithm:?}, .. }}"));
        keys.push(key);
    }
    assert!(keys[..4].iter().all(|key| public(key) == public(&keys[0])));
    assert!(keys[4..].iter().all(|key| public(key) == public(&keys[4])));
}

/// The JWK of the P-384 key, made from its SEC1 form, whose parts have fixed places.
fn p384_jwk() -> Value {
    let PrivateKeyDer::Sec1(key) = PrivateKeyDer::from_pem_slice(P384_SEC1.as_bytes()).unwrap() else {
        panic!()
    };
    let pair = SigningKey::from_pem(P384_SEC1, "").unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let d = &key.secret_sec1_der()[8..56];
    let (x, y) = public(&pair)[1..].split_at(48);
    json!({"kty": "EC", "crv": "P-384", "kid": "own", "use": "sig", "d": encode(d), "x": encode(x), "y": encode(y)})
}

/// The JWK of the RSA key, made from its PKCS#1 form.
fn rsa_jwk() -> Value {
    let PrivateKeyDer::Pkcs1(key) = PrivateKeyDer::from_pem_slice(RSA_PKCS1.as_bytes()).unwrap() else {
        panic!()
    };
    let (mut rest, _) = der::take(0x30, key.secret_pkcs1_der()).unwrap();
    let mut jwk = json!({"kty": "RSA", "kid": "own"});
    for name in ["", "n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let (number, tail) = der::take(0x02, rest).unwrap();
        rest = tail;
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        if !name.is_empty() {
            jwk[name] = URL_SAFE_NO_PAD.encode(number).into();
        }
    }
    jwk
}

#[tokio::test]
async fn a_jwk_is_read_with_its_kid_or_another() {
    for (jwk, algorithm) in [(p384_jwk(), SigningAlgorithm::Es384), (rsa_jwk(), SigningAlgorithm::Rs384)] {
        let key = SigningKey::from_jwk(&jwk.to_string()).unwrap();
        check(&key, algorithm).await;
        assert_eq!(key.key_id(), "own");
        let key = SigningKey::from_text(&jwk.to_string(), Some("other")).unwrap().unwrap();
        assert_eq!(key.key_id(), "other");
        let mut anonymous = jwk;
        anonymous.as_object_mut().unwrap().remove("kid");
        assert!(SigningKey::from_jwk(&anonymous.to_string()).is_err());
        assert!(SigningKey::from_text(&anonymous.to_string(), None).unwrap().is_none());
    }
}

#[test]
fn what_is_no_fit_key_is_told_with_a_cure_and_without_the_key() {
    let check = |text: &str, expected: &str| {
        let error = SigningKey::from_text(text, Some("kid")).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("canary"));
    };
    check("", "holds no private key");
    check("canary", "holds no private key");
    check(
        "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
        "neither an RSA nor a P-384 key",
    );
    check("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "holds no private key");
    check("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "neither an RSA nor a P-384 key");
    check(
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        "without its public key, or damaged",
    );
    check("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "2048 to 4096 bits");
    check(include_str!("../tests/keys/p384.encrypted.pem"), "is encrypted");
    check(include_str!("../tests/keys/p256.sec1.pem"), "must be on P-384");
    check(include_str!("../tests/keys/rsa1024.pem"), "2048 to 4096 bits");
    check("{}", "without its private part");
    check("{canary", "is not a JWK");
    check(r#"{"keys": [{"kty": "EC", "kid": "canary"}]}"#, "is a JWK Set");
    check(r#"{"kty": "oct", "d": "canary"}"#, "neither an RSA nor a P-384 key");
    check(r#"{"kty": "EC", "crv": "P-256", "d": "canary"}"#, "must be on P-384");
    check(r#"{"kty": "EC", "crv": "P-384", "d": "canary"}"#, "whose `d`, `x` and `y`");
    check(r#"{"kty": "RSA", "d": "canary"}"#, "lacks one of");
    let mut other = p384_jwk();
    other["x"] = other["y"].clone();
    check(&other.to_string(), "do not fit");
}
