use super::{Asked, EventNumbers, MAXIMUM, Name};
use crate::event::Event;
use crate::memory::Numbering;

fn event(number: u64) -> Event {
    Event { number: Some(number), ..Event::unknown() }
}

fn name(subscription: &str) -> Name<'_> {
    Name { endpoint: "e", subscription: Some(subscription) }
}

fn came(numbers: &EventNumbers, name: Name<'_>, came: &[u64]) {
    let events: Vec<_> = came.iter().map(|number| event(*number)).collect();
    numbers.events(name, events.iter(), None);
}

const ONE: &str = "Subscription/1";

#[test]
fn each_subscription_of_each_endpoint_is_counted_for_itself() {
    let numbers = EventNumbers::default();
    came(&numbers, name(ONE), &[1, 2]);
    for other in [
        name("Subscription/2"),
        Name { endpoint: "f", subscription: Some(ONE) },
        Name { endpoint: "e", subscription: None },
    ] {
        let of_other = numbers.events(other, [&event(7)].into_iter(), None);
        assert_eq!(of_other, [Numbering::InOrder]);
    }
    assert_eq!(numbers.lock().find(name(ONE)).unwrap().sequence.counts().last_number, Some(2));
}

#[test]
fn the_id_is_of_a_subscription_only() {
    assert_eq!(name(ONE).id(), Some("1"));
    for other in ["Patient/1", "Subscription/..", "Subscription", "https://h/Patient/1", ""] {
        assert_eq!(name(other).id(), None);
    }
}

#[test]
fn what_is_missing_is_asked_for_by_one_at_a_time() {
    let numbers = EventNumbers::default();
    came(&numbers, name(ONE), &[1, 5, 8]);
    let claim = numbers.claim(name(ONE), 4);
    assert_eq!(claim.ranges(), [2..=4, 6..=6]);
    let another = numbers.claim(name(ONE), 4);
    assert_eq!(another.ranges(), [7..=7]);
    assert!(!numbers.can_be_asked(name(ONE)));
    drop(another);
    assert!(numbers.can_be_asked(name(ONE)));

    claim.found(&event(3));
    assert!(!claim.is_missing(3) && claim.is_missing(2) && claim.is_missing(4));
    drop(claim);
    assert_eq!(numbers.claim(name(ONE), 9).ranges(), [2..=2, 4..=4, 6..=6, 7..=7]);
}

#[test]
fn what_the_server_does_not_have_is_not_asked_for_without_end() {
    let numbers = EventNumbers::default();
    came(&numbers, name(ONE), &[1, 3, 5]);
    let claim = numbers.claim(name(ONE), 9);
    claim.give_up(&(2..=2));
    drop(claim);
    // A claim that was not used, for instance for lack of time, does not count as a try.
    assert_eq!(numbers.claim(name(ONE), 9).ranges(), [4..=4]);
    for _ in 0..super::Gaps::TRIES {
        let claim = numbers.claim(name(ONE), 9);
        assert_eq!(claim.ranges(), [4..=4]);
        claim.ask(&(4..=4));
    }
    assert!(numbers.claim(name(ONE), 9).ranges().is_empty());
    assert!(!numbers.can_be_asked(name(ONE)));
    // They are still missing, and may arrive late.
    assert_eq!(numbers.lock().find(name(ONE)).unwrap().sequence.counts().missing, 2);
    assert_eq!(numbers.events(name(ONE), [&event(2)].into_iter(), None), [Numbering::Late]);
}

#[test]
fn a_server_that_has_none_is_asked_no_more() {
    let numbers = EventNumbers::default();
    came(&numbers, name(ONE), &[1, 5]);
    for _ in 0..super::FRUITLESS {
        assert!(numbers.can_be_asked(name(ONE)) && numbers.has_events(name(ONE)));
        numbers.asked(name(ONE), Asked::Failed);
        numbers.asked(name(ONE), Asked::Nothing);
    }
    assert!(!numbers.can_be_asked(name(ONE)) && !numbers.has_events(name(ONE)));
    numbers.asked(name(ONE), Asked::Found);
    assert!(numbers.can_be_asked(name(ONE)));
}

