//! As many entries and events as a body may have: each is looked at once.

use std::time::{Duration, Instant};

use super::super::entry::Bundle;
use super::super::index::{Index, Wanted};
use super::super::own::Own;
use super::super::reference;
use super::*;

/// It takes some hundredths of a second on an idle machine. If each event looked at all entries, it would take
/// minutes in a debug build.
const BOUND: Duration = Duration::from_secs(40);

/// Decodes a notification with the most events about one resource, after as many entries for it.
#[track_caller]
fn check(focus: impl Fn(usize) -> String, entry: impl Fn(usize) -> Value, last_one: &str) {
    let events: Vec<_> =
        (0..5_000).map(|number| json!({ "focus": { "reference": focus(number) } })).collect();
    let mut body = r5();
    body["entry"][0]["resource"]["notificationEvent"] = json!(events);
    // Not in the order of the events.
    body["entry"][1] = full("Patient", "1", "PUT");
    body["entry"].as_array_mut().unwrap().extend((0..9_900).map(entry));
    let (body, declaration, headers) = (body.to_string(), topic(), HeaderMap::new());
    let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    let begun = Instant::now();
    let expected = Expected { maximum: 5_000, ..expected(&declaration) };
    let Ok(Decoded::Events(events, _)) = decode(&head, &expected, None, body.as_bytes()) else {
        panic!("a notification")
    };
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let last = &events.last().unwrap().event;
    let said = format!("{}@{}", last.focus().or(last.reference()).unwrap(), last.version_id().unwrap_or("-"));
    assert_eq!((events.len(), &*said), (5_000, last_one));
}

#[test]
fn of_one_name() {
    check(|_| "Encounter/1".to_owned(), |_| json!({ "fullUrl": "Encounter/1" }), "Encounter/1@-");
}

#[test]
fn of_one_name_and_many_versions() {
    let version = |number: usize| format!("Encounter/1/_history/{number}");
    check(version, |number| json!({ "fullUrl": version(9_899 - number) }), "Encounter/1@4999");
    check(version, |_| json!({ "fullUrl": "Encounter/1" }), "Encounter/1@4999");
    check(version, |_| json!({ "fullUrl": version(7) }), "Encounter/1@4999");
}

#[test]
fn of_one_name_on_another_server() {
    let elsewhere = |host: &str| format!("https://{host}.example.org/Encounter/1");
    let last = "https://hospital.example.org/Encounter/1@-";
    check(|_| elsewhere("hospital"), |_| json!({ "fullUrl": elsewhere("hospital") }), last);
    check(|_| elsewhere("hospital"), |_| json!({ "fullUrl": elsewhere("broker") }), last);
    check(|_| elsewhere("hospital"), |_| json!({ "fullUrl": "Encounter/1" }), last);
    check(|_| "Encounter/1".to_owned(), |_| json!({ "fullUrl": elsewhere("broker") }), "Encounter/1@-");
}

/// No event says its resource.
#[test]
fn of_no_name() {
    let mut body = r5();
    body["entry"][0]["resource"]["notificationEvent"] = json!(vec![json!({ "eventNumber": 1 }); 1_000]);
    body["entry"]
        .as_array_mut()
        .unwrap()
        .extend((0..9_900).map(|id| full("Encounter", &id.to_string(), "GET")));
    let begun = Instant::now();
    assert_eq!(told(&topic(), &body.to_string()).len(), 1_000);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

/// The first free entry that fits, or else the last: found here by looking at each entry.
#[test]
fn which_entry_it_is() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut name = |most: u8| match (random.u8(0..3), random.u8(0..most)) {
            (id, 0) => format!("Encounter/{id}"),
            (id, version) => format!("Encounter/{id}/_history/{version}"),
        };
        let urls: Vec<_> = (0..12).map(|_| name(3)).collect();
        let focuses: Vec<_> = (0..20).map(|_| name(4)).collect();
        let entries: Vec<_> = urls.iter().map(|url| json!({ "fullUrl": url })).collect();
        let body = json!({ "resourceType": "Bundle", "type": "history", "entry": entries }).to_string();
        let Bundle { entries, .. } = Bundle::read(&body, "").unwrap();
        let own = Own::new("https://fhir.example.org", None, None);
        let (mut index, mut is_taken) = (Index::new(&entries, &own), vec![false; urls.len()]);
        for focus in &focuses {
            let reference = reference::parse(focus);
            let found = index.next(Wanted { text: focus, reference, is_elsewhere: false });
            let found = found.map(|place| entries[place].full_url.as_deref().unwrap());
            let (wanted, version) = focus.split_once("/_history/").unwrap_or((focus, ""));
            let fits = |url: &str| {
                let (named, of) = url.split_once("/_history/").unwrap_or((url, ""));
                named == wanted && (version.is_empty() || of.is_empty() || of == version)
            };
            let mut fitting = (0..urls.len()).filter(|place| fits(&urls[*place]));
            let expected = fitting.clone().find(|place| !is_taken[*place]).or_else(|| fitting.next_back());
            expected.into_iter().for_each(|place| is_taken[place] = true);
            assert_eq!(found, expected.map(|place| &*urls[place]), "seed {seed}: {focus} in {urls:?}");
        }
    }
}
