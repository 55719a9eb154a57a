//! Finds the token endpoint in the server's `.well-known/smart-configuration`
//! (<https://hl7.org/fhir/smart-app-launch/conformance.html>).

use http::Method;
use http::header::ACCEPT;
use serde::Deserialize;
use url::{Host, Url};

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::exchange::Exchange;
use crate::request::Request;
use crate::sign_in_error::SignInError;
use crate::token_endpoint::JSON;

/// The longest answer that the client reads.
const BYTES: usize = 256 * 1024;

/// A token endpoint.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_debug_implementations)] // Of no use outside of fhir-sub.
#[doc(hidden)]
pub struct TokenEndpoint {
    #[doc(hidden)]
    pub url: Url,
    /// The URL as it was written, because a server may compare it character by character.
    #[doc(hidden)]
    pub audience: String,
}

/// Asks the server for its token endpoint.
pub(crate) async fn discover(
    exchange: &Exchange,
    base_url: &Url,
    deadline: Option<Deadline>,
) -> Result<TokenEndpoint, SignInError> {
    let mut url = base_url.clone();
    url.set_path(&format!("{}/.well-known/smart-configuration", base_url.path().trim_end_matches('/')));
    let request = Request::new(Method::GET, &url, ".well-known/smart-configuration");
    let mut request = request.map_err(failure)?;
    request.headers.insert(ACCEPT, JSON);
    request.answer_bytes = BYTES;
    let answer = exchange.send(&request, None, deadline).await.map_err(|(error, _)| failure(error))?;

    #[derive(Deserialize)]
    struct Configuration {
        token_endpoint: String,
    }
    let Ok(Configuration { token_endpoint }) = serde_json::from_slice(answer.body()) else {
        return Err(unfit("names no token endpoint"));
    };
    let url: Url = token_endpoint.parse().map_err(|_| unfit("names a token endpoint that is not a URL"))?;
    if !is_plain(&url) {
        return Err(unfit(
            "names a token endpoint that is not an http URL, or has a user or a fragment in it",
        ));
    }
    // If you reach the server itself by unencrypted http, you have accepted that risk.
    if url.scheme() == "http" && !is_loopback(&url) && (base_url.scheme() == "https" || is_loopback(base_url))
    {
        return Err(unfit("names a token endpoint of http, over which the token would travel in the open"));
    }
    Ok(TokenEndpoint { url, audience: token_endpoint })
}

fn unfit(what: &str) -> SignInError {
    SignInError::plain(
        format!("the server's .well-known/smart-configuration {what}: set the token URL instead"),
        false,
    )
}

fn failure(error: Error) -> SignInError {
    let transient = error.is_transient();
    let text = match error.kind() {
        Kind::Status { status, .. } if !transient => {
            return unfit(&format!("answered {}", status.as_u16()));
        }
        // The error names another limit.
        _ if error.is_too_large() => return unfit(&format!("has more than {BYTES} bytes")),
        _ => format!("the token endpoint could not be discovered: {error}"),
    };
    SignInError { text, transient, source: Some(std::sync::Arc::new(error)) }
}

/// Whether a token request may go to a URL: `http` or `https`, without user and fragment.
#[doc(hidden)]
pub fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

/// Whether a URL's host is this machine.
#[doc(hidden)]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
