//! `order = "latest"`: handled versions stay known, and no older version runs after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::json;

use super::kit::*;
use crate::declaration::{Declaration, Order};
use crate::delivery::dead_letters;
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;

/// 2: `order = "latest"` with two versions of one `lastUpdated`.
#[tokio::test(start_paused = true)]
async fn t02_latest_with_equal_times() {
    let script = script(|_| Do::Ok);
    let declaration = Declaration { order: Order::Latest, ..criteria::<REQUIRED>() };
    let app =
        app(Behaviour::Hapi, declaration, Some(shared()), front(|_| reply(404, outcome())), &script, &[]);
    for version in ["1", "2", "1", "2"] {
        post(&app, encounter("1", Some(version), 1000)).await;
    }
    let ran = script.ran();
    assert_eq!(ran, ["Encounter/1@1", "Encounter/1@2"], "versions that were done ran again");
}

/// 3: `order = "latest"`, and a dead letter is retried after a newer version was handled.
#[tokio::test(start_paused = true)]
async fn t03_dead_letter_retry_breaks_latest() {
    static MENDED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let script = script(|event| {
        let is_mended = MENDED.load(std::sync::atomic::Ordering::SeqCst);
        if event.version_id() == Some("1") && !is_mended { Do::ForGood } else { Do::Ok }
    });
    let declaration = Declaration { order: Order::Latest, ..criteria::<REQUIRED>() };
    let store = shared();
    let server = front(|asked| match asked {
        "GET Encounter/1/_history/1" => reply(200, encounter("1", Some("1"), 1000)),
        "GET Encounter/1" => reply(200, encounter("1", Some("2"), 2000)),
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[]);
    post(&app, encounter("1", Some("1"), 1000)).await;
    post(&app, encounter("1", Some("2"), 2000)).await;
    script.ran();
    MENDED.store(true, std::sync::atomic::Ordering::SeqCst);
    let letters = letters(&store).await;
    let retried = dead_letters::retry(&app, &letters[0], app.deadline(None)).await.unwrap().unwrap();
    assert_eq!((retried.record.outcome(), retried.is_settled), ("superseded", true));
    assert!(super::kit::letters(&store).await.is_empty());
    let after_retry = script.ran();
    post(&app, encounter("1", Some("2"), 2000)).await;
    let after_repeat = script.ran();
    assert!(after_repeat.is_empty(), "version 2, which was done, ran again; the retry ran {after_retry:?}");
}

/// A handler that takes no resource, and a server that names the version and not its time.
#[tokio::test(start_paused = true)]
async fn a_version_without_its_time_is_compared_too() {
    let is_mended = Arc::new(AtomicBool::new(false));
    let of_handler = Arc::clone(&is_mended);
    let script = script(move |event| {
        let fails = event.version_id() == Some("1") && !of_handler.load(Ordering::SeqCst);
        if fails { Do::ForGood } else { Do::Ok }
    });
    let server = || {
        front(|asked| match asked {
            "GET Encounter/1/_history/1" => reply(200, encounter("1", Some("1"), 1000)),
            "GET Encounter/1" | "GET Encounter/1/_history/2" => reply(200, encounter("1", Some("2"), 2000)),
            _ => reply(404, outcome()),
        })
    };
    let latest = |declaration| Declaration { order: Order::Latest, ..declaration };
    let store = shared();
    let app_of =
        |declaration, store| app(Behaviour::Hapi, latest(declaration), store, server(), &script, &[]);
    // The dead letter of the older one is retried.
    let app = app_of(criteria::<UNUSED>(), Some(store.clone()));
    post(&app, encounter("1", Some("1"), 1000)).await;
    post(&app, encounter("1", Some("2"), 2000)).await;
    assert_eq!(script.ran(), ["Encounter/1@1", "Encounter/1@2"]);
    is_mended.store(true, Ordering::SeqCst);
    let letter = letters(&store).await.remove(0);
    let retried = dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
    assert_eq!((retried.record.outcome(), retried.is_settled), ("superseded", true));
    // The notification of the older one is late.
    let app = app_of(topic::<UNUSED>(), Some(shared()));
    for (version, outcome) in [("2", "handled"), ("1", "superseded")] {
        let focus = format!("Encounter/1/_history/{version}");
        let status = json!({
            "resourceType": "SubscriptionStatus", "type": "event-notification",
            "notificationEvent": [{ "eventNumber": version, "focus": { "reference": focus } }],
        });
        let told = json!({
            "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
        });
        assert_eq!(post(&app, &told).await, (204, vec![outcome]));
    }
    assert_eq!(script.ran(), ["Encounter/1@2"]);
}

/// A retry, a redelivery and a newer version come at the same time. Each is handled once, one after the
/// other.
#[tokio::test(start_paused = true)]
async fn a_retry_beside_a_redelivery_and_a_newer_version() {
    static MENDED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let script = script(|_| {
        let is_mended = MENDED.load(std::sync::atomic::Ordering::SeqCst);
        if is_mended { Do::Take(Duration::from_secs(5)) } else { Do::ForGood }
    });
    let declaration = Declaration { order: Order::Latest, ..criteria::<REQUIRED>() };
    let store = shared();
    let server = front(|asked| match asked {
        "GET Encounter/1/_history/1" => reply(200, encounter("1", Some("1"), 1000)),
        "GET Encounter/1" => reply(200, encounter("1", Some("2"), 2000)),
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[]);
    let [old, new] = [("1", 1000), ("2", 2000)].map(|(version, at)| encounter("1", Some(version), at));
    assert_eq!(post(&app, &old).await, (204, vec!["failed for good"]));
    MENDED.store(true, std::sync::atomic::Ordering::SeqCst);
    let letter = letters(&store).await.remove(0);
    let retry = async || dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
    let told = async |after: u64, told: &serde_json::Value| {
        tokio::time::sleep(Duration::from_secs(after)).await;
        post(&app, told).await
    };
    let (retried, redelivered, newer) = tokio::join!(retry(), told(1, &old), told(2, &new));
    assert_eq!((retried.record.outcome(), retried.is_settled), ("handled", true));
    assert_eq!([redelivered.0, newer.0], [503, 503]);
    assert_eq!(post(&app, &new).await, (204, vec!["handled"]));
    assert_eq!(post(&app, &old).await, (204, vec!["handled before"]));
    assert_eq!(*script.done.lock().unwrap(), ["Encounter/1@1", "Encounter/1@2"]);
}

/// 18: `order = "latest"`, a deletion was handled, and an older version arrives late.
#[tokio::test(start_paused = true)]
async fn t18_latest_an_old_version_after_the_deletion() {
    let script = script(|_| Do::Ok);
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { order: Order::Latest, interactions: all, ..criteria::<UNUSED>() };
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(410, outcome()),
        _ if asked.starts_with("GET Encounter/1/_history") => {
            let entry = |method: &str, version: &str, time: u64| {
                json!({
                    "request": { "method": method, "url": "Encounter/1" },
                    "response": { "status": "200", "etag": format!("W/\"{version}\""), "lastModified": at(time) },
                })
            };
            reply(
                200,
                json!({
                    "resourceType": "Bundle", "type": "history",
                    "entry": [entry("DELETE", "2", 2000), entry("POST", "1", 1000)],
                }),
            )
        }
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, declaration, Some(shared()), server, &script, &[]);
    send(&app, Method::DELETE, Some("Encounter/1"), "").await;
    post(&app, encounter("1", Some("1"), 1000)).await;
    let ran = script.ran();
    assert_eq!(ran.len(), 1, "what was there before the deletion was handled after it");
}

/// 26: `order` changes from `any` to `latest`, or back, with the same table.
#[tokio::test(start_paused = true)]
async fn t26_order_is_changed() {
    let (script, store) = (script(|_| Do::Ok), shared());
    let of = |order| {
        let declaration = Declaration { order, ..criteria::<REQUIRED>() };
        let server = front(|_| reply(404, outcome()));
        app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[])
    };
    post(&of(Order::Any), encounter("1", Some("1"), 1000)).await;
    post(&of(Order::Latest), encounter("1", Some("1"), 1000)).await;
    assert_eq!(script.ran().len(), 1, "handled twice");
}

