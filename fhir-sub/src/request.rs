//! [`Head`]: a request as the service sees it, borrowed from wherever it came from.

use std::borrow::Cow;

use http::Method;

/// All of a request but its body.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    /// The path as it came, with any stage or prefix before it.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a (dyn Headers + Sync),
}

/// The headers of a request, by name.
pub(crate) trait Headers {
    /// The header `name`, which is written in lower case.
    fn get(&self, name: &str) -> Header<'_>;

    /// The client certificate that the gateway has verified, if the gateway says so where no caller can write; of a load
    /// balancer, whose headers a caller can write too, only where `load_balancer_verifies`.
    fn client_certificate(&self, _load_balancer_verifies: bool) -> Option<ClientCertificate<'_>> {
        None
    }
}

/// A client certificate, as the gateway that verified it names it.
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
    /// It is there more than once.
    Repeated,
}

impl<'a> Header<'a> {
    /// The header after one more `value` of it.
    pub(crate) fn and(self, value: &'a [u8]) -> Self {
        match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        }
    }

    /// The header's text, if it is there once and is ASCII or UTF-8.
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
