//! Deletions without a version.

use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::json;

use super::kit::*;
use crate::declaration::Declaration;
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;

/// 12: the history lags behind: the second deletion gets the idempotency key of the first.
#[tokio::test(start_paused = true)]
async fn t12_key_of_a_second_deletion() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(410, outcome()),
        _ if asked.starts_with("GET Encounter/1/_history") => {
            let entry = |method: &str, version: &str| {
                json!({
                    "request": { "method": method, "url": "Encounter/1" },
                    "response": { "status": "200", "etag": format!("W/\"{version}\"") },
                })
            };
            reply(
                200,
                json!({
                    "resourceType": "Bundle", "type": "history", "entry": [entry("DELETE", "2"), entry("POST", "1")],
                }),
            )
        }
        _ => reply(404, outcome()),
    });
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Hapi, declaration, Some(shared()), server, &script, &[]);
    send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    // The resource was created again, which was reported, and deleted again. The history does not show that
    // yet.
    post(&app, encounter("1", Some("3"), 3000)).await;
    send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    let keys = script.keys.lock().unwrap().clone();
    assert_ne!(keys[0], keys[2], "an effect that is conditional on the key is left out");
    assert!(keys[2].is_some(), "it has a key of its own");
}

/// Nothing shows that the history lags behind: the deletion may be a repeated report of the one before.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_may_have_been_told_before_has_no_key() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(410, outcome()),
        _ if asked.starts_with("GET Encounter/1/_history") => {
            let entry = |method: &str, version: &str| {
                json!({
                    "request": { "method": method, "url": "Encounter/1" },
                    "response": { "status": "200", "etag": format!("W/\"{version}\"") },
                })
            };
            let entries = [entry("DELETE", "2"), entry("POST", "1")];
            reply(200, json!({ "resourceType": "Bundle", "type": "history", "entry": entries }))
        }
        _ => reply(404, outcome()),
    });
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Hapi, declaration, Some(shared()), server, &script, &[]);
    for _ in 0..2 {
        send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    }
    assert_eq!(script.ran(), ["Encounter/1@2", "Encounter/1@-"]);
    assert_eq!(script.keys.lock().unwrap()[1], None);
    // Handled versions show that this is another deletion. It has the key that a sweep will give it.
    post(&app, encounter("1", Some("5"), 3000)).await;
    for _ in 0..2 {
        send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    }
    let (ran, keys) = (script.ran(), script.keys.lock().unwrap().clone());
    assert_eq!(ran, ["Encounter/1@5", "Encounter/1@-", "Encounter/1@-"]);
    assert!(keys[3].is_some() && keys[3] != keys[0], "{keys:?}");
    assert_eq!(keys[4], None, "it may have been told before");
}

/// Medplum's search gives the time of a deletion, and its history gives the version.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_told_is_known_to_a_search_that_finds_when_it_was() {
    let script = script(|_| Do::Ok);
    // The time of the deletion, and the history: versions, and the status of reading each.
    let deleted = Arc::new(Mutex::new((10_000, vec![("2", "410"), ("1", "200")])));
    let there = Arc::clone(&deleted);
    let server = front(move |asked| {
        let (at_the_time, versions) = deleted.lock().unwrap().clone();
        if asked == "GET Encounter/1" {
            return reply(410, outcome());
        }
        if asked.starts_with("GET Encounter/1/_history") {
            let entries = versions.iter().map(|(version, status)| {
                json!({
                    "request": { "method": "GET", "url": format!("Encounter/1/_history/{version}") },
                    "response": { "status": status },
                })
            });
            let bundle =
                json!({ "resourceType": "Bundle", "type": "history", "entry": entries.collect::<Vec<_>>() });
            return Reply { date: Some(moment(at_the_time + 200)), ..reply(200, bundle) };
        }
        if asked.starts_with("GET Encounter?_deleted=true") {
            let meta = json!({ "lastUpdated": at(at_the_time) });
            return reply(200, bundle([json!({ "resourceType": "Encounter", "id": "1", "meta": meta })]));
        }
        if asked.starts_with("GET Encounter?") || asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Medplum, declaration, Some(shared()), server, &script, &[]);
    let sweep = async || swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    assert_eq!(script.ran(), ["Encounter/1@2"]);
    for _ in 0..2 {
        let row = sweep().await;
        assert_eq!(script.ran(), [""; 0], "it was told: {row}");
    }
    // The resource was created and deleted again without a report, and the history does not show that yet.
    there.lock().unwrap().0 = 50_000;
    sweep().await;
    assert_eq!(script.ran(), ["Encounter/1@-"]);
    let keys = script.keys.lock().unwrap().clone();
    assert!(keys[1].is_some() && keys[0] != keys[1], "{keys:?}");
    // Now the history shows it: first only the last versions, then all.
    for history in [
        vec![("2", "410"), ("1", "200")],
        vec![("4", "410"), ("3", "200"), ("2", "410"), ("1", "200")],
        vec![("4", "410"), ("3", "200")],
    ] {
        there.lock().unwrap().1 = history;
        let row = sweep().await;
        assert_eq!(script.ran(), [""; 0], "it was found before: {row}");
    }
}

/// Without a history, a search gives the time of the deletion. That is enough to handle the deletion once.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_only_a_search_finds_is_handled_once() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(410, outcome()),
        _ if asked.starts_with("GET Encounter?_deleted=true") => {
            let meta = json!({ "lastUpdated": at(10_000) });
            reply(200, bundle([json!({ "resourceType": "Encounter", "id": "1", "meta": meta })]))
        }
        _ if asked.starts_with("GET Encounter?") || asked.starts_with("GET Subscription?") => {
            reply(200, bundle([]))
        }
        _ => reply(404, outcome()),
    });
    let only = Interactions { create: false, update: false, delete: true };
    let declaration = Declaration { interactions: only, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Medplum, declaration, Some(shared()), server, &script, &[]);
    for _ in 0..3 {
        swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
    }
    assert_eq!(script.ran(), ["Encounter/1@-"]);
    assert!(script.keys.lock().unwrap()[0].is_some(), "an effect can be made conditional on it");
}
