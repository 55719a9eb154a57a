//! Programs on this machine may reach the sandbox, and no web page of another site.

use std::net::Ipv4Addr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, StatusCode};

/// Why a browser may have sent the request for a page of another site, and the status of the answer.
///
/// Such a page can make a browser send requests to a port of this machine. A browser then names the page in `Origin`.
/// A page can also make its own host name point to this machine (DNS rebinding), and then reads the answers. Such a
/// request has that name in `Host`.
pub(super) fn stranger(headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let mut hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    if !hosts.all(|host| host_of(host).is_some_and(|host| is_local(&host))) {
        let why = "the sandbox is reached by an IP address, localhost or a name of a local network only";
        return Some((StatusCode::MISDIRECTED_REQUEST, why));
    }
    let mut origins = headers.get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or_default());
    let is_own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.and_then(host_of).is_some_and(|host| is_this_machine(&host))
    };
    let why = "a web page of another site must not use the sandbox";
    (!origins.all(is_own)).then_some((StatusCode::FORBIDDEN, why))
}

/// The host without its port, in lower case.
fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    Some(authority.host().to_ascii_lowercase())
}

/// Whether the host is an address, or a name that no site on the internet can have. A container has the name
/// `host.docker.internal` for this machine.
fn is_local(host: &str) -> bool {
    let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
    is_address || !host.contains('.') || host.ends_with(".internal") || host.ends_with(".localhost")
}

fn is_this_machine(host: &str) -> bool {
    let is_loopback = host == "[::1]" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(&str, &str)]) -> Option<u16> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        stranger(&all).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn programs_of_this_machine_are_let_in() {
        for host in [
            "127.0.0.1:9001",
            "localhost:9001",
            "LOCALHOST",
            "[::1]:9001",
            "127.0.0.1",
            "sandbox.localhost:9001",
            "host.docker.internal:9001",
            "host.containers.internal:9001",
            "sandbox:9001",
        ] {
            assert_eq!(refused(&[("host", host)]), None, "{host}");
        }
        assert_eq!(refused(&[]), None);
        for origin in
            ["http://localhost:3000", "http://127.0.0.1:9001", "https://[::1]:1", "http://localhost"]
        {
            assert_eq!(refused(&[("host", "127.0.0.1:9001"), ("origin", origin)]), None, "{origin}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_not() {
        for host in [
            "evil.example:9001",
            "127.0.0.1.nip.io:9001",
            "localhost.evil.example:9001",
            "localhost.:9001",
            "evil.example.",
            "evilinternal.example",
            "127.0.0.1@evil.example:9001",
            "",
        ] {
            assert_eq!(refused(&[("host", host)]), Some(421), "{host}");
        }
        let two = [("host", "127.0.0.1:9001"), ("host", "evil.example:9001")];
        assert_eq!(refused(&two), Some(421));
        for origin in [
            "null",
            "",
            "https://evil.example",
            "http://203.0.113.5",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example:9001",
            "moz-extension://0d6a",
            "file://",
        ] {
            assert_eq!(refused(&[("host", "127.0.0.1:9001"), ("origin", origin)]), Some(403), "{origin}");
        }
    }
}
