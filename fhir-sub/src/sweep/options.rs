//! [`SweepOptions`]: what to sweep, and from when.

use crate::fhir::Instant;
use crate::registry::Registry;

/// The subscriptions to sweep, and the moment to begin at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SweepOptions {
    /// Everything since then is looked at, and handled unless it is known to be handled.
    pub(crate) since: Option<Instant>,
    /// Sweep only this subscription.
    pub(crate) endpoint: Option<String>,
}

impl SweepOptions {
    /// The options of `POST /sweep?since=2026-01-31T12:00:00Z&endpoint=arrived-appointments`. `None` if the
    /// query contains anything else.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        let mut options = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                // If the caller did not encode the `+` of an offset, it arrives as a space, which no instant
                // contains.
                "since" if options.since.is_none() => {
                    options.since = Some(Instant::parse(&value.replace(' ', "+"))?)
                }
                "endpoint" if options.endpoint.is_none() => options.endpoint = Some(value.into_owned()),
                _ => return None,
            }
        }
        Some(options)
    }

    /// Whether the options select this endpoint.
    pub(crate) fn mean(&self, endpoint: &str) -> bool {
        self.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint)
    }

    /// Whether the program has the endpoint, if the options name one.
    pub(crate) fn is_of(&self, registry: &Registry) -> bool {
        self.endpoint.as_deref().is_none_or(|endpoint| registry.find(endpoint).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_since_when_and_which_one() {
        let since = Instant::parse("2026-01-31T12:00:00Z");
        let read = |query| SweepOptions::from_query(query);
        assert_eq!(read(""), Some(SweepOptions::default()));
        assert_eq!(read("since=2026-01-31T12:00:00Z").unwrap().since, since);
        assert_eq!(read("since=2026-01-31T14%3A00%3A00%2B02:00").unwrap().since, since);
        assert_eq!(read("since=2026-01-31T14:00:00+02:00").unwrap().since, since);
        assert_eq!(read("endpoint=e").unwrap().endpoint.as_deref(), Some("e"));
        for query in
            ["since", "since=", "since=2026-01-31", "since=yesterday", "sinse=1", "endpoint=a&endpoint=b"]
        {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
