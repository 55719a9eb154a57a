//! [`Address`]: the base URL of a server.

use std::fmt;

use url::Url;

use crate::client::discovery::is_loopback;
use crate::problems::Problems;

/// An `https` URL without user, query and fragment, and without a slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

impl Address {
    /// Reads the value of the setting `name`. `http` is accepted for loopback only, unless `allow_http`.
    pub(super) fn parse(name: &str, text: &str, allow_http: bool) -> Result<Self, Problems> {
        let problem = |what: &str| Err(Problems::from(format!("{name} {what}")));
        // It may contain a password, so the message does not repeat the text.
        let Ok(mut url) = Url::parse(text) else {
            return problem("is not a URL: write one like https://example.org/path");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return problem(
                "has a user or a password in it: FHIR_AUTH_USER and FHIR_AUTH_PASSWORD say how to sign in",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return problem("has a `?` or a `#` in it: servers append paths to it, so leave them out");
        }
        match url.scheme() {
            "https" => {}
            "http" if allow_http || is_loopback(&url) => {}
            "http" => {
                return problem(
                    "is an http URL, over which patients' data and the secret would travel in the open: \
                     write https, or set FHIR_ALLOW_HTTP=1",
                );
            }
            _ => return problem("is neither an https nor an http URL"),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// The text of the URL, with no slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL with `segment` after it.
    pub(crate) fn join(&self, segment: &str) -> String {
        format!("{}/{segment}", self.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
