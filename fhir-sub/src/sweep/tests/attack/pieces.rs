//! A sweep that takes several runs still ends.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::fhir::Instant;
use crate::fixtures::{declaration, leak};
use crate::interaction::Interactions;
use crate::promises::kit::{
    Do, Got, REQUIRED, Run, UNUSED, app, at, bundle, criteria, encounter, front, moment, otherwise, outcome,
    page, parameter, reply, script, shared, swept,
};
use crate::sandbox::Behaviour;
use crate::sweep::{SweepOptions, sweep};
use crate::testing::TestApp;

/// 8: 16,000 resources of one moment, 150 ms for each page, 25 s for each sweep over HTTP: do later changes
/// get their turn?
#[tokio::test(start_paused = true)]
async fn t08_one_moment_and_little_time() {
    let mut rows: Vec<_> = (0..16_000).map(|number| (number.to_string(), "1".to_owned(), 1000)).collect();
    rows.push(("late".to_owned(), "1".to_owned(), 3_600_000));
    let script = script(|_| Do::Ok);
    let server = front(move |asked| {
        let mut reply = if asked.starts_with("GET Encounter?") {
            reply(200, page(asked, &rows))
        } else {
            otherwise(asked)
        };
        reply.date = Some(moment(7_200_000));
        reply.delay = Duration::from_millis(150);
        reply
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let mut rows = Vec::new();
    for number in 0..20 {
        let since = (number == 0).then_some("2026-01-01T00:00:00Z");
        rows.push(swept(&app, since, 25).await);
    }
    let ran = script.ran();
    assert_eq!(rows[19]["left"], false, "20 sweeps, and the watermark is still at {}", rows[19]["watermark"]);
    assert!(ran.contains(&"Encounter/late@1".to_owned()), "late never had its turn");
}

/// 9: more than 100,000 resources of one moment, without a time limit.
#[tokio::test(start_paused = true)]
async fn t09_one_moment_of_more_than_a_hundred_thousand() {
    // The pages must be quick to serve: the rows are sorted, and only the offset counts.
    let script = script(|_| Do::Ok);
    let total = 100_300_usize;
    let server = front(move |asked| {
        if asked.starts_with("GET Encounter?") {
            let since = parameter(asked, "_lastUpdated").unwrap();
            let since = Instant::parse(since.strip_prefix("ge").unwrap()).unwrap();
            let offset: usize = parameter(asked, "offset").map_or(0, |offset| offset.parse().unwrap());
            let is_there = since <= Instant::from(moment(1000));
            let count = if is_there { total } else { 0 };
            let mut found: Vec<_> = (offset..count.min(offset + 100))
                .map(|number| encounter(&number.to_string(), Some("1"), 1000))
                .collect();
            if found.len() < 100 {
                found.push(encounter("late", Some("1"), 3_600_000));
            }
            let is_last = offset + 100 > count;
            let mut answer = bundle(found);
            if !is_last {
                let plain = asked.strip_prefix("GET ").unwrap().split("&offset").next().unwrap();
                answer["link"] = json!([{
                    "relation": "next",
                    "url": format!("https://fhir.example.org/r4/{plain}&offset={}", offset + 100),
                }]);
            }
            let mut reply = reply(200, answer);
            reply.date = Some(moment(7_200_000));
            return reply;
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    let row = swept(&app, Some("2026-01-01T00:00:00Z"), 86_400).await;
    let ran = script.ran();
    let mut once = ran.clone();
    once.sort();
    once.dedup();
    assert_eq!(row["left"], false);
}

/// 13: a deletion further back in the history than half of a sweep's time can reach.
#[tokio::test(start_paused = true)]
async fn t13_a_deletion_far_back() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| {
        let mut reply = if asked.starts_with("GET Encounter/_history") {
            let offset: usize = parameter(asked, "offset").map_or(0, |offset| offset.parse().unwrap());
            let total = 30_000_usize;
            let entry = |number: usize| {
                let is_deletion = number == total - 1;
                let (method, url) =
                    (if is_deletion { "DELETE" } else { "PUT" }, format!("Encounter/{number}"));
                json!({
                    "request": { "method": method, "url": url },
                    "response": { "status": "200", "etag": "W/\"2\"", "lastModified": at((total - number) as u64 * 10) },
                })
            };
            let entries: Vec<_> = (offset..total.min(offset + 200)).map(entry).collect();
            let mut links = Vec::new();
            if offset + 200 < total {
                let plain = asked.strip_prefix("GET ").unwrap().split("&offset").next().unwrap();
                links.push(json!({
                    "relation": "next",
                    "url": format!("https://fhir.example.org/r4/{plain}&offset={}", offset + 200),
                }));
            }
            reply(
                200,
                json!({ "resourceType": "Bundle", "type": "history", "link": links, "entry": entries }),
            )
        } else if asked.starts_with("GET Encounter?") || asked.starts_with("GET Subscription?") {
            reply(200, bundle([]))
        } else {
            reply(410, outcome())
        };
        reply.date = Some(moment(7_200_000));
        reply.delay = Duration::from_millis(150);
        reply
    });
    let all = Interactions { create: true, update: true, delete: true };
    let declaration = Declaration { interactions: all, ..criteria::<UNUSED>() };
    let app = app(Behaviour::Hapi, declaration, Some(shared()), server, &script, &[]);
    for number in 0..20 {
        let since = (number == 0).then_some("2026-01-01T00:00:00Z");
        swept(&app, since, 25).await;
    }
    assert_eq!(script.ran().len(), 1, "never found");
}

/// Six subscriptions are swept, four at a time. The handler of the first one hangs on each of its events until the sweep's
/// time is over.
#[tokio::test(start_paused = true)]
async fn a_subscription_that_takes_all_the_time_keeps_no_other_waiting() {
    let script = script(|event| {
        let hangs = event.focus().unwrap().starts_with("Encounter/");
        Do::Take(Duration::from_secs(if hangs { 3600 } else { 0 }))
    });
    let server = front(|asked| {
        if asked.starts_with("GET Encounter?") {
            let rows: Vec<_> =
                (0..100_u64).map(|number| (number.to_string(), "1".to_owned(), number)).collect();
            return reply(200, page(asked, &rows));
        }
        if asked.starts_with("GET Patient?") {
            let meta = json!({ "versionId": "1", "lastUpdated": at(1000) });
            return reply(200, bundle([json!({ "resourceType": "Patient", "id": "1", "meta": meta })]));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let patients = ["b", "c", "d", "e", "f"]
        .map(|endpoint| declaration::<Got<REQUIRED>, Run>("Patient?active=true", endpoint));
    let encounters = declaration::<Got<REQUIRED>, Run>("Encounter?status=arrived", "a");
    let declarations = leak(std::iter::once(encounters).chain(patients));
    let builder = TestApp::builder(Behaviour::Hapi, declarations).store(shared());
    let app = builder.transport(Arc::new(server)).state(Arc::clone(&script)).build().unwrap();
    let options = SweepOptions { since: Instant::parse("2026-01-01T00:00:00Z"), endpoint: None };
    let report = sweep(&app, &options, Deadline::after(Duration::from_secs(60)), None).await;
    let patients = script.ran().iter().filter(|line| line.starts_with("Patient/")).count();
    assert_eq!(patients, 5, "{}", report.to_json());
    let endpoints: Vec<_> = report.subscriptions.iter().map(|row| row.endpoint).collect();
    assert_eq!(endpoints, ["a", "b", "c", "d", "e", "f"]);
}
