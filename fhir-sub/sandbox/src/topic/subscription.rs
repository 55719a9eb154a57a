//! The topic part of a `Subscription`, in the elements of R5 or in the extensions of the Backport IG.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::{
    bundle::{NotificationType, TopicNotification},
    definition::{self, Topic},
    filter::Filter,
    items,
    log::{Log, Logged},
    writer::Writer,
};
use crate::content::Content;
use crate::fhir::{FhirVersion, Instant};
use crate::{
    builder::{Behaviour, Builder},
    refusal::Refusal,
    search::Context,
    store::{Change, Store},
};

const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";

/// The most events of a notification, unless the Subscription sets it.
const MAX_COUNT: u64 = 1;

/// A subscription to a topic.
#[derive(Debug)]
pub(crate) struct TopicHook {
    /// The canonical URL, as in the Subscription.
    topic: String,
    filters: Vec<Filter>,
    content: Content,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    /// The most events of one notification.
    pub(crate) max_count: u64,
}

/// The form of the topic part of a `Subscription`; `None` for a Subscription with a criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `criteria` is the topic, in R4 and R4B, and extensions have the rest.
    Backport,
    /// The elements of R5. Some servers have them in R4B too.
    Native,
}

impl Form {
    pub(crate) fn of(resource: &Value, version: FhirVersion) -> Result<Option<Self>, Refusal> {
        let profiles = items(&resource["meta"]["profile"]).iter().filter_map(Value::as_str);
        let is_backport = profiles
            .into_iter()
            .any(|profile| profile.split('|').next().unwrap_or_default().ends_with("/backport-subscription"));
        match (version, resource["topic"].is_null(), is_backport) {
            (FhirVersion::R4, false, _) => Err(Refusal::unprocessable(
                "Subscription.topic is of R4B and R5, and the sandbox is of R4: write the topic as `criteria`, with the \
                 profile `backport-subscription`",
            )),
            (FhirVersion::R5, true, _) => Err(Refusal::unprocessable(
                "Subscription.topic must be given: R5 knows no other Subscriptions",
            )),
            (FhirVersion::R4B | FhirVersion::R5, false, _) => Ok(Some(Self::Native)),
            (_, true, true) => Ok(Some(Self::Backport)),
            (_, true, false) => Ok(None),
        }
    }

    /// The object with the elements of the channel.
    pub(crate) fn channel(self, resource: &Value) -> &Value {
        match self {
            Self::Backport => &resource["channel"],
            Self::Native => resource,
        }
    }

    /// The headers of the Subscription.
    pub(crate) fn headers(self, resource: &Value) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
        let (list, place) = match self {
            Self::Backport => (&resource["channel"]["header"], "channel.header"),
            Self::Native => (&resource["parameter"], "parameter"),
        };
        let header = |item: &Value| {
            let (name, value) = match self {
                Self::Backport => item.as_str()?.split_once(':')?,
                Self::Native => (item["name"].as_str()?, item["value"].as_str()?),
            };
            Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
        };
        let items = items(list).iter().enumerate();
        items
            .map(|(index, item)| {
                header(item)
                    .ok_or_else(|| refuse(&format!("{place}[{index}] is not the name and value of a header")))
            })
            .collect()
    }
}

impl TopicHook {
    /// Reads the topic part of a `Subscription`, and checks it with the stored topics.
    pub(crate) fn read(
        resource: &Value,
        form: Form,
        behaviour: Behaviour,
        store: &Store,
    ) -> Result<Self, Refusal> {
        if behaviour == Behaviour::Medplum {
            return Err(refuse("asks for a topic, and Medplum tells of topics over websockets only"));
        }
        let hook = match form {
            Form::Backport => Self::backport(resource, behaviour)?,
            Form::Native => Self::native(resource)?,
        };
        let element = if form == Form::Native { "Subscription.topic" } else { "Subscription.criteria" };
        let topic = definition::find(store, &hook.topic).map_err(|refusal| refusal.within(element))?;
        for filter in &hook.filters {
            filter
                .check(&topic, store.version())
                .map_err(|refusal| refusal.within("Subscription: a filter"))?;
        }
        Ok(hook)
    }

