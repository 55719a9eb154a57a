//! The settings of a sandbox.

use std::{sync::Arc, time::Duration};

use super::{Sandbox, delivery::Deliver, server::Server};
use crate::fhir::FhirVersion;

/// The server whose notifications the sandbox imitates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// HAPI FHIR's JPA server:
    ///
    /// - A `requested` Subscription becomes `active` by itself, also one to a topic.
    /// - With a payload, it sends `PUT` and `DELETE` under the endpoint; without a payload, an empty `POST`. It sends deletions
    ///   only if its extension asks for them.
    /// - It retries from 1 s on, each pause 1.1 times the last, for 60 s in all.
    /// - Notifications of topics are as recorded from HAPI FHIR 8.8 in R4. There are no handshakes, no heartbeats, no `$status`
    ///   and no `$events`.
    #[default]
    Hapi,
    /// The specification, which servers with topics follow:
    ///
    /// - A `requested` Subscription to a topic becomes `active` if its endpoint answers a handshake with 2xx, else it goes into
    ///   `error`. There are heartbeats, `$status` and `$events`.
    /// - For a criteria, it sends `PUT` under the endpoint or an empty `POST`, and no deletions.
    /// - It tries four times; the first pause is 1 s, and each further one twice the last. If the last try fails, the
    ///   Subscription goes into `error`. An update to `requested` activates it again.
    Generic,
    /// Medplum:
    ///
    /// - It evaluates only `active` Subscriptions, and knows no topics.
    /// - It sends `POST` to the endpoint with `X-Medplum-…` headers, and deletions as `{}`.
    /// - It tries five times; the first pause is 1 s, and each further one twice the last. It drops a notification if
    ///   the resource was deleted meanwhile, and a retry if the resource has changed meanwhile.
    Medplum,
}

impl Behaviour {
    /// The server's name as the value of `FHIR_SERVER`: `hapi`, `generic` or `medplum`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hapi => "hapi",
            Self::Generic => "generic",
            Self::Medplum => "medplum",
        }
    }

    /// The behaviour of the server with this name as the value of `FHIR_SERVER`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Hapi, Self::Generic, Self::Medplum].into_iter().find(|behaviour| behaviour.name() == name)
    }
}

/// Settings of a [`Sandbox`], which [`build`](Self::build) makes.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    pub(crate) behaviour: Behaviour,
    pub(crate) fhir_version: FhirVersion,
    pub(crate) base_url: String,
    pub(crate) latency: Duration,
    pub(crate) activation_delay: Duration,
    pub(crate) page_size: usize,
    pub(crate) validates: bool,
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
            validates: false,
        }
    }
}

impl Builder {
    /// The server to imitate; by default [`Behaviour::Hapi`].
    pub fn behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The version of FHIR; by default [`FhirVersion::R4`]. It decides the resource types, search parameters and
    /// filters that the sandbox knows, and the form of topic Subscriptions and their notifications.
    pub fn fhir_version(self, fhir_version: FhirVersion) -> Self {
        Self { fhir_version, ..self }
    }

    /// The URL at which clients reach the sandbox, for `Location`, `fullUrl` and `next` links; by default
    /// `http://127.0.0.1:9001/fhir`. A final slash is dropped.
    pub fn base_url(self, base_url: &str) -> Self {
        Self { base_url: base_url.trim_end_matches('/').to_owned(), ..self }
    }

    /// How long every answer takes, on tokio's clock; by default no time. Requests wait concurrently.
    pub fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// How long a Subscription stays `requested` if it needs no handshake, on tokio's clock; by default no
    /// time. The answer to the request that writes it always says `requested`.
    pub fn activation_delay(self, activation_delay: Duration) -> Self {
        Self { activation_delay, ..self }
    }

    /// The size of a search's page if the client does not set `_count`; by default 20.
    pub fn page_size(self, page_size: usize) -> Self {
        Self { page_size: page_size.max(1), ..self }
    }

    /// Whether a write over HTTP is checked against FHIR; by default not. If it is, the sandbox refuses a resource with 422
    /// in these cases: a required element is missing or has another kind of value, the type does not have an element, a
    /// code is wrong, or a value is empty. `serve` and the command `sandbox` set this.
    pub fn validates(self, validates: bool) -> Self {
        Self { validates, ..self }
    }

    /// Makes the empty sandbox. Its notifications go to `delivery`.
    pub fn build(self, delivery: impl Deliver + 'static) -> Sandbox {
        Sandbox { server: Arc::new(Server::new(self, Arc::new(delivery))) }
    }

    /// The path of the base URL, without a final slash.
    pub(crate) fn base_path(&self) -> &str {
        let after_scheme = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        after_scheme.find('/').map_or("", |slash| &after_scheme[slash..])
    }
}
