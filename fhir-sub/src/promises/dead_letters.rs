//! A dead letter is claimed like any other event.

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
use crate::store::DeadLetter;

/// 19: two operators, or an operator and a pipeline, run `dead-letters retry --all` at about the same time.
#[tokio::test(start_paused = true)]
async fn t19_two_retry_all_at_once() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let script = script(|_| {
        let is_mended = MENDED.load(Ordering::SeqCst);
        static FIRST: AtomicBool = AtomicBool::new(true);
        if !is_mended {
            return Do::ForGood;
        }
        // The first one takes long, the others do not.
        let is_first = FIRST.swap(false, Ordering::SeqCst);
        Do::Take(Duration::from_millis(if is_first { 5000 } else { 50 }))
    });
    let store = shared();
    let server = front(|asked| {
        let id =
            asked.strip_prefix("GET Encounter/").unwrap_or_default().split('/').next().unwrap().to_owned();
        reply(200, encounter(&id, Some("1"), 1000))
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, &[]);
    for number in 0..20 {
        post(&app, encounter(&number.to_string(), Some("1"), 1000)).await;
    }
    script.ran();
    MENDED.store(true, Ordering::SeqCst);
    // As in fhir-sub/src/command/dead_letters.rs: first the list, then one letter after the other.
    let retry_all = async |after: u64| {
        tokio::time::sleep(Duration::from_millis(after)).await;
        let letters = dead_letters::list(&app).await.unwrap();
        let mut outcomes = Vec::new();
        for letter in &letters {
            let retried = dead_letters::retry(&app, letter, app.deadline(None)).await.unwrap().unwrap();
            outcomes.push(retried.record.outcome());
        }
        outcomes
    };
    let (one, other) = tokio::join!(retry_all(0), retry_all(10));
    for outcomes in [&one, &other] {
        let expected = ["handled", "handled before", "under way elsewhere"];
        assert!(outcomes.iter().all(|outcome| expected.contains(outcome)), "{outcomes:?}");
    }
    assert!(letters(&store).await.is_empty());
    let done = script.done.lock().unwrap().len();
    assert_eq!(done, 20);
}

/// A server that has version 2 of the encounter, and does not keep version 1.
fn without_version_1() -> Front {
    front(|asked| match asked {
        "GET Encounter/1" => reply(200, encounter("1", Some("2"), 2000)),
        _ => reply(404, outcome()),
    })
}

/// The server does not keep the version that was given up, and the current one was handled. Its effect would happen twice,
/// under two idempotency keys.
#[tokio::test(start_paused = true)]
async fn a_retry_does_not_handle_the_current_version_again() {
    let script = script(|event| if event.version_id() == Some("1") { Do::ForGood } else { Do::Ok });
    let store = shared();
    let app =
        app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), without_version_1(), &script, &[]);
    post(&app, encounter("1", Some("1"), 1000)).await;
    post(&app, encounter("1", Some("2"), 2000)).await;
    assert_eq!(script.ran(), ["Encounter/1@1", "Encounter/1@2"]);
    let left = letters(&store).await;
    let retried = dead_letters::retry(&app, &left[0], app.deadline(None)).await.unwrap().unwrap();
    assert_eq!((retried.record.outcome(), retried.is_settled), ("handled before", true));
    assert!(script.ran().is_empty());
    assert!(letters(&store).await.is_empty());
}

/// The same, but the retry comes first: it handles the current version under the key of the one that was given up.
#[tokio::test(start_paused = true)]
async fn a_version_that_a_retry_has_handled_is_not_handled_again() {
    let all = [(Order::Any, false), (Order::Latest, false), (Order::Any, true), (Order::Latest, true)];
    for (order, both_are_given_up) in all {
        let is_mended = Arc::new(AtomicBool::new(false));
        let of_handler = Arc::clone(&is_mended);
        let script = script(move |_| if of_handler.load(Ordering::SeqCst) { Do::Ok } else { Do::ForGood });
        let server = front(|asked| match asked {
            "GET Encounter/1" => reply(200, encounter("1", Some("2"), 2000)),
            _ if asked.starts_with("GET Encounter?") => {
                reply(200, page(asked, &[("1".to_owned(), "2".to_owned(), 2000)]))
            }
            _ if asked.starts_with("GET Subscription?") => reply(200, bundle([])),
            _ => reply(404, outcome()),
        });
        let (store, declaration) = (shared(), Declaration { order, ..criteria::<REQUIRED>() });
        let app = app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[]);
        post(&app, encounter("1", Some("1"), 1000)).await;
        if both_are_given_up {
            post(&app, encounter("1", Some("2"), 2000)).await;
        }
        script.ran();
        is_mended.store(true, Ordering::SeqCst);
        for letter in letters(&store).await {
            let retried = dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
            assert!(retried.is_settled, "{:?}", retried.record.outcome());
        }
        assert_eq!(script.ran(), ["Encounter/1@2"]);
        assert!(letters(&store).await.is_empty());
        post(&app, encounter("1", Some("2"), 2000)).await;
        swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        assert!(script.ran().is_empty(), "handled twice");
    }
}

