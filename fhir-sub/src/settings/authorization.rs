//! How the program signs in at the FHIR server: reads the settings of one way.

use std::sync::Arc;

use crate::client::SecretString;
use url::Url;

use super::{Address, Variables};
use crate::client::{Authorization, BackendServices, ClientCredentials, SigningKey};
use crate::problems::Problems;

/// A way to sign in: the settings that it needs.
type Way = &'static [&'static str];

const BEARER: Way = &["FHIR_AUTH_BEARER"];
const BASIC: Way = &["FHIR_AUTH_USER", "FHIR_AUTH_PASSWORD"];
const CLIENT: Way = &["FHIR_AUTH_TOKEN_URL", "FHIR_AUTH_CLIENT_ID", "FHIR_AUTH_CLIENT_SECRET"];
/// SMART Backend Services. The token URL may be discovered, and a JWK may have its own key id.
const KEY: Way = &["FHIR_AUTH_CLIENT_ID", "FHIR_AUTH_PRIVATE_KEY"];
/// The same, if `setup` provides a signer.
const SIGNER: Way = &["FHIR_AUTH_CLIENT_ID"];
const CLIENT_MORE: [&str; 2] = ["FHIR_AUTH_SCOPE", "FHIR_AUTH_AUDIENCE"];
const KEY_ID: &str = "FHIR_AUTH_KEY_ID";

/// How to sign in. All settings of one way must be there.
pub(super) fn authorization(variables: &Variables, allow_http: bool) -> Result<Authorization, Problems> {
    let mut problems = Problems::default();
    let is_set = |name: &&str| variables.get(name).is_some();
    let begun = begun(variables);
    for way in &begun {
        for name in way.iter().filter(|name| !is_set(name)) {
            let others: Vec<_> = way.iter().chain([&KEY_ID]).filter(|name| is_set(name)).copied().collect();
            let others = if others.is_empty() { "a signer".to_owned() } else { others.join(" and ") };
            problems.add(format!("{name} is not set, but {others} is: they go together"));
        }
    }
    if let [first, second, ..] = begun[..] {
        problems.add(format!(
            "{} and {} are two ways to sign in: set one of them",
            first.join(", "),
            second.join(", ")
        ));
    }
    if !begun.iter().any(|way| way.contains(&"FHIR_AUTH_CLIENT_ID")) {
        for name in CLIENT_MORE.iter().filter(|name| is_set(name)) {
            problems.add(format!("{name} is set, but FHIR_AUTH_TOKEN_URL is not: they go together"));
        }
    }
    if variables.signer.is_some() && is_set(&KEY_ID) {
        problems
            .add("FHIR_AUTH_KEY_ID is set, but the signer of `setup` has a key id of its own: leave it out");
    }
    let secret = |name: &str| SecretString::from(variables.get(name).unwrap_or_default());
    let text = |name: &str| variables.get(name).map(str::to_owned);
    let token_url = variables.get("FHIR_AUTH_TOKEN_URL").and_then(|text| {
        // Checked like other addresses, but used as written, because it is the audience of an assertion.
        problems.collect(Address::parse("FHIR_AUTH_TOKEN_URL", text, allow_http))?;
        Some((text.parse::<Url>().ok()?, text))
    });
    let authorization = match begun[..] {
        [BEARER] => Authorization::Bearer(secret("FHIR_AUTH_BEARER")),
        [BASIC] => Authorization::Basic {
            user: text("FHIR_AUTH_USER").unwrap_or_default(),
            password: secret("FHIR_AUTH_PASSWORD"),
        },
        [CLIENT] => {
            let Some((token_url, _)) = token_url else { return Err(problems) };
            let client_id = text("FHIR_AUTH_CLIENT_ID").unwrap_or_default();
            let mut credentials =
                ClientCredentials::new(token_url, client_id, secret("FHIR_AUTH_CLIENT_SECRET"));
            if let Some(scope) = text("FHIR_AUTH_SCOPE") {
                credentials = credentials.scope(scope);
            }
            if let Some(audience) = text("FHIR_AUTH_AUDIENCE") {
                credentials = credentials.audience(audience);
            }
            Authorization::ClientCredentials(credentials)
        }
        [KEY | SIGNER] => {
            let services = match &variables.signer {
                Some(signer) => Some(BackendServices::with_signer(
                    text("FHIR_AUTH_CLIENT_ID").unwrap_or_default(),
                    Arc::clone(signer),
                )),
                None => problems.collect(of_key(variables)),
            };
            let Some(mut services) = services else { return Err(problems) };
            if let Some((url, text)) = token_url {
                services = services.token_endpoint(url, text.to_owned());
            }
            if let Some(scope) = text("FHIR_AUTH_SCOPE") {
                services = services.scope(scope);
            }
            if let Some(audience) = text("FHIR_AUTH_AUDIENCE") {
                services = services.audience(audience);
            }
            Authorization::BackendServices(services)
        }
        _ => Authorization::None,
    };
    problems.or(authorization)
}

/// The ways with at least one setting.
fn begun(variables: &Variables) -> Vec<Way> {
    let is_set = |name: &&str| variables.get(name).is_some();
    let has_key = is_set(&"FHIR_AUTH_PRIVATE_KEY") || is_set(&KEY_ID) && variables.signer.is_none();
    let has_secret = is_set(&"FHIR_AUTH_CLIENT_SECRET");
    let mut begun: Vec<_> = [BEARER, BASIC].into_iter().filter(|way| way.iter().any(is_set)).collect();
    if has_secret || !has_key && variables.signer.is_none() && CLIENT.iter().any(is_set) {
        begun.push(CLIENT);
    }
    if has_key {
        begun.push(KEY);
    }
    if variables.signer.is_some() {
        begun.push(SIGNER);
    }
    begun
}

/// A client with its key in the settings.
fn of_key(variables: &Variables) -> Result<BackendServices, Problems> {
    let [client_id, key] =
        ["FHIR_AUTH_CLIENT_ID", "FHIR_AUTH_PRIVATE_KEY"].map(|name| variables.get(name).unwrap_or_default());
    if key.is_empty() {
        // The missing key was reported above.
        return Err(Problems::default());
    }
    // The message never repeats the key.
    match SigningKey::from_text(key, variables.get(KEY_ID)) {
        Ok(Some(key)) => Ok(BackendServices::new(client_id, key)),
        Ok(None) => Err(Problems::from(
            "FHIR_AUTH_KEY_ID is not set, but FHIR_AUTH_PRIVATE_KEY is: it is the `kid` by which the server knows \
             the public key"
                .to_owned(),
        )),
        Err(what) => Err(Problems::from(format!("FHIR_AUTH_PRIVATE_KEY {what}"))),
    }
}