    fn backport(resource: &Value, behaviour: Behaviour) -> Result<Self, Refusal> {
        let channel = &resource["channel"];
        if channel["type"] != "rest-hook" {
            return Err(refuse("channel.type is not `rest-hook`, the only channel of the sandbox"));
        }
        is_json("channel.payload", &channel["payload"])?;
        let content = extension(&channel["_payload"], "payload-content").map(|it| &it["valueCode"]);
        let content = match (content, behaviour) {
            (Some(code), _) => content_of("channel.payload's extension backport-payload-content", code)?,
            (None, Behaviour::Hapi) => Content::FullResource,
            (None, _) => {
                return Err(refuse(
                    "channel.payload must have the extension backport-payload-content, which says how much is sent",
                ));
            }
        };
        let number = |name: &str| {
            let value = extension(channel, name)?;
            value["valueUnsignedInt"].as_u64().or_else(|| value["valuePositiveInt"].as_u64())
        };
        let filters = items(&resource["_criteria"]["extension"]).iter();
        let filters = filters.filter(|it| is_named(it, "filter-criteria"));
        Ok(Self {
            topic: text("criteria", &resource["criteria"])?,
            filters: filters
                .map(|it| {
                    Ok(Filter::from_text(&text(
                        "criteria's extension backport-filter-criteria",
                        &it["valueString"],
                    )?))
                })
                .collect::<Result<_, Refusal>>()?,
            content,
            heartbeat: seconds(number("heartbeat-period")),
            timeout: seconds(number("timeout")),
            max_count: number("max-count").unwrap_or(MAX_COUNT).max(1),
        })
    }

    fn native(resource: &Value) -> Result<Self, Refusal> {
        if resource["channelType"]["code"] != "rest-hook" {
            return Err(refuse("channelType is not `rest-hook`, the only channel of the sandbox"));
        }
        is_json("contentType", &resource["contentType"])?;
        let filters = items(&resource["filterBy"]).iter().enumerate();
        let filters = filters.map(|(index, element)| {
            Filter::from_element(element)
                .ok_or_else(|| refuse(&format!("filterBy[{index}] must have `filterParameter` and `value`")))
        });
        Ok(Self {
            topic: text("topic", &resource["topic"])?,
            filters: filters.collect::<Result<_, _>>()?,
            content: match &resource["content"] {
                Value::Null => Content::IdOnly,
                code => content_of("content", code)?,
            },
            heartbeat: seconds(resource["heartbeatPeriod"].as_u64()),
            timeout: seconds(resource["timeout"].as_u64()),
            max_count: resource["maxCount"].as_u64().unwrap_or(MAX_COUNT).max(1),
        })
    }

    /// Whether the change is an event of the subscription. `previous` is the resource before the change, if
    /// it existed.
    pub(crate) fn fires(
        &self,
        change: &Change,
        previous: Option<&Value>,
        store: &Store,
        context: Context<'_>,
    ) -> bool {
        // The topic may meanwhile be gone, or replaced.
        let fires = |topic: Topic| topic.fires(change, previous, context);
        definition::find(store, &self.topic).is_ok_and(fires)
            && self.filters.iter().all(|filter| filter.matches(&change.kind, &change.resource, context))
    }

    /// The notification of these events. `content` is the requested one by default.
    pub(crate) fn notification<'l>(
        &self,
        kind: NotificationType,
        subscription: &Value,
        log: &Log,
        events: impl IntoIterator<Item = &'l Logged>,
        content: Option<Content>,
        (settings, now): (&Builder, Instant),
    ) -> TopicNotification {
        let text = |member: &str| subscription[member].as_str().map(str::to_owned);
        TopicNotification {
            version: settings.fhir_version,
            writer: match settings.behaviour {
                Behaviour::Hapi => Writer::Hapi,
                _ => Writer::Specification,
            },
            base: settings.base_url.clone(),
            at: now.to_string(),
            kind,
            subscription: format!("Subscription/{}", text("id").unwrap_or_default()),
            status: text("status").unwrap_or_default(),
            topic: Some(self.topic.clone()),
            count: log.count(),
            error: log.error.clone(),
            content: content.unwrap_or(self.content),
            events: events.into_iter().map(Logged::to_event).collect(),
        }
    }
}

/// `empty`, `id-only` or `full-resource`.
pub(super) fn content_of(place: &str, code: &Value) -> Result<Content, Refusal> {
    let all = [Content::Empty, Content::IdOnly, Content::FullResource];
    all.into_iter()
        .find(|content| *code == content.code())
        .ok_or_else(|| refuse(&format!("{place} is not one of `empty`, `id-only`, `full-resource`")))
}

fn is_json(place: &str, media_type: &Value) -> Result<(), Refusal> {
    match media_type {
        Value::Null => Ok(()),
        Value::String(text) if crate::fhir::is_json(text) => Ok(()),
        _ => Err(refuse(&format!("{place} is not a media type of JSON, and the sandbox sends nothing else"))),
    }
}

fn text(place: &str, value: &Value) -> Result<String, Refusal> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| refuse(&format!("{place} must be given")))
}

fn seconds(number: Option<u64>) -> Option<Duration> {
    number.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

fn extension<'v>(element: &'v Value, name: &str) -> Option<&'v Value> {
    items(&element["extension"]).iter().find(|it| is_named(it, name))
}

fn is_named(extension: &Value, name: &str) -> bool {
    extension["url"].as_str().and_then(|url| url.strip_prefix(BACKPORT)) == Some(name)
}

fn refuse(problem: &str) -> Refusal {
    Refusal::unprocessable(format!("Subscription.{problem}"))
}
