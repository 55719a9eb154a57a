//! Servers that take long for a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::app::App;
use crate::promises::kit::{
    Do, REQUIRED, Script, app, at, bundle, criteria, front, moment, outcome, page, reply, script, shared,
    swept,
};
use crate::sandbox::Behaviour;

/// A server with 250 resources, which takes so many seconds for each page.
fn app_of(seconds: u64, script: &Arc<Script>) -> App {
    let rows: Vec<_> = (0..250).map(|id: u64| (id.to_string(), "1".to_owned(), id * 10)).collect();
    let server = front(move |asked| {
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        if !asked.starts_with("GET Encounter?") {
            return reply(404, outcome());
        }
        let mut reply = reply(200, page(asked, &rows));
        (reply.delay, reply.date) = (Duration::from_secs(seconds), Some(moment(7_200_000)));
        reply
    });
    app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, script, &[])
}

/// A sweep of ten minutes has time for pages of 40 s, and one of 25 s for pages of 11 s.
#[tokio::test(start_paused = true)]
async fn a_page_may_take_long_if_the_sweep_has_the_time() {
    let patient = script(|_| Do::Ok);
    let row = swept(&app_of(40, &patient), Some("2026-01-01T00:00:00Z"), 600).await;
    assert_eq!(
        (patient.ran().len(), &row["result"], &row["left"]),
        (250, &json!("swept"), &json!(false)),
        "{row}"
    );

    let script = script(|_| Do::Ok);
    let app = app_of(11, &script);
    for sweep in 0..40 {
        let row = swept(&app, (sweep == 0).then_some("2026-01-01T00:00:00Z"), 25).await;
        assert_eq!(row["failed"], 0, "{row}");
    }
    assert_eq!(script.ran().len(), 250);
}

/// A handler fails once. No sweep has the time for all pages, so each ends a round of the sweep before, and begins one.
#[tokio::test(start_paused = true)]
async fn what_failed_once_holds_the_watermark_no_longer_than_until_it_is_done() {
    let tries = AtomicUsize::new(0);
    let script = script(move |event| {
        let is_it = event.focus() == Some("Encounter/120");
        if is_it && tries.fetch_add(1, Ordering::Relaxed) == 0 { Do::Fail } else { Do::Ok }
    });
    let app = app_of(9, &script);
    let mut row = swept(&app, Some("2026-01-01T00:00:00Z"), 25).await;
    for _ in 0..40 {
        row = swept(&app, None, 25).await;
    }
    assert_eq!((script.ran().len(), &row["failed"]), (251, &json!(0)), "{row}");
    assert!(row["watermark"].as_str() > Some(&*at(7_000_000)), "{row}");
}
