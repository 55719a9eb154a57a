use super::*;
use crate::delivery::{Failure, GivenUp, Record};
use crate::event::Event;

/// Each end, and the status of its answer.
fn ends() -> Vec<(End, u16)> {
    vec![
        (End::Handled, 204),
        (End::Repeated, 204),
        (End::Superseded, 204),
        (End::NotWanted, 204),
        (End::Gone, 204),
        (End::LookedUp, 204),
        (End::NothingFound, 204),
        (End::NotAllFound, 503),
        (End::UnderWay, 503),
        (End::NotBegun, 503),
        (End::Unread(Failure::PANICKED), 503),
        (End::Unconfirmed, 503),
        (End::StoreUnavailable(Failure::PANICKED), 503),
        (End::Malformed("no JSON".into()), 400),
        (End::Unprocessable("another type".into()), 422),
        (End::Failed(Failure::PANICKED), 500),
        (End::FailedForGood(Failure::PANICKED), 422),
        (End::Panicked, 500),
        (End::OutOfTime, 503),
    ]
}

fn delivered(end: End) -> Delivered {
    Delivered::new("e", Event::unknown(), end)
}

fn answer(delivered: Vec<Delivered>) -> Answer {
    Answer::of(&Notified { delivered, places: Vec::new(), missing: Vec::new() })
}

#[test]
fn the_answer_makes_a_server_send_again_what_must_come_again_and_nothing_else() {
    for (end, status) in ends() {
        let delivered = delivered(end);
        let due = match status {
            204 => Due::Nothing,
            400..500 => Due::Refused,
            _ => Due::Again,
        };
        assert_eq!(delivered.due(), due, "{delivered:?}");
        assert_eq!(delivered.must_come_again(), status >= 500, "{delivered:?}");
        let words = delivered.end.words();
        let said = format!("{delivered:?}");
        let answer = answer(vec![delivered]);
        assert_eq!(answer.status, status, "{said}");
        let retry_after = answer.headers().find(|(name, _)| *name == "retry-after");
        assert_eq!(retry_after.is_some(), status == 503, "{said}");
        assert!(!words.is_empty());
    }
}

#[test]
fn what_a_store_keeps_need_not_come_again() {
    for (end, status) in ends() {
        let kept = Delivered { given_up: Some(GivenUp::Kept), ..delivered(end) };
        assert_eq!((kept.due(), answer(vec![kept]).status.as_u16()), (Due::Nothing, 204));
        let _ = status;
    }
    for (end, status) in ends() {
        let in_memory = Delivered { given_up: Some(GivenUp::InMemory), ..delivered(end) };
        assert_eq!(answer(vec![in_memory]).status, status, "the server is the only one who remembers");
    }
}

#[test]
fn the_gravest_is_answered_and_the_first_of_those() {
    let of = |ends: Vec<End>| answer(ends.into_iter().map(delivered).collect()).status.as_u16();
    assert_eq!(of(vec![End::Handled, End::Malformed("".into()), End::Unprocessable("".into())]), 400);
    assert_eq!(of(vec![End::Unprocessable("".into()), End::Panicked, End::OutOfTime]), 500);
    assert_eq!(of(vec![End::OutOfTime, End::Panicked]), 503);
    assert_eq!(of(vec![]), 204);
}

#[test]
fn each_has_a_line_of_its_own_words() {
    for (end, _) in ends() {
        let (delivered, words) = (delivered(end), ends());
        let outcome = delivered.end.words();
        assert_eq!(Record::of(delivered).outcome(), outcome);
        let same = words.iter().filter(|(end, _)| end.words() == outcome).count();
        // Both ends lack time. Whether the handler was called shows which of them it is.
        assert_eq!(same, if outcome == "out of time" { 2 } else { 1 }, "{outcome}");
    }
}
