//! A `Subscription`, checked and made ready to be matched.

mod criteria;
mod extension;

use std::{ops::RangeInclusive, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::Value;

use self::{criteria::Criteria, extension::Extensions};
use super::{
    builder::Behaviour, notification::Interaction, refusal::Refusal, search::Context, store::Change,
};

/// Medplum tries as long as `attemptsMade < 4`, counted from zero.
const MEDPLUM_ATTEMPTS: u32 = 4;

/// A rest-hook subscription that is `requested` or `active`.
#[derive(Debug)]
pub(crate) struct RestHook {
    pub(crate) behaviour: Behaviour,
    pub(crate) id: String,
    pub(crate) active: bool,
    end: Option<Timestamp>,
    criteria: Criteria,
    pub(crate) endpoint: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) has_payload: bool,
    pub(crate) strips_versions: bool,
    pub(crate) delivers_latest: bool,
    interactions: Vec<Interaction>,
    success: Vec<RangeInclusive<u16>>,
    retries: u32,
}

impl RestHook {
    /// Reads a `Subscription`, `None` when it is switched off. The error is what the imitated server, or the
    /// sandbox instead of it, says of one that it cannot serve: 422 as HAPI, 400 as Medplum.
    pub(crate) fn read(resource: &Value, behaviour: Behaviour) -> Result<Option<Self>, Refusal> {
        let status = match behaviour {
            Behaviour::Hapi => StatusCode::UNPROCESSABLE_ENTITY,
            Behaviour::Medplum => StatusCode::BAD_REQUEST,
        };
        Self::check(resource, behaviour).map_err(|refusal| refusal.with_status(status))
    }

    fn check(resource: &Value, behaviour: Behaviour) -> Result<Option<Self>, Refusal> {
        let active = match resource["status"].as_str() {
            Some("active") => true,
            Some("requested") => false,
            Some("off" | "error") => return Ok(None),
            Some(_) => return Err(refuse("status", "is none of `requested`, `active`, `error`, `off`")),
            None => return Err(refuse("status", "must be given")),
        };
        if profiles(resource).any(|profile| profile.ends_with("/backport-subscription")) {
            return Err(refuse(
                "meta.profile",
                "asks for a topic subscription: the sandbox knows criteria only",
            ));
        }
        let channel = &resource["channel"];
        if channel["type"] != "rest-hook" {
            return Err(refuse("channel.type", "is not `rest-hook`, the only channel of the sandbox"));
        }
        let criteria = resource["criteria"].as_str().unwrap_or_default();
        let extensions = Extensions::read(resource, behaviour)?;
        Ok(Some(Self {
            behaviour,
            id: resource["id"].as_str().unwrap_or_default().to_owned(),
            active,
            end: end(resource)?,
            criteria: Criteria::parse(criteria, behaviour)
                .map_err(|refusal| refusal.within("Subscription.criteria"))?,
            endpoint: endpoint(channel)?,
            headers: headers(channel, behaviour)?,
            has_payload: has_payload(channel, behaviour)?,
            strips_versions: extensions.strips_versions,
            delivers_latest: extensions.delivers_latest,
            interactions: extensions.interactions,
            success: extensions.success,
            retries: extensions.retries.unwrap_or(MEDPLUM_ATTEMPTS),
        }))
    }

    /// Whether the change is one that the subscription asks for.
    pub(crate) fn fires(&self, change: &Change, context: Context<'_>) -> bool {
        self.active
            && self.end.is_none_or(|end| context.now < end)
            && self.interactions.contains(&change.interaction)
            && self.criteria.matches(&change.resource, context)
    }

    /// Whether the endpoint's answer counts as received.
    pub(crate) fn accepts(&self, status: StatusCode) -> bool {
        let code = status.as_u16();
        match self.behaviour {
            // HAPI never looks at what a payload-less notification is answered.
            Behaviour::Hapi => !self.has_payload || code < 300,
            Behaviour::Medplum => self.success.iter().any(|codes| codes.contains(&code)),
        }
    }

    /// How long the imitated server waits for an answer: HAPI's client by default 10 s, Medplum 120 s.
    pub(crate) fn patience(&self) -> Duration {
        match self.behaviour {
            Behaviour::Hapi => Duration::from_secs(10),
            Behaviour::Medplum => Duration::from_secs(120),
        }
    }

    /// How long to wait after the failed attempt (counted from one), `None` when it was the last.
    pub(crate) fn pause(&self, attempt: u32, elapsed: Duration) -> Option<Duration> {
        match self.behaviour {
            Behaviour::Hapi => {
                let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
                let pause = Duration::from_secs_f64(1.1_f64.powi(exponent).min(30.0));
                (elapsed + pause <= Duration::from_secs(60)).then_some(pause)
            }
            Behaviour::Medplum => {
                (attempt <= self.retries).then(|| Duration::from_secs(1 << (attempt - 1).min(31)))
            }
        }
    }
}

fn profiles(resource: &Value) -> impl Iterator<Item = &str> {
    resource["meta"]["profile"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn end(resource: &Value) -> Result<Option<Timestamp>, Refusal> {
    match &resource["end"] {
        Value::Null => Ok(None),
        Value::String(text) => match text.parse() {
            Ok(end) => Ok(Some(end)),
            Err(_) => Err(refuse("end", "is not an instant")),
        },
        _ => Err(refuse("end", "is not an instant")),
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

/// The lines of `channel.header`. Medplum splits at every `:`, and so loses what follows the second.
fn headers(channel: &Value, behaviour: Behaviour) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let header = |line: &Value| {
        let (name, value) = line.as_str()?.split_once(':')?;
        let value = match behaviour {
            Behaviour::Hapi => value,
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
        // Medplum never looks at it.
        (Behaviour::Medplum, _) => Ok(true),
        (Behaviour::Hapi, "") => Ok(false),
        (
            Behaviour::Hapi,
            "application/fhir+json" | "application/json+fhir" | "application/json" | "text/json",
        ) => Ok(true),
        (
            Behaviour::Hapi,
            "application/fhir+xml" | "application/xml+fhir" | "application/xml" | "text/xml",
        ) => Err(refuse("channel.payload", "is XML: the sandbox sends JSON only")),
        (Behaviour::Hapi, _) => Err(refuse("channel.payload", "is not a media type of FHIR")),
    }
}

fn refuse(element: &str, problem: &str) -> Refusal {
    Refusal::unprocessable(format!("Subscription.{element} {problem}"))
}
