//! [`Proxies`]: which requests go through which proxy.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

/// The proxies, and the hosts that are reached without a proxy.
///
/// Loopback and link-local addresses are never reached through a proxy: clouds offer metadata and credentials
/// at link-local addresses. `Debug` shows no user and no password.
#[derive(Default)]
#[doc(hidden)]
pub struct Proxies {
    /// For `http` URLs.
    #[doc(hidden)]
    pub http: Option<Url>,
    /// For `https` URLs.
    #[doc(hidden)]
    pub https: Option<Url>,
    #[doc(hidden)]
    pub direct: Vec<Direct>,
}

impl Proxies {
    /// One proxy for all.
    #[doc(hidden)]
    pub fn all(proxy: Url) -> Self {
        Self { http: Some(proxy.clone()), https: Some(proxy), direct: Vec::new() }
    }

    #[doc(hidden)]
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy for a URL.
    #[doc(hidden)]
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        }?;
        let host = url.host()?;
        let is_direct = is_near(&host) || {
            let port = url.port_or_known_default();
            self.direct.iter().any(|direct| direct.matches(&host, port))
        };
        (!is_direct).then_some(proxy)
    }
}

/// Parses a proxy's URL, or its host and port without a scheme.
#[doc(hidden)]
pub fn proxy(text: &str) -> Option<Url> {
    let url = if text.contains("://") { text.parse() } else { format!("http://{text}").parse() };
    url.ok().filter(is_proxy)
}

/// Whether a URL can belong to a proxy.
#[doc(hidden)]
pub fn is_proxy(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// Whether a host is this machine, or link-local.
fn is_near(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(domain) => {
            let domain = domain.trim_end_matches('.');
            domain == "localhost" || domain.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback() || address.is_link_local() || address.is_unspecified(),
        Host::Ipv6(address) => {
            let mapped = address.to_ipv4_mapped();
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unicast_link_local()
                // The metadata and credentials of AWS.
                || address.segments()[..2] == [0xfd00, 0x0ec2]
                || mapped.is_some_and(|address| address.is_loopback() || address.is_link_local())
        }
    }
}

/// An entry of `NO_PROXY`: hosts that are reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Direct {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// A domain and its subdomains, in lower case.
    Domain(String),
    /// The addresses that begin with these bits.
    Network(IpAddr, u32),
}

impl Direct {
    /// Parses a list with commas or white space between its entries; the error is the place of an invalid
    /// entry.
    #[doc(hidden)]
    pub fn parse_list(text: &str) -> Result<Vec<Self>, usize> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        entries.enumerate().map(|(place, entry)| Self::parse(entry).ok_or(place + 1)).collect()
    }

    /// Parses `*`, `example.org`, `.example.org`, `*.example.org`, `10.1.2.3`, `10.0.0.0/8` or `[::1]`. All
    /// but a network may have a port.
    fn parse(entry: &str) -> Option<Self> {
        let all = |hosts| Some(Self { hosts, port: None });
        if let Some((address, bits)) = entry.split_once('/') {
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
            return if bits <= width(address) { all(Hosts::Network(address, bits)) } else { None };
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return all(Hosts::Network(address, width(address)));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let hosts = if host == "*" {
            Hosts::All
        } else if let Some(address) = bare {
            Hosts::Network(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), 128)
        } else if let Ok(address) = host.parse::<IpAddr>() {
            Hosts::Network(address, width(address))
        } else {
            let domain = host.strip_prefix("*.").or_else(|| host.strip_prefix('.')).unwrap_or(host);
            let domain = domain.trim_end_matches('.').to_ascii_lowercase();
            let is_domain = !domain.is_empty()
                && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            Hosts::Domain(Some(domain).filter(|_| is_domain)?)
        };
        Some(Self { hosts, port })
    }

    fn matches(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        let matches = |address: IpAddr| match self.hosts {
            Hosts::All => true,
            Hosts::Domain(_) => false,
            Hosts::Network(network, bits) => first_bits(network, bits) == first_bits(address, bits),
        };
        self.port.is_none_or(|wanted| port == Some(wanted))
            && match host {
                Host::Ipv4(address) => matches(IpAddr::V4(*address)),
                Host::Ipv6(address) => matches(address.to_canonical()),
                Host::Domain(domain) => match &self.hosts {
                    Hosts::All => true,
                    // The host in a URL is already in lower case.
                    Hosts::Domain(wanted) => {
                        let domain = domain.trim_end_matches('.');
                        domain
                            .strip_suffix(wanted.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                    }
                    Hosts::Network(..) => false,
                },
            }
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first bits of an address, and whether it is IPv4.
fn first_bits(address: IpAddr, bits: u32) -> (bool, u128) {
    let (is_ipv4, number) = match address {
        IpAddr::V4(address) => (true, u128::from(address.to_bits()) << 96),
        IpAddr::V6(address) => (false, address.to_bits()),
    };
    (is_ipv4, number.checked_shr(128 - bits).unwrap_or_default())
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.as_ref().and_then(Url::host_str))
            .field("https", &self.https.as_ref().and_then(Url::host_str))
            .field("direct", &self.direct.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
