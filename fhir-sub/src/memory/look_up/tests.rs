use super::{LookUp, LookUps, MAXIMUM, Version};
use crate::client::Place;
use crate::fhir::Instant;

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2026-01-01T{time}Z")).unwrap()
}

fn version(number: usize) -> Version {
    Version { reference: "Encounter/1".to_owned(), version: number.to_string() }
}

#[test]
fn it_looks_back_from_the_first_notification_and_then_from_what_was_handled() {
    let mut look_up = LookUp::default();
    assert_eq!(look_up.since(at("12:00:00"), None), at("11:55:00"));
    // Failed events of the meantime are still found.
    assert_eq!(look_up.since(at("13:00:00"), None), at("11:55:00"));
    look_up.advance(at("11:56:00"));
    assert_eq!(look_up.since(at("13:00:00"), None), at("11:55:00"));
    look_up.advance(at("12:30:00"));
    assert_eq!(look_up.since(at("13:00:00"), None), at("12:28:00"));
    look_up.advance(at("12:29:00"));
    assert_eq!(look_up.since(at("13:00:00"), None), at("12:28:00"));
}

#[test]
fn it_looks_back_to_when_an_event_happened_and_once_only() {
    let mut look_up = LookUp::default();
    let (now, told) = (at("12:00:00"), Some(at("11:48:00")));
    assert_eq!(look_up.since(now, told), at("11:46:00"));
    // There were too many results to handle at once, and the server retries the notification.
    look_up.advance(at("11:52:00"));
    assert_eq!(look_up.since(at("12:00:05"), told), at("11:50:00"));
    look_up.advance(at("12:00:00"));
    assert_eq!(look_up.since(at("12:00:10"), told), at("11:58:00"));
    // Nothing before that was looked at.
    assert_eq!(look_up.since(at("12:00:15"), Some(at("11:30:00"))), at("11:28:00"));
    // The limit is a day.
    let of_long_ago = Instant::parse("2025-06-01T00:00:00Z");
    let day_before = Instant::parse("2025-12-31T12:01:00Z").unwrap();
    assert_eq!(look_up.since(at("12:01:00"), of_long_ago), day_before);
    look_up.advance(at("12:00:00"));
    assert_eq!(look_up.since(at("12:02:00"), of_long_ago), at("11:58:00"));
    // A recent event, or a clock that is ahead, does not make the search shorter.
    assert_eq!(LookUp::default().since(now, Some(at("11:59:30"))), at("11:55:00"));
    assert_eq!(LookUp::default().since(now, Some(at("18:00:00"))), at("11:55:00"));
}

#[test]
fn pages_that_several_notifications_read_are_read_twice() {
    let mut look_up = LookUp::default();
    let begin = |look_up: &mut LookUp, time: &str| {
        look_up.since(at(time), None);
        look_up.begin(at(time), None);
    };
    let next = || Some(Place { next: "/Encounter?page=2".to_owned(), own: None });
    begin(&mut look_up, "12:00:00");
    look_up.settled(None, Some(at("11:58:00")), at("12:00:00"));
    look_up.unsettled(Some(at("11:57:00")));
    look_up.go_on_at(next());
    assert_eq!(look_up.place(), next().as_ref());
    // The second pass begins where the first one did, and finds the unsettled changes again.
    assert_eq!((look_up.end_earlier(), look_up.place()), (None, None));
    assert_eq!(look_up.since(at("12:10:00"), None), at("11:55:00"));
    begin(&mut look_up, "12:10:00");
    look_up.settled(None, Some(at("12:09:00")), at("12:10:00"));
    look_up.go_on_at(next());
    // It proves nothing about changes since the first pass began.
    assert_eq!((look_up.end_earlier(), look_up.place()), (Some(at("12:00:00")), None));
    assert_eq!(look_up.since(at("12:11:00"), None), at("11:58:00"));

    // The next search looks from a change that must come again.
    begin(&mut look_up, "12:11:00");
    look_up.settled(None, Some(at("12:09:00")), at("12:11:00"));
    look_up.unsettled(Some(at("12:08:00")));
    assert_eq!(look_up.end(), Some(at("12:08:00")));
    assert_eq!(look_up.since(at("12:12:00"), None), at("12:06:00"));

    // An event from before all of this is not on the next page.
    look_up.go_on_at(next());
    look_up.since(at("12:13:00"), Some(at("11:00:00")));
    assert_eq!(look_up.place(), None);
}

#[test]
fn what_may_be_found_again_is_remembered() {
    let mut look_up = LookUp::default();
    look_up.since(at("12:00:00"), None);
    for (number, time) in ["12:00:00", "12:01:59.999", "12:02:00", "12:04:00"].into_iter().enumerate() {
        look_up.handled(version(number), at(time));
    }
    look_up.advance(at("12:04:00"));
    let known: Vec<_> = (0..5).map(|number| look_up.is_handled(&version(number))).collect();
    assert_eq!(known, [false, false, true, true, false]);
    assert!(!look_up.is_handled(&Version { reference: "Encounter/2".to_owned(), ..version(3) }));
}

#[test]
fn memory_is_bounded() {
    let mut look_up = LookUp::default();
    let beginning = at("00:00:00");
    for number in 0..MAXIMUM * 2 {
        let time = beginning.before(std::time::Duration::from_secs((MAXIMUM * 2 - number) as u64));
        look_up.handled(version(number), time);
        assert!(look_up.handled.len() <= MAXIMUM);
        assert!(look_up.is_handled(&version(number)));
    }
    // All at the same time, so that none is older than another.
    for number in 0..=MAXIMUM {
        look_up.handled(version(number), beginning);
    }
    assert!(look_up.handled.len() <= MAXIMUM && look_up.handled.len() >= MAXIMUM / 2);
}

#[tokio::test]
async fn each_endpoint_has_its_own() {
    let look_ups = LookUps::default();
    look_ups.of("e").lock().await.since(at("12:00:00"), None);
    assert_eq!(look_ups.of("e").lock().await.since(at("13:00:00"), None), at("11:55:00"));
    assert_eq!(look_ups.of("f").lock().await.since(at("13:00:00"), None), at("12:55:00"));
}
