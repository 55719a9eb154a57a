//! Links that a sweep has saved, and that lead nowhere when the next sweep follows them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::declaration::Declaration;
use crate::interaction::Interactions;
use crate::promises::kit::{
    Do, Front, REQUIRED, Reply, UNUSED, app, at, bundle, criteria, front, moment, outcome, page, parameter,
    reply, script, shared, swept,
};
use crate::sandbox::Behaviour;

const SINCE: Option<&str> = Some("2026-01-01T00:00:00Z");

/// The answers to a dead link.
const DEAD: [fn() -> Reply; 8] = [
    || reply(401, outcome()),
    || reply(403, outcome()),
    || reply(408, outcome()),
    || reply(500, outcome()),
    || reply(502, outcome()),
    || reply(504, outcome()),
    || reply(200, json!({ "resourceType": "Parameters" })),
    || Reply { delay: Duration::from_secs(3600), ..reply(200, bundle([])) },
];

/// A server that takes a second for an answer.
fn slow(status: u16, body: serde_json::Value) -> Reply {
    Reply { date: Some(moment(7_200_000)), delay: Duration::from_secs(1), ..reply(status, body) }
}

/// A server with a thousand resources of one moment, on ten pages. Its links have the number of an epoch, and `instead`
/// may answer for it.
fn server(
    epoch: &Arc<AtomicU64>,
    instead: impl Fn(&str, bool) -> Option<Reply> + Send + Sync + 'static,
) -> Front {
    let rows: Vec<_> = (0..1_000).map(|id| (id.to_string(), "1".to_owned(), 1000)).collect();
    let epoch = Arc::clone(epoch);
    front(move |asked| {
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        if !asked.starts_with("GET Encounter?") {
            return reply(404, outcome());
        }
        let epoch = epoch.load(Ordering::SeqCst).to_string();
        let is_dead = parameter(asked, "epoch").is_some_and(|known| known != epoch);
        if let Some(reply) = instead(asked, is_dead) {
            return reply;
        }
        let mut answer = page(&asked.replace(&format!("&epoch={epoch}"), ""), &rows);
        if let Some(link) = answer["link"][0]["url"].as_str().map(str::to_owned) {
            answer["link"][0]["url"] = json!(format!("{link}&epoch={epoch}"));
        }
        slow(200, answer)
    })
}

#[tokio::test(start_paused = true)]
async fn a_search_restarts_if_a_saved_link_is_dead() {
    for (number, dead) in DEAD.into_iter().enumerate() {
        let (script, epoch) = (script(|_| Do::Ok), Arc::new(AtomicU64::new(0)));
        let server = server(&epoch, move |_, is_dead| is_dead.then(dead));
        let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
        let mut row = swept(&app, SINCE, 10).await;
        assert_eq!(row["left"], true, "{number}: {row}");
        epoch.fetch_add(1, Ordering::SeqCst);
        let mut sweeps = 1;
        while row["left"] != false {
            assert!(sweeps < 8, "{number}: {row}");
            row = swept(&app, None, 25).await;
            assert_eq!(row["result"], "swept", "{number}: {row}");
            sweeps += 1;
        }
        assert_eq!(script.ran().len(), 1_000, "{number}: {row}");
    }
}

/// The server is busy, or does not answer for the first page either. Then the link may still be good.
#[tokio::test(start_paused = true)]
async fn a_saved_link_is_kept_if_nothing_shows_that_it_is_dead() {
    for (status, fails_everywhere) in [(429, false), (503, false), (500, true), (502, true)] {
        let (script, epoch) = (script(|_| Do::Ok), Arc::new(AtomicU64::new(0)));
        let (fails, requests) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<String>>>::default());
        let (of_server, journal) = (Arc::clone(&fails), Arc::clone(&requests));
        let server = server(&epoch, move |asked, _| {
            journal.lock().unwrap().push(asked.to_owned());
            let fails = of_server.load(Ordering::SeqCst) && (fails_everywhere || asked.contains("offset="));
            fails.then(|| reply(status, outcome()))
        });
        let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
        swept(&app, SINCE, 10).await;
        fails.store(true, Ordering::SeqCst);
        let row = swept(&app, None, 25).await;
        assert_eq!(row["result"], "failed", "{status}: {row}");
        fails.store(false, Ordering::SeqCst);
        requests.lock().unwrap().clear();
        let row = swept(&app, None, 25).await;
        let first = requests.lock().unwrap()[0].clone();
        assert!(first.contains("offset="), "{status}: the search restarted: {first}, {row}");
    }
}

