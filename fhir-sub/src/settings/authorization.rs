//! How to sign in at the FHIR server, from the settings of one of the ways.

use secrecy::SecretString;

use super::{Address, Variables};
use crate::client::{Authorization, ClientCredentials};
use crate::problems::Problems;

/// How to sign in: the settings of one of the ways, all of them.
pub(super) fn authorization(variables: &Variables, allow_http: bool) -> Result<Authorization, Problems> {
    const BEARER: &[&str] = &["FHIR_AUTH_BEARER"];
    const BASIC: &[&str] = &["FHIR_AUTH_USER", "FHIR_AUTH_PASSWORD"];
    const CLIENT: &[&str] = &["FHIR_AUTH_TOKEN_URL", "FHIR_AUTH_CLIENT_ID", "FHIR_AUTH_CLIENT_SECRET"];
    const CLIENT_MORE: &[&str] = &["FHIR_AUTH_SCOPE", "FHIR_AUTH_AUDIENCE"];

    let mut problems = Problems::default();
    let is_set = |name: &&&str| variables.get(name).is_some();
    let begun: Vec<&[&str]> =
        [BEARER, BASIC, CLIENT].into_iter().filter(|way| way.iter().any(|name| is_set(&name))).collect();
    for way in &begun {
        for name in way.iter().filter(|name| !is_set(name)) {
            let others: Vec<_> = way.iter().filter(is_set).copied().collect();
            problems.add(format!("{name} is not set, but {} is: they go together", others.join(" and ")));
        }
    }
    if let [first, second, ..] = begun[..] {
        problems.add(format!(
            "{} and {} are two ways to sign in: set one of them",
            first.join(", "),
            second.join(", ")
        ));
    }
    if !begun.contains(&CLIENT) {
        for name in CLIENT_MORE.iter().filter(is_set) {
            problems.add(format!("{name} is set, but FHIR_AUTH_TOKEN_URL is not: they go together"));
        }
    }
    let secret = |name: &str| SecretString::from(variables.get(name).unwrap_or_default());
    let text = |name: &str| variables.get(name).map(str::to_owned);
    let authorization = match begun[..] {
        [BEARER] => Authorization::Bearer(secret("FHIR_AUTH_BEARER")),
        [BASIC] => Authorization::Basic {
            user: text("FHIR_AUTH_USER").unwrap_or_default(),
            password: secret("FHIR_AUTH_PASSWORD"),
        },
        [CLIENT] => {
            let token_url = variables.get("FHIR_AUTH_TOKEN_URL").unwrap_or_default();
            let token_url = Address::parse("FHIR_AUTH_TOKEN_URL", token_url, allow_http);
            let Some(token_url) = problems.collect(token_url) else { return Err(problems) };
            let client_id = text("FHIR_AUTH_CLIENT_ID").unwrap_or_default();
            let mut credentials =
                ClientCredentials::new(token_url.url().clone(), client_id, secret("FHIR_AUTH_CLIENT_SECRET"));
            if let Some(scope) = text("FHIR_AUTH_SCOPE") {
                credentials = credentials.scope(scope);
            }
            if let Some(audience) = text("FHIR_AUTH_AUDIENCE") {
                credentials = credentials.audience(audience);
            }
            Authorization::ClientCredentials(credentials)
        }
        _ => Authorization::None,
    };
    problems.or(authorization)
}
