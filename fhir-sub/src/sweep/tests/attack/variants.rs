//! Servers that misbehave in similar ways.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::declaration::Declaration;
use crate::interaction::Interactions;
use crate::promises::kit::{
    Do, REQUIRED, Reply, UNUSED, app, at, bundle, criteria, encounter, front, moment, otherwise, outcome,
    page, parameter, reply, script, shared, swept,
};
use crate::sandbox::Behaviour;

const SINCE: Option<&str> = Some("2026-01-01T00:00:00Z");

fn dated(mut reply: Reply, milliseconds: u64) -> Reply {
    reply.date = Some(moment(milliseconds));
    reply
}

/// A page of rows, in their own order.
fn unsorted_page(asked: &str, rows: &[(String, u64)]) -> Value {
    let offset: usize = parameter(asked, "offset").map_or(0, |offset| offset.parse().unwrap());
    let shown = rows.iter().skip(offset).take(100);
    let mut answer = bundle(shown.map(|(id, time)| encounter(id, Some("1"), *time)));
    if offset + 100 < rows.len() {
        let plain = asked.strip_prefix("GET ").unwrap().split("&offset").next().unwrap();
        let url = format!("https://fhir.example.org/r4/{plain}&offset={}", offset + 100);
        answer["link"] = json!([{ "relation": "next", "url": url }]);
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn pages_in_order_of_ids_that_look_sorted() {
    let mut rows: Vec<_> = (0..300).map(|number| (format!("e{number}"), number * 1000)).collect();
    // A migration has changed the end of the first page, and all of the second.
    rows[99..200].iter_mut().for_each(|row| row.1 += 900_000);
    let script = script(|_| Do::Ok);
    let server = front(move |asked| match asked {
        _ if asked.starts_with("GET Encounter?") => dated(reply(200, unsorted_page(asked, &rows)), 7_200_000),
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 600).await;
    assert_eq!((script.ran().len(), &row["left"]), (300, &json!(false)), "{row}");
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_where_the_last_one_was_stopped() {
    let rows: Arc<Vec<_>> = Arc::new((0..4_000).map(|id| (id.to_string(), "1".to_owned(), 1000)).collect());
    let (script, store) = (script(|_| Do::Ok), shared());
    let pages = Arc::new(AtomicU64::new(0));
    let mut sweeps = 0;
    loop {
        let (rows, counting) = (Arc::clone(&rows), Arc::clone(&pages));
        let server = front(move |asked| {
            let mut reply = match asked {
                _ if asked.starts_with("GET Encounter?") => {
                    counting.fetch_add(1, Ordering::Relaxed);
                    reply(200, page(asked, &rows))
                }
                _ => otherwise(asked),
            };
            reply.delay = Duration::from_secs(1);
            dated(reply, 7_200_000)
        });
        let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, &[]);
        let row = swept(&app, SINCE.filter(|_| sweeps == 0), 25).await;
        sweeps += 1;
        if row["left"] == false {
            break;
        }
        assert!(sweeps < 20, "{row}");
    }
    assert_eq!(script.ran().len(), 4_000);
    // Forty pages are read twice, and the sweeps do not read them again.
    assert!(pages.load(Ordering::Relaxed) <= 80 + sweeps, "{sweeps} sweeps");
}

#[tokio::test(start_paused = true)]
async fn links_that_are_forgotten_between_two_sweeps() {
    let rows: Vec<_> = (0..4_000).map(|id: u64| (id.to_string(), "1".to_owned(), id * 10)).collect();
    let script = script(|_| Do::Ok);
    let epoch = Arc::new(AtomicU64::new(0));
    let of_server = Arc::clone(&epoch);
    let server = front(move |asked| {
        let epoch = of_server.load(Ordering::Relaxed).to_string();
        let mut reply = match asked {
            _ if parameter(asked, "epoch").is_some_and(|known| known != epoch) => reply(410, outcome()),
            _ if asked.starts_with("GET Encounter?") => {
                let mut answer = page(&asked.replace(&format!("&epoch={epoch}"), ""), &rows);
                if let Some(link) = answer["link"][0]["url"].as_str().map(str::to_owned) {
                    answer["link"][0]["url"] = json!(format!("{link}&epoch={epoch}"));
                }
                reply(200, answer)
            }
            _ => otherwise(asked),
        };
        reply.delay = Duration::from_secs(1);
        dated(reply, 7_200_000)
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let mut row = swept(&app, SINCE, 25).await;
    for _ in 0..20 {
        epoch.fetch_add(1, Ordering::Relaxed);
        row = swept(&app, None, 25).await;
    }
    assert_eq!((script.ran().len(), &row["left"]), (4_000, &json!(false)), "{row}");
}

/// Ten pages look sorted, the last page has the oldest changes, and the server forgets its links meanwhile.
#[tokio::test(start_paused = true)]
async fn links_that_are_forgotten_by_a_server_that_does_not_sort() {
    let mut rows: Vec<_> = (0..1_000).map(|id| (format!("new-{id}"), 1_000_000 + id * 10)).collect();
    rows.extend((0..50).map(|id| (format!("old-{id}"), 500_000 + id)));
    let script = script(|_| Do::Ok);
    let epoch = Arc::new(AtomicU64::new(0));
    let of_server = Arc::clone(&epoch);
    let server = front(move |asked| {
        let epoch = of_server.load(Ordering::Relaxed).to_string();
        let mut reply = match asked {
            _ if parameter(asked, "epoch").is_some_and(|known| known != epoch) => reply(410, outcome()),
            _ if asked.starts_with("GET Encounter?") => {
                let mut answer = unsorted_page(&asked.replace(&format!("&epoch={epoch}"), ""), &rows);
                if let Some(link) = answer["link"][0]["url"].as_str().map(str::to_owned) {
                    answer["link"][0]["url"] = json!(format!("{link}&epoch={epoch}"));
                }
                reply(200, answer)
            }
            _ => otherwise(asked),
        };
        reply.delay = Duration::from_secs(1);
        dated(reply, 7_200_000)
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    swept(&app, SINCE, 10).await;
    for _ in 0..5 {
        epoch.fetch_add(1, Ordering::Relaxed);
        swept(&app, None, 10).await;
    }
    let row = swept(&app, None, 600).await;
    assert_eq!((script.ran().len(), &row["left"]), (1_050, &json!(false)), "{row}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_a_crowd_holds_up_no_other() {
    static FAILS: AtomicBool = AtomicBool::new(true);
    let mut rows: Vec<_> = (0..1_000).map(|id| (id.to_string(), "1".to_owned(), 1000)).collect();
    rows.push(("late".to_owned(), "1".to_owned(), 600_000));
    let script = script(|event| {
        let is_bad = event.focus() == Some("Encounter/500") && FAILS.load(Ordering::Relaxed);
        if is_bad { Do::Fail } else { Do::Ok }
    });
    let server = front(move |asked| match asked {
        _ if asked.starts_with("GET Encounter?") => dated(reply(200, page(asked, &rows)), 7_200_000),
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 600).await;
    assert_eq!((&row["failed"], row["watermark"].as_str()), (&json!(1), Some(&*at(1000))), "{row}");
    assert!(script.ran().contains(&"Encounter/late@1".to_owned()));
    FAILS.store(false, Ordering::Relaxed);
    let row = swept(&app, None, 600).await;
    assert_eq!((script.ran(), &row["failed"]), (vec!["Encounter/500@1".to_owned()], &json!(0)), "{row}");
    assert!(row["watermark"].as_str() > Some(&*at(600_000)), "{row}");
}

#[tokio::test(start_paused = true)]
async fn links_that_lead_nowhere_are_told() {
    for (is_empty, told) in [(false, "the same page again"), (true, "empty pages")] {
        let number = AtomicU64::new(0);
        let script = script(|_| Do::Ok);
        let server = front(move |asked| match asked {
            _ if asked.starts_with("GET Encounter?") => {
                let next = number.fetch_add(1, Ordering::Relaxed);
                let mut answer = bundle((!is_empty).then(|| encounter("1", Some("1"), 1000)));
                let url = format!("https://fhir.example.org/r4/Encounter?page={next}");
                answer["link"] = json!([{ "relation": "next", "url": url }]);
                reply(200, answer)
            }
            _ => otherwise(asked),
        });
        let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
        let row = swept(&app, SINCE, 86_400).await;
        assert_eq!(row["result"], "failed", "{row}");
        assert!(row["notes"].to_string().contains(told), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn odd_ids_are_told_and_hold_up_nothing() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            let mut unversioned = encounter("plain", None, 1000);
            unversioned["meta"] = json!({});
            let included = json!({ "resourceType": "Patient", "id": "1" });
            let found =
                [encounter("a_b", Some("1"), 1000), encounter("2", Some("1"), 2000), unversioned, included];
            dated(reply(200, bundle(found)), 600_000)
        }
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!(script.ran(), ["Encounter/2@1", "Encounter/plain@-"]);
    let notes = row["notes"].to_string();
    assert!(notes.contains("1 of what the server shows has no id"), "{row}");
    assert!(notes.contains("1 of what the server shows has neither"), "{row}");
    assert!(row["watermark"].as_str() > Some(&*at(2000)), "{row}");
}

/// FHIR forbids such an entry. If it counted as nothing, the watermark would pass the resource.
#[tokio::test(start_paused = true)]
async fn an_entry_without_its_resource_is_not_passed_over() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            let mut answer = bundle([encounter("1", Some("1"), 1000)]);
            let nothing = json!({ "fullUrl": "https://fhir.example.org/r4/Encounter/2", "search": { "mode": "match" } });
            answer["entry"].as_array_mut().unwrap().push(nothing);
            dated(reply(200, answer), 600_000)
        }
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!(row["result"], "failed", "{row}");
}

/// Nothing but the names tells one page from the next.
#[tokio::test(start_paused = true)]
async fn pages_of_a_server_without_versions_and_times_are_told_apart() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            let rows: Vec<_> = (0..250).map(|id| (id.to_string(), "1".to_owned(), 1000)).collect();
            let mut answer = page(asked, &rows);
            for entry in answer["entry"].as_array_mut().unwrap() {
                entry["resource"].as_object_mut().unwrap().remove("meta");
            }
            dated(reply(200, answer), 600_000)
        }
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!((&row["result"], script.ran().len()), (&json!("swept"), 250), "{row}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_to_sort_is_asked_without() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.contains("_sort") => reply(400, outcome()),
        _ if asked.starts_with("GET Encounter?") => reply(200, bundle([encounter("1", Some("1"), 1000)])),
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!((&row["result"], script.ran().len()), (&json!("swept"), 1), "{row}");
}

#[tokio::test(start_paused = true)]
async fn a_search_without_links_to_all_that_it_finds() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            let mut answer = bundle([encounter("1", Some("1"), 1000)]);
            answer["total"] = json!(2);
            dated(reply(200, answer), 600_000)
        }
        _ => otherwise(asked),
    });
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!((&row["left"], row["watermark"].as_str()), (&json!(true), Some(&*at(0))), "{row}");
    assert!(row["notes"].to_string().contains("finds 2 resources, shows 1"), "{row}");
}

/// A handler of deletions only, on a server like Medplum, which has no history of a type.
#[tokio::test(start_paused = true)]
async fn deletions_of_a_server_without_a_history_of_the_type() {
    let asked_for: Arc<Mutex<Vec<String>>> = Arc::default();
    let script = script(|_| Do::Ok);
    let of_server = Arc::clone(&asked_for);
    let server = front(move |asked| {
        if asked.starts_with("GET Encounter") {
            of_server.lock().unwrap().push(asked.to_owned());
        }
        match asked {
            _ if asked.starts_with("GET Encounter?") && asked.contains("_deleted=true") => {
                let gone = |id: &str| json!({ "resourceType": "Encounter", "id": id, "meta": { "lastUpdated": at(60_000) } });
                dated(reply(200, bundle([gone("gone"), gone("back")])), 600_000)
            }
            _ if asked.starts_with("GET Encounter?") => {
                reply(200, bundle([encounter("living", Some("1"), 60_000)]))
            }
            "GET Encounter/gone" => reply(410, outcome()),
            "GET Encounter/back" => reply(200, encounter("back", Some("3"), 120_000)),
            _ => otherwise(asked),
        }
    });
    let deletions = Interactions { create: false, update: false, delete: true };
    let declaration = Declaration { interactions: deletions, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Medplum, declaration, Some(shared()), server, &script, &[]);
    let row = swept(&app, SINCE, 60).await;
    assert_eq!(script.ran(), ["Encounter/gone@-"], "{row}");
    assert_eq!(
        (&row["result"], &row["failed"], &row["left"]),
        (&json!("swept"), &json!(0), &json!(false)),
        "{row}"
    );
    let asked = std::mem::take(&mut *asked_for.lock().unwrap());
    assert!(
        asked.iter().any(|asked| asked.contains("_deleted=true") && asked.contains("_sort=_lastUpdated"))
    );
    assert!(asked.iter().all(|asked| !asked.contains("status=arrived")), "{asked:?}");
}

/// Medplum shows a hundred versions of a history, says how many there are, and has no link to more. Both pages begin with
/// the same resource. If the server says no versions, the times show that these are two pages.
#[tokio::test(start_paused = true)]
async fn a_history_without_links_to_all_that_it_has() {
    for (heeds_offset, has_versions) in [(false, true), (true, true), (true, false)] {
        let script = script(|_| Do::Ok);
        let server = front(move |asked| {
            if !asked.starts_with("GET Encounter/_history") {
                return if asked.starts_with("GET Encounter?") {
                    reply(200, bundle([]))
                } else {
                    reply(410, outcome())
                };
            }
            let offset = parameter(asked, "_offset").filter(|_| heeds_offset);
            let offset = offset.map_or(0, |offset| offset.parse().unwrap());
            let entry = |number: u64| {
                let method = if number == 110 { "DELETE" } else { "PUT" };
                let id = if number == 100 { 0 } else { number };
                let etag = has_versions.then(|| format!("W/\"{}\"", 200 - number));
                json!({
                    "request": { "method": method, "url": format!("Encounter/{id}") },
                    "response": { "status": "200", "etag": etag, "lastModified": at(600_000 - number) },
                })
            };
            let entries: Vec<_> = (offset..111.min(offset + 100)).map(entry).collect();
            let history =
                json!({ "resourceType": "Bundle", "type": "history", "total": 111, "entry": entries });
            dated(reply(200, history), 700_000)
        });
        let all = Interactions { create: true, update: true, delete: true };
        let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
        let app = app(Behaviour::Generic, declaration, Some(shared()), server, &script, &[]);
        let row = swept(&app, SINCE, 60).await;
        let is_told = row["notes"].to_string().contains("more versions than the 100");
        assert_eq!((script.ran().len() == 1, is_told), (heeds_offset, !heeds_offset), "{row}");
        assert_eq!(row["left"], !heeds_offset, "{row}");
    }
}

/// The first page of such a history ends a sweep. The next one asks for the second page, and gets the first one again, also after a
/// new version.
#[tokio::test(start_paused = true)]
async fn a_history_that_shows_its_first_page_again_to_the_next_sweep() {
    for more in [0, 1] {
        let (script, asked_for) = (script(|_| Do::Take(Duration::from_secs(8))), Arc::new(AtomicU64::new(0)));
        let of_server = Arc::clone(&asked_for);
        let server = front(move |asked| {
            if asked.starts_with("GET Encounter?") {
                return dated(reply(200, bundle([])), 700_000);
            }
            if !asked.starts_with("GET Encounter/_history") {
                return reply(410, outcome());
            }
            let newer = if of_server.fetch_add(1, Ordering::SeqCst) == 0 { 0 } else { more };
            let entry = |number: u64| {
                let method = if number.is_multiple_of(25) { "DELETE" } else { "PUT" };
                json!({
                    "request": { "method": method, "url": format!("Encounter/{number}") },
                    "response": { "status": "200", "etag": "W/\"2\"", "lastModified": at(600_000 - number) },
                })
            };
            let entries: Vec<_> = (1 - newer..101 - newer).map(entry).collect();
            let history =
                json!({ "resourceType": "Bundle", "type": "history", "total": 250, "entry": entries });
            dated(reply(200, history), 700_000)
        });
        let interactions = Interactions { create: false, update: false, delete: true };
        let declaration = Declaration { interactions, ..criteria::<UNUSED>() };
        let app = app(Behaviour::Generic, declaration, Some(shared()), server, &script, &[]);
        let mut since = SINCE;
        let mut notes = String::new();
        for _ in 0..6 {
            let row = swept(&app, since.take(), 20).await;
            notes += &row["notes"].to_string();
        }
        assert!(notes.contains("more versions than the 100"), "{more}: {notes}");
    }
}

/// Between two sweeps, so many new versions come that the place of the second page has the first page's versions.
#[tokio::test(start_paused = true)]
async fn a_history_without_links_that_grows_between_two_sweeps() {
    let (script, has_grown) =
        (script(|_| Do::Take(Duration::from_secs(8))), Arc::new(AtomicBool::new(false)));
    let grows = Arc::clone(&has_grown);
    let server = front(move |asked| {
        if asked.starts_with("GET Encounter?") {
            return dated(reply(200, bundle([])), 700_000);
        }
        if !asked.starts_with("GET Encounter/_history") {
            return reply(410, outcome());
        }
        let offset: i64 = parameter(asked, "_offset").map_or(0, |offset| offset.parse().unwrap());
        let newest = if grows.load(Ordering::SeqCst) { -149 } else { 1 };
        let entry = |number: i64| {
            let method = if number % 25 == 0 { "DELETE" } else { "PUT" };
            let written = at(u64::try_from(600_000 - number).unwrap());
            json!({
                "request": { "method": method, "url": format!("Encounter/{}", number + 1000) },
                "response": { "status": "200", "etag": "W/\"2\"", "lastModified": written },
            })
        };
        grows.fetch_or(offset > 0, Ordering::SeqCst);
        let entries: Vec<_> = (newest + offset..251.min(newest + offset + 100)).map(entry).collect();
        let history =
            json!({ "resourceType": "Bundle", "type": "history", "total": 251 - newest, "entry": entries });
        dated(reply(200, history), 700_000)
    });
    let interactions = Interactions { create: false, update: false, delete: true };
    let declaration = Declaration { interactions, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Generic, declaration, Some(shared()), server, &script, &[]);
    let mut since = SINCE;
    for _ in 0..20 {
        let row = swept(&app, since.take(), 20).await;
        assert!(!row["notes"].to_string().contains("more versions"), "{row}");
    }
    assert!(has_grown.load(Ordering::SeqCst));
    let mut ran = script.ran();
    ran.sort();
    ran.dedup();
    assert_eq!(ran.len(), 16, "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn an_overlap_that_is_set_reaches_as_far_back() {
    let script = script(|_| Do::Ok);
    let is_visible = Arc::new(AtomicBool::new(false));
    let of_server = Arc::clone(&is_visible);
    let server = front(move |asked| match asked {
        _ if asked.starts_with("GET Encounter?") => {
            // A transaction of a quarter of an hour.
            let rows = [("slow".to_owned(), "1".to_owned(), 300_000)];
            let rows = if of_server.load(Ordering::Relaxed) { &rows[..] } else { &[] };
            dated(reply(200, page(asked, rows)), 1_200_000)
        }
        _ => otherwise(asked),
    });
    let set = [("FHIR_SUBSCRIPTION_SWEEP_OVERLAP", "20m")];
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(shared()), server, &script, &set);
    swept(&app, SINCE, 60).await;
    is_visible.store(true, Ordering::Relaxed);
    swept(&app, None, 60).await;
    assert_eq!(script.ran().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn pages_that_take_most_of_the_time() {
    let rows: Vec<_> = (0..250).map(|id: u64| (id.to_string(), "1".to_owned(), id * 10)).collect();
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        let mut reply = match asked {
            _ if asked.starts_with("GET Encounter?") => reply(200, page(asked, &rows)),
            _ => otherwise(asked),
        };
        reply.delay = Duration::from_secs(10);
        dated(reply, 7_200_000)
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let mut row = swept(&app, SINCE, 25).await;
    for _ in 0..40 {
        row = swept(&app, None, 25).await;
    }
    // Each sweep ends a round that another one began, and has no time to look at later changes.
    assert_eq!((script.ran().len(), &row["failed"]), (250, &json!(0)), "{row}");
    assert!(row["watermark"].as_str() > Some(&*at(7_000_000)), "{row}");
}
