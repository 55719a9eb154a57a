//! [`Doubt`]: why the results of a search do not answer the question.
//!
//! A server that does not follow `Prefer: handling=strict` ignores search parameters that it does not know. A
//! server may also return a part of the results. It says so in the `self` link and in an OperationOutcome:
//! <https://hl7.org/fhir/R4/search.html#conformance>, <https://hl7.org/fhir/R4/search.html#return>.

use std::fmt;

use crate::client::Said;
use crate::fhir::OperationOutcomeIssue;

/// Why the results of a search do not answer the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The results are not complete.
    Partial,
    /// The server did not search by this parameter.
    Ignored(String),
    /// The server ignored some parameter, and does not say which.
    IgnoredSome,
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial => formatter.write_str(
                "the server says that its answer to the search is not complete: no handler runs before a \
                 complete answer",
            ),
            Self::Ignored(name) => write!(
                formatter,
                "the server ignored `{name}` in the search, so no handler runs for the results: make the \
                 server support the parameter, or leave it out"
            ),
            Self::IgnoredSome => formatter.write_str(
                "the server warns that it ignored a parameter of the search, so no handler runs for the \
                 results: make the server support it, or leave it out",
            ),
        }
    }
}

/// Parameters that shape an answer, and do not select resources.
const SHAPING: [&str; 13] = [
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_elements",
    "_format",
    "_pretty",
    "_total",
    "_contained",
    "_containedType",
    "_score",
    "_maxresults",
];

/// Issue codes that say that results are missing, whatever their severity.
const PARTIAL: [&str; 6] = ["incomplete", "timeout", "too-costly", "throttled", "transient", "no-store"];

/// Issue codes that say, in a warning, that a parameter was ignored.
const IGNORED: [&str; 5] = ["not-supported", "invalid", "not-found", "value", "structure"];

impl Doubt {
    /// Compares a page with the filters of its search. Only the first page has a link to the search itself.
    pub(crate) fn of(
        filters: &[(String, String)],
        said: &Said,
        issues: &[OperationOutcomeIssue],
        is_first: bool,
    ) -> Option<Self> {
        let is = |severity: &str| issues.iter().any(|issue| issue.severity.eq_ignore_ascii_case(severity));
        if is("error") || is("fatal") || issues.iter().any(|issue| PARTIAL.contains(&&*issue.code)) {
            return Some(Self::Partial);
        }
        if !is_first || filters.iter().all(|(name, _)| is_shaping(name)) {
            return None;
        }
        match said.own_link.as_deref().and_then(|link| heeded(filters, link)) {
            Some(own) => ignored(filters, own).map(Self::Ignored),
            // Without a usable link, the server may say it in a warning.
            None => {
                let is_ignored = |issue: &OperationOutcomeIssue| {
                    issue.severity.eq_ignore_ascii_case("warning") && IGNORED.contains(&&*issue.code)
                };
                issues.iter().any(is_ignored).then_some(Self::IgnoredSome)
            }
        }
    }
}

/// The parameters that the server searched by, from its `self` link. `None` if the link does not show them,
/// because an opaque handle (`_getpages=…`, `cursor=…`) stands for the whole search.
fn heeded(filters: &[(String, String)], link: &str) -> Option<Vec<(String, String)>> {
    let link = link.split('#').next().unwrap_or_default();
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let own: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let is_asked = |(name, _): &(String, String)| {
        name.starts_with("_lastUpdated") || filters.iter().any(|(asked, _)| plain(asked) == plain(name))
    };
    let is_handle = own.iter().any(|(name, _)| !is_shaping(name)) && !own.iter().any(is_asked);
    (!is_handle).then_some(own)
}

/// The first filter that the server did not use, whatever the order and the encoding of its parameters.
fn ignored(filters: &[(String, String)], mut own: Vec<(String, String)>) -> Option<String> {
    for (name, value) in filters.iter().filter(|(name, _)| !is_shaping(name)) {
        let is_it = |(other, found): &(String, String)| {
            plain(other) == plain(name) && alternatives(found) >= alternatives(value)
        };
        // A parameter with the same value is a better match than one with the same name only.
        let place =
            own.iter().position(|one| one.1 == *value && is_it(one)).or_else(|| own.iter().position(is_it));
        match place {
            Some(place) => drop(own.swap_remove(place)),
            None => return Some(name.clone()),
        }
    }
    None
}

fn is_shaping(name: &str) -> bool {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    SHAPING.contains(&name)
}

/// A parameter's name without the types of references (`subject:Patient.name`), because servers add and
/// remove them.
fn plain(name: &str) -> String {
    if name.starts_with("_has:") {
        return name.to_owned();
    }
    let part = |part: &str| match part.split_once(':') {
        Some((name, modifier)) if modifier.starts_with(|first: char| first.is_ascii_uppercase()) => {
            name.to_owned()
        }
        _ => part.to_owned(),
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// The number of alternatives of a value; zero if the value is empty.
fn alternatives(value: &str) -> usize {
    if value.trim().is_empty() { 0 } else { value.replace("\\,", "").split(',').count() }
}

#[cfg(test)]
mod tests;
