//! More incomplete answers, changes that become visible late, and sweeps that die.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::promises::kit::{
    Do, REQUIRED, Reply, app, at, criteria, front, moment, otherwise, page, reply, script, shared, swept,
};
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, StoreBackend};

const SINCE: Option<&str> = Some("2026-01-01T00:00:00Z");

#[tokio::test(start_paused = true)]
async fn a_later_page_that_is_answered_in_part() {
    for issue in [
        json!({ "severity": "fatal", "code": "exception" }),
        json!({ "severity": "warning", "code": "incomplete" }),
        json!({ "severity": "warning", "code": "timeout" }),
    ] {
        let rows: Vec<_> =
            (0..150).map(|number: u64| (number.to_string(), "1".to_owned(), number * 10)).collect();
        let (script, is_partial) = (script(|_| Do::Ok), Arc::new(AtomicBool::new(true)));
        let (says, of_server) = (issue.clone(), Arc::clone(&is_partial));
        let server = front(move |asked| {
            if !asked.starts_with("GET Encounter?") {
                return otherwise(asked);
            }
            let mut answer = page(asked, &rows);
            if asked.contains("offset=100") && of_server.load(Ordering::Relaxed) {
                let outcome = json!({ "resourceType": "OperationOutcome", "issue": [says] });
                answer["entry"] = json!([{ "search": { "mode": "outcome" }, "resource": outcome }]);
            }
            Reply { date: Some(moment(7_200_000)), ..reply(200, answer) }
        });
        let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
        let row = swept(&app, SINCE, 60).await;
        assert_eq!((&row["result"], row["watermark"].as_str()), (&json!("failed"), Some(&*at(0))), "{row}");
        is_partial.store(false, Ordering::Relaxed);
        for _ in 0..3 {
            swept(&app, None, 60).await;
        }
        assert_eq!(script.ran().len(), 150, "{issue}");
    }
}

/// A transaction that took a minute is committed after a sweep has handled a younger change.
#[tokio::test(start_paused = true)]
async fn a_change_that_becomes_visible_behind_the_watermark() {
    let state = Arc::new(Mutex::new((660_000, vec![("young".to_owned(), "1".to_owned(), 600_000)])));
    let (script, of_server) = (script(|_| Do::Ok), Arc::clone(&state));
    let server = front(move |asked| {
        if !asked.starts_with("GET Encounter?") {
            return otherwise(asked);
        }
        let (date, rows) = of_server.lock().unwrap().clone();
        Reply { date: Some(moment(date)), ..reply(200, page(asked, &rows)) }
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, SINCE, 60).await;
    assert_eq!(script.ran(), ["Encounter/young@1"]);
    state.lock().unwrap().1.push(("late".to_owned(), "1".to_owned(), 590_000));
    for minute in 0..4 {
        state.lock().unwrap().0 = 690_000 + minute * 60_000;
        swept(&app, None, 60).await;
    }
    assert_eq!(script.ran(), ["Encounter/late@1"]);
}

/// Each sweep is killed while it waits for a page, and another process goes on.
#[tokio::test(start_paused = true)]
async fn a_crowd_of_one_moment_and_sweeps_that_die() {
    let rows: Arc<Vec<_>> = Arc::new((0..2_000).map(|id| (id.to_string(), "1".to_owned(), 1000)).collect());
    let (start, began) = (SystemTime::now(), tokio::time::Instant::now());
    let store: Arc<dyn StoreBackend> =
        Arc::new(MemoryStore::shared(Arc::new(move || start + began.elapsed())));
    let (script, mut deaths) = (script(|_| Do::Ok), 0);
    loop {
        let rows = Arc::clone(&rows);
        let server = front(move |asked| {
            let answer = match asked {
                _ if asked.starts_with("GET Encounter?") => reply(200, page(asked, &rows)),
                _ => otherwise(asked),
            };
            Reply { date: Some(moment(7_200_000)), delay: Duration::from_secs(1), ..answer }
        });
        let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, &[]);
        let sweep = swept(&app, SINCE.filter(|_| deaths == 0), 60);
        match tokio::time::timeout(Duration::from_millis(9_500), sweep).await {
            Ok(row) if row["left"] == false && row["failed"] == 0 => break,
            Ok(row) => panic!("{row}"),
            Err(_killed) => deaths += 1,
        }
        assert!(deaths < 20, "no sweep ends");
        // The lease of the sweep that died expires.
        tokio::time::sleep(Duration::from_secs(90)).await;
    }
    let mut ran = script.ran();
    assert!(deaths > 3 && ran.len() == 2_000, "{deaths} deaths, {} runs", ran.len());
    ran.sort();
    ran.dedup();
    assert_eq!(ran.len(), 2_000);
}
