//! The checks of a notification in the suites: B1 to B6.

use serde_json::Value;

/// The violations of a notification of this type, at this level of content, each with the number of its
/// check.
#[must_use]
pub fn violations(notification: &Value, kind: &str, status: Option<&str>, level: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    let entries = notification["entry"].as_array().cloned().unwrap_or_default();
    let first = entries.first().cloned().unwrap_or_default();
    let parameters = first["resource"]["parameter"].as_array().cloned().unwrap_or_default();
    let all = |name: &str| parameters.iter().filter(|part| part["name"] == name).cloned().collect::<Vec<_>>();
    let code = |name: &str| all(name).first().map(|part| part["valueCode"].clone()).unwrap_or_default();

    check(
        notification["resourceType"] == "Bundle" && notification["type"] == "history",
        "B1: a Bundle of type history",
    );
    check(first["resource"]["resourceType"] == "Parameters", "B1: the first entry is Parameters");
    let subscription = all("subscription").first().map(|part| part["valueReference"]["reference"].clone());
    check(subscription.is_some_and(|reference| reference.is_string()), "B1: a reference to the Subscription");
    check(code("status").is_string(), "B1: a status");
    check(
        entries.iter().all(|entry| entry["request"].is_object() && entry["response"].is_object()),
        "B2: each entry has a request and a response",
    );
    let url = first["request"]["url"].as_str().unwrap_or_default().to_owned();
    let named = url.strip_suffix("/$status").and_then(|url| url.rsplit_once("Subscription/"));
    check(
        named.is_some_and(|(_, id)| !id.is_empty() && !id.contains('/')),
        "B2: the first request is of $status",
    );
    check(code("type") == kind, "B3: the type");
    check(status.is_none_or(|status| code("status") == status), "B3: the status");

    if kind != "event-notification" {
        return found;
    }
    let part = |event: &Value, name: &str| {
        let parts = event["part"].as_array().cloned().unwrap_or_default();
        parts.into_iter().filter(|part| part["name"] == name).collect::<Vec<_>>()
    };
    let events = all("notification-event");
    check(!events.is_empty(), "B4, B5, B6: an event at least");
    let focus = |event: &Value| {
        part(event, "focus")
            .first()
            .and_then(|part| part["valueReference"]["reference"].as_str().map(str::to_owned))
    };
    let further = &entries[1.min(entries.len())..];
    match level {
        "empty" => {
            check(further.is_empty(), "B4: one entry");
            let is_bare = |event: &Value| {
                part(event, "focus").is_empty() && part(event, "additional-context").is_empty()
            };
            check(events.iter().all(is_bare), "B4: no focus and no context");
        }
        "id-only" => {
            check(events.iter().all(|event| focus(event).is_some()), "B5: each event has a focus");
            let is_named = |entry: &Value| entry["fullUrl"].is_string() && entry.get("resource").is_none();
            check(further.iter().all(is_named), "B5: further entries have a fullUrl and no resource");
        }
        _ => {
            let is_there = |reference: &str| {
                further.iter().any(|entry| {
                    let url = entry["fullUrl"].as_str().unwrap_or_default();
                    let is_its =
                        url == reference || (!reference.starts_with("urn:") && url.ends_with(reference));
                    is_its && (entry["resource"].is_object() || entry["request"]["method"] == "DELETE")
                })
            };
            check(
                events.iter().all(|event| focus(event).is_some_and(|focus| is_there(&focus))),
                "B6: the focus is in an entry",
            );
            let mut contexts = events.iter().flat_map(|event| part(event, "additional-context"));
            let is_held =
                |context: Value| context["valueReference"]["reference"].as_str().is_some_and(is_there);
            check(contexts.all(is_held), "B6: each context is in an entry");
        }
    }
    found
}
