//! [`Signer`]: signs the assertions of SMART Backend Services.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Signs the assertions of a SMART Backend Service: see [`BackendServices`](crate::BackendServices).
///
/// The key of a [`SigningKey`](crate::SigningKey) is in the process. If the key must not leave a key management service,
/// implement `Signer` over that service. An implementation must be safe to drop at any await. It must keep secrets out of its error's
/// text: the client shows the text nowhere, but the error is the [`source`](Error::source) of the client's error.
///
/// With AWS KMS, use a key of the specification `ECC_NIST_P384` and the usage `SIGN_VERIFY`. For `RSA_2048` to `RSA_4096`, use
/// `RsassaPkcs1V15Sha384`:
///
/// ```
/// # mod aws_sdk_kms {
/// #     pub struct Client;
/// #     pub struct Sign;
/// #     pub struct Output;
/// #     impl Client { pub fn sign(&self) -> Sign { Sign } }
/// #     impl Sign {
/// #         pub fn key_id(self, _: &str) -> Self { self }
/// #         pub fn message(self, _: primitives::Blob) -> Self { self }
/// #         pub fn message_type(self, _: types::MessageType) -> Self { self }
/// #         pub fn signing_algorithm(self, _: types::SigningAlgorithmSpec) -> Self { self }
/// #         pub async fn send(self) -> Result<Output, std::io::Error> { Ok(Output) }
/// #     }
/// #     impl Output { pub fn signature(&self) -> Option<&primitives::Blob> { None } }
/// #     pub mod primitives {
/// #         #[derive(Clone)]
/// #         pub struct Blob(Vec<u8>);
/// #         impl Blob {
/// #             pub fn new(bytes: impl Into<Vec<u8>>) -> Self { Self(bytes.into()) }
/// #             pub fn into_inner(self) -> Vec<u8> { self.0 }
/// #         }
/// #     }
/// #     pub mod types {
/// #         pub enum MessageType { Digest }
/// #         pub enum SigningAlgorithmSpec { EcdsaSha384 }
/// #     }
/// # }
/// use aws_sdk_kms::primitives::Blob;
/// use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
/// use fhir_sub::client::{SignatureFuture, Signer, SigningAlgorithm};
///
/// struct InKms {
///     kms: aws_sdk_kms::Client,
///     key: String,
/// }
///
/// impl Signer for InKms {
///     fn algorithm(&self) -> SigningAlgorithm {
///         SigningAlgorithm::Es384
///     }
///
///     /// The `kid` under which the public key is registered at the FHIR server.
///     fn key_id(&self) -> &str {
///         "2026-11"
///     }
///
///     fn sign<'a>(&'a self, input: &'a [u8]) -> SignatureFuture<'a> {
///         Box::pin(async move {
///             let request = self.kms.sign().key_id(&self.key);
///             let request = request
///                 .message(Blob::new(SigningAlgorithm::Es384.digest(input)))
///                 .message_type(MessageType::Digest)
///                 .signing_algorithm(SigningAlgorithmSpec::EcdsaSha384);
///             let signed = request.send().await?;
///             Ok(signed.signature().ok_or("KMS gave no signature")?.clone().into_inner())
///         })
///     }
/// }
/// ```
///
/// Give it to an app by `AppBuilder::signer`.
pub trait Signer: Send + Sync + 'static {
    /// The algorithm of the key.
    fn algorithm(&self) -> SigningAlgorithm;

    /// The `kid` by which the server knows the public key.
    fn key_id(&self) -> &str;

    /// Signs `input`, which is not hashed yet. For [`Es384`](SigningAlgorithm::Es384), the signature may be
    /// the 96 bytes of RFC 7518 §3.4, or DER, which key management services return.
    fn sign<'a>(&'a self, input: &'a [u8]) -> SignatureFuture<'a>;
}

/// What [`Signer::sign`] returns.
pub type SignatureFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// A signature algorithm of RFC 7518 that SMART App Launch recommends to servers
/// (<https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-384, `RS384`.
    Rs384,
    /// ECDSA on P-384 with SHA-384, `ES384`.
    Es384,
}

impl SigningAlgorithm {
    /// Its name in the header of a JWT.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
        }
    }

    /// The SHA-384 hash of an input, for a service that signs digests.
    #[must_use]
    pub fn digest(self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Rs384 | Self::Es384 => ring::digest::digest(&ring::digest::SHA384, input).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for dyn Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}
