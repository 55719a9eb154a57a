use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::declaration::{Content, Declaration, Trust};
use crate::fhir::Instant;
use crate::fixtures::scripted::{
    Fails, OPTIONAL, REQUIRED, Scripted, UNUSED, criteria, event, notification, topic,
};

/// A server's Encounters, which answers searches and reads.
#[derive(Clone, Default)]
struct Encounters(Arc<Mutex<Vec<Value>>>);

impl Encounters {
    /// Writes a version, last changed so many seconds ago.
    fn write(&self, id: &str, version: u32, seconds_ago: u64) {
        let mut all = self.0.lock().unwrap();
        all.retain(|encounter| encounter["id"] != id);
        let meta = json!({ "versionId": version.to_string(), "lastUpdated": ago(seconds_ago).to_string() });
        all.push(json!({ "resourceType": "Encounter", "id": id, "meta": meta, "text": "canary" }));
    }

    /// The answer to a search or a read.
    fn answer(&self, asked: &str) -> (u16, Value) {
        let mut all = self.0.lock().unwrap().clone();
        if let Some(id) = asked.strip_prefix("GET Encounter/") {
            let found = all.into_iter().find(|encounter| encounter["id"] == id);
            return found.map_or((404, Value::Null), |found| (200, found));
        }
        let Some((_, since)) = asked.split_once("_lastUpdated=ge") else { return (404, Value::Null) };
        let since = Instant::parse(since.split('&').next().unwrap()).unwrap();
        all.retain(|encounter| updated(encounter) >= since);
        all.sort_by_key(updated);
        (200, bundle(all))
    }
}

fn updated(encounter: &Value) -> Instant {
    Instant::parse(encounter["meta"]["lastUpdated"].as_str().unwrap()).unwrap()
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<_> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries })
}

fn ago(seconds: u64) -> Instant {
    Instant::from(SystemTime::now()).before(Duration::from_secs(seconds))
}

fn test(declaration: Declaration) -> (Scripted, Encounters) {
    with(declaration, |_, _| false)
}

fn with(declaration: Declaration, fails: Fails) -> (Scripted, Encounters) {
    let encounters = Encounters::default();
    let server = encounters.clone();
    let answer = move |asked: &str| server.answer(asked);
    (Scripted::with(declaration, fails, |builder| builder, answer), encounters)
}

fn required() -> Declaration {
    criteria::<REQUIRED>("Encounter?status=arrived")
}

fn required_topic() -> Declaration {
    topic::<REQUIRED>(Content::Empty, &["Encounter?status=arrived", "Encounter?class=IMP"])
}

/// The moment from which a search looks, and the rest of the search.
fn since(asked: &str) -> (Instant, String) {
    let (before, rest) = asked.split_once("ge").unwrap();
    let (since, after) = rest.split_once('&').unwrap();
    (Instant::parse(since).unwrap(), format!("{before}ge…&{after}"))
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_is_found_and_handled_once() {
    let (test, encounters) = test(required());
    encounters.write("1", 1, 100);
    encounters.write("2", 4, 90);
    encounters.write("old", 1, 1_000);
    assert_eq!(test.send("").await, (204, vec!["looked up", "handled", "handled"]));
    assert_eq!(test.ran(), ["Encounter/1@1 {…}", "Encounter/2@4 {…}"]);
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));

    encounters.write("1", 2, 10);
    // This version became visible after a newer one.
    encounters.write("3", 1, 120);
    assert_eq!(test.send("").await, (204, vec!["looked up", "handled", "handled"]));
    assert_eq!(test.ran(), ["Encounter/3@1 {…}", "Encounter/1@2 {…}"]);
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
}

