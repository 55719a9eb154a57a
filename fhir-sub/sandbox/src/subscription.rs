//! A `Subscription`, checked and prepared for matching.

mod criteria;
mod extension;
pub(crate) mod medplum;

use std::{ops::RangeInclusive, time::Duration};

use crate::fhir::SecretString;
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use serde_json::Value;

use self::{criteria::Criteria, extension::Extensions};
use super::{
    builder::{Behaviour, Builder},
    notification::{Interaction, told_as},
    refusal::Refusal,
    search::Context,
    store::{Change, Store},
    topic::{Form, TopicHook},
};
use crate::fhir::Instant;

/// The attempts of the specification's server. The specification gives no number.
const GENERIC_ATTEMPTS: u32 = 4;

/// How often Medplum retries: while `attemptsMade < 4`, counted from zero.
const MEDPLUM_ATTEMPTS: u32 = 4;

/// A rest-hook subscription. A subscription with a criteria is kept only while it is `requested` or `active`.
#[derive(Debug)]
pub(crate) struct RestHook {
    pub(crate) behaviour: Behaviour,
    pub(crate) id: String,
    pub(crate) status: Status,
    end: Option<Instant>,
    watch: Watch,
    pub(crate) endpoint: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) has_payload: bool,
    pub(crate) strips_versions: bool,
    pub(crate) delivers_latest: bool,
    interactions: Vec<Interaction>,
    success: Vec<RangeInclusive<u16>>,
    /// The secret that signs notifications.
    pub(crate) secret: Option<SecretString>,
    retries: u32,
}

/// `Subscription.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Requested,
    Active,
    Error,
    Off,
}

impl Status {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }
}

/// The watched changes of a subscription.
#[derive(Debug)]
enum Watch {
    Criteria(Criteria),
    Topic(TopicHook),
}

impl RestHook {
    /// Reads a `Subscription`; `None` if it has a criteria and is off. The error is the refusal of the
    /// imitated server, or of the sandbox itself: 422 as HAPI, 400 as Medplum.
    pub(crate) fn read(resource: &Value, settings: &Builder, store: &Store) -> Result<Option<Self>, Refusal> {
        let status = match settings.behaviour {
            Behaviour::Hapi | Behaviour::Generic => StatusCode::UNPROCESSABLE_ENTITY,
            Behaviour::Medplum => StatusCode::BAD_REQUEST,
        };
        Self::check(resource, settings, store).map_err(|refusal| refusal.with_status(status))
    }

    fn check(resource: &Value, settings: &Builder, store: &Store) -> Result<Option<Self>, Refusal> {
        let all = [Status::Requested, Status::Active, Status::Error, Status::Off];
        let status = match resource["status"].as_str() {
            Some(code) => all
                .into_iter()
                .find(|status| status.code() == code)
                .ok_or_else(|| refuse("status", "is not one of `requested`, `active`, `error`, `off`"))?,
            None => return Err(refuse("status", "must be given")),
        };
        match Form::of(resource, settings.fhir_version)? {
            Some(form) => Self::of_topic(resource, form, status, settings, store).map(Some),
            None if matches!(status, Status::Off | Status::Error) => Ok(None),
            None => Self::of_criteria(resource, status, settings).map(Some),
        }
    }

    fn of_topic(
        resource: &Value,
        form: Form,
        status: Status,
        settings: &Builder,
        store: &Store,
    ) -> Result<Self, Refusal> {
        let behaviour = settings.behaviour;
        Ok(Self {
            behaviour,
            id: resource["id"].as_str().unwrap_or_default().to_owned(),
            status,
            end: end(resource)?,
            watch: Watch::Topic(TopicHook::read(resource, form, behaviour, store)?),
            endpoint: endpoint(form.channel(resource))?,
            headers: form.headers(resource)?,
            has_payload: true,
            strips_versions: false,
            delivers_latest: false,
            interactions: Vec::new(),
            success: Vec::new(),
            secret: None,
            retries: 0,
        })
    }

    fn of_criteria(resource: &Value, status: Status, settings: &Builder) -> Result<Self, Refusal> {
        let behaviour = settings.behaviour;
        let channel = &resource["channel"];
        if channel["type"] != "rest-hook" {
            return Err(refuse("channel.type", "is not `rest-hook`, the only channel of the sandbox"));
        }
        let criteria = resource["criteria"].as_str().unwrap_or_default();
        let extensions = Extensions::read(resource, behaviour)?;
        Ok(Self {
            behaviour,
            id: resource["id"].as_str().unwrap_or_default().to_owned(),
            status,
            end: end(resource)?,
            watch: Watch::Criteria(
                Criteria::parse(criteria, behaviour, settings.fhir_version)
                    .map_err(|refusal| refusal.within("Subscription.criteria"))?,
            ),
            endpoint: endpoint(channel)?,
            headers: headers(channel, behaviour)?,
            has_payload: has_payload(channel, behaviour)?,
            strips_versions: extensions.strips_versions,
            delivers_latest: extensions.delivers_latest,
            interactions: extensions.interactions,
            success: extensions.success,
            secret: extensions.secret.map(SecretString::from),
            retries: extensions.retries.unwrap_or(MEDPLUM_ATTEMPTS),
        })
    }

    pub(crate) fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// The topic part of the subscription, if it has a topic.
    pub(crate) fn topic(&self) -> Option<&TopicHook> {
        match &self.watch {
            Watch::Topic(topic) => Some(topic),
            Watch::Criteria(_) => None,
        }
    }