/// The deletion is the last of 2,000 versions, on ten pages.
#[tokio::test(start_paused = true)]
async fn a_history_is_read_from_its_beginning_if_a_saved_link_is_dead() {
    const TOTAL: usize = 2_000;
    for (number, dead) in DEAD.into_iter().enumerate() {
        let (script, epoch) = (script(|_| Do::Ok), Arc::new(AtomicU64::new(0)));
        let of_server = Arc::clone(&epoch);
        let server = front(move |asked| {
            if asked.starts_with("GET Encounter?") || asked.starts_with("GET Subscription?") {
                return slow(200, bundle([]));
            }
            if !asked.starts_with("GET Encounter/_history?") {
                return slow(410, outcome());
            }
            let epoch = of_server.load(Ordering::SeqCst).to_string();
            if parameter(asked, "epoch").is_some_and(|known| known != epoch) {
                return dead();
            }
            let offset: usize = parameter(asked, "offset").map_or(0, |offset| offset.parse().unwrap());
            let entry = |number: usize| {
                let method = if number == TOTAL - 1 { "DELETE" } else { "PUT" };
                json!({
                    "request": { "method": method, "url": format!("Encounter/{number}") },
                    "response": { "status": "200", "etag": "W/\"2\"", "lastModified": at((TOTAL - number) as u64) },
                })
            };
            let entries: Vec<_> = (offset..TOTAL.min(offset + 200)).map(entry).collect();
            let mut answer = json!({ "resourceType": "Bundle", "type": "history", "entry": entries });
            if offset + 200 < TOTAL {
                let next = offset + 200;
                let url =
                    format!("https://fhir.example.org/r4/Encounter/_history?offset={next}&epoch={epoch}");
                answer["link"] = json!([{ "relation": "next", "url": url }]);
            }
            slow(200, answer)
        });
        let all = Interactions { create: true, update: true, delete: true };
        let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
        let app = app(Behaviour::Hapi, declaration, Some(shared()), server, &script, &[]);
        let mut row = swept(&app, SINCE, 10).await;
        assert_eq!(row["left"], true, "{number}: {row}");
        epoch.fetch_add(1, Ordering::SeqCst);
        let mut sweeps = 1;
        while row["left"] != false {
            assert!(sweeps < 8, "{number}: {row}");
            row = swept(&app, None, 60).await;
            assert_eq!(row["result"], "swept", "{number}: {row}");
            sweeps += 1;
        }
        assert_eq!(script.ran().len(), 1, "{number}: {row}");
    }
}

/// A search that restarts asks for large pages, which not every server allows.
#[tokio::test(start_paused = true)]
async fn a_search_restarts_on_a_server_that_refuses_large_pages() {
    let (script, epoch) = (script(|_| Do::Ok), Arc::new(AtomicU64::new(0)));
    let server = server(&epoch, move |asked, is_dead| {
        let is_large = parameter(asked, "_count").is_some_and(|count| count.parse::<u64>().unwrap() > 100);
        (is_dead || is_large).then(|| reply(if is_large { 400 } else { 410 }, outcome()))
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, SINCE, 10).await;
    epoch.fetch_add(1, Ordering::SeqCst);
    let mut row = json!({ "left": true });
    for _ in 0..3 {
        row = swept(&app, None, 60).await;
        assert_eq!(row["result"], "swept", "{row}");
    }
    assert_eq!((script.ran().len(), &row["left"]), (1_000, &json!(false)), "{row}");
}

/// The server stops in the middle of a sweep. The next sweep continues where this one was.
#[tokio::test(start_paused = true)]
async fn a_link_of_this_sweep_is_kept_if_the_first_page_fails_too() {
    let (script, epoch) = (script(|_| Do::Ok), Arc::new(AtomicU64::new(0)));
    let (down, requests) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<String>>>::default());
    let (of_server, journal) = (Arc::clone(&down), Arc::clone(&requests));
    let server = server(&epoch, move |asked, _| {
        journal.lock().unwrap().push(asked.to_owned());
        if asked.contains("offset=500") {
            of_server.store(true, Ordering::SeqCst);
        }
        of_server.load(Ordering::SeqCst).then(|| reply(500, outcome()))
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!(row["result"], "failed", "{row}");
    requests.lock().unwrap().clear();
    swept(&app, None, 60).await;
    let first = requests.lock().unwrap()[0].clone();
    assert!(first.contains("offset=500"), "the search restarted: {first}");
}
