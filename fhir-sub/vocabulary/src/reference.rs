//! References between resources, and the names that a URL may contain.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// The parts of a literal reference to a resource: `Patient/1` or `Patient/1/_history/2`, with or without a
/// base URL before it.
///
/// The parts are validated, so a URL may contain them unchanged. `Display` writes the relative reference
/// without a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub struct Reference<'a> {
    /// The resource's type, `Encounter`.
    #[doc(hidden)]
    pub resource_type: &'a str,
    /// The logical id.
    #[doc(hidden)]
    pub id: &'a str,
    /// The version after `_history/`, if there is one.
    #[doc(hidden)]
    pub version_id: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Parses a reference; `None` if it is not a literal reference to a resource on a REST server.
    ///
    /// Contained (`#p1`), logical and `urn:` references give `None`, as does a reference with a query or a
    /// fragment.
    #[must_use]
    #[doc(hidden)]
    pub fn parse(reference: &'a str) -> Option<Self> {
        if reference.bytes().any(|byte| matches!(byte, b'?' | b'#')) {
            return None;
        }
        let absolute = is_absolute(reference);
        let mut segments = reference.rsplit('/');
        let mut id = segments.next()?;
        let mut resource_type = segments.next()?;
        let mut version_id = None;
        if resource_type == "_history" {
            version_id = Some(id);
            id = segments.next()?;
            resource_type = segments.next()?;
        }
        // Only a base URL may precede the type.
        if segments.next().is_some() != absolute {
            return None;
        }
        let valid = is_type_name(resource_type) && is_id(id) && version_id.is_none_or(is_id);
        valid.then_some(Self { resource_type, id, version_id })
    }

    /// The base URL before an absolute reference, without its last slash; `None` for a relative one.
    #[doc(hidden)]
    pub fn base(reference: &'a str) -> Option<&'a str> {
        let parsed = Self::parse(reference).filter(|_| is_absolute(reference))?;
        let version = parsed.version_id.map_or(0, |version| "/_history/".len() + version.len());
        let tail = "/".len() + parsed.resource_type.len() + "/".len() + parsed.id.len() + version;
        Some(&reference[..reference.len() - tail])
    }
}

/// Normalizes a base URL, so that all base URLs of one server give the same text. The host is in lower case,
/// the port stands only if it is not the default one, and the path has no final slash. The scheme is dropped:
/// behind a proxy that ends TLS, a server writes `http` for `https`. `None` if the text is no `http` or
/// `https` URL, or has further parts.
#[doc(hidden)]
pub fn canonical_base(base: &str) -> Option<String> {
    let url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let host = url.host_str().filter(|_| is_plain)?.trim_end_matches('.');
    let path = url.path().trim_end_matches('/');
    Some(match url.port() {
        Some(port) => format!("{host}:{port}{path}"),
        None => format!("{host}{path}"),
    })
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)
    }
}

fn is_absolute(reference: &str) -> bool {
    let has_scheme =
        |scheme: &str| reference.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    has_scheme("http://") || has_scheme("https://")
}

/// Whether a text is a FHIR id that a URL may contain: 1 to 64 characters of `A-Z a-z 0-9 - .`.
///
/// By the specification, `.` and `..` are ids, too. They are refused here, because they would change a path.
/// The same rule holds for version ids.
#[must_use]
#[doc(hidden)]
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        && text != "."
        && text != ".."
}

/// Why a text is not an id by [`is_id`], as a message to its author. The message does not quote the text.
#[doc(hidden)]
pub fn id_mistake(text: &str) -> Option<&'static str> {
    match text {
        _ if is_id(text) => None,
        "" => Some("the id of the resource is empty"),
        "." | ".." => Some("the id of the resource is `.` or `..`, which no URL can contain"),
        _ if text.len() > 64 => {
            Some("the id of the resource is not a FHIR id: it has more than 64 characters")
        }
        _ => Some(
            "the id of the resource is not a FHIR id: it has other characters than letters, digits, `-` and `.`",
        ),
    }
}

/// Whether a text looks like a resource type's name: an upper-case letter, then letters; at most 64.
#[must_use]
#[doc(hidden)]
pub fn is_type_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The version in an entity tag: `W/"2"` and `"2"` mean version 2.
///
/// <https://hl7.org/fhir/R4/http.html#versioning>
#[doc(hidden)]
pub fn entity_tag_version(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

/// The characters that a query does not encode: the unreserved ones, and those that FHIR's own syntax uses
/// and RFC 3986 §3.4 allows in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',');

/// Writes names and values as a percent-encoded query string, without the `?`.
///
/// A space becomes `%20`, which every server understands; only servers that decode the query as a form read
/// `+` as a space.
#[doc(hidden)]
pub fn encode_query(query: &[(&str, &str)]) -> String {
    let mut encoded = String::new();
    for (name, value) in query {
        if !encoded.is_empty() {
            encoded.push('&');
        }
        encoded.extend(utf8_percent_encode(name, QUERY));
        encoded.push('=');
        encoded.extend(utf8_percent_encode(value, QUERY));
    }
    encoded
}