#[tokio::test(start_paused = true)]
async fn the_search_is_the_criterias_since_the_last_time() {
    let (test, encounters) = test(required());
    test.send("").await;
    let (first, query) = since(&test.asked()[0]);
    assert_eq!(query, "GET Encounter?status=arrived&_lastUpdated=ge…&_sort=_lastUpdated");
    let five_minutes = ago(300);
    assert!(first.since(five_minutes).max(five_minutes.since(first)) < Duration::from_secs(60));
    // The next search begins two minutes before this change, and no search begins before the first one.
    encounters.write("1", 1, 100);
    test.send("").await;
    assert_eq!(since(&test.asked()[0]).0, first);
    test.send("").await;
    let (second, _) = since(&test.asked()[0]);
    assert_eq!(updated(&encounters.0.lock().unwrap()[0]).since(second), Duration::from_secs(120));
}

/// The server refuses `_sort`, as the parameter of a search that it does not know.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_sort_is_searched_all_the_same() {
    let encounters = Encounters::default();
    let server = encounters.clone();
    let answer = move |asked: &str| {
        if asked.contains("_sort") {
            (400, json!({ "resourceType": "Binary" }))
        } else {
            server.answer(asked)
        }
    };
    let test = Scripted::new(required(), answer);
    encounters.write("1", 1, 100);
    encounters.write("2", 1, 90);
    assert_eq!(test.send("").await, (204, vec!["looked up", "handled", "handled"]));
    assert_eq!(test.asked().len(), 2);
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_found_again_and_hides_no_other() {
    let fails: Fails = |event, times| event.focus() == Some("Encounter/fails") && times < 3;
    let (test, encounters) = with(required(), fails);
    encounters.write("1", 1, 295);
    encounters.write("fails", 1, 290);
    encounters.write("2", 1, 1);
    assert_eq!(test.send("").await, (500, vec!["looked up", "handled", "failed", "handled"]));
    assert_eq!(test.send("").await, (500, vec!["looked up", "failed"]));
    encounters.write("3", 1, 0);
    assert_eq!(test.send("").await, (204, vec!["looked up", "handled", "handled"]));
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
    assert_eq!(test.ran().iter().filter(|line| line.contains("fails")).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn two_at_once_run_nothing_twice() {
    let (test, encounters) = test(required());
    for id in ["1", "2", "3"] {
        encounters.write(id, 1, 60);
    }
    let (one, other) = tokio::join!(test.send(""), test.send(""));
    assert_eq!((one.0, other), (204, (204, vec!["nothing found"])));
    assert_eq!(test.ran().len(), 3);
}

/// Writes and notifications in any order, several at once, with handlers that sometimes fail.
#[tokio::test(start_paused = true)]
async fn each_version_is_handled_once_whatever_the_order() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let fails: Fails = |event, times| {
            let id = event.focus().unwrap_or_default();
            (id.ends_with('3') || id.ends_with('5')) && times < 3
        };
        let (test, encounters) = with(required(), fails);
        let (mut written, mut version) = (Vec::new(), 0);
        for round in 0..8 {
            for _ in 0..random.usize(0..4) {
                version += 1;
                let id = random.u32(0..8).to_string();
                encounters.write(&id, version, random.u64(0..100) + 8 - round);
                // A version that is overwritten before a search is never seen.
                written.retain(|(other, _)| *other != id);
                written.push((id, version));
            }
            match random.u8(0..3) {
                0 => {}
                1 => drop(test.send("").await),
                _ => drop(tokio::join!(test.send(""), test.send(""))),
            }
        }
        for _ in 0..4 {
            test.send("").await;
        }
        assert_eq!(test.send("").await, (204, vec!["nothing found"]), "seed {seed}");
        let ran = test.ran();
        for (id, version) in written {
            let times = ran.iter().filter(|line| **line == format!("Encounter/{id}@{version} {{…}}")).count();
            let expected = if id == "3" || id == "5" { 3 } else { 1 };
            assert_eq!(times, expected, "seed {seed}: Encounter/{id}@{version} in {ran:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_need_the_resource_gets_the_event() {
    for declaration in [criteria::<UNUSED>("Encounter?"), criteria::<OPTIONAL>("Encounter?")] {
        let (test, encounters) = test(declaration);
        encounters.write("1", 1, 1);
        assert_eq!(test.send("").await, (204, vec!["handled"]));
        assert_eq!((test.ran(), test.asked()), (vec!["-".to_owned()], vec![]));
    }
    for declaration in [topic::<UNUSED>(Content::Empty, &[]), topic::<OPTIONAL>(Content::Empty, &[])] {
        let (test, _) = test(declaration);
        assert_eq!(test.send(notification("event-notification", 1, &[(1, "")])).await.0, 204);
        assert_eq!((test.ran(), test.asked()), (vec!["#1 -".to_owned()], vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_named_all_the_same_is_read() {
    // Helios names the resource whatever the content.
    for (declaration, ran) in [
        (required_topic(), "#1 Encounter/1@7 {…}"),
        (topic::<OPTIONAL>(Content::Empty, &[]), "#1 Encounter/1@7 {…}"),
        (topic::<UNUSED>(Content::Empty, &[]), "#1 Encounter/1"),
    ] {
        let (test, encounters) = test(declaration);
        encounters.write("1", 7, 1);
        assert_eq!(test.send(event(1)).await, (204, vec!["handled"]));
        assert_eq!(test.ran(), [ran]);
        assert!(!test.asked().iter().any(|asked| asked.contains('?')));
    }
}

fn with_events(encounters: Encounters, status: u16, events: Value) -> Scripted {
    with_events_of(required_topic(), encounters, status, events)
}

fn with_events_of(declaration: Declaration, encounters: Encounters, status: u16, events: Value) -> Scripted {
    Scripted::new(declaration, move |asked| {
        if asked.contains("$events") { (status, events.clone()) } else { encounters.answer(asked) }
    })
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_topic_are_asked_for_by_their_numbers() {
    let encounters = Encounters::default();
    encounters.write("1", 3, 1);
    encounters.write("2", 4, 1);
    let events =
        notification("query-event", 2, &[(1, "Encounter/1"), (2, "https://canary.example.org/Encounter/2")]);
    let test = with_events(encounters, 200, events);
    let body = notification("event-notification", 2, &[(1, ""), (2, "")]);
    assert_eq!(test.send(body).await, (204, vec!["handled", "handled"]));
    assert_eq!(test.ran(), ["#1 Encounter/1@3 {…}", "#2 Encounter/2@4 {…}"]);
    let asked = test.asked();
    let query = "GET Subscription/s1/$events?eventsSinceNumber=1&eventsUntilNumber=2&content=id-only";
    assert_eq!(asked[0], query);
    assert!(!asked.iter().any(|asked| asked.contains("_lastUpdated")), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_topic_whose_server_lists_no_events_is_searched() {
    let none = notification("query-event", 2, &[]);
    let unnamed = notification("query-event", 2, &[(1, "")]);
    // 403: the program may search, but not call operations.
    let refused = json!("canary");
    for (status, events) in
        [(404, Value::Null), (200, none), (200, unnamed), (400, refused.clone()), (403, refused)]
    {
        let encounters = Encounters::default();
        encounters.write("1", 3, 1);
        let test = with_events(encounters.clone(), status, events);
        let body = |number| notification("event-notification", number, &[(number, "")]);
        assert_eq!(test.send(body(1)).await, (204, vec!["looked up", "handled"]));
        assert_eq!(test.ran(), ["Encounter/1@3 {…}"]);
        let by_get = |asked: &String| asked.starts_with("GET");
        let asked: Vec<_> = test.asked().into_iter().filter(by_get).collect();
        assert_eq!(asked.len(), 2, "{asked:?}");
        let query = "GET Encounter?status=arrived&class=IMP&_lastUpdated=ge…&_sort=_lastUpdated";
        assert_eq!(since(&asked[1]).1, query);
        for number in 2..6 {
            assert_eq!(test.send(body(number)).await, (204, vec!["nothing found"]));
        }
        let asked = test.asked();
        let in_vain = asked.iter().filter(|asked| asked.contains("$events") && by_get(asked)).count();
        assert!(in_vain <= 2, "{in_vain}");
    }
}

#[tokio::test(start_paused = true)]
async fn some_are_named_some_listed_and_some_found() {
    let encounters = Encounters::default();
    for id in ["1", "2", "3"] {
        encounters.write(id, 1, 1);
    }
    let events = notification("query-event", 3, &[(2, "Encounter/2")]);
    let test = with_events(encounters, 200, events);
    let body = notification("event-notification", 3, &[(1, "Encounter/1"), (2, ""), (3, "")]);
    let (status, outcomes) = test.send(body).await;
    assert_eq!((status, &outcomes[..3]), (204, &["handled", "handled", "looked up"][..]));
    let ran = test.ran();
    assert_eq!(&ran[..2], ["#1 Encounter/1@1 {…}", "#2 Encounter/2@1 {…}"]);
    assert!(ran.contains(&"Encounter/3@1 {…}".to_owned()), "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_up_is_sent_again() {
    let outcome = json!({ "resourceType": "OperationOutcome", "issue": [{ "diagnostics": "canary" }] });
    for status in [500, 503, 401, 200] {
        let outcome = outcome.clone();
        let test = Scripted::new(required(), move |_| (status, outcome.clone()));
        assert_eq!(test.send("").await, (503, vec!["unread"]), "{status}");
    }
    // A server that may have the events is asked again.
    let encounters = Encounters::default();
    encounters.write("1", 1, 1);
    let test = with_events(encounters, 503, outcome);
    let body = notification("event-notification", 2, &[(1, ""), (2, "")]);
    assert_eq!(test.send(body).await, (503, vec!["unread", "unread"]));
    assert!(test.ran().is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_than_may_be_handled_at_once_is_handled_by_and_by() {
    for (is_sorted, maximum) in [(true, 2), (false, 2), (true, 20), (false, 20), (false, 1)] {
        let encounters = Encounters::default();
        let count = maximum * 2 + 1;
        for number in 0..count {
            encounters.write(&number.to_string(), 1, 10 + 270 / count * number);
        }
        let server = encounters.clone();
        let answer = move |asked: &str| {
            let (status, mut found) = server.answer(asked);
            if !is_sorted {
                found["entry"].as_array_mut().unwrap().reverse();
            }
            (status, found)
        };
        let setup =
            |builder: crate::AppBuilder| builder.set("FHIR_SUBSCRIPTION_EVENTS_MAXIMUM", maximum.to_string());
        let test = Scripted::with(required(), |_, _| false, setup, answer);
        for _ in 0..2 {
            let (status, outcomes) = test.send("").await;
            assert_eq!((status, outcomes[0], outcomes.len() as u64), (503, "too many found", maximum + 1));
        }
        assert_eq!(test.send("").await, (204, vec!["looked up", "handled"]), "{is_sorted} {maximum}");
        let mut ran = test.ran();
        ran.sort();
        ran.dedup();
        assert_eq!(ran.len() as u64, count);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_another_for_too_long_is_sent_again() {
    let (test, _) = test(required());
    let look_up = test.app.memory().look_ups.of("e");
    let held = look_up.lock().await;
    assert_eq!(test.send("").await, (503, vec!["out of time"]));
    drop(held);
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
}

#[tokio::test(start_paused = true)]
async fn what_says_little_of_itself_is_handled() {
    let bare = json!({ "resourceType": "Encounter", "id": "1" });
    let undated = json!({ "resourceType": "Encounter", "id": "2", "meta": { "versionId": "4" } });
    let dated =
        json!({ "resourceType": "Encounter", "id": "3", "meta": { "lastUpdated": ago(1).to_string() } });
    let nameless = json!({ "resourceType": "Encounter" });
    let found = bundle(vec![bare, undated, dated, nameless]);
    let test = Scripted::new(required(), move |_| (200, found.clone()));
    assert_eq!(test.send("").await.0, 204);
    assert_eq!(test.ran(), ["Encounter/1 {…}", "Encounter/2@4 {…}", "Encounter/3 {…}"]);
    // For the first one, only its text shows that it did not change.
    assert_eq!(test.send("").await, (204, vec!["looked up", "handled before"]));
    assert!(test.ran().is_empty());
}

#[tokio::test(start_paused = true)]
async fn numbers_that_are_far_apart_are_not_asked_for_without_end() {
    let numbers: Vec<_> = (0..500).map(|number| (number * 10, "")).collect();
    let listed: Vec<_> = (0..500).map(|number| (number * 10, "Encounter/1")).collect();
    let encounters = Encounters::default();
    encounters.write("1", 1, 1);
    let test = with_events(encounters, 200, notification("query-event", 4_990, &listed));
    let (status, _) = test.send(notification("event-notification", 4_990, &numbers)).await;
    assert_eq!(status, 204);
    let asked = test.asked();
    let by_number = asked.iter().filter(|asked| asked.contains("$events")).count();
    // The numbers in between are gaps, and each notification asks for so many gaps.
    assert!(by_number <= 16 + 16, "{by_number}");
    assert_eq!(asked.iter().filter(|asked| asked.contains("_lastUpdated")).count(), 1);
}

/// A server may send less than the subscription asks for.
#[tokio::test(start_paused = true)]
async fn an_event_that_names_nothing_is_looked_up_whatever_the_content() {
    for content in [Content::IdOnly, Content::FullResource] {
        for trust in [Trust::Notification, Trust::Reference] {
            let declaration =
                || Declaration { trust, ..topic::<REQUIRED>(content, &["Encounter?class=IMP"]) };
            let (test, encounters) = test(declaration());
            encounters.write("1", 3, 1);
            let unnamed = || notification("event-notification", 7, &[(7, "")]);
            assert_eq!(test.send(unnamed()).await, (204, vec!["looked up", "handled"]), "{content:?}");
            assert_eq!(test.ran(), ["Encounter/1@3 {…}"]);

            // If the server has the event, it is asked by its number, with the content of the subscription.
            let listed = notification("query-event", 7, &[(7, "Encounter/1")]);
            let test = with_events_of(declaration(), encounters, 200, listed);
            assert_eq!(test.send(unnamed()).await, (204, vec!["handled"]));
            assert_eq!(test.ran(), ["#7 Encounter/1@3 {…}"]);
            assert!(test.asked()[0].ends_with(&format!("content={}", content.code())));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_it_is_not_known_what_to_search_for_it_is_refused() {
    let test = Scripted::new(topic::<REQUIRED>(Content::IdOnly, &[]), |_| (404, Value::Null));
    let body = notification("event-notification", 7, &[(6, ""), (7, "")]);
    assert_eq!(test.send(body).await, (422, vec!["unprocessable"; 2]));
    assert!(test.asked().iter().all(|asked| asked.contains("$events")));
}

/// The registration changes the criteria to several types, so there is no search. The event must not count as one without
/// resources.
#[cfg(feature = "registration")]
#[tokio::test(start_paused = true)]
async fn where_the_registered_criteria_has_no_search_it_is_refused() {
    fn several(subscription: &mut crate::fhir::Subscription) {
        subscription.set("criteria", "[Encounter,Patient]");
    }
    let (test, encounters) = test(Declaration { registration: Some(several), ..required() });
    encounters.write("1", 1, 1);
    assert_eq!(test.send("").await, (422, vec!["unprocessable"]));
    assert_eq!((test.ran(), test.asked()), (vec![], vec![]));
}

/// The program was down, and the server retries a notification that it could not deliver.
#[tokio::test(start_paused = true)]
async fn what_happened_long_before_the_program_was_started_is_found() {
    let (test, encounters) = test(required_topic());
    encounters.write("1", 1, 720);
    encounters.write("2", 1, 600);
    encounters.write("older", 1, 1_200);
    let mut body = notification("event-notification", 8, &[(8, ""), (7, "")]);
    let events = &mut body["entry"][0]["resource"]["notificationEvent"];
    events[0]["timestamp"] = json!(ago(600).to_string());
    events[1]["timestamp"] = json!(ago(720).to_string());
    assert_eq!(test.send(&body).await, (204, vec!["looked up", "handled", "handled"]));
    assert_eq!(test.ran(), ["Encounter/1@1 {…}", "Encounter/2@1 {…}"]);
    assert_eq!(test.send(&body).await, (204, vec!["nothing found"]));
}

/// A server with pages of ten, whose links count places.
fn paged(encounters: Encounters) -> impl Fn(&str) -> (u16, Value) + Send + Sync + 'static {
    move |asked| {
        let (status, mut found) = encounters.answer(asked);
        let Some(entries) = found["entry"].as_array().cloned() else { return (status, found) };
        let (plain, offset) = asked.split_once("&offset=").unwrap_or((asked, "0"));
        let (plain, offset) = (plain.trim_start_matches("GET "), offset.parse::<usize>().unwrap());
        found["entry"] = entries.iter().skip(offset).take(10).cloned().collect();
        if offset + 10 < entries.len() {
            let url = format!("https://fhir.example.org/r4/{plain}&offset={}", offset + 10);
            found["link"] = json!([{ "relation": "next", "url": url }]);
        }
        (status, found)
    }
}

/// So many Encounters, each a second younger than the one before.
fn many(count: u64) -> Encounters {
    let encounters = Encounters::default();
    for number in 0..count {
        encounters.write(&number.to_string(), 1, 250 - number);
    }
    encounters
}

fn at_most(events: usize) -> impl FnOnce(crate::AppBuilder) -> crate::AppBuilder {
    move |builder| builder.set("FHIR_SUBSCRIPTION_EVENTS_MAXIMUM", events.to_string())
}

/// Sends an empty notification until it is done.
async fn send_until_done(test: &Scripted) {
    for _ in 0..8 {
        if test.send("").await.0 == 204 {
            return;
        }
    }
    panic!("it is never done");
}

/// Checks that the handler ran once on each of so many Encounters.
fn ran_once_on_each(test: &Scripted, count: usize) {
    let mut ran = test.ran();
    let runs = ran.len();
    ran.sort();
    ran.dedup();
    assert_eq!((ran.len(), runs), (count, count), "{ran:?}");
}

/// A page takes five seconds, so a notification reads two of the three pages.
#[tokio::test(start_paused = true)]
async fn a_search_of_slow_pages_goes_on_with_the_next_notification() {
    let encounters = many(30);
    let test = Scripted::new(required(), paged(encounters.clone()));
    test.takes(Duration::from_secs(5));
    for handled in [20, 10] {
        let (status, outcomes) = test.send("").await;
        assert_eq!((status, outcomes[0], outcomes.len()), (503, "unread", 1 + handled));
    }
    // The pages may have shifted, so they are read again.
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
    ran_once_on_each(&test, 30);

    encounters.write("late", 1, 1);
    send_until_done(&test).await;
    assert_eq!(test.ran(), ["Encounter/late@1 {…}"]);
    send_until_done(&test).await;
    ran_once_on_each(&test, 0);
}

#[tokio::test(start_paused = true)]
async fn a_search_that_finds_too_many_goes_on_with_the_next_notification() {
    let test = Scripted::with(required(), |_, _| false, at_most(25), paged(many(100)));
    for offset in [None, Some("offset=20"), Some("offset=50")] {
        let (status, outcomes) = test.send("").await;
        assert_eq!((status, outcomes[0], outcomes.len()), (503, "too many found", 26));
        let first = test.asked().remove(0);
        assert!(offset.is_none_or(|offset| first.ends_with(offset)), "{first}");
    }
    let (status, outcomes) = test.send("").await;
    assert_eq!((status, outcomes[0], outcomes.len()), (204, "looked up", 26));
    ran_once_on_each(&test, 100);
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
}

/// The handler fails for a resource of the first page, and later notifications read other pages.
#[tokio::test(start_paused = true)]
async fn what_fails_on_an_earlier_page_comes_again_before_the_search_is_done() {
    let fails: Fails = |event, times| event.focus() == Some("Encounter/3") && times < 3;
    let test = Scripted::with(required(), fails, at_most(25), paged(many(100)));
    send_until_done(&test).await;
    let ran = test.ran();
    let times = |id: u32| ran.iter().filter(|line| **line == format!("Encounter/{id}@1 {{…}}")).count();
    assert!((0..100).all(|id| times(id) == if id == 3 { 3 } else { 1 }), "{ran:?}");
}

/// While a notification is handled, a resource of the first page changes, and each later resource moves up by one place.
#[tokio::test(start_paused = true)]
async fn pages_that_shift_between_two_notifications_hide_no_change() {
    let encounters = many(100);
    let test = Scripted::with(required(), |_, _| false, at_most(20), paged(encounters.clone()));
    assert_eq!(test.send("").await.0, 503);
    encounters.write("5", 2, 1);
    send_until_done(&test).await;
    // The changed resource is handled in both versions.
    ran_once_on_each(&test, 101);
}

#[tokio::test(start_paused = true)]
async fn a_search_restarts_if_its_link_fails_and_the_server_is_not_busy() {
    for (status, restarts) in [(403, true), (410, true), (500, true), (429, false), (503, false)] {
        let (server, fails) = (paged(many(100)), Arc::new(AtomicBool::new(false)));
        let of_server = Arc::clone(&fails);
        let answer = move |asked: &str| {
            let is_dead = asked.ends_with("offset=20") && of_server.load(Ordering::SeqCst);
            if is_dead { (status, Value::Null) } else { server(asked) }
        };
        let test = Scripted::with(required(), |_, _| false, at_most(25), answer);
        assert_eq!(test.send("").await.0, 503);
        fails.store(true, Ordering::SeqCst);
        test.asked();
        assert_eq!(test.send("").await, (503, vec!["unread"]), "{status}");
        let has_restarted = test.asked().iter().any(|asked| !asked.contains("offset="));
        assert_eq!(has_restarted, restarts, "{status}");
        fails.store(false, Ordering::SeqCst);
        send_until_done(&test).await;
        ran_once_on_each(&test, 100);
    }
}

/// After each notification, every handled Encounter changes. So each time, a page of Encounters moves to a place that the
/// program has already read, in the second pass too.
#[tokio::test(start_paused = true)]
async fn passes_go_on_until_one_shows_nothing_new() {
    let encounters = many(60);
    let test = Scripted::with(required(), |_, _| false, at_most(10), paged(encounters.clone()));
    let mut handled = Vec::new();
    for round in 0..40 {
        let is_done = test.send("").await.0 == 204;
        let ran = test.ran();
        let first: Vec<_> = ran.iter().filter_map(|line| line.strip_suffix("@1 {…}")).collect();
        for reference in first {
            let id = reference.strip_prefix("Encounter/").unwrap().to_owned();
            if round < 9 {
                encounters.write(&id, 2, 1);
            }
            handled.push(id);
        }
        if is_done {
            break;
        }
    }
    handled.sort();
    handled.dedup();
    assert_eq!(handled.len(), 60, "{handled:?}");
    assert_eq!(test.send("").await, (204, vec!["nothing found"]));
}

#[tokio::test(start_paused = true)]
async fn a_link_is_kept_if_the_server_does_not_answer_for_the_first_page_either() {
    let (server, is_down) = (paged(many(100)), Arc::new(AtomicBool::new(false)));
    let of_server = Arc::clone(&is_down);
    let answer =
        move |asked: &str| if of_server.load(Ordering::SeqCst) { (500, Value::Null) } else { server(asked) };
    let test = Scripted::with(required(), |_, _| false, at_most(25), answer);
    assert_eq!(test.send("").await.0, 503);
    is_down.store(true, Ordering::SeqCst);
    assert_eq!(test.send("").await, (503, vec!["unread"]));
    is_down.store(false, Ordering::SeqCst);
    test.asked();
    assert_eq!(test.send("").await.0, 503);
    assert!(test.asked()[0].ends_with("offset=20"));
}
