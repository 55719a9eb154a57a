//! References between resources, and the names that may stand in a URL.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// A literal reference to a resource, taken apart: `Patient/1`, `Patient/1/_history/2`, or either after a base URL.
///
/// The parts are validated, so they may be put into a URL as they are. `Display` writes the reference relative and
/// without a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reference<'a> {
    /// The resource's type, `Encounter`.
    pub(crate) resource_type: &'a str,
    /// The logical id.
    pub(crate) id: &'a str,
    /// The version after `_history/`, where there is one.
    pub(crate) version_id: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Takes a reference apart; `None` where it is no literal reference to a resource on a REST server.
    ///
    /// Contained (`#p1`), logical and `urn:` references give `None`, as does whatever carries a query or a fragment.
    #[must_use]
    pub(crate) fn parse(reference: &'a str) -> Option<Self> {
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
        // What stands before the type must be a base URL, or nothing at all.
        if segments.next().is_some() != absolute {
            return None;
        }
        let valid = is_type_name(resource_type) && is_id(id) && version_id.is_none_or(is_id);
        valid.then_some(Self { resource_type, id, version_id })
    }

    /// The base URL before an absolute reference, without its last slash; `None` for a relative one.
    pub(crate) fn base(reference: &'a str) -> Option<&'a str> {
        let parsed = Self::parse(reference).filter(|_| is_absolute(reference))?;
        let version = parsed.version_id.map_or(0, |version| "/_history/".len() + version.len());
        let tail = "/".len() + parsed.resource_type.len() + "/".len() + parsed.id.len() + version;
        Some(&reference[..reference.len() - tail])
    }
}

/// A base URL in the one form in which those of one server are the same text: its host in small letters, its port only
/// where it is not the scheme's own, its path without a slash at its end, and no scheme, since a server behind a proxy
/// that ends TLS writes `http` for `https`. `None` for what is no `http` or `https` URL, or has more to it than these.
pub(crate) fn canonical_base(base: &str) -> Option<String> {
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

/// Whether a text is a FHIR id that may stand in a URL: 1 to 64 of `A-Z a-z 0-9 - .`.
///
/// `.` and `..` are ids by the letter of the specification and refused here: in a path they would lead elsewhere.
/// Version ids follow the same rule.
#[must_use]
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        && text != "."
        && text != ".."
}

/// What is wrong with an id that is none by [`is_id`], in words for whoever wrote it; it quotes nothing.
pub(crate) fn id_mistake(text: &str) -> Option<&'static str> {
    match text {
        _ if is_id(text) => None,
        "" => Some("the id of the resource is empty"),
        _ if text.len() > 64 => {
            Some("the id of the resource is not a FHIR id: it has more than 64 characters")
        }
        _ => Some(
            "the id of the resource is not a FHIR id: it has other characters than letters, digits, `-` and `.`",
        ),
    }
}

/// Whether a text has the form of a resource type's name: an upper-case letter, then letters; at most 64.
#[must_use]
pub(crate) fn is_type_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The version that an entity tag stands for: `W/"2"` and `"2"` are version 2.
///
/// <https://hl7.org/fhir/R4/http.html#versioning>
pub(crate) fn entity_tag_version(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

/// What a query keeps unencoded: the unreserved characters, and those with a meaning in FHIR's own syntax that RFC 3986
/// §3.4 allows in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',');

/// A query string out of names and values, percent-encoded, without a `?`.
///
/// A space becomes `%20`, which every server reads; `+` is only read as a space by those that take it for a form.
pub(crate) fn encode_query(query: &[(&str, &str)]) -> String {
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
