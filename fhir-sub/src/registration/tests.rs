#![cfg(any(test, feature = "testing"))]

mod endless;
mod duplicates;
pub(super) mod fixtures;
mod masked;
mod odd;
mod paced;
mod recognised;
mod replaced;
// HealthLake shows an access token.
#[cfg(feature = "token")]
mod rooms;
mod topics;
mod turned_off;
mod unsearchable;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::declaration::Declaration;
use crate::extract::Resource;
use crate::fhir::Subscription;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::{Behaviour, Fault};
use crate::testing::TestApp;

fn patients(endpoint: &'static str) -> Declaration {
    declaration::<Resource<Value>, Succeed>("Patient?", endpoint)
}

fn test(endpoints: &[&'static str]) -> TestApp {
    let declarations = leak(endpoints.iter().map(|endpoint| patients(endpoint)));
    TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, declarations)).unwrap()
}

fn results(report: &Report) -> Vec<(&str, RowResult)> {
    report.rows().iter().map(|row| (row.endpoint.as_str(), row.result)).collect()
}

/// How many writes the sandbox has received.
fn writes(test: &TestApp) -> usize {
    test.sandbox().requests().iter().filter(|(method, _)| *method != Method::GET).count()
}

#[tokio::test(start_paused = true)]
async fn registering_again_writes_nothing() {
    let test = test(&["a", "b"]);
    let report = test.register().await;
    assert_eq!(results(&report), [("a", RowResult::Created), ("b", RowResult::Created)]);
    assert!(report.rows().iter().all(|row| row.status.as_deref() == Some("active")), "{report:?}");
    let before = writes(&test);
    let report = test.register().await;
    assert_eq!(results(&report), [("a", RowResult::Unchanged), ("b", RowResult::Unchanged)]);
    assert_eq!(writes(&test), before);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_writes_nothing() {
    let test = test(&["a"]);
    let report = test.app().register(Options { dry_run: true, prune: true, ..Options::default() }).await;
    assert_eq!(results(&report), [("a", RowResult::Created)]);
    assert_eq!((writes(&test), test.sandbox().all("Subscription").len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_turned_off_is_rearmed_and_what_changed_is_updated() {
    let test = test(&["a"]);
    test.register().await;
    let mut found = test.sandbox().all("Subscription").remove(0);
    found["status"] = json!("off");
    found["reason"] = json!("another");
    test.sandbox().update(&found).await.unwrap();
    let report = test.register().await;
    assert_eq!(results(&report), [("a", RowResult::Updated)]);
    assert_eq!(report.rows()[0].differences, ["reason", "status (off)"]);
    assert_eq!(test.sandbox().all("Subscription")[0]["status"], "active");
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_stops_no_other() {
    let test = test(&["a", "b", "c"]);
    test.sandbox()
        .fail_next(Fault::status(StatusCode::UNPROCESSABLE_ENTITY).on(Method::POST, "Subscription"));
    let report = test.register().await;
    let failed = report.rows().iter().filter(|row| row.result == RowResult::Failed).count();
    assert_eq!((failed, test.sandbox().all("Subscription").len()), (1, 2));
    assert!(!report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_found_and_not_repeated() {
    let test = test(&["a"]);
    test.sandbox().fail_next(Fault::broken().on(Method::POST, "Subscription").after_work());
    let report = test.register().await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(test.sandbox().all("Subscription").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_the_server_does_not_accept_in_time_is_pending() {
    let declarations = leak([patients("a")]);
    let builder = TestApp::builder(Behaviour::Hapi, declarations);
    let slow = |sandbox: crate::sandbox::Builder| sandbox.activation_delay(Duration::from_secs(60));
    let test = TestApp::build_with(Behaviour::Hapi, builder, slow).unwrap();
    let report = test.app().register(Options::default()).await;
    assert_eq!(results(&report), [("a", RowResult::Pending)]);
    assert!(report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_criteria_that_the_server_refuses_is_a_failed_row_without_its_words() {
    let declarations = leak([declaration::<Resource<Value>, Succeed>("Patient?shoe-size=44", "a")]);
    let test = TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, declarations)).unwrap();
    let report = test.register().await;
    assert_eq!(results(&report), [("a", RowResult::Failed)]);
    assert!(report.rows()[0].diagnostics.as_deref().unwrap().contains("shoe-size"));
    assert!(
        !report.to_json().replace("Patient?shoe-size=44", "").contains("shoe-size"),
        "{}",
        report.to_json()
    );
    assert!(!report.to_json().contains("the-secret"));
}

#[tokio::test(start_paused = true)]
async fn registrations_at_once_leave_one_each() {
    let endpoints = ["a", "b", "c"];
    let test = test(&endpoints);
    let registrations = (0..50).map(|_| test.app().register(Options::default()));
    for report in futures_util::future::join_all(registrations).await {
        assert!(report.is_complete(), "{report:?}");
    }
    let mut found: Vec<_> = test
        .sandbox()
        .all("Subscription")
        .iter()
        .map(|found| found["channel"]["endpoint"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    found.sort_unstable();
    assert_eq!(found, endpoints);
}

#[tokio::test(start_paused = true)]
async fn pruning_removes_ours_and_no_others() {
    let test = test(&["a"]);
    let subscription = |endpoint: &str| {
        json!({
            "resourceType": "Subscription", "status": "off", "reason": "x", "criteria": "Patient?",
            "channel": { "type": "rest-hook", "endpoint": endpoint },
        })
    };
    for endpoint in [
        "https://app.example.org/hooks/gone",
        "https://app.example.org/hooks",
        "https://app.example.org/hooks-of-another/gone",
        "https://app.example.org/hooks/other-app/gone",
        "https://other.example.org/hooks/gone",
    ] {
        test.sandbox().create(&subscription(endpoint)).await.unwrap();
    }
    test.register().await;
    assert_eq!(test.sandbox().all("Subscription").len(), 6);
    let report = test.app().register(Options { dry_run: false, prune: true, ..Options::default() }).await;
    assert_eq!(report.pruned().iter().map(|row| row.endpoint.as_str()).collect::<Vec<_>>(), ["gone"]);
    assert_eq!(test.sandbox().all("Subscription").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_told_and_not_written() {
    let soon =
        crate::fhir::Instant::from(std::time::SystemTime::now() + Duration::from_secs(600)).to_string();
    let ending = |endpoint, end| Declaration { end: Some(end), ..patients(endpoint) };
    fn ends(subscription: &mut Subscription) {
        subscription.set("end", "2021-01-01T00:00:00Z");
    }
    let declarations = leak([
        ending("past", "2021-01-01T00:00:00Z"),
        ending("soon", soon.leak()),
        Declaration { registration: Some(ends), ..patients("by-hook") },
        declaration::<Resource<Value>, Succeed>("Patient?_lastUpdated=le2021", "before"),
    ]);
    let test = TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, declarations)).unwrap();
    let problems = check(test.app()).unwrap_err().to_string();
    assert!(problems.contains("\"past\"") && problems.contains("\"by-hook\""), "{problems}");
    assert!(
        !problems.contains("\"soon\"") && problems.contains("2021-01-01T00:00:00Z, is past"),
        "{problems}"
    );
    let report = test.register().await;
    let (failed, created) = (RowResult::Failed, RowResult::Created);
    assert_eq!(
        results(&report),
        [("before", failed), ("by-hook", failed), ("past", failed), ("soon", created)]
    );
    assert_eq!(test.sandbox().all("Subscription").len(), 1);
    let rows = status(test.app(), Deadline::after(Duration::from_secs(60))).await;
    assert!(
        rows[2].status == "missing" && rows[2].message.as_deref().is_some_and(|it| it.contains("is past"))
    );
    assert!(!rows[2].is_sound() && rows[3].is_sound(), "{rows:?}");
    // A Subscription that was written before it ended.
    let mut there = test.sandbox().all("Subscription").remove(0);
    there["end"] = json!("2021-01-01T00:00:00Z");
    there["channel"]["endpoint"] = json!("https://app.example.org/hooks/past");
    test.sandbox().update(&there).await.unwrap();
    let rows = status(test.app(), Deadline::after(Duration::from_secs(60))).await;
    assert_eq!((rows[2].drift.as_slice(), rows[2].is_sound()), (&["`end` is past".to_owned()][..], false));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_are_registered_side_by_side() {
    let declarations = leak((0..1000).map(|number| patients(format!("e{number}").leak())));
    let builder = TestApp::builder(Behaviour::Hapi, declarations);
    let distant = |sandbox: crate::sandbox::Builder| sandbox.latency(Duration::from_millis(10));
    let test = TestApp::build_with(Behaviour::Hapi, builder, distant).unwrap();
    let started = tokio::time::Instant::now();
    let report = test.app().register(Options::default()).await;
    assert!(report.rows().iter().all(|row| row.result == RowResult::Created));
    // The test's clock counts the server's answers, but no time of this machine.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn status_shows_what_is_there() {
    let test = test(&["a", "b"]);
    let deadline = Deadline::after(Duration::from_secs(60));
    assert!(status(test.app(), deadline).await.iter().all(|row| row.status == "missing"));
    test.register().await;
    assert!(status(test.app(), deadline).await.iter().all(StatusRow::is_sound));
    let mut found = test.sandbox().all("Subscription").remove(0);
    found["status"] = json!("error");
    found["error"] = json!("connection refused");
    test.sandbox().update(&found).await.unwrap();
    let rows = status(test.app(), deadline).await;
    assert_eq!(
        (rows[0].status.as_str(), rows[0].diagnostics.as_deref()),
        ("error", Some("connection refused"))
    );
    assert!(!rows[0].is_sound() && rows[1].is_sound());
}

#[tokio::test(start_paused = true)]
async fn what_is_still_being_accepted_is_updated_once_it_is() {
    let builder = TestApp::builder(Behaviour::Hapi, leak([patients("a")]));
    let slow = |sandbox: crate::sandbox::Builder| sandbox.activation_delay(Duration::from_secs(2));
    let test = TestApp::build_with(Behaviour::Hapi, builder, slow).unwrap();
    let old = json!({
        "resourceType": "Subscription", "status": "requested", "reason": "old", "criteria": "Patient?",
        "channel": { "type": "rest-hook", "endpoint": "https://app.example.org/hooks/a" },
    });
    test.sandbox().create(&old).await.unwrap();
    let report = test.app().register(Options::default()).await;
    assert_eq!(results(&report), [("a", RowResult::Updated)], "{report:?}");
    // The versions: created, accepted, updated, accepted again.
    let found = test.sandbox().all("Subscription").remove(0);
    assert_eq!((found["meta"]["versionId"].as_str(), found["reason"].as_str()), (Some("4"), Some("a test")));
}

#[tokio::test(start_paused = true)]
async fn firely_keeps_subscriptions_apart() {
    let builder = TestApp::builder(Behaviour::Hapi, leak([patients("a")])).set("FHIR_SERVER", "firely");
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    assert_eq!(
        test.app().registration_client().base_url().as_str(),
        "https://fhir.example.org/r4/administration"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_way_to_an_older_one_sees_that_it_is_as_wanted() {
    let test = test(&["a"]);
    // From an older release, and not yet visible to the first search.
    let older = json!({
        "resourceType": "Subscription", "status": "requested", "reason": "old", "criteria": "Patient?active=true",
        "channel": { "type": "rest-hook", "endpoint": "https://app.example.org/hooks/a" },
    });
    test.sandbox().create(&older).await.unwrap();
    test.sandbox().idle().await;
    let wanted = wanted(test.app().registry().declarations()[0], test.app().settings()).unwrap();
    let client = test.app().registration_client();
    let created = client.create("Subscription", &wanted.resource).await.unwrap().id;
    let row = Row::new("a", "Patient?", RowResult::Created);
    let mut progress = progress::Progress { created, ..progress::Progress::new(test.app(), wanted, row) };
    let pacing = pacing::Pacing::new(None, Deadline::after(Duration::from_secs(60)));
    apply::confirm(&client, &mut progress, &pacing, Deadline::after(Duration::from_secs(60))).await;
    test.sandbox().idle().await;
    let found = test.sandbox().all("Subscription");
    assert_eq!(
        (found.len(), found[0]["id"].as_str(), found[0]["criteria"].as_str()),
        (1, Some("1"), Some("Patient?"))
    );
    assert_ne!(progress.row.result, RowResult::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_repeats_of_a_secret_is_not_shown() {
    let builder = TestApp::builder(Behaviour::Medplum, leak([patients("a")]))
        .set("FHIR_SUBSCRIPTION_SIGNING_SECRET", "a-canary-to-sign-notifications-with");
    let test = TestApp::build(Behaviour::Medplum, builder).unwrap();
    test.register().await;
    let mut found = test.sandbox().all("Subscription").remove(0);
    found["status"] = json!("off");
    found["error"] = json!("cannot sign with a-canary-to-sign-notifications-with");
    test.sandbox().update(&found).await.unwrap();
    let rows = status(test.app(), Deadline::after(Duration::from_secs(60))).await;
    assert_eq!(rows[0].diagnostics.as_deref(), Some("cannot sign with …"));

    let mut row = Row::failed("a", "Patient?", "writing it failed");
    row.diagnostics =
        Some("no a-canary-to-sign-notifications-with, no the-secret-of-a-test-and-no-other".into());
    row.hide(&test.app().settings().secrets);
    assert_eq!(row.diagnostics.as_deref(), Some("no …, no …"));
}
