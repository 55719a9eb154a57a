//! Whether the server has the program's topics. If it lacks one, it may still accept the Subscription (HAPI)
//! or leave its status unchanged (Helios), but it never sends a notification.

use fhir_sub_search::search::{self, Written};
use futures_core::future::BoxFuture;
use serde_json::Value;

use super::progress::Progress;
use super::report::{Row, RowResult};
use super::side_by_side;
use crate::client::{Error, FhirClient};
use crate::declaration::Topic;
use crate::server::{Kept, Topics};
use crate::settings::Settings;

/// Adds remarks about topics to the rows: the server lacks the topic, cannot filter it as wanted, or sends no
/// heartbeats.
pub(super) async fn look_for_topics(
    client: &FhirClient,
    settings: &Settings,
    all: &mut [Result<Progress<'_>, Row>],
) {
    for progress in all.iter_mut().flatten() {
        if progress.row.result != RowResult::Failed {
            let said: Vec<_> =
                progress.row.message.take().into_iter().chain(progress.wanted.notes.clone()).collect();
            progress.row.message = (!said.is_empty()).then(|| said.join("; "));
        }
    }
    let Ok(topics) = &settings.fhir_server.topics else { return };
    let rows = all.iter_mut().flatten().filter(|progress| progress.row.result != RowResult::Failed);
    let rows = rows.filter_map(|progress| Some((progress.wanted.topic?, &mut progress.row)));
    side_by_side(rows.map(|(topic, row)| -> BoxFuture<'_, _> {
        Box::pin(async move {
            if let Some(message) = lacking(client, settings, topics, topic).await {
                row.message = Some(message);
            } else if topic.heartbeat.is_some() && !topics.sends_heartbeats {
                row.message.get_or_insert_with(|| "the server sends no heartbeats: do not expect any".into());
            }
        })
    }))
    .await;
}

async fn lacking(client: &FhirClient, settings: &Settings, topics: &Topics, topic: &Topic) -> Option<String> {
    let kept = (topics.kept)(settings.fhir_version)?;
    // A program that may not read topics may still get their notifications.
    let Some(found) = find(client, kept, topic.url).await.ok()? else {
        return Some(unknown(kept, topic.url));
    };
    let offered = parameters(&found);
    // By the specification, an empty list says nothing about the filters.
    if offered.is_empty() && topics.filters_freely {
        return None;
    }
    let filters = topic.filters.iter().flat_map(|filter| search::split_filter(filter));
    let code = |filter: Written<'_>| {
        filter.parse().map_or_else(|_| filter.name.to_owned(), |parameter| parameter.code())
    };
    let parameter = filters.map(code).find(|code| !offered.contains(&code.as_str()))?;
    Some(format!(
        "the topic {} on the server does not allow filters by `{}`: add that to its canFilterBy, or check \
         it in the handler, then register again",
        topic.url, parameter
    ))
}

async fn find(client: &FhirClient, kept: Kept, topic: &str) -> Result<Option<Value>, Error> {
    let (url, _version) = topic.split_once('|').unwrap_or((topic, ""));
    let mut found = match kept {
        Kept::Basic => client.search_type::<Value>("Basic", &[("code", CODE)]),
        Kept::Topic => client.search_type::<Value>("SubscriptionTopic", &[("url", url)]),
    };
    while let Some(found) = found.next().await {
        let found = found?;
        // A server that does not know the parameter returns other topics too.
        if url_of(&found) == Some(url) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// R4 has no SubscriptionTopic. A `Basic` with this code represents one, for HAPI and for Helios.
const CODE: &str = "http://hl7.org/fhir/fhir-types|SubscriptionTopic";

/// `SubscriptionTopic.url`
fn url_of(topic: &Value) -> Option<&str> {
    topic["url"].as_str().or_else(|| extensions(topic, "url").find_map(|it| it["valueUri"].as_str()))
}

/// `SubscriptionTopic.canFilterBy.filterParameter`
fn parameters(topic: &Value) -> Vec<&str> {
    let elements = topic["canFilterBy"].as_array().into_iter().flatten();
    let elements = elements.filter_map(|it| it["filterParameter"].as_str());
    let parts =
        extensions(topic, "canFilterBy").flat_map(|it| it["extension"].as_array().into_iter().flatten());
    let parts = parts.filter(|part| part["url"] == "filterParameter");
    elements.chain(parts.filter_map(|part| part["valueString"].as_str())).collect()
}

/// The extensions of a `Basic` that stand for an element of SubscriptionTopic.
fn extensions<'t>(topic: &'t Value, element: &str) -> impl Iterator<Item = &'t Value> {
    let end = format!("/extension-SubscriptionTopic.{element}");
    let all = topic["extension"].as_array().into_iter().flatten();
    all.filter(move |extension| extension["url"].as_str().is_some_and(|url| url.ends_with(&end)))
}

fn unknown(kept: Kept, topic: &str) -> String {
    let kind = match kept {
        Kept::Basic => "Basic with the code SubscriptionTopic and the URL",
        Kept::Topic => "SubscriptionTopic with the URL",
    };
    format!(
        "the server has no {kind} {topic}, and may never notify: store the topic, or correct `topic`, then \
         register again"
    )
}
