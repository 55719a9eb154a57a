//! Subscriptions that are `off`: who turned them off, and the results of their deliveries.

use super::odd::{OddServer, Ways, odd};
use super::*;

const MEDPLUM: &[(&str, &str)] = &[("FHIR_SERVER", "medplum")];
const DISABLED: &str = "Automatically disabled after 1000 failed attempts";

async fn turned_off(settings: &[(&str, &str)], error: Option<&str>) -> (App, std::sync::Arc<OddServer>) {
    let (app, server) = odd(Ways::default(), vec![patients("a")], settings);
    app.register(Options::default()).await;
    server.change(|it| {
        it["status"] = json!("off");
        if let Some(error) = error {
            it["error"] = json!(error);
        }
    });
    (app, server)
}

async fn located(app: &App) -> Located {
    let declaration = app.registry().declarations()[0];
    locate(app, &app.registration_client(), declaration).await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_medplum_disabled_is_armed_again() {
    let (app, server) = turned_off(MEDPLUM, Some(DISABLED)).await;
    assert!(matches!(located(&app).await.rearmed, Some(Ok(()))));
    assert_eq!((&server.all()[0]["status"], server.all()[0].get("error")), (&json!("active"), None));
    let (app, server) = turned_off(MEDPLUM, Some(DISABLED)).await;
    assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Updated)]);
    assert_eq!(server.all()[0]["status"], "active");
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_turned_off_stays_off() {
    for error in [None, Some("Maintenance"), Some("not Automatically disabled")] {
        let (app, server) = turned_off(MEDPLUM, error).await;
        assert!(located(&app).await.rearmed.is_none());
        let report = app.register(Options::default()).await;
        assert_eq!(results(&report), [("a", RowResult::Unchanged)], "{report:?}");
        assert!(report.is_complete() && report.rows()[0].message.as_deref().unwrap().contains("--rewrite"));
        // Another change is written, and the Subscription stays off.
        server.keep_status();
        server.change(|it| it["reason"] = json!("another"));
        let report = app.register(Options::default()).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(
            (&server.all()[0]["status"], &server.all()[0]["reason"]),
            (&json!("off"), &json!("a test"))
        );
        assert!(!status(&app, Deadline::after(Duration::from_secs(60))).await[0].is_sound());
        let again = Options { rewrite: true, ..Options::default() };
        assert_eq!(results(&app.register(again).await), [("a", RowResult::Updated)]);
        assert_eq!(server.all()[0]["status"], "active");
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_server_does_not_say_who_a_registration_arms_again_and_a_sweep_does_not() {
    let (app, server) = turned_off(&[], Some(DISABLED)).await;
    assert!(located(&app).await.rearmed.is_none());
    assert_eq!(results(&app.register(Options::default()).await), [("a", RowResult::Updated)]);
    assert_eq!(server.all()[0]["status"], "active");
}

#[tokio::test(start_paused = true)]
async fn the_last_failed_delivery_is_shown_without_the_servers_text() {
    let event = |outcome: &str, text: &str, at: &str| json!({ "resourceType": "AuditEvent", "recorded": at, "outcome": outcome, "outcomeDesc": text });
    let (app, server) = odd(Ways::default(), vec![patients("a")], MEDPLUM);
    app.register(Options::default()).await;
    let rows = || status(&app, Deadline::after(Duration::from_secs(60)));
    assert!(rows().await[0].notes.is_empty());
    server.audit(vec![
        event("0", "Attempt 2 received status 200", "2026-11-29T12:00:02Z"),
        event("4", "Attempt 1 received status 503 canary", "2026-11-29T12:00:01Z"),
        event("4", "Attempt 1 received error canary", "2026-11-29T12:00:00Z"),
    ]);
    let notes = rows().await[0].notes.join(" ");
    assert!(
        notes.contains("2026-11-29T12:00:01.000Z (HTTP status 503); 2 of the last 3 failed, and later"),
        "{notes}"
    );
    assert!(!format!("{:?}", rows().await).contains("canary"));
    // Only servers that keep deliveries are asked.
    let generic = server.app(vec![patients("a")], &[]);
    assert!(status(&generic, Deadline::after(Duration::from_secs(60))).await[0].notes.is_empty());
}
