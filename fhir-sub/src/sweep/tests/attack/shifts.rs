//! Links that fail while pages shift.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::promises::kit::{
    Do, REQUIRED, Reply, app, at, criteria, front, moment, otherwise, outcome, page, parameter, reply,
    script, shared, swept,
};
use crate::sandbox::Behaviour;

const SINCE: Option<&str> = Some("2026-01-01T00:00:00Z");

/// So many rows, each a second younger than the one before.
fn rows(count: u64) -> Vec<(String, String, u64)> {
    (0..count).map(|id| (id.to_string(), "1".to_owned(), id * 1000)).collect()
}

/// After the first page, a resource on it changes, so each later resource moves up by one place. The fourth page then
/// fails once, and the sweep goes on at the last change that it has read.
#[tokio::test(start_paused = true)]
async fn a_page_that_fails_while_pages_shift_hides_no_change() {
    let rows = Mutex::new(rows(500));
    let (is_changed, has_failed) = (AtomicBool::new(false), AtomicBool::new(false));
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        if !asked.starts_with("GET Encounter?") {
            return otherwise(asked);
        }
        let is_fourth = parameter(asked, "offset").as_deref() == Some("300");
        if is_fourth && !has_failed.swap(true, Ordering::SeqCst) {
            return reply(500, outcome());
        }
        let mut rows = rows.lock().unwrap();
        let answer = page(asked, &rows);
        if !is_changed.swap(true, Ordering::SeqCst) {
            rows[50] = ("50".to_owned(), "2".to_owned(), 7_100_000);
        }
        Reply { date: Some(moment(7_200_000)), ..reply(200, answer) }
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 600).await;
    let ran = script.ran();
    assert!(ran.contains(&"Encounter/100@1".to_owned()), "it is lost: {row}");
    // The changed resource is handled in both versions.
    assert_eq!((ran.len(), &row["result"], &row["left"]), (501, &json!("swept"), &json!(false)), "{row}");
}

/// The fourth page of each search fails, as long as the server runs.
#[tokio::test(start_paused = true)]
async fn a_page_that_always_fails_holds_up_a_few_sweeps_only() {
    let rows = rows(1_000);
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        if !asked.starts_with("GET Encounter?") {
            return otherwise(asked);
        }
        if parameter(asked, "offset").as_deref() == Some("300") {
            return reply(500, outcome());
        }
        Reply { date: Some(moment(7_200_000)), ..reply(200, page(asked, &rows)) }
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let mut row = swept(&app, SINCE, 600).await;
    let mut sweeps = 1;
    while row["result"] != "swept" || row["left"] != false {
        assert!(sweeps < 6, "{row}");
        row = swept(&app, None, 600).await;
        sweeps += 1;
    }
    assert_eq!(script.ran().len(), 1_000, "{row}");
    assert!(row["watermark"].as_str() > Some(&*at(999_000)), "{row}");
}
