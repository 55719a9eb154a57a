//! The store in memory reports when it forgets an event that may come again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::kit::*;
use crate::deadline::Deadline;
use crate::sandbox::Behaviour;
use crate::sweep::{SweepOptions, sweep};

/// 6: `memory`, one process, more than 10,000 events.
#[tokio::test(start_paused = true)]
async fn t06_memory_forgets() {
    let rows: Arc<Vec<(String, String, u64)>> =
        Arc::new((0..10_500).map(|number| (number.to_string(), "1".to_owned(), number * 10)).collect());
    let script = script(|_| Do::Ok);
    let of_server = Arc::clone(&rows);
    let server = front(move |asked| {
        if asked.starts_with("GET Encounter?") {
            return reply(200, page(asked, &of_server));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), None, server, &script, &[]);
    for (id, version, milliseconds) in rows.iter() {
        let (status, _) = post(&app, encounter(id, Some(version), *milliseconds)).await;
        assert_eq!(status, 204);
    }
    script.ran();
    swept(&app, Some("2026-01-01T00:00:00Z"), 600).await;
    let ran = script.ran();
    assert!(ran.is_empty(), "{} events were handled twice within one process", ran.len());
}

/// The report of a sweep shows how many events were forgotten.
#[tokio::test(start_paused = true)]
async fn a_sweep_tells_what_was_forgotten() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") || asked.starts_with("GET Subscription?") => {
            reply(200, bundle([]))
        }
        _ => reply(404, outcome()),
    });
    let maximum = [("FHIR_SUBSCRIPTION_STORE_MAXIMUM", "1000")];
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), None, server, &script, &maximum);
    let report = async || {
        let options = SweepOptions { since: None, endpoint: None };
        let report = sweep(&app, &options, Deadline::after(Duration::from_secs(60)), None).await;
        serde_json::from_str::<Value>(&report.to_json()).unwrap()
    };
    let before = report().await;
    assert!(before["forgotten"].is_null() && !before["note"].as_str().unwrap().contains("forgotten"));
    for number in 0..1_007 {
        post(&app, encounter(&number.to_string(), Some("1"), 1_000)).await;
    }
    let after = report().await;
    let forgotten = after["forgotten"].as_u64().unwrap();
    assert!((7..10).contains(&forgotten), "{after}");
    assert!(
        after["note"].as_str().unwrap().contains(&format!("has forgotten {forgotten} records")),
        "{after}"
    );
}
