//! `$status` and `$events` of topic subscriptions.
//!
//! <https://hl7.org/fhir/R5/subscription-operation-status.html>,
//! <https://hl7.org/fhir/R5/subscription-operation-events.html>; R4 and R4B have them by the Backport IG.

use http::Method;
use serde_json::{Value, json};

use super::{
    TopicHook,
    bundle::NotificationType,
    items,
    log::{Log, Logged},
    subscription::content_of,
};
use crate::content::Content;
use crate::{answer::Answer, call::Call, refusal::Refusal, search::query, server::Desk};

/// `Subscription/$status` for one subscription (`id`) or for all requested ones: a searchset of their
/// statuses.
pub(crate) fn status(desk: &Desk<'_>, call: &Call, id: Option<&str>) -> Result<Answer, Refusal> {
    let parameters = Parameters::read(call, &["id", "status"])?;
    let ids: Vec<&str> = match id {
        Some(id) => vec![id],
        None if parameters.all("id").next().is_some() => parameters.all("id").collect(),
        None => {
            let of_topics = desk.hooks.iter().filter(|hook| hook.topic().is_some());
            of_topics.map(|hook| hook.id.as_str()).collect()
        }
    };
    let mut entries = Vec::new();
    for id in ids {
        let (hook, log, subscription) = found(desk, id)?;
        let is_wanted = |status: &str| subscription["status"] == status;
        if parameters.all("status").next().is_some() && !parameters.all("status").any(is_wanted) {
            continue;
        }
        let settings = (desk.settings, desk.now);
        let said = hook.notification(NotificationType::QueryStatus, subscription, log, [], None, settings);
        entries.push(json!({ "resource": said.to_status(), "search": { "mode": "match" } }));
    }
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len() });
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    Ok(Answer::ok(bundle))
}

/// `Subscription/1/$events`: a notification with earlier events.
pub(crate) fn events(desk: &Desk<'_>, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let parameters = Parameters::read(call, &["eventsSinceNumber", "eventsUntilNumber", "content"])?;
    let (hook, log, subscription) = found(desk, id)?;
    let since = parameters.number("eventsSinceNumber")?.unwrap_or(0);
    let until = parameters.number("eventsUntilNumber")?.unwrap_or(u64::MAX);
    let content = parameters.all("content").next();
    let content: Option<Content> =
        content.map(|code| content_of("content", &json!(code))).transpose().map_err(|_| {
            Refusal::bad_request("the parameter `content` is not one of `empty`, `id-only`, `full-resource`")
        })?;
    let events: Vec<&Logged> = log.between(since, until).collect();
    let kind = NotificationType::QueryEvent;
    let settings = (desk.settings, desk.now);
    let said = hook.notification(kind, subscription, log, events, content, settings);
    Ok(Answer::ok(said.to_bundle()))
}

/// A topic subscription, its events and its resource.
fn found<'d>(desk: &'d Desk<'_>, id: &str) -> Result<(&'d TopicHook, &'d Log, &'d Value), Refusal> {
    let (_, subscription) = desk.store.current("Subscription", id)?;
    let hook = desk.hooks.get(id).and_then(|hook| hook.topic());
    match (hook, desk.logs.get(id)) {
        (Some(hook), Some(log)) => Ok((hook, log, subscription)),
        _ => Err(Refusal::unsupported(format!("Subscription/{id} is not to a topic"))),
    }
}

/// The parameters of an operation, from the query and from the Parameters of a `POST`.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(call: &Call, known: &[&str]) -> Result<Self, Refusal> {
        let mut pairs = query::pairs(&call.query);
        if call.method == Method::POST && !call.has_no_body() {
            let content = call.resource("Parameters")?;
            let parameters = content.get("parameter").map(items).unwrap_or_default();
            pairs.extend(parameters.iter().filter_map(|parameter| {
                let members = parameter.as_object()?;
                let (_, value) = members.iter().find(|(member, _)| member.starts_with("value"))?;
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some((members.get("name")?.as_str()?.to_owned(), value))
            }));
        }
        pairs.retain(|(name, _)| !matches!(name.as_str(), "_format" | "_pretty"));
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(Self(pairs)),
            Some((name, _)) => Err(Refusal::unsupported(format!(
                "the operation has no parameter `{name}`; it has {}",
                known.join(", ")
            ))),
        }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(named, _)| named == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let wrong = || Refusal::bad_request(format!("the parameter `{name}` is not the number of an event"));
        self.all(name).next().map(|text| text.parse().map_err(|_| wrong())).transpose()
    }
}
