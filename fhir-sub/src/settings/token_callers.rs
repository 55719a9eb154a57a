//! [`TokenCallers`]: the access tokens that let a notification in.

use url::Url;

use super::Variables;
use super::callers::TOKEN;
use crate::client::discovery::{is_loopback, is_plain};
use crate::problems::Problems;

/// The access tokens that let a notification in.
#[derive(Clone, Debug)]
pub(crate) struct TokenCallers {
    /// The `iss` of the tokens, as written.
    pub(crate) issuer: String,
    /// The audience that `aud` must contain.
    pub(crate) audience: String,
    /// The clients with accepted tokens; if empty, any client.
    pub(crate) clients: Vec<String>,
    pub(crate) keys_at: KeysAt,
    /// Whether the issuer's metadata may name keys at an `http` URL outside loopback.
    pub(crate) allow_http: bool,
}

/// The place of the issuer's keys.
#[derive(Clone, Debug)]
pub(crate) enum KeysAt {
    Url(Url),
    /// The URL of the issuer's metadata, which names the place of the keys.
    Discovery(Url),
}

const ISSUER: &str = TOKEN[0];
const AUDIENCE: &str = TOKEN[1];
const CLIENTS: &str = TOKEN[2];
const JWKS_URL: &str = TOKEN[3];

impl TokenCallers {
    /// Whether a token that is valid here may be valid at `other`.
    pub(crate) fn lets_in_callers_of(&self, other: &Self) -> bool {
        let is_common = |client: &String| other.clients.is_empty() || other.clients.contains(client);
        let has_common = self.clients.is_empty() || self.clients.iter().any(is_common);
        self.issuer == other.issuer && self.audience == other.audience && has_common
    }

    pub(super) fn read(variables: &Variables, allow_http: bool) -> Result<Option<Self>, Problems> {
        let [issuer, audience, clients, jwks_url] = TOKEN.map(|name| variables.get(name));
        let Some(issuer) = issuer else {
            return match TOKEN.iter().find(|name| variables.get(name).is_some()) {
                Some(name) => {
                    Err(Problems::from(format!("{name} is set, but {ISSUER} is not: set {ISSUER} too")))
                }
                None => Ok(None),
            };
        };
        let mut problems = Problems::default();
        if audience.is_none() {
            problems.add(format!(
                "{AUDIENCE} is not set: without it, a token of {ISSUER} for another program would be \
                 accepted; set it to the `aud` of the tokens, usually APP_BASE_URL"
            ));
        }
        let clients: Vec<_> =
            clients.unwrap_or_default().split(',').map(str::trim).map(str::to_owned).collect();
        let clients: Vec<_> = clients.into_iter().filter(|client| !client.is_empty()).collect();
        if clients.is_empty() && variables.get(CLIENTS).is_some() {
            problems
                .add(format!("{CLIENTS} names no client: write ids with `,` between them, or leave it out"));
        }
        let keys_at = match jwks_url {
            Some(text) => url(JWKS_URL, text, allow_http).map(KeysAt::Url),
            None => url(ISSUER, issuer, allow_http)
                .map(KeysAt::Discovery)
                .map_err(|problem| Problems::from(format!("{}; or set {JWKS_URL}", problem.to_line()))),
        };
        let keys_at = problems.collect(keys_at);
        let (Some(keys_at), Some(audience)) = (keys_at, audience) else { return Err(problems) };
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        problems.or(Some(Self { issuer, audience, clients, keys_at, allow_http }))
    }
}

/// The URL in the setting `name`, which is required. `http` is accepted for loopback only, unless
/// `allow_http`.
fn url(name: &str, text: &str, allow_http: bool) -> Result<Url, Problems> {
    let problem = |what: &str| Err(Problems::from(format!("{name} {what}")));
    let Ok(url) = Url::parse(text) else {
        return problem("is not a URL: write one like https://id.example.org");
    };
    if !is_plain(&url) {
        return problem("is not a plain https URL: it must have neither a user nor a `#` in it");
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return problem(
            "is an http URL, over which anyone could send other keys: write https, or set FHIR_ALLOW_HTTP=1",
        );
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: &[(&str, &str)], expected: &str) {
        let mut variables = Variables::default();
        settings.iter().for_each(|(name, value)| variables.set(name, *value));
        let said = TokenCallers::read(&variables, false).map_or_else(|it| it.to_string(), |_| String::new());
        assert!(said.contains(expected) && (said.is_empty() == expected.is_empty()), "{said}");
    }

    #[test]
    fn what_is_missing_or_malformed_is_told() {
        let (issuer, audience) = ((ISSUER, "https://id.example.org"), (AUDIENCE, "https://app.example.org"));
        check(&[], "");
        check(&[issuer, audience], "");
        check(&[issuer, audience, (CLIENTS, "a, b"), (JWKS_URL, "https://id.example.org/k?v=1")], "");
        check(&[(ISSUER, "urn:us"), audience, (JWKS_URL, "https://id.example.org/keys")], "");
        check(&[(ISSUER, "http://127.0.0.1:8080/realms/a"), audience], "");
        check(&[audience], "TOKEN_ISSUER is not: set");
        check(&[(CLIENTS, "a")], "TOKEN_ISSUER is not: set");
        check(&[issuer], "TOKEN_AUDIENCE is not set");
        check(&[issuer, audience, (CLIENTS, " , ")], "TOKEN_CLIENTS names no client");
        check(&[(ISSUER, "id.example.org"), audience], "TOKEN_ISSUER is not a URL");
        check(&[(ISSUER, "http://id.example.org"), audience], "FHIR_ALLOW_HTTP=1; or set");
        check(&[issuer, audience, (JWKS_URL, "ftp://id.example.org")], "TOKEN_JWKS_URL is not a plain https");
        check(&[issuer, audience, (JWKS_URL, "https://a:b@id.example.org")], "TOKEN_JWKS_URL is not a plain");
    }
}
