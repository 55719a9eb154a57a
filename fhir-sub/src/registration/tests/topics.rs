//! Whole registrations of topics, with a server that accepts each Subscription at once.

pub(super) mod server;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use self::server::Server;
use super::*;
use crate::declaration::Topic;
use crate::registration::tests::fixtures::{ADMISSIONS, NARROWED, SECRET, admissions};
use crate::settings::Variables;

/// An app with a topic's handler, and the server that it registers with.
fn app(fhir_server: &str, version: &str, declarations: Vec<Declaration>) -> (App, Arc<Server>) {
    let server = Arc::new(Server::new(version));
    let builder = crate::app::AppBuilder::new(Variables::default(), leak(declarations))
        .set("APP_BASE_URL", "https://app.example.org/hooks")
        .set("FHIR_BASE_URL", "https://fhir.example.org")
        .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
        .set("FHIR_SERVER", fhir_server)
        .set("FHIR_VERSION", version)
        .transport(server.clone());
    (builder.build().unwrap(), server)
}

const SERVERS: [(&str, &str); 11] = [
    ("generic", "R4"),
    ("generic", "R4B"),
    ("generic", "R5"),
    ("hapi", "R4"),
    ("hapi", "R4B"),
    ("helios", "R4"),
    ("helios", "R4B"),
    ("helios", "R5"),
    ("aidbox", "R4"),
    ("aidbox", "R4B"),
    ("aidbox", "R5"),
];