/// Neither the notification nor a read says the version, which a sweep finds after the retry, or before it.
#[tokio::test(start_paused = true)]
async fn an_event_without_a_version_that_a_retry_has_handled_is_not_handled_again() {
    for is_retried_first in [true, false] {
        let is_mended = Arc::new(AtomicBool::new(false));
        let of_handler = Arc::clone(&is_mended);
        let script = script(move |_| if of_handler.load(Ordering::SeqCst) { Do::Ok } else { Do::ForGood });
        let server = front(|asked| match asked {
            _ if asked.starts_with("GET Encounter?") => {
                reply(200, page(asked, &[("1".to_owned(), "2".to_owned(), 2000)]))
            }
            _ if asked.starts_with("GET Subscription?") => reply(200, bundle([])),
            _ => reply(403, outcome()),
        });
        let store = shared();
        let app = app(Behaviour::Hapi, criteria::<UNUSED>(), Some(store.clone()), server, &script, &[]);
        let told = encounter("1", None, 2000);
        let (_, outcomes) = send(&app, Method::PUT, Some("Encounter/1"), &told).await;
        assert_eq!(outcomes, ["failed for good"]);
        is_mended.store(true, Ordering::SeqCst);
        script.ran();
        let letter = letters(&store).await.remove(0);
        let retry = async || dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
        let sweep = async || swept(&app, Some("2026-01-01T00:00:00Z"), 60).await;
        if !is_retried_first {
            let row = sweep().await;
            assert_eq!((script.ran().len(), &row["alreadyHandled"]), (0, &json!(1)), "it is given up: {row}");
        }
        assert_eq!(retry().await.record.outcome(), "handled");
        sweep().await;
        assert_eq!(script.ran().len(), 1, "handled twice");
        assert!(letters(&store).await.is_empty());
    }
}

/// A notification's handler is on the current version while a retry of the version before wants it.
#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_who_handles_the_current_version() {
    let script = script(|event| match event.version_id() {
        Some("1") => Do::ForGood,
        _ => Do::Take(Duration::from_secs(5)),
    });
    let store = shared();
    let app =
        app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), without_version_1(), &script, &[]);
    post(&app, encounter("1", Some("1"), 1000)).await;
    script.ran();
    let letter = letters(&store).await.remove(0);
    let retry = async || dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
    let late = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        retry().await
    };
    let (posted, retried) = tokio::join!(post(&app, encounter("1", Some("2"), 2000)), late);
    assert_eq!(posted, (204, vec!["handled"]));
    assert_eq!((retried.record.outcome(), retried.is_settled), ("under way elsewhere", false));
    assert_eq!(letters(&store).await.len(), 1);
    let retried = retry().await;
    assert_eq!((retried.record.outcome(), retried.is_settled), ("handled before", true));
    assert_eq!(script.ran(), ["Encounter/1@2"]);
}

/// A retry of the version before fails on the current version, whose own notification comes then.
#[tokio::test(start_paused = true)]
async fn a_retry_that_fails_leaves_the_current_version_free() {
    let is_mended = Arc::new(AtomicBool::new(false));
    let of_handler = Arc::clone(&is_mended);
    let script = script(move |event| match event.version_id() {
        Some("1") => Do::ForGood,
        _ if of_handler.load(Ordering::SeqCst) => Do::Ok,
        _ => Do::Fail,
    });
    let store = shared();
    let app =
        app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), without_version_1(), &script, &[]);
    post(&app, encounter("1", Some("1"), 1000)).await;
    let letter = letters(&store).await.remove(0);
    let retried = dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
    assert!(!retried.is_settled);
    is_mended.store(true, Ordering::SeqCst);
    assert_eq!(post(&app, encounter("1", Some("2"), 2000)).await, (204, vec!["handled"]));
}

