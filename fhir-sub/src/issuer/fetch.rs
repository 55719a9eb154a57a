//! [`Source`]: the place of the issuer's keys, and how they are fetched.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, StatusCode};
use serde::Deserialize;
use url::Url;

use super::key::Key;
use crate::client::discovery::{is_loopback, is_plain};
use crate::client::transport::{Limits, Transport};
use crate::deadline::Deadline;
use crate::settings::{KeysAt, TokenCallers};

/// The longest time of an answer.
const LONGEST: Duration = Duration::from_secs(5);

/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024;

/// The place of the issuer's keys.
pub(super) struct Source {
    issuer: String,
    keys_at: KeysAt,
    allow_http: bool,
    transport: Arc<dyn Transport>,
}

/// Why there are no keys. It quotes nothing of an answer.
type Reason = String;

impl Source {
    pub(super) fn new(settings: &TokenCallers, transport: Arc<dyn Transport>) -> Self {
        let TokenCallers { issuer, keys_at, allow_http, .. } = settings;
        Self { issuer: issuer.clone(), keys_at: keys_at.clone(), allow_http: *allow_http, transport }
    }

    /// Fetches the keys once.
    pub(super) async fn keys(&self, deadline: Deadline) -> Result<Vec<Key>, Reason> {
        let url = match &self.keys_at {
            KeysAt::Url(url) => url.clone(),
            KeysAt::Discovery(issuer) => self.discover(issuer, deadline).await?,
        };
        let (status, body) = self.get(&url, deadline).await?;
        if !status.is_success() {
            return Err(format!("the issuer answered {} when asked for its keys", status.as_u16()));
        }
        match Key::read_all(&body) {
            None => Err("the issuer's answer is no JSON Web Key Set".to_owned()),
            Some(keys) if keys.is_empty() => {
                Err("the issuer has no key for RS256, RS384, RS512, ES256, ES384 or EdDSA".to_owned())
            }
            Some(keys) => Ok(keys),
        }
    }

    /// Asks the issuer for the place of its keys, by OpenID Connect Discovery, else by RFC 8414.
    async fn discover(&self, issuer: &Url, deadline: Deadline) -> Result<Url, Reason> {
        let [by_openid, by_oauth] = metadata_urls(issuer);
        let (mut status, mut body) = self.get(&by_openid, deadline).await?;
        if status == StatusCode::NOT_FOUND {
            (status, body) = self.get(&by_oauth, deadline).await?;
        }
        if !status.is_success() {
            return Err(format!("the issuer answered {} when asked for its metadata", status.as_u16()));
        }

        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        let cure = "set FHIR_SUBSCRIPTION_TOKEN_JWKS_URL";
        let Ok(Metadata { issuer: named, jwks_uri }) = serde_json::from_slice(&body) else {
            return Err(format!("the issuer's metadata has no `issuer` or no `jwks_uri`: {cure}"));
        };
        // Otherwise another issuer's metadata could replace this issuer's.
        if named != self.issuer {
            return Err("the issuer's metadata names another issuer: write the setting as it does".to_owned());
        }
        let is_fit = |url: &Url| {
            let is_close = is_loopback(url) && is_loopback(issuer);
            is_plain(url) && (url.scheme() == "https" || self.allow_http || is_close)
        };
        let url = Url::parse(&jwks_uri).ok().filter(is_fit);
        url.ok_or_else(|| format!("the issuer's metadata names keys at no https URL: {cure}"))
    }

    async fn get(&self, url: &Url, deadline: Deadline) -> Result<(StatusCode, Bytes), Reason> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = url.as_str().parse().map_err(|_| "the URL is too long".to_owned())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let sent = self.transport.send(request, Limits { answer_bytes: LARGEST });
        match tokio::time::timeout(LONGEST.min(deadline.remaining()), sent).await {
            Ok(Ok(answer)) => Ok((answer.status(), answer.into_body())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_elapsed) => Err("no answer in time".to_owned()),
        }
    }
}

/// The URLs of an issuer's metadata: OpenID Connect Discovery §4 puts the issuer's path first, RFC 8414 §3.1
/// puts it last.
fn metadata_urls(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    [
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
    ]
    .map(|path| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_where_the_standards_have_it() {
        for (issuer, paths) in [
            (
                "https://id.example.org",
                ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"],
            ),
            (
                "https://id.example.org/realms/ward/",
                [
                    "/realms/ward/.well-known/openid-configuration",
                    "/.well-known/oauth-authorization-server/realms/ward",
                ],
            ),
        ] {
            let urls = metadata_urls(&issuer.parse().unwrap());
            assert_eq!(urls.each_ref().map(Url::path), paths);
        }
    }
}
