//! [`Own`]: the base URLs of the app's own FHIR server.

use crate::fhir::Reference;
use crate::fhir::reference::canonical_base;
use crate::provided::Provided;

/// The base URLs of the app's own FHIR server: `FHIR_BASE_URL`, and the base URL of the notification's own
/// Subscription. A server behind a proxy may name itself by another URL than the app uses. Exception: a server that `setup`
/// names as a source is never the own server, even if the Subscription is there. A broker may forward its notifications.
#[derive(Debug)]
pub(super) struct Own<'a> {
    base: &'a str,
    /// The base URL of the Subscription, unless it is a source's.
    subscription: Option<&'a str>,
    /// The same, if it is a source's.
    foreign: Option<&'a str>,
    provided: Option<&'a Provided>,
}

impl<'a> Own<'a> {
    /// `base` is `FHIR_BASE_URL` without a slash at its end; `subscription` is the Subscription's URL in the
    /// notification; `provided` knows the sources.
    pub(super) fn new(base: &'a str, subscription: Option<&'a str>, provided: Option<&'a Provided>) -> Self {
        let subscription = subscription.and_then(base_of);
        let foreign = subscription.filter(|base| is_source(provided, base));
        Self { base, subscription: subscription.filter(|_| foreign.is_none()), foreign, provided }
    }

    /// Whether `base` is the server's. The case of the host and a default port make no difference, nor does
    /// `http` for `https`, which a server writes behind a proxy that ends TLS. Aidbox names its Subscription
    /// without the path of its FHIR interface: its resources have that host, and the path of `FHIR_BASE_URL`.
    pub(super) fn is(&self, base: &str) -> bool {
        // Most servers write it as we do: then nothing must be parsed.
        if self.base == base || self.subscription == Some(base) {
            return true;
        }
        if is_source(self.provided, base) {
            return false;
        }
        let Some(base) = canonical_base(base) else { return false };
        let own = canonical_base(self.base).unwrap_or_default();
        let Some(subscription) = self.subscription.and_then(canonical_base) else { return base == own };
        let ((host, path), (_, own_path)) = (host_and_path(&base), host_and_path(&own));
        let is_beside_subscription = host == host_and_path(&subscription).0 && path == own_path;
        base == own || base == subscription || is_beside_subscription
    }

    /// Whether a reference names a resource of another server. A relative reference always names our own
    /// server.
    pub(super) fn is_elsewhere(&self, reference: &str) -> bool {
        Reference::base(reference).is_some_and(|base| !self.is(base))
    }

    /// Whether `base` is the server's of the notification.
    pub(super) fn is_here(&self, base: &str) -> bool {
        match self.foreign {
            Some(foreign) => foreign == base || canonical_base(foreign) == canonical_base(base),
            None => self.is(base),
        }
    }

    /// Whether a reference names a resource of another server than the notification's. A source's notification may
    /// contain resources of several servers with one id, so an absolute reference means exactly its server.
    pub(super) fn is_there(&self, reference: &str) -> bool {
        Reference::base(reference).is_some_and(|base| self.foreign.is_some() || !self.is(base))
    }

    /// Whether the notification says the URL of its server.
    pub(super) fn is_told(&self) -> bool {
        self.subscription.or(self.foreign).is_some()
    }

    /// The base URL of the notification's Subscription, if it is on a source. Then a relative reference means that server.
    pub(super) fn foreign_base(&self) -> Option<&'a str> {
        self.foreign
    }
}

/// The base URL in the URL of a Subscription, whose id need not be a FHIR id.
pub(super) fn base_of(subscription: &str) -> Option<&str> {
    let before = || Some(subscription.rsplit_once("/Subscription/")?.0);
    Reference::base(subscription)
        .or_else(|| before().filter(|base| base.contains("://") && canonical_base(base).is_some()))
}

fn is_source(provided: Option<&Provided>, base: &str) -> bool {
    provided.is_some_and(|provided| provided.source(base).is_some())
}

/// The host and the path of a normalized base URL.
fn host_and_path(canonical: &str) -> (&str, &str) {
    canonical.split_at(canonical.find('/').unwrap_or(canonical.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_base_url_is() {
        let own =
            Own::new("https://fhir.example.org/r4", Some("https://broker.example.org/Subscription/1"), None);
        for ours in [
            "https://fhir.example.org/r4",
            "HTTPS://FHIR.Example.org/r4",
            "https://fhir.example.org:443/r4",
            "http://fhir.example.org/r4",
            "http://fhir.example.org:80/r4",
            "https://fhir.example.org/r4/",
            "https://fhir.example.org./r4",
            "https://broker.example.org",
            "http://broker.example.org/",
            "https://broker.example.org/r4",
        ] {
            assert!(own.is(ours), "{ours}");
        }
        for other in [
            "https://fhir.example.org",
            "https://fhir.example.org/r5",
            "https://fhir.example.org/R4",
            "https://fhir.example.org:8443/r4",
            "https://fhir.example.org.example.com/r4",
            "https://user@fhir.example.org/r4",
            "https://broker.example.org/fhir",
            "https://hospital.example.org/r4",
            "ftp://fhir.example.org/r4",
        ] {
            assert!(!own.is(other), "{other}");
        }
        let silent = Own::new("https://fhir.example.org/r4", Some("Subscription/1"), None);
        assert!(silent.is("http://fhir.example.org/r4") && !silent.is("https://broker.example.org"));
        assert!(!silent.is_elsewhere("Encounter/1") && !silent.is_elsewhere("urn:uuid:1"));
        assert!(silent.is_elsewhere("https://hospital.example.org/r4/Encounter/1/_history/2"));
    }

    #[test]
    fn the_base_url_of_a_subscription() {
        for (url, base) in [
            ("https://h.example.org/fhir/Subscription/1", Some("https://h.example.org/fhir")),
            ("https://h.example.org/fhir/Subscription/1/_history/2", Some("https://h.example.org/fhir")),
            ("https://h.example.org/fhir/Subscription/sub_1", Some("https://h.example.org/fhir")),
            ("https://h.example.org/fhir/Subscription/", Some("https://h.example.org/fhir")),
            ("https://h.example.org/fhir/Subscription/1?a=b", Some("https://h.example.org/fhir")),
            ("Subscription/1", None),
            ("a/Subscription/sub_1", None),
            ("urn:uuid:1", None),
            ("https://h.example.org/fhir/Patient/sub_1", None),
        ] {
            assert_eq!(base_of(url), base, "{url}");
        }
    }
}
