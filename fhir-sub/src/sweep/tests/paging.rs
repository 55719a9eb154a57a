//! Pages that shift, and servers with a sort order or a clock of their own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::{Content, Declaration};
use crate::fhir::Instant;
use crate::fixtures::scripted::{REQUIRED, Scripted, criteria};
use crate::sweep::{SweepOptions, sweep};

/// A server with pages that count places in its current content, and that writes while it is read.
#[derive(Clone, Default)]
struct Server {
    encounters: Arc<Mutex<Vec<(String, i64)>>>,
    /// The changes: after how many pages, and when.
    writes: Arc<Mutex<Vec<(usize, String)>>>,
    pages: Arc<Mutex<usize>>,
    is_unsorted: bool,
    clock: Arc<Mutex<i64>>,
}

const PAGE: usize = 3;

fn at(second: i64) -> String {
    format!("2026-01-01T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60)
}

impl Server {
    fn with(count: usize) -> Self {
        let server = Self::default();
        *server.encounters.lock().unwrap() =
            (0..count).map(|number| (number.to_string(), number as i64 * 300)).collect();
        *server.clock.lock().unwrap() = count as i64 * 300 + 600;
        server
    }

    fn answer(&self, asked: &str) -> (u16, Value) {
        let Some(query) = asked.strip_prefix("GET Encounter?") else { return (404, json!(null)) };
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let since = Instant::parse(parameter("_lastUpdated").unwrap().strip_prefix("ge").unwrap()).unwrap();
        let offset: usize = parameter("offset").map_or(0, |offset| offset.parse().unwrap());
        let mut found = self.encounters.lock().unwrap().clone();
        found.retain(|(_, second)| Instant::parse(&at(*second)).unwrap() >= since);
        if !self.is_unsorted {
            found.sort_by_key(|(_, second)| *second);
        }
        let entry = |(id, second): &(String, i64)| {
            let meta = json!({ "versionId": second.to_string(), "lastUpdated": at(*second) });
            json!({ "resource": { "resourceType": "Encounter", "id": id, "meta": meta } })
        };
        let entries: Vec<_> = found.iter().skip(offset).take(PAGE).map(entry).collect();
        let mut links = Vec::new();
        if offset + PAGE < found.len() {
            let plain = query.split("&offset").next().unwrap();
            let url = format!("https://fhir.example.org/r4/Encounter?{plain}&offset={}", offset + PAGE);
            links.push(json!({ "relation": "next", "url": url }));
        }
        let mut pages = self.pages.lock().unwrap();
        *pages += 1;
        for (_, id) in self.writes.lock().unwrap().extract_if(.., |(after, _)| *after == *pages) {
            let mut clock = self.clock.lock().unwrap();
            *clock += 1;
            let mut encounters = self.encounters.lock().unwrap();
            encounters.retain(|(other, _)| *other != id);
            encounters.push((id, *clock));
        }
        (200, json!({ "resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries }))
    }
}

fn handler() -> Declaration {
    Declaration { content: Content::FullResource, ..criteria::<REQUIRED>("Encounter?") }
}

async fn run(app: &App, since: &str) -> Value {
    let options = SweepOptions { since: Instant::parse(since), endpoint: None };
    let report = sweep(app, &options, Deadline::after(Duration::from_secs(600)), None).await;
    serde_json::from_str::<Value>(&report.to_json()).unwrap()["subscriptions"][0].clone()
}

/// Checks that every encounter is handled once, in its last version, while the server writes `writes`.
async fn check(server: Server) -> Value {
    let answering = server.clone();
    let test = Scripted::new(handler(), move |asked| answering.answer(asked));
    let row = run(&test.app, &at(0)).await;
    let ran = test.ran();
    for (id, second) in server.encounters.lock().unwrap().iter() {
        let line = format!("Encounter/{id}@{second} {{…}}");
        assert_eq!(ran.iter().filter(|other| **other == line).count(), 1, "{line} in {ran:?}, {row}");
    }
    assert_eq!(row["result"], "swept", "{row}");
    row
}

#[tokio::test(start_paused = true)]
async fn pages_that_shift_are_read_again() {
    for is_unsorted in [false, true] {
        let server = Server { is_unsorted, ..Server::with(10) };
        // These resources leave the first page while the second one is read.
        *server.writes.lock().unwrap() = vec![(1, "0".into()), (2, "1".into()), (3, "4".into())];
        let row = check(server).await;
        assert_eq!(row["left"], false, "{row}");
    }
}

/// Two passes miss the same resource, and the second one shows nothing new.
#[tokio::test(start_paused = true)]
async fn a_resource_that_two_passes_miss_is_found() {
    let server = Server::with(11);
    let writes = [(2, "0"), (4, "1"), (4, "2"), (5, "3")];
    *server.writes.lock().unwrap() = writes.into_iter().map(|(page, id)| (page, id.to_owned())).collect();
    check(server).await;
}

#[tokio::test(start_paused = true)]
async fn the_watermark_passes_nothing_unseen_where_pages_never_stand_still() {
    let server = Server::with(10);
    *server.writes.lock().unwrap() = (1..200).map(|page| (page, (page % 10).to_string())).collect();
    let answering = server.clone();
    let test = Scripted::new(handler(), move |asked| answering.answer(asked));
    let row = run(&test.app, &at(0)).await;
    server.writes.lock().unwrap().clear();
    let mut ran = test.ran();
    let options = SweepOptions::default();
    let report = sweep(&test.app, &options, Deadline::after(Duration::from_secs(600)), None).await;
    assert!(report.is_sound() && !report.subscriptions[0].left, "{row} {report:?}");
    ran.extend(test.ran());
    for (id, second) in server.encounters.lock().unwrap().iter() {
        let line = format!("Encounter/{id}@{second} {{…}}");
        assert_eq!(ran.iter().filter(|other| **other == line).count(), 1, "{line} in {ran:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_sort_is_read_to_the_end() {
    let server = Server { is_unsorted: true, ..Server::with(0) };
    *server.encounters.lock().unwrap() =
        [7, 3, 9, 1, 8, 2, 6].into_iter().map(|number: i64| (number.to_string(), number * 300)).collect();
    let row = check(server).await;
    assert_eq!(row["watermark"], at(2700), "{row}");
}

#[tokio::test(start_paused = true)]
async fn what_was_all_changed_at_one_moment_is_read_to_its_end() {
    let server = Server::with(0);
    let mut encounters: Vec<_> = (0..10).map(|number| (number.to_string(), 300)).collect();
    encounters.extend((10..15).map(|number: i64| (number.to_string(), 300 * number)));
    *server.encounters.lock().unwrap() = encounters;
    let row = check(server).await;
    assert_eq!(row["watermark"], at(4200), "{row}");
}
