//! How a sandbox is set up.

use std::{sync::Arc, time::Duration};

use super::{Sandbox, delivery::Deliver, server::Server};
use crate::fhir::FhirVersion;

/// The server whose notifications the sandbox imitates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// HAPI FHIR's JPA server: a `requested` Subscription becomes `active` by itself, also a topic's; with a
    /// payload `PUT` and `DELETE` under the endpoint, without one an empty `POST`; deletions only by its extension;
    /// retries from 1 s, each pause 1.1 times the last, for 60 s in all. Of topics it tells as HAPI FHIR 8.8 was
    /// recorded in R4; it has neither handshakes nor heartbeats, and neither `$status` nor `$events`.
    #[default]
    Hapi,
    /// The specification, which servers for topics follow: a `requested` topic Subscription is `active` once its
    /// endpoint has answered a handshake with 2xx, and in `error` if it has not; heartbeats, `$status` and `$events`.
    /// For a criteria `PUT` under the endpoint or an empty `POST`, and no deletions. Four tries, after 1 s and then
    /// twice the pause; one that fails for good puts the Subscription in `error`, from where an update to `requested`
    /// brings it back.
    Generic,
    /// Medplum: only an `active` Subscription is evaluated; `POST` to the endpoint with `X-Medplum-…`
    /// headers, deletions as `{}`; five tries, from 1 s on at twice the pause, dropped once the resource has
    /// changed. It knows no topics.
    Medplum,
}

impl Behaviour {
    /// The name that `FHIR_SERVER` gives the server: `hapi`, `generic` or `medplum`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hapi => "hapi",
            Self::Generic => "generic",
            Self::Medplum => "medplum",
        }
    }

    /// The behaviour of the server that `FHIR_SERVER` calls by this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Hapi, Self::Generic, Self::Medplum].into_iter().find(|behaviour| behaviour.name() == name)
    }
}

/// Settings of a [`Sandbox`]; [`build`](Self::build) ends it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    pub(crate) behaviour: Behaviour,
    pub(crate) fhir_version: FhirVersion,
    pub(crate) base_url: String,
    pub(crate) latency: Duration,
    pub(crate) activation_delay: Duration,
    pub(crate) page_size: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            behaviour: Behaviour::default(),
            fhir_version: FhirVersion::default(),
            base_url: "http://127.0.0.1:9001/fhir".to_owned(),
            latency: Duration::ZERO,
            activation_delay: Duration::ZERO,
            page_size: 20,
        }
    }
}

impl Builder {
    /// Imitates this server; [`Behaviour::Hapi`] unless set.
    pub fn behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The version in which topic Subscriptions are read and their notifications are written;
    /// [`FhirVersion::R4`] unless set. Searches, filters and criteria are those of R4 in every version.
    pub fn fhir_version(self, fhir_version: FhirVersion) -> Self {
        Self { fhir_version, ..self }
    }

    /// The URL under which clients reach the sandbox, for `Location`, `fullUrl` and `next` links;
    /// `http://127.0.0.1:9001/fhir` unless set. A slash at its end is dropped.
    pub fn base_url(self, base_url: &str) -> Self {
        Self { base_url: base_url.trim_end_matches('/').to_owned(), ..self }
    }

    /// How long every answer takes, on tokio's clock; no time unless set. Requests wait side by side.
    pub fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// How long a `requested` Subscription that no handshake makes `active` stays so, on tokio's clock; no time unless
    /// set. The answer to the request that writes it says `requested` in any case.
    pub fn activation_delay(self, activation_delay: Duration) -> Self {
        Self { activation_delay, ..self }
    }

    /// How many resources a page of a search has where the client does not say `_count`; 20 unless set.
    pub fn page_size(self, page_size: usize) -> Self {
        Self { page_size: page_size.max(1), ..self }
    }

    /// The sandbox, empty; notifications leave it through `delivery`.
    pub fn build(self, delivery: impl Deliver + 'static) -> Sandbox {
        Sandbox { server: Arc::new(Server::new(self, Arc::new(delivery))) }
    }

    /// The path of the base URL, without a slash at its end.
    pub(crate) fn base_path(&self) -> &str {
        let after_scheme = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        after_scheme.find('/').map_or("", |slash| &after_scheme[slash..])
    }
}