/// The handler of a topic, without filters if the server supports none.
fn handler(fhir_server: &str, version: &str, topic: Topic) -> Declaration {
    let has_filters = (fhir_server, version) != ("hapi", "R4B");
    admissions(if has_filters { topic } else { Topic { filters: &[], ..topic } })
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_registered_once() {
    for (fhir_server, version) in SERVERS {
        let (app, server) = app(fhir_server, version, vec![handler(fhir_server, version, ADMISSIONS)]);
        let report = app.register(Options::default()).await;
        assert_eq!(
            results(&report),
            [("admissions", RowResult::Created)],
            "{fhir_server} {version}: {report:?}"
        );
        let row = &report.rows()[0];
        assert_eq!((row.criteria.as_str(), row.status.as_deref()), (ADMISSIONS.url, Some("active")));
        let report = app.register(Options { prune: true, ..Options::default() }).await;
        assert_eq!(
            results(&report),
            [("admissions", RowResult::Unchanged)],
            "{fhir_server} {version}: {report:?}"
        );
        assert_eq!((server.writes(), server.all().len()), (1, 1), "{fhir_server} {version}");
        assert!(!report.to_json().contains(SECRET));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_turned_off_is_seen_and_rearmed() {
    let deadline = Deadline::after(Duration::from_secs(60));
    for (fhir_server, version) in SERVERS {
        for off in ["error", "off"] {
            let (app, server) = app(fhir_server, version, vec![handler(fhir_server, version, NARROWED)]);
            assert_eq!(status(&app, deadline).await[0].status, "missing");
            app.register(Options::default()).await;
            assert!(status(&app, deadline).await[0].is_sound(), "{fhir_server} {version}");
            server.change("1", |found| found["status"] = json!(off));
            let rows = status(&app, deadline).await;
            assert_eq!(
                (rows[0].status.as_str(), rows[0].is_sound()),
                (off, false),
                "{fhir_server} {version}"
            );
            assert_eq!(rows[0].drift, [format!("status ({off})")]);
            let report = app.register(Options::default()).await;
            assert_eq!(results(&report), [("admissions", RowResult::Updated)], "{report:?}");
            assert_eq!(report.rows()[0].status.as_deref(), Some("active"));
            assert!(status(&app, deadline).await[0].is_sound());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_fails_is_tried_once_more() {
    for handshakes in 0..=3 {
        let (app, server) = app("helios", "R5", vec![admissions(NARROWED)]);
        server.leave_unanswered(handshakes);
        let report = app.register(Options::default()).await;
        let row = &report.rows()[0];
        let (result, status) =
            if handshakes < 2 { (RowResult::Created, "active") } else { (RowResult::Failed, "error") };
        assert_eq!((row.result, row.status.as_deref()), (result, Some(status)), "{handshakes}: {report:?}");
        assert_eq!((server.writes(), row.differences.len()), (1 + handshakes.min(1), 0));
        if handshakes < 2 {
            assert_eq!(row.message, None);
        } else {
            let message = row.message.as_deref().unwrap();
            assert!(message.contains("https://app.example.org/hooks/admissions"), "{message}");
            assert!(message.contains("the command `register`") && !message.contains(SECRET), "{message}");
        }
    }
}

/// A server may accept a Subscription to a topic that it lacks, and then it never sends a notification.
#[tokio::test(start_paused = true)]
async fn a_topic_that_the_server_does_not_have_is_told() {
    for (fhir_server, version) in SERVERS {
        let (app, server) = app(fhir_server, version, vec![handler(fhir_server, version, NARROWED)]);
        let message = async || app.register(Options::default()).await.rows()[0].message.clone();
        assert_eq!(message().await, None, "{fhir_server} {version}");
        server.forget_topics();
        let is_not_known = fhir_server == "aidbox" || (fhir_server, version) == ("generic", "R4");
        match message().await {
            None => assert!(is_not_known, "{fhir_server} {version}"),
            Some(message) => {
                assert!(!is_not_known, "{fhir_server} {version}: {message}");
                assert!(message.contains(NARROWED.url) && message.contains("may never notify"), "{message}");
                assert_eq!(message.contains("Basic"), version == "R4");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_the_topic_does_not_offer_is_told() {
    const BY_URL: Topic = Topic { filters: &["Encounter?url=https://example.org"], ..NARROWED };
    for (fhir_server, version) in [("hapi", "R4"), ("helios", "R4"), ("helios", "R5"), ("generic", "R5")] {
        let (app, _server) = app(fhir_server, version, vec![admissions(BY_URL)]);
        let report = app.register(Options::default()).await;
        let message = report.rows()[0].message.as_deref().unwrap();
        assert!(message.contains("does not allow filters by `url`"), "{fhir_server} {version}: {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_that_will_not_come_are_told_of() {
    for (fhir_server, sends) in [("helios", false), ("generic", true)] {
        let (app, _server) = app(fhir_server, "R5", vec![admissions(ADMISSIONS)]);
        let report = app.register(Options::default()).await;
        let told = report.rows()[0].message.as_deref().is_some_and(|it| it.contains("no heartbeats"));
        assert_eq!((report.is_complete(), told), (true, !sends), "{fhir_server}");
    }
}

/// The answer to `POST …/register` contains no text of the server.
#[tokio::test(start_paused = true)]
async fn a_status_that_is_none_is_unknown() {
    for status in ["canary", ""] {
        let (app, server) = app("generic", "R5", vec![admissions(NARROWED)]);
        server.accept_as(status);
        let report = app.register(Options::default()).await;
        assert_eq!(report.rows()[0].status.as_deref(), Some("unknown"));
        assert!(!report.to_json().contains("canary"), "{report:?}");
        for dry_run in [true, false] {
            let report = app.register(Options { dry_run, ..Options::default() }).await;
            assert!(!report.to_json().contains("canary"), "{report:?}");
        }
    }
}

/// HAPI does no handshakes: the cause of its error is still there.
#[tokio::test(start_paused = true)]
async fn without_handshakes_an_error_is_final() {
    let (app, server) = app("hapi", "R4", vec![admissions(ADMISSIONS)]);
    server.leave_unanswered(1);
    let report = app.register(Options::default()).await;
    let row = &report.rows()[0];
    assert_eq!((row.result, row.status.as_deref()), (RowResult::Failed, Some("error")));
    assert_eq!((server.writes(), row.message.as_deref().unwrap().contains("`status` shows")), (1, true));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_no_longer_in_the_program_is_pruned() {
    for (fhir_server, version) in SERVERS {
        let (app, server) = app(fhir_server, version, vec![handler(fhir_server, version, NARROWED)]);
        app.register(Options::default()).await;
        let mut gone = server.all().remove(0);
        let of_form = if gone["channel"].is_object() { &mut gone["channel"] } else { &mut gone };
        of_form["endpoint"] = json!("https://app.example.org/hooks/gone");
        server.add(gone);
        let report = app.register(Options { prune: true, ..Options::default() }).await;
        let pruned: Vec<_> = report.pruned().iter().map(|row| (&*row.endpoint, &*row.criteria)).collect();
        assert_eq!(pruned, [("gone", NARROWED.url)], "{fhir_server} {version}");
        assert_eq!(server.all().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn registrations_at_once_leave_one() {
    for (fhir_server, version) in SERVERS {
        let (app, server) = app(fhir_server, version, vec![handler(fhir_server, version, ADMISSIONS)]);
        let registrations = (0..8).map(|_| app.register(Options::default()));
        for report in futures_util::future::join_all(registrations).await {
            assert!(report.is_complete(), "{fhir_server} {version}: {report:?}");
        }
        assert_eq!(server.all().len(), 1, "{fhir_server} {version}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_server_cannot_do_is_a_failed_row_and_stops_no_other() {
    let criteria = Declaration { endpoint: "criteria", ..patients("criteria") };
    let (app, server) = app("hapi", "R4B", vec![admissions(ADMISSIONS), criteria]);
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("admissions", RowResult::Failed), ("criteria", RowResult::Created)]);
    assert!(report.rows()[0].message.as_deref().unwrap().contains("ignores the filters of R4B"));
    assert_eq!(server.all().len(), 1);
    assert!(check(&app).unwrap_err().to_string().contains("\"admissions\""));
}