/// A history of versions: whether each is a deletion, its number, and its time.
fn history(versions: &[(bool, &str, u64)]) -> Reply {
    let entry = |(is_deletion, version, time): &(bool, &str, u64)| {
        let (method, status) = if *is_deletion { ("DELETE", "204") } else { ("PUT", "200") };
        json!({
            "request": { "method": method, "url": "Encounter/1" },
            "response": { "status": status, "etag": format!("W/\"{version}\""), "lastModified": at(*time) },
        })
    };
    let entries: Vec<_> = versions.iter().map(entry).collect();
    reply(200, json!({ "resourceType": "Bundle", "type": "history", "entry": entries }))
}

/// A deletion is reported, or retried as a dead letter, after the resource was created again, and that was handled.
#[tokio::test(start_paused = true)]
async fn a_deletion_after_the_version_that_followed_it() {
    for is_retried in [false, true] {
        let is_there = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let of_server = std::sync::Arc::clone(&is_there);
        let script = script(move |event| {
            let is_deletion = event.interaction() == crate::interaction::Interaction::Delete;
            if is_deletion && is_retried { Do::ForGood } else { Do::Ok }
        });
        let all = Interactions { create: true, update: true, delete: true };
        let declaration = Declaration { order: Order::Latest, interactions: all, ..criteria::<UNUSED>() };
        let server = front(move |asked| {
            let is_there = of_server.load(std::sync::atomic::Ordering::SeqCst);
            let newest = usize::from(!is_there);
            match asked {
                "GET Encounter/1" if is_there => reply(200, encounter("1", Some("3"), 3000)),
                "GET Encounter/1" => reply(410, outcome()),
                _ if asked.starts_with("GET Encounter/1/_history?") => {
                    history(&[(false, "3", 3000), (true, "2", 2000), (false, "1", 1000)][newest..])
                }
                _ => reply(404, outcome()),
            }
        });
        let store = shared();
        let app = app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[]);
        let delete = async || send(&app, Method::DELETE, Some("Encounter/1"), "").await;
        if is_retried {
            assert_eq!(delete().await, (204, vec!["failed for good"]));
        }
        is_there.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(post(&app, encounter("1", Some("3"), 3000)).await, (204, vec!["handled"]));
        script.ran();
        if is_retried {
            let letter = letters(&store).await.remove(0);
            let retried = dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
            assert!(retried.is_settled, "{}", retried.record.outcome());
        } else {
            assert_eq!(delete().await, (204, vec!["superseded"]));
        }
        assert!(script.ran().is_empty(), "it ran after the newer version; retried: {is_retried}");
    }
}

/// The resource was deleted, created and deleted again. The history lags behind, and does not show the second deletion.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_a_lagging_history_does_not_show() {
    let script = script(|_| Do::Ok);
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { order: Order::Latest, interactions: all, ..criteria::<UNUSED>() };
    let server = front(|asked| match asked {
        "GET Encounter/1" => reply(410, outcome()),
        _ if asked.starts_with("GET Encounter/1/_history?") => {
            history(&[(false, "3", 3000), (true, "2", 2000), (false, "1", 1000)])
        }
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, declaration, Some(shared()), server, &script, &[]);
    assert_eq!(post(&app, encounter("1", Some("3"), 3000)).await, (204, vec!["handled"]));
    script.ran();
    assert_eq!(send(&app, Method::DELETE, Some("Encounter/1"), "").await, (204, vec!["handled"]));
    assert_eq!(script.ran().len(), 1, "it is older than the version before it only in the history");
}
