//! How a client signs in.

use std::sync::Arc;

use crate::backend_services::BackendServices;
use crate::client_credentials::ClientCredentials;
use crate::fhir::SecretString;
use crate::token_provider::TokenProvider;

/// How a [`FhirClient`](crate::FhirClient) signs in. `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Authorization {
    /// Not at all.
    #[default]
    None,
    /// With a token that never changes (RFC 6750).
    Bearer(SecretString),
    /// With a user and a password (RFC 7617).
    Basic {
        /// The user; no `:` in it.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// With OAuth 2.0 client credentials (RFC 6749 §4.4).
    ClientCredentials(ClientCredentials),
    /// With assertions that a private key signs: SMART Backend Services.
    BackendServices(BackendServices),
    /// With tokens of your own [`TokenProvider`].
    Provider(Arc<dyn TokenProvider>),
}