/// An event that was given up is reported again while it is retried.
#[tokio::test(start_paused = true)]
async fn a_retry_beside_a_redelivery() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let script = script(|_| {
        let is_mended = MENDED.load(Ordering::SeqCst);
        if is_mended { Do::Take(Duration::from_secs(5)) } else { Do::ForGood }
    });
    let store = shared();
    let server = front(|_| reply(200, encounter("1", Some("1"), 1000)));
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, &[]);
    let told = encounter("1", Some("1"), 1000);
    assert_eq!(post(&app, &told).await, (204, vec!["failed for good"]));
    assert_eq!(post(&app, &told).await, (204, vec!["handled before"]));
    MENDED.store(true, Ordering::SeqCst);
    let letter = letters(&store).await.remove(0);
    let retry = async || dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
    let redelivery = async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        post(&app, &told).await
    };
    let (retried, redelivered) = tokio::join!(retry(), redelivery());
    assert_eq!((retried.record.outcome(), retried.is_settled), ("handled", true));
    assert_eq!(redelivered, (503, vec!["under way elsewhere"]));
    assert_eq!(post(&app, &told).await, (204, vec!["handled before"]));
    // An operator with an old list finds the letter settled.
    let again = retry().await;
    assert_eq!((again.record.outcome(), again.is_settled), ("handled before", true));
    assert_eq!(script.done.lock().unwrap().len(), 1);
}

/// A failed retry leaves the letter, and the event stays given up.
#[tokio::test(start_paused = true)]
async fn a_retry_that_fails() {
    let script = script(|event| if event.version_id() == Some("1") { Do::Fail } else { Do::ForGood });
    let store = shared();
    let server = front(|_| reply(200, encounter("1", Some("1"), 1000)));
    let set = [("FHIR_SUBSCRIPTION_TRIES", "1")];
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, &set);
    let told = encounter("1", Some("1"), 1000);
    assert_eq!(post(&app, &told).await, (204, vec!["failed"]));
    for _ in 0..2 {
        let letter = letters(&store).await.remove(0);
        let retried = dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
        assert_eq!((retried.record.outcome(), retried.is_settled), ("failed", false));
        assert_eq!(letters(&store).await.len(), 1);
        assert_eq!(post(&app, &told).await, (204, vec!["handled before"]), "a redelivery does not retry it");
    }
    assert_eq!(script.ran().len(), 3);
}

/// A deletion that cannot be distinguished from the next one: its letter in an old list is settled.
#[tokio::test(start_paused = true)]
async fn a_letter_of_a_deletion_without_a_version() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let script = script(|_| {
        let is_mended = MENDED.load(Ordering::SeqCst);
        if is_mended { Do::Ok } else { Do::ForGood }
    });
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
    let store = shared();
    let server = front(|_| reply(404, outcome()));
    let app = app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[]);
    let deleted = || send(&app, Method::DELETE, Some("Encounter/1"), "");
    assert_eq!(deleted().await, (204, vec!["failed for good"]));
    MENDED.store(true, Ordering::SeqCst);
    let letter = letters(&store).await.remove(0);
    for outcome in ["handled", "handled before"] {
        let retried = dead_letters::retry(&app, &letter, app.deadline(None)).await.unwrap().unwrap();
        assert_eq!((retried.record.outcome(), retried.is_settled), (outcome, true));
    }
    assert_eq!(deleted().await, (204, vec!["handled"]), "the next deletion is another event");
}

/// A program of another FHIR server may share the store. Both servers may have an Encounter/1.
#[tokio::test(start_paused = true)]
async fn a_program_sees_no_letter_of_another_server() {
    const KEY: &str = "FHIR_SUBSCRIPTION_STORE_KEY";
    const BEFORE: &str = "FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS";
    let (store, script) = (shared(), script(|_| Do::ForGood));
    let start = |set: &[(&str, &str)]| {
        let server = front(|_| reply(404, outcome()));
        app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, set)
    };
    let (old, new) = ("the-old-key-of-the-store-of-the-ward", "the-new-key-of-the-store-of-the-ward");
    let (base, other) = (("FHIR_BASE_URL", "https://one.example.org/r4"), "https://other.example.org/r4");
    let one = start(&[base, (KEY, old)]);
    post(&one, encounter("1", Some("1"), 1000)).await;
    let rotated = start(&[base, (KEY, new), (BEFORE, old)]);
    let apart = [start(&[("FHIR_BASE_URL", other), (KEY, old)]), start(&[base, (KEY, new)])];
    for own in [&one, &rotated] {
        assert_eq!(dead_letters::list(own).await.unwrap().len(), 1);
    }
    let key = letters(&store).await[0].key;
    for apart in &apart {
        assert!(dead_letters::list(apart).await.unwrap().is_empty());
        assert!(!dead_letters::drop(apart, &key).await.unwrap());
    }
    // A letter of an earlier version of the program names no program.
    let earlier = DeadLetter { program: None, ..letters(&store).await.remove(0) };
    one.store().unwrap().add_dead_letter(&earlier).await.unwrap();
    for app in apart.iter().chain([&one, &rotated]) {
        assert_eq!(dead_letters::list(app).await.unwrap().len(), 1);
    }
}
