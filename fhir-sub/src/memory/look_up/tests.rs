use super::{LookUp, LookUps, MAXIMUM, Version};
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
    assert_eq!(look_up.since(at("12:00:00")), at("11:55:00"));
    // What failed in the meantime is still found.
    assert_eq!(look_up.since(at("13:00:00")), at("11:55:00"));
    look_up.advance(at("11:56:00"));
    assert_eq!(look_up.since(at("13:00:00")), at("11:55:00"));
    look_up.advance(at("12:30:00"));
    assert_eq!(look_up.since(at("13:00:00")), at("12:28:00"));
    look_up.advance(at("12:29:00"));
    assert_eq!(look_up.since(at("13:00:00")), at("12:28:00"));
}

#[test]
fn what_may_be_found_again_is_remembered() {
    let mut look_up = LookUp::default();
    look_up.since(at("12:00:00"));
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
    // All at once, of which none is older than another.
    for number in 0..=MAXIMUM {
        look_up.handled(version(number), beginning);
    }
    assert!(look_up.handled.len() <= MAXIMUM && look_up.handled.len() >= MAXIMUM / 2);
}

#[tokio::test]
async fn each_endpoint_has_its_own() {
    let look_ups = LookUps::default();
    look_ups.of("e").lock().await.since(at("12:00:00"));
    assert_eq!(look_ups.of("e").lock().await.since(at("13:00:00")), at("11:55:00"));
    assert_eq!(look_ups.of("f").lock().await.since(at("13:00:00")), at("12:55:00"));
}