    /// Whether the change fires the subscription.
    ///
    /// Events of a topic also count while the subscription is in error or asks for a new activation. They are
    /// not sent then; `$events` has them later.
    pub(crate) fn fires(
        &self,
        change: &Change,
        previous: Option<&Value>,
        store: &Store,
        context: Context<'_>,
    ) -> bool {
        // Medplum does not notify of an AuditEvent, because each notification would make another.
        if self.behaviour == Behaviour::Medplum && change.kind == "AuditEvent" {
            return false;
        }
        // Medplum ignores `end`.
        (self.behaviour == Behaviour::Medplum || self.end.is_none_or(|end| context.now < end))
            && match &self.watch {
                Watch::Criteria(criteria) => {
                    self.is_active()
                        && self.interactions.contains(&told_as(change, self.behaviour))
                        && criteria.matches(&change.resource, context)
                }
                Watch::Topic(topic) => {
                    self.status != Status::Off && topic.fires(change, previous, store, context)
                }
            }
    }

    /// Whether this answer of the endpoint counts as success.
    pub(crate) fn accepts(&self, status: StatusCode) -> bool {
        let code = status.as_u16();
        match self.behaviour {
            // HAPI ignores the answer to a notification without payload.
            Behaviour::Hapi => !self.has_payload || code < 300,
            Behaviour::Generic => status.is_success(),
            Behaviour::Medplum => self.success.iter().any(|codes| codes.contains(&code)),
        }
    }

    /// How long the imitated server waits for an answer: HAPI's client 10 s by default, Medplum 120 s, and
    /// the specification's server for the `timeout` of the Subscription, or 30 s.
    pub(crate) fn patience(&self) -> Duration {
        match self.behaviour {
            Behaviour::Hapi => Duration::from_secs(10),
            Behaviour::Generic => {
                self.topic().and_then(|topic| topic.timeout).unwrap_or(Duration::from_secs(30))
            }
            Behaviour::Medplum => Duration::from_secs(120),
        }
    }

    /// The pause after a failed attempt (counted from one); `None` after the last.
    pub(crate) fn pause(&self, attempt: u32, elapsed: Duration) -> Option<Duration> {
        match self.behaviour {
            Behaviour::Hapi => {
                let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
                let pause = Duration::from_secs_f64(1.1_f64.powi(exponent).min(30.0));
                (elapsed + pause <= Duration::from_secs(60)).then_some(pause)
            }
            Behaviour::Generic => {
                (attempt < GENERIC_ATTEMPTS).then(|| Duration::from_secs(1 << (attempt - 1)))
            }
            Behaviour::Medplum => {
                (attempt <= self.retries).then(|| Duration::from_secs(1 << (attempt - 1).min(31)))
            }
        }
    }
}

fn end(resource: &Value) -> Result<Option<Instant>, Refusal> {
    match &resource["end"] {
        Value::Null => Ok(None),
        end => match end.as_str().and_then(Instant::parse) {
            Some(end) => Ok(Some(end)),
            None => Err(refuse("end", "is not an instant")),
        },
    }
}

fn endpoint(channel: &Value) -> Result<String, Refusal> {
    let endpoint = channel["endpoint"].as_str().filter(|endpoint| !endpoint.is_empty());
    let endpoint = endpoint.ok_or_else(|| refuse("channel.endpoint", "must be given for a rest-hook"))?;
    match endpoint.parse::<Uri>().ok().as_ref().and_then(Uri::scheme_str) {
        Some("http" | "https") => Ok(endpoint.to_owned()),
        _ => Err(refuse("channel.endpoint", "is not a URL that the sandbox can call")),
    }
}

/// The lines of `channel.header`. Medplum splits at every `:`, and so loses the part after the second.
fn headers(channel: &Value, behaviour: Behaviour) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let header = |line: &Value| {
        let (name, value) = line.as_str()?.split_once(':')?;
        let value = match behaviour {
            Behaviour::Hapi | Behaviour::Generic => value,
            Behaviour::Medplum => value.split(':').next().unwrap_or_default(),
        };
        Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
    };
    let lines = channel["header"].as_array().into_iter().flatten().enumerate();
    lines
        .map(|(index, line)| {
            header(line).ok_or_else(|| refuse(&format!("channel.header[{index}]"), "is not `Name: value`"))
        })
        .collect()
}

fn has_payload(channel: &Value, behaviour: Behaviour) -> Result<bool, Refusal> {
    let payload = channel["payload"].as_str().unwrap_or_default();
    let media_type = payload.split(';').next().unwrap_or_default().trim();
    match (behaviour, media_type) {
        // Medplum ignores it.
        (Behaviour::Medplum, _) => Ok(true),
        (_, "") => Ok(false),
        (_, "application/fhir+json" | "application/json+fhir" | "application/json" | "text/json") => Ok(true),
        (_, "application/fhir+xml" | "application/xml+fhir" | "application/xml" | "text/xml") => {
            Err(refuse("channel.payload", "is XML: the sandbox sends JSON only"))
        }
        (_, _) => Err(refuse("channel.payload", "is not a media type of FHIR")),
    }
}

fn refuse(element: &str, problem: &str) -> Refusal {
    Refusal::unprocessable(format!("Subscription.{element} {problem}"))
}