#[test]
fn a_claim_holds_no_lock_and_ends_with_the_counter() {
    let numbers = EventNumbers::default();
    came(&numbers, name(ONE), &[1, 4]);
    let claim = numbers.claim(name(ONE), 9);
    assert_eq!(numbers.count(name(ONE), 0, true), Numbering::Restart);
    came(&numbers, name(ONE), &[3]);
    drop(claim);
    assert_eq!(numbers.claim(name(ONE), 9).ranges(), [1..=2]);
}

#[test]
fn those_that_are_silent_for_longest_are_forgotten() {
    let numbers = EventNumbers::default();
    let other = |number: usize| format!("Subscription/{number}");
    for number in 0..MAXIMUM * 3 {
        came(&numbers, name(ONE), &[number as u64]);
        came(&numbers, name(&other(number + 2)), &[1]);
    }
    let kept = numbers.lock();
    assert_eq!(kept.sequences.len(), MAXIMUM);
    assert!(kept.find(name(ONE)).is_some());
    assert!(kept.find(name(&other(2))).is_none());
}

#[test]
fn several_at_once_lose_no_number() {
    let numbers = EventNumbers::default();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let numbers = &numbers;
            scope.spawn(move || {
                // Every fourth number, so that each thread opens gaps that the others fill.
                for number in (0..100).filter(|number| number % 4 == thread) {
                    came(numbers, name(ONE), &[number]);
                }
            });
        }
    });
    let counts = numbers.lock().find(name(ONE)).unwrap().sequence.counts();
    assert_eq!((counts.received, counts.last_number), (100, Some(99)));
    assert_eq!((counts.missing, counts.repeats, counts.restarts), (0, 0, 0));
}

#[test]
fn what_the_server_is_being_asked_for_is_not_forgotten() {
    let numbers = EventNumbers::default();
    // The numbers 2 to 101, and then every second number.
    let first = 102;
    let last = first + 2 * (super::Gaps::MAXIMUM as u64 - 1);
    came(&numbers, name(ONE), &[1]);
    came(&numbers, name(ONE), &(first..=last).step_by(2).collect::<Vec<_>>());
    let counts = || numbers.lock().find(name(ONE)).unwrap().sequence.counts();
    assert_eq!((counts().gaps, counts().lost), (super::Gaps::MAXIMUM, 0));
    // There is no room to remember the rest of the first gap.
    let claim = numbers.claim(name(ONE), 10);
    assert_eq!(claim.ranges().first(), Some(&(103..=103)));
    assert!(claim.ranges().iter().all(|range| claim.is_missing(*range.start())));
    assert_eq!(counts().lost, 0);
    // A new gap replaces the oldest unclaimed one.
    came(&numbers, name(ONE), &[last + 2]);
    assert_eq!((counts().gaps, counts().lost), (super::Gaps::MAXIMUM, 100));
    came(&numbers, name(ONE), &[last + 4]);
    assert!(claim.ranges().iter().all(|range| claim.is_missing(*range.start())));
    assert!(claim.is_of_now());
    numbers.count(name(ONE), 0, true);
    assert!(!claim.is_of_now());
}

#[test]
fn an_event_of_an_old_counter_fills_no_gap_of_the_new_one() {
    let numbers = EventNumbers::default();
    came(&numbers, name(ONE), &[1, 4]);
    let claim = numbers.claim(name(ONE), 10);
    assert_eq!(claim.ranges(), [2..=3]);
    numbers.count(name(ONE), 0, true);
    came(&numbers, name(ONE), &[4]);
    claim.found(&event(3));
    drop(claim);
    assert_eq!(numbers.claim(name(ONE), 10).ranges(), [1..=3]);
}
