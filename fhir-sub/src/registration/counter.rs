//! `$status`: the number of events of a Subscription, as the server counts them.
//!
//! <https://hl7.org/fhir/R5/subscription-operation-status.html>

use serde_json::Value;

use crate::client::{Error, FhirClient};

/// The number of events. `None` if the server does not say it, or has no `$status`.
pub(crate) async fn counter(client: &FhirClient, id: &str) -> Option<u64> {
    ask_counter(client, id).await.ok().flatten()
}

/// The same, but a server that may have `$status`, and fails, is an error.
pub(crate) async fn ask_counter(client: &FhirClient, id: &str) -> Result<Option<u64>, Error> {
    let asking = client.operation("$status").on_instance("Subscription", id);
    match asking.get::<Value>(&[]).await {
        Ok(answer) => Ok(counted(&answer, id)),
        // 403 is a missing permission, and no missing operation.
        Err(error) if matches!(error.status(), Some(400 | 404..=406 | 410 | 422 | 501)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the number from a Bundle of statuses, or from a single status, as Helios answers. A status is a
/// SubscriptionStatus or, in R4, a Parameters resource.
fn counted(answer: &Value, id: &str) -> Option<u64> {
    let Some(entries) = answer["entry"].as_array() else { return of_status(answer) };
    let statuses = || entries.iter().map(|entry| &entry["resource"]);
    let is_its = |status: &&Value| {
        let reference = subscription(status).unwrap_or_default();
        let segments: Vec<_> = reference.split('/').collect();
        segments.windows(2).any(|pair| pair == ["Subscription", id])
    };
    statuses().find(is_its).and_then(of_status).or_else(|| {
        let mut all = statuses().filter_map(of_status);
        // If there are several, we cannot know which one is meant.
        all.next().filter(|_| all.next().is_none())
    })
}

fn of_status(status: &Value) -> Option<u64> {
    match status["resourceType"].as_str()? {
        "SubscriptionStatus" => number(&status["eventsSinceSubscriptionStart"]),
        "Parameters" => {
            let parameter = parameter(status, "events-since-subscription-start")?.as_object()?;
            parameter
                .iter()
                .find_map(|(name, value)| name.starts_with("value").then(|| number(value)).flatten())
        }
        _ => None,
    }
}

fn subscription(status: &Value) -> Option<&str> {
    let element = match parameter(status, "subscription") {
        Some(parameter) => &parameter["valueReference"],
        None => &status["subscription"],
    };
    element["reference"].as_str()
}

fn parameter<'a>(parameters: &'a Value, name: &str) -> Option<&'a Value> {
    parameters["parameter"].as_array()?.iter().find(|parameter| parameter["name"] == name)
}

/// R5's `integer64` is a string, and so is R4's count.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests;
