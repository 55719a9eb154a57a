use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::{FAR, Numbering, Said, Sequence};
use crate::fhir::Instant;

use Numbering::{InOrder, Late, Repeat, Restart};

fn gap(first: u64, last: u64) -> Numbering {
    Numbering::AfterGap { first, last }
}

/// The moment this many seconds after a fixed moment.
fn at(seconds: u64) -> Option<Instant> {
    Some(Instant::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)))
}

/// An event with only a number.
fn bare(number: u64) -> Said {
    Said { number, focus: None, version: None, time: None }
}

/// An event with a resource of its own, a minute after the one before.
fn usual(number: u64) -> Said {
    Said { focus: Some(number), time: at(number * 60), ..bare(number) }
}

enum Sent {
    Event(Said),
    /// With `eventsSinceSubscriptionStart`.
    Counted(Said, u64),
    Handshake(u64),
    Heartbeat(u64),
}
use Sent::{Counted, Event, Handshake, Heartbeat};

#[track_caller]
fn check(sent: &[(Sent, Numbering)]) -> Sequence {
    let mut sequence = Sequence::default();
    for (place, (sent, numbering)) in sent.iter().enumerate() {
        let found = match *sent {
            Event(said) => sequence.event(Some(said), None),
            Counted(said, counted) => sequence.event(Some(said), Some(counted)),
            Handshake(counted) => sequence.count(counted, true),
            Heartbeat(counted) => sequence.count(counted, false),
        };
        assert_eq!(found, *numbering, "at {place}");
    }
    sequence
}

#[test]
fn numbers_one_after_the_other() {
    for event in [bare, usual] {
        let sequence =
            check(&[(Event(event(41)), InOrder), (Event(event(42)), InOrder), (Event(event(43)), InOrder)]);
        let counts = sequence.counts();
        assert_eq!((counts.received, counts.last_number, counts.missing), (3, Some(43), 0));
    }
}

#[test]
fn what_comes_late_fills_its_gap() {
    for event in [bare, usual] {
        let sequence = check(&[
            (Event(event(1)), InOrder),
            (Event(event(5)), gap(2, 4)),
            (Event(event(3)), Late),
            (Event(event(7)), gap(6, 6)),
            (Event(event(3)), Repeat),
            (Event(event(2)), Late),
            (Event(event(6)), Late),
        ]);
        let counts = sequence.counts();
        assert_eq!((counts.gaps, counts.missing, counts.lost, counts.repeats), (1, 1, 0, 1));
        let sequence = check(&[
            (Event(event(1)), InOrder),
            (Event(event(3)), gap(2, 2)),
            (Event(event(2)), Late),
            (Event(event(4)), InOrder),
        ]);
        assert_eq!(sequence.counts().gaps, 0);
    }
}

#[test]
fn what_came_before_the_first_is_neither_gap_nor_repetition() {
    for event in [bare, usual] {
        check(&[
            (Event(event(50)), InOrder),
            (Event(event(49)), Late),
            (Event(event(47)), Late),
            (Event(event(49)), Repeat),
            (Event(event(51)), InOrder),
        ]);
    }
}

#[test]
fn a_repetition_is_no_restart() {
    let other_version = Said { version: Some(2), ..usual(2) };
    let a_moment_later = Said { time: at(121), ..usual(2) };
    for again in [usual(2), other_version, a_moment_later, bare(2)] {
        let before = Said { version: Some(1), ..usual(2) };
        let mut sequence = check(&[
            (Event(usual(1)), InOrder),
            (Event(before), InOrder),
            (Event(usual(3)), InOrder),
            (Event(again), Repeat),
            // As it was sent first.
            (Counted(again, 2), Repeat),
            // With the server's present count.
            (Counted(again, 3), Repeat),
        ]);
        assert_eq!(sequence.counts().restarts, 0);
        assert_eq!(sequence.event(Some(usual(4)), None), InOrder);
    }
}

