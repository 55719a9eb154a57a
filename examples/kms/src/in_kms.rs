//! [`InKms`]: a signer over a key in AWS KMS.

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use fhir_sub::client::{SignatureFuture, Signer, SigningAlgorithm};
use fhir_sub::{Error, Result};

/// A key in AWS KMS, of the usage `SIGN_VERIFY`.
pub struct InKms {
    kms: Client,
    key: String,
    key_id: String,
    algorithm: SigningAlgorithm,
}

impl InKms {
    /// Reads `SIGNING_KEY` (a key id, an ARN or an alias), `SIGNING_KID` (the `kid` under which the public key is registered at the
    /// FHIR server) and `SIGNING_ALGORITHM` (`ES384`, which is the default, or `RS384`). Calls nothing: a cold start waits for no KMS.
    pub async fn from_environment() -> Result<Self> {
        let algorithm = match env::var("SIGNING_ALGORITHM").as_deref() {
            Err(_) | Ok("ES384") => SigningAlgorithm::Es384,
            Ok("RS384") => SigningAlgorithm::Rs384,
            Ok(other) => {
                let problem = format!("SIGNING_ALGORITHM is {other:?}: write ES384 or RS384");
                return Err(Error::permanent(problem));
            }
        };
        let http = aws_smithy_http_client::Builder::new();
        let http = http.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        Ok(Self {
            kms: Client::new(&config),
            key: required("SIGNING_KEY")?,
            key_id: required("SIGNING_KID")?,
            algorithm,
        })
    }
}

fn required(name: &str) -> Result<String> {
    env::var(name).map_err(|_| Error::permanent(format!("{name} is not set")))
}

impl Signer for InKms {
    fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    /// KMS hashes the input, which must be shorter than 4,096 bytes. An assertion has a few hundred.
    fn sign<'a>(&'a self, input: &'a [u8]) -> SignatureFuture<'a> {
        let algorithm = match self.algorithm {
            SigningAlgorithm::Rs384 => SigningAlgorithmSpec::RsassaPkcs1V15Sha384,
            _ => SigningAlgorithmSpec::EcdsaSha384,
        };
        Box::pin(async move {
            let request = self.kms.sign().key_id(&self.key).signing_algorithm(algorithm);
            let signed = request.message_type(MessageType::Raw).message(Blob::new(input)).send().await?;
            Ok(signed.signature().ok_or("KMS gave no signature")?.as_ref().to_vec())
        })
    }
}
