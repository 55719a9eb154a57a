//! A `SubscriptionTopic`: when it fires ([FHIR R5](https://hl7.org/fhir/R5/subscriptiontopic.html); R4B has
//! the same).

use http::StatusCode;
use serde_json::Value;

use super::{basic, items};
use crate::fhir::FhirVersion;
use crate::{
    notification::Interaction,
    refusal::Refusal,
    search::{Context, Search, is_type},
    store::{Change, Store},
};

/// A topic, checked and prepared for matching.
#[derive(Debug)]
pub(crate) struct Topic {
    triggers: Vec<ResourceTrigger>,
    can_filter_by: Vec<CanFilterBy>,
}

/// One `resourceTrigger`.
#[derive(Debug)]
struct ResourceTrigger {
    resource: String,
    interactions: Vec<Interaction>,
    /// The condition on the resource before the change.
    previous: Option<Search>,
    /// The condition on the resource after the change.
    current: Option<Search>,
    /// Whether a creation passes `previous`.
    create_passes: bool,
    /// Whether a deletion passes `current`.
    delete_passes: bool,
    require_both: bool,
}

#[derive(Debug)]
struct CanFilterBy {
    resource: Option<String>,
    parameter: String,
}

/// The topic in the store with this canonical URL, `url` or `url|version`.
///
/// If there are several, the newest counts, so that a test can replace a topic.
pub(crate) fn find(store: &Store, canonical: &str) -> Result<Topic, Refusal> {
    let (url, version) = match canonical.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    };
    let is_meant = |topic: &&Stored| {
        let topic = &topic.topic;
        topic["url"] == url && version.is_none_or(|version| topic["version"] == version)
    };
    match stored(store).iter().filter(is_meant).max_by_key(|stored| stored.write) {
        Some(stored) => Topic::read(&stored.topic, store.version()),
        None => Err(unknown(store, canonical)),
    }
}

/// A stored topic, in the form of R5.
struct Stored {
    topic: Value,
    /// Its position among all writes.
    write: u64,
}

/// The topics in use, each as a resource of its own or as a `Basic`.
fn stored(store: &Store) -> Vec<Stored> {
    let own = store.find("SubscriptionTopic", |_| true).into_iter();
    let own = own.map(|(version, topic)| Stored { topic: Value::clone(topic), write: version.write });
    let basic = store.find("Basic", basic::is_topic).into_iter();
    let basic = basic.map(|(version, topic)| Stored { topic: basic::to_topic(topic), write: version.write });
    let mut all: Vec<_> = own.chain(basic).filter(|stored| stored.topic["status"] != "retired").collect();
    all.sort_by_key(|stored| stored.write);
    all
}

fn unknown(store: &Store, canonical: &str) -> Refusal {
    let there = stored(store).into_iter().map(|Stored { topic, .. }| {
        let url = topic["url"].as_str().unwrap_or_default();
        topic["version"].as_str().map_or(format!("`{url}`"), |version| format!("`{url}|{version}`"))
    });
    let there: Vec<_> = there.collect();
    let there = match there.as_slice() {
        [] => "there are none: create it first".to_owned(),
        there => format!("there are {}", there.join(", ")),
    };
    Refusal::unprocessable(format!("there is no SubscriptionTopic `{canonical}`; {there}"))
}

