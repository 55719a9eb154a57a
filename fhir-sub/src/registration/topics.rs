//! Whether the server has the topics that the program names: where it has not, it may accept a Subscription all the same
//! (HAPI), or leave it as it is (Helios), and in either case it never tells of anything.

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

/// Adds to the rows what of their topics will not come: the server does not have the topic, or not so that it can be
/// filtered as is wanted, or sends no heartbeats.
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
                row.message.get_or_insert_with(|| "the server sends no heartbeats: wait for none".into());
            }
        })
    }))
    .await;
}

async fn lacking(client: &FhirClient, settings: &Settings, topics: &Topics, topic: &Topic) -> Option<String> {
    let kept = (topics.kept)(settings.fhir_version)?;
    // Whoever may not look at topics may still be told of their events.
    let Some(found) = find(client, kept, topic.url).await.ok()? else {
        return Some(unknown(kept, topic.url));
    };
    let offered = parameters(&found);
    // By the specification, nothing listed is nothing said.
    if offered.is_empty() && topics.filters_freely {
        return None;
    }
    let filters = topic.filters.iter().flat_map(|filter| search::split_filter(filter));
    let code = |filter: Written<'_>| {
        filter.parse().map_or_else(|_| filter.name.to_owned(), |parameter| parameter.code())
    };
    let parameter = filters.map(code).find(|code| !offered.contains(&code.as_str()))?;
    Some(format!(
        "the topic {} on the server is not to be filtered by `{}`: add that to its canFilterBy, or look in the handler, \
         then register again",
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
        // A server that does not know the parameter finds others, too.
        if url_of(&found) == Some(url) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// By which R4, which has no SubscriptionTopic, tells a `Basic` that stands for one: HAPI and Helios read them so.
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

/// Those of a `Basic` that stand for an element of SubscriptionTopic.
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
        "the server has no {kind} {topic}, and may never tell of it: store the topic, or correct `topic`, then \
         register again"
    )
}
