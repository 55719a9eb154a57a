//! [`Head`]: a request without its body, as the service sees it, borrowed from its source.

use std::borrow::Cow;

use http::Method;

/// A request without its body.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    /// The path as it arrived, with any stage or prefix.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a (dyn Headers + Sync),
}

/// The headers of a request, by name.
pub(crate) trait Headers {
    /// The header `name`, in lower case.
    fn get(&self, name: &str) -> Header<'_>;

    /// The client certificate that the gateway has verified, if the gateway passes it in a place that callers
    /// cannot write to. Callers can write the headers of a load balancer, so these count only if
    /// `load_balancer_verifies`.
    fn client_certificate(&self, _load_balancer_verifies: bool) -> Option<ClientCertificate<'_>> {
        None
    }
}

/// A client certificate, as the gateway passes it on.
pub(crate) struct ClientCertificate<'a> {
    pub(crate) subject: Cow<'a, str>,
    /// The certificate itself.
    pub(crate) pem: Cow<'a, str>,
}

/// A header of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header<'a> {
    Absent,
    Once(&'a [u8]),
    /// The header occurs more than once.
    Repeated,
}

impl<'a> Header<'a> {
    /// The header with one more `value`.
    pub(crate) fn and(self, value: &'a [u8]) -> Self {
        match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        }
    }

    /// The header's text, if it occurs once and is ASCII or UTF-8.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Once(value) => std::str::from_utf8(value).ok(),
            Self::Absent | Self::Repeated => None,
        }
    }
}

impl Headers for http::HeaderMap {
    fn get(&self, name: &str) -> Header<'_> {
        self.get_all(name).iter().fold(Header::Absent, |found, value| found.and(value.as_bytes()))
    }
}
