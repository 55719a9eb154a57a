//! [`Callers`]: the callers that may send notifications without a secret.

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::Variables;
use super::certificates::Certificates;
#[cfg(feature = "token")]
use super::token_callers::TokenCallers;
use crate::problems::Problems;

/// The callers that may send notifications without a secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Callers {
    /// Callers with an access token of this issuer.
    #[cfg(feature = "token")]
    pub(crate) token: Option<TokenCallers>,
    /// Callers with one of these client certificates, which the gateway has verified.
    pub(crate) certificates: Option<Certificates>,
}

/// The settings of access tokens.
pub(super) const TOKEN: [&str; 4] = [
    "FHIR_SUBSCRIPTION_TOKEN_ISSUER",
    "FHIR_SUBSCRIPTION_TOKEN_AUDIENCE",
    "FHIR_SUBSCRIPTION_TOKEN_CLIENTS",
    "FHIR_SUBSCRIPTION_TOKEN_JWKS_URL",
];

/// Every setting that lets callers in without a secret.
const NAMES: [&str; 2] = ["FHIR_SUBSCRIPTION_TOKEN_ISSUER", "FHIR_SUBSCRIPTION_CLIENT_CERTIFICATES"];

impl Callers {
    /// Whether the settings let callers in without a secret, even if they contain mistakes.
    pub(super) fn is_named(variables: &Variables) -> bool {
        NAMES.iter().any(|name| variables.get(name).is_some())
    }

    /// Whether a caller with an access token can be let in.
    pub(crate) fn admit_tokens(&self) -> bool {
        #[cfg(feature = "token")]
        return self.token.is_some();
        #[cfg(not(feature = "token"))]
        false
    }

    /// Reads them all, and adds their mistakes to `problems`. Secrets arrive in `header`.
    pub(super) fn read(
        variables: &Variables,
        header: &HeaderName,
        allow_http: bool,
        problems: &mut Problems,
    ) -> Self {
        if let Some(name) = TOKEN.iter().find(|name| variables.get(name).is_some()) {
            if cfg!(not(feature = "token")) {
                problems.add(format!(
                    "{name} is set, but the program is built without access tokens: build it with the feature `token` \
                     of fhir-sub"
                ));
            }
            if header == AUTHORIZATION {
                problems.add(format!(
                    "FHIR_SUBSCRIPTION_HEADER is Authorization, where access tokens come, and {name} is set: leave one \
                     of them out"
                ));
            }
        }
        #[cfg(not(feature = "token"))]
        let _ = allow_http;
        Self {
            #[cfg(feature = "token")]
            token: problems.collect(TokenCallers::read(variables, allow_http)).flatten(),
            certificates: Certificates::read(variables, problems),
        }
    }
}