#[test]
fn a_new_event_under_an_old_number_is_a_restart() {
    let later = |number| Said { time: at(9_000 + number), ..bare(number) };
    let other_focus = |number| Said { focus: Some(100 + number), ..bare(number) };
    let other_version = |number| Said { focus: Some(number), version: Some(8), ..bare(number) };
    let known = |number| Said { version: Some(7), ..usual(number) };
    let begin = || [(Event(known(1)), InOrder), (Event(known(2)), InOrder), (Event(known(5)), gap(3, 4))];
    for event in [&later as &dyn Fn(u64) -> Said, &other_focus, &other_version] {
        let mut sent = Vec::from(begin());
        sent.extend([(Event(event(1)), Restart), (Event(event(2)), InOrder), (Event(event(3)), InOrder)]);
        let counts = check(&sent).counts();
        assert_eq!((counts.restarts, counts.last_number, counts.missing, counts.lost), (1, Some(3), 0, 2));
    }
    // It falls into a gap, and happened later than the events after the gap.
    let mut sent = Vec::from(begin());
    sent.extend([(Event(later(3)), Restart), (Event(later(4)), InOrder)]);
    check(&sent);
    // The server has counted on.
    let mut sent = Vec::from(begin());
    sent.extend([(Counted(other_focus(2), 5), Repeat)]);
    check(&sent);
    // The server has counted on, but it is another counter, which restarted and passed the old number.
    let other = |number| Said { focus: Some(100 + number), ..later(number) };
    let mut sent = Vec::from(begin());
    sent.extend([
        (Counted(other(6), 6), InOrder),
        (Counted(other(2), 6), Restart),
        (Counted(other(4), 6), Late),
    ]);
    let sequence = check(&sent);
    let counts = sequence.counts();
    assert_eq!((counts.restarts, counts.last_number, counts.missing), (1, Some(6), 3));
    let missing: Vec<_> = (0..9).filter(|number| sequence.gaps().unwrap().contains(*number)).collect();
    assert_eq!(missing, [1, 3, 5]);
    // If it is sent again with the time of the retry, it is not a restart.
    let again = |number| Said { focus: Some(number), ..later(number) };
    let mut sent = Vec::from(begin());
    sent.extend([(Counted(again(2), 5), Repeat), (Counted(again(1), 6), Repeat)]);
    check(&sent);
}

#[test]
fn what_the_server_has_under_a_number_that_came_tells_another_counter() {
    let later = |number| Said { time: at(9_000 + number), ..bare(number) };
    let other_focus = |number| Said { focus: Some(100 + number), ..bare(number) };
    let other = |number| Said { focus: Some(100 + number), ..later(number) };
    let again = |number| Said { focus: Some(number), ..later(number) };
    let earlier = |number| Said { focus: Some(100 + number), time: at(number), ..bare(number) };
    for (said, is_overtaken) in [
        (later(5), true),
        (other_focus(5), true),
        (other(5), true),
        (again(5), false),
        (earlier(5), false),
        (usual(5), false),
        (bare(5), false),
        (other(4), false),
    ] {
        let mut sequence = check(&[
            (Event(usual(1)), InOrder),
            (Event(usual(5)), gap(2, 4)),
            (Event(other(8)), gap(6, 7)),
            (Event(other(9)), InOrder),
        ]);
        assert_eq!((sequence.before(&(6..=7)), sequence.before(&(2..=4))), (Some(5), Some(1)));
        assert_eq!(sequence.overtaken(said), is_overtaken, "{said:?}");
        let counts = sequence.counts();
        assert_eq!(counts.restarts, u64::from(is_overtaken), "{said:?}");
        if is_overtaken && said.time.is_some() {
            assert_eq!((counts.missing, counts.last_number, counts.lost), (7, Some(9), 5), "{said:?}");
        }
    }
}

#[test]
fn what_nothing_is_known_of_counts_as_a_repetition_unless_it_is_far_off() {
    check(&[(Event(bare(9)), InOrder), (Event(bare(10)), InOrder), (Event(bare(9)), Repeat)]);
    let far = FAR + 10;
    check(&[(Event(bare(far)), InOrder), (Event(bare(1)), Restart), (Event(bare(2)), InOrder)]);
    check(&[(Event(bare(far)), InOrder), (Counted(bare(1), far), Late)]);
    check(&[(Event(bare(1)), InOrder), (Event(bare(far)), gap(2, far - 1)), (Event(bare(2)), Late)]);
}

#[test]
fn a_handshake_says_where_the_counter_is() {
    check(&[(Handshake(0), InOrder), (Event(usual(1)), InOrder)]);
    check(&[(Handshake(0), InOrder), (Event(usual(3)), gap(1, 2))]);
    check(&[(Handshake(7), InOrder), (Event(usual(7)), Late), (Event(usual(7)), Repeat)]);
    check(&[
        (Event(usual(7)), InOrder),
        (Handshake(7), InOrder),
        (Handshake(0), Restart),
        (Event(usual(1)), InOrder),
    ]);
    check(&[(Event(usual(7)), InOrder), (Handshake(9), gap(8, 9)), (Event(usual(10)), InOrder)]);
}

