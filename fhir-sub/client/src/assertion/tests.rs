use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};

use super::*;
use crate::signer::SignatureFuture;

/// A signer that answers in DER, as a key management service does.
struct InDer(EcdsaKeyPair);

impl Signer for InDer {
    fn algorithm(&self) -> SigningAlgorithm {
        SigningAlgorithm::Es384
    }

    fn key_id(&self) -> &str {
        "kid \"x\""
    }

    fn sign<'a>(&'a self, input: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(async move { Ok(self.0.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec()) })
    }
}

#[tokio::test]
async fn a_signature_in_der_is_put_into_the_form_of_a_jwt() {
    let algorithm = &ECDSA_P384_SHA384_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &SystemRandom::new()).unwrap();
    let signer = InDer(key);
    // Among so many, some have a number with leading zeros, or with an additional byte for its sign.
    for _ in 0..64 {
        let jwt = assertion(&signer, "me", "https://a/token", SystemTime::now()).await.unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, signer.0.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).unwrap();
    }
}

#[test]
fn numbers_are_filled_up_and_what_is_no_signature_is_refused() {
    let der = |r: &[u8], s: &[u8]| {
        let number = |bytes: &[u8]| [&[2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let both = [number(r), number(s)].concat();
        [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
    };
    let found = fixed(der(&[0, 0x80], &[1, 2, 3])).unwrap();
    assert_eq!((found.len(), found[47], &found[93..]), (96, 0x80, &[1, 2, 3][..]));
    assert_eq!(fixed(vec![0x30; 96]).unwrap(), [0x30; 96]);
    assert!(fixed(der(&[1; 48], &[1; 48])).is_some());
    assert!(fixed(der(&[1; 49], &[1; 48])).is_none());
    for bad in [vec![], vec![0x30], vec![0x30, 0], vec![0; 64], [der(&[1], &[1]), vec![0]].concat()] {
        assert!(fixed(bad).is_none());
    }
}

struct Failing(Result<Vec<u8>, &'static str>);

impl Signer for Failing {
    fn algorithm(&self) -> SigningAlgorithm {
        SigningAlgorithm::Rs384
    }

    fn key_id(&self) -> &str {
        "canary"
    }

    fn sign<'a>(&'a self, _: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(async move { self.0.clone().map_err(Into::into) })
    }
}

#[tokio::test]
async fn a_signer_that_fails_is_told_without_its_words() {
    let told = async |result| assertion(&Failing(result), "me", "a", SystemTime::now()).await.unwrap_err();
    let error = told(Err("canary")).await;
    assert_eq!(
        (error.to_string(), error.transient),
        ("the signer of the client assertion failed".to_owned(), true)
    );
    assert!(!format!("{error:?}").contains("canary") && error.source.is_some());
    assert!(!told(Ok(Vec::new())).await.transient);
}
