//! Deletions that name no version.

use http::Method;
use serde_json::json;

use super::kit::*;
use crate::declaration::Declaration;
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;

/// 12: the history lags behind: the second deletion has the idempotency key of the first.
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
    // It was made again, which was told, and deleted again; the history does not show that yet.
    post(&app, encounter("1", Some("3"), 3000)).await;
    send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    let keys = script.keys.lock().unwrap().clone();
    assert_ne!(keys[0], keys[2], "an effect that is conditional on the key is left out");
    assert!(keys[2].is_some(), "it has a key of its own");
}

/// Nothing shows that the history lags behind: the deletion may be the one before, told again.
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
    // Versions that were handled show that there is another deletion, which has the key that a sweep will give it.
    post(&app, encounter("1", Some("5"), 3000)).await;
    for _ in 0..2 {
        send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    }
    let (ran, keys) = (script.ran(), script.keys.lock().unwrap().clone());
    assert_eq!(ran, ["Encounter/1@5", "Encounter/1@-", "Encounter/1@-"]);
    assert!(keys[3].is_some() && keys[3] != keys[0], "{keys:?}");
    assert_eq!(keys[4], None, "it may have been told before");
}
