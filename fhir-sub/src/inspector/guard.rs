//! [`Guard`]: who may open the page.

use std::net::SocketAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderName, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;

use crate::request::{Header, Headers};
use crate::signature::hex;

/// Admits requests with the token of the URL, from a page of this address only.
///
/// A page of another site can make a browser send requests to a port of this machine, but it does not know the token.
/// Its host name may be made to point to this machine (DNS rebinding). Then the request has the host and the origin of
/// that site, and is refused.
#[derive(Debug)]
pub(super) struct Guard {
    token: String,
    port: u16,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    Host,
    Origin,
    Token,
}

impl Stranger {
    pub(super) fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Self::Host => {
                (StatusCode::MISDIRECTED_REQUEST, "the page is reached by 127.0.0.1 or localhost only")
            }
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "a page of another origin may not ask for this: open the URL that the program has printed",
            ),
            Self::Token => {
                (StatusCode::UNAUTHORIZED, "open the URL that the program has printed: it has a token")
            }
        }
    }
}

impl Guard {
    /// A guard with a new token.
    pub(super) fn new(address: SocketAddr) -> Result<Self, &'static str> {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| "the system gives no random bytes for a token")?;
        Ok(Self { token: hex(&random), port: address.port() })
    }

    /// The URL of the page.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    /// The rest of the path after the token.
    pub(super) fn admit<'p>(&self, parts: &'p Parts) -> Result<&'p str, Stranger> {
        let text = |name: &HeaderName| Headers::get(&parts.headers, name.as_str());
        let names = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{}", self.port));
        if !text(&HOST).text().is_some_and(|host| names.iter().any(|name| name == host)) {
            return Err(Stranger::Host);
        }
        match text(&ORIGIN) {
            Header::Absent => {}
            origin => {
                let own = origin.text().and_then(|origin| origin.strip_prefix("http://"));
                if !own.is_some_and(|origin| names.iter().any(|name| name == origin)) {
                    return Err(Stranger::Origin);
                }
            }
        }
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let (token, rest) = path.split_once('/').unwrap_or((path, ""));
        let is_right = token.as_bytes().ct_eq(self.token.as_bytes()).into();
        if is_right { Ok(rest) } else { Err(Stranger::Token) }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_the_token_from_this_address_lets_in() {
        let guard = Guard { token: "0123456789abcdef".into(), port: 9002 };
        let admit = |path: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            guard.admit(&parts).map(str::to_owned)
        };
        let (own, page) = (("host", "127.0.0.1:9002"), "/0123456789abcdef/api/live");
        assert_eq!(admit(page, &[own]), Ok("api/live".into()));
        assert_eq!(
            admit(page, &[("host", "localhost:9002"), ("origin", "http://localhost:9002")]),
            Ok("api/live".into())
        );
        assert_eq!(admit("/0123456789abcdef", &[own]), Ok(String::new()));
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:9003",
            "evil.example:9002",
            "127.0.0.1:9002.evil.example",
            "127.0.0.1:9002 ",
        ] {
            assert_eq!(admit(page, &[("host", host)]), Err(Stranger::Host), "{host}");
        }
        assert_eq!(admit(page, &[]), Err(Stranger::Host));
        assert_eq!(admit(page, &[own, ("host", "evil.example:9002")]), Err(Stranger::Host));
        for origin in [
            "null",
            "",
            "http://evil.example",
            "https://127.0.0.1:9002",
            "http://127.0.0.1:9003",
            "http://127.0.0.1",
        ] {
            assert_eq!(admit(page, &[own, ("origin", origin)]), Err(Stranger::Origin), "{origin}");
        }
        let both = [own, ("origin", "http://127.0.0.1:9002"), ("origin", "http://evil.example")];
        assert_eq!(admit(page, &both), Err(Stranger::Origin));
        for path in [
            "/",
            "/api/live",
            "/0123456789abcde/api",
            "/0123456789ABCDEF/",
            "//0123456789abcdef/",
            "/0123456789abcdef0/",
        ] {
            assert_eq!(admit(path, &[own]), Err(Stranger::Token), "{path}");
        }
    }

    #[test]
    fn each_run_has_a_token_of_its_own() {
        let token = || Guard::new(SocketAddr::from(([127, 0, 0, 1], 1))).unwrap().token;
        assert_eq!(token().len(), 32);
        assert_ne!(token(), token());
    }
}