#[test]
fn a_heartbeat_shows_what_did_not_come() {
    let sequence = check(&[
        (Heartbeat(4), InOrder),
        (Event(usual(5)), InOrder),
        (Heartbeat(5), InOrder),
        // An event overtook it.
        (Heartbeat(4), InOrder),
        (Heartbeat(7), gap(6, 7)),
        (Heartbeat(7), InOrder),
        (Heartbeat(8), gap(8, 8)),
        (Event(usual(6)), Late),
    ]);
    assert_eq!((sequence.counts().gaps, sequence.counts().missing), (1, 2));
}

#[test]
fn the_log_has_names_and_numbers() {
    let written = [InOrder, gap(2, 4), gap(7, 7), Late, Repeat, Restart].map(|it| it.to_string());
    assert_eq!(written, ["in order", "gap 2-4", "gap 7", "late", "repeat", "restart"]);
}

#[test]
fn the_ends_of_numbers() {
    let sequence = check(&[
        (Event(bare(0)), InOrder),
        (Event(bare(u64::MAX)), gap(1, u64::MAX - 1)),
        (Heartbeat(u64::MAX), InOrder),
        (Handshake(u64::MAX), InOrder),
        (Event(bare(u64::MAX)), Repeat),
        (Event(bare(1)), Late),
    ]);
    assert_eq!(sequence.counts().missing, u64::MAX - 2);
}

#[test]
fn memory_is_bounded() {
    let mut sequence = Sequence::default();
    for number in (1..1_000_000).step_by(2) {
        sequence.event(Some(bare(number)), None);
    }
    let counts = sequence.counts();
    assert_eq!((counts.gaps, counts.missing, counts.lost), (64, 64, 499_999 - 64));
    assert!(sequence.epoch.as_ref().unwrap().recent.len() <= super::RECENT);
    // A gap that is filled in places.
    let mut sequence = check(&[(Event(bare(1)), InOrder), (Event(bare(2_000)), gap(2, 1_999))]);
    for number in (3..1_999).step_by(2) {
        assert_eq!(sequence.event(Some(Said { time: at(1), ..bare(number) }), None), Late);
    }
    assert_eq!(sequence.counts().gaps, 64);
}

/// A server that counts, loses, retries, reorders and restarts; and how its events are classified.
#[test]
fn whatever_the_order_each_number_is_told_for_what_it_is() {
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let with_time = random.bool();
        let mut sequence = Sequence::default();
        let (mut seconds, mut focus) = (0, 0);
        // The events of this counter that arrived.
        let mut came = BTreeSet::new();
        for counter in 0..3 {
            seconds += 60;
            let mut events = Vec::new();
            for number in 1..=random.u64(1..60) {
                seconds += random.u64(0..3);
                focus += 1;
                events.push(Said {
                    focus: Some(focus),
                    time: at(seconds).filter(|_| with_time),
                    ..bare(number)
                });
            }
            // Some are lost, some are repeated, and each may be overtaken.
            let mut sent = Vec::new();
            for (place, event) in events.iter().enumerate() {
                for _ in 0..*random.choice(&[0, 1, 1, 1, 1, 2]).unwrap() {
                    sent.push((place as u64 + random.u64(0..6), *event));
                }
            }
            sent.sort_by_key(|(moment, _)| *moment);
            if let (Some(highest), Some((_, first))) = (came.last(), sent.first())
                && (first.number > *highest || (!with_time && !came.contains(&first.number)))
            {
                // Nothing distinguishes it from the counter before.
                break;
            }
            for (place, (_, event)) in sent.iter().enumerate() {
                let numbering = sequence.event(Some(*event), None);
                let expected = match came.last().copied() {
                    _ if place == 0 && counter > 0 && !came.is_empty() => {
                        came.clear();
                        Restart
                    }
                    None => InOrder,
                    Some(_) if came.contains(&event.number) => Repeat,
                    Some(highest) if event.number == highest + 1 => InOrder,
                    Some(highest) if event.number > highest => gap(highest + 1, event.number - 1),
                    Some(_) => Late,
                };
                let context = format!("seed {seed}, counter {counter}, number {}", event.number);
                assert_eq!(numbering, expected, "{context}");
                came.insert(event.number);
                let first = sequence.epoch.as_ref().unwrap().first;
                let missing = (first..=*came.last().unwrap()).filter(|number| !came.contains(number)).count();
                assert_eq!(sequence.counts().missing, missing as u64, "{context}");
            }
        }
    }
}