impl Topic {
    /// Reads a topic from a resource of this type, if the resource is one.
    pub(crate) fn of_resource(
        kind: &str,
        resource: &Value,
        version: FhirVersion,
    ) -> Result<Option<Self>, Refusal> {
        match kind {
            "SubscriptionTopic" => Self::read(resource, version).map(Some),
            "Basic" if basic::is_topic(resource) => Self::read(&basic::to_topic(resource), version).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads a `SubscriptionTopic`; the error, 422, names the part that the sandbox cannot evaluate.
    pub(super) fn read(resource: &Value, version: FhirVersion) -> Result<Self, Refusal> {
        Self::check(resource, version)
            .map_err(|refusal| refusal.with_status(StatusCode::UNPROCESSABLE_ENTITY))
    }

    fn check(resource: &Value, version: FhirVersion) -> Result<Self, Refusal> {
        let within = |refusal: Refusal| refusal.within("SubscriptionTopic");
        if resource["url"].as_str().is_none_or(str::is_empty) {
            return Err(within(Refusal::unprocessable("url must be given")));
        }
        if !items(&resource["eventTrigger"]).is_empty() {
            return Err(within(Refusal::unprocessable(
                "eventTrigger: nothing but changes of resources happens in the sandbox: write a `resourceTrigger`",
            )));
        }
        let triggers = items(&resource["resourceTrigger"]).iter().enumerate();
        let triggers: Vec<_> = triggers
            .map(|(index, trigger)| {
                let place = format!("SubscriptionTopic.resourceTrigger[{index}]");
                ResourceTrigger::read(trigger, version).map_err(|refusal| refusal.within(&place))
            })
            .collect::<Result<_, _>>()?;
        if triggers.is_empty() {
            return Err(within(Refusal::unprocessable("resourceTrigger must be given, or it never fires")));
        }
        let can_filter_by =
            items(&resource["canFilterBy"]).iter().map(|it| CanFilterBy::read(it, version)).collect();
        Ok(Self { triggers, can_filter_by })
    }

    /// Whether the change fires the topic. `previous` is the resource before the change, if it existed.
    pub(crate) fn fires(&self, change: &Change, previous: Option<&Value>, context: Context<'_>) -> bool {
        self.triggers.iter().any(|trigger| trigger.fires(change, previous, context))
    }

    /// The types of its resources.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.triggers.iter().map(|trigger| trigger.resource.as_str())
    }

    /// Whether subscriptions may filter by the parameter. A topic without a list allows all parameters.
    pub(crate) fn can_filter_by(&self, resource: Option<&str>, parameter: &str) -> bool {
        self.can_filter_by.is_empty()
            || self.can_filter_by.iter().any(|allowed| {
                allowed.parameter == parameter
                    && (resource.is_none()
                        || allowed.resource.is_none()
                        || allowed.resource.as_deref() == resource)
            })
    }

    /// The allowed parameters, for a message.
    pub(crate) fn filters(&self) -> String {
        let names: Vec<_> =
            self.can_filter_by.iter().map(|allowed| format!("`{}`", allowed.parameter)).collect();
        names.join(", ")
    }
}

impl ResourceTrigger {
    fn read(trigger: &Value, version: FhirVersion) -> Result<Self, Refusal> {
        if !trigger["fhirPathCriteria"].is_null() {
            return Err(Refusal::unprocessable(
                "fhirPathCriteria: the sandbox evaluates no FHIRPath: write `queryCriteria`",
            ));
        }
        let resource = type_name(&trigger["resource"], version).ok_or_else(|| {
            Refusal::unprocessable(format!("resource is not a resource type of FHIR {version}"))
        })?;
        let interactions: Vec<_> = items(&trigger["supportedInteraction"])
            .iter()
            .map(|code| {
                Interaction::ALL.into_iter().find(|interaction| *code == interaction.name()).ok_or_else(
                    || {
                        Refusal::unprocessable(
                            "supportedInteraction is not one of `create`, `update`, `delete`",
                        )
                    },
                )
            })
            .collect::<Result<_, _>>()?;
        let query = &trigger["queryCriteria"];
        let search = |member: &str| match &query[member] {
            Value::Null => Ok(None),
            Value::String(text) => criteria(&resource, text, version)
                .map(Some)
                .map_err(|refusal| refusal.within(&format!("queryCriteria.{member}"))),
            _ => Err(Refusal::unprocessable(format!("queryCriteria.{member} is not a search"))),
        };
        let passes = |member: &str| match query[member].as_str() {
            None | Some("test-fails") => Ok(false),
            Some("test-passes") => Ok(true),
            Some(_) => Err(Refusal::unprocessable(format!(
                "queryCriteria.{member} is neither `test-passes` nor `test-fails`"
            ))),
        };
        Ok(Self {
            previous: search("previous")?,
            current: search("current")?,
            create_passes: passes("resultForCreate")?,
            delete_passes: passes("resultForDelete")?,
            require_both: query["requireBoth"] == true,
            interactions: if interactions.is_empty() { Interaction::ALL.to_vec() } else { interactions },
            resource,
        })
    }

    fn fires(&self, change: &Change, previous: Option<&Value>, context: Context<'_>) -> bool {
        if self.resource != change.kind || !self.interactions.contains(&change.interaction) {
            return false;
        }
        let before = self.previous.as_ref().map(|search| match change.interaction {
            Interaction::Create => self.create_passes,
            Interaction::Update | Interaction::Delete => {
                previous.is_some_and(|previous| search.matches(previous, context))
            }
        });
        let after = self.current.as_ref().map(|search| match change.interaction {
            Interaction::Create | Interaction::Update => search.matches(&change.resource, context),
            Interaction::Delete => self.delete_passes,
        });
        match (before, after) {
            (None, None) => true,
            (Some(holds), None) | (None, Some(holds)) => holds,
            (Some(before), Some(after)) if self.require_both => before && after,
            (Some(before), Some(after)) => before || after,
        }
    }
}

impl CanFilterBy {
    fn read(element: &Value, version: FhirVersion) -> Self {
        let parameter = element["filterParameter"].as_str().unwrap_or_default().to_owned();
        Self { resource: type_name(&element["resource"], version), parameter }
    }
}

/// `Encounter`, or the URL of its definition.
fn type_name(element: &Value, version: FhirVersion) -> Option<String> {
    let text = element.as_str()?;
    let name = text.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(text);
    is_type(name, version).then(|| name.to_owned())
}

/// `status=arrived`, with or without the type before it.
fn criteria(resource: &str, text: &str, version: FhirVersion) -> Result<Search, Refusal> {
    let query = match text.split_once('?') {
        Some((kind, query)) if kind == resource => query,
        Some(("", query)) => query,
        Some(_) => return Err(Refusal::unprocessable("is of another type than the trigger")),
        None => text,
    };
    Search::of_text(&format!("{resource}?{query}"), version)
}
