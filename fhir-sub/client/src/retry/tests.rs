use super::*;
use crate::transport::TransportError;

fn status(code: u16, retry_after: Option<u64>) -> Error {
    Error::new(Kind::Status {
        status: StatusCode::from_u16(code).unwrap(),
        outcome: None,
        retry_after: retry_after.map(Duration::from_secs),
    })
}

fn broken(kind: TransportErrorKind) -> Error {
    Error::new(Kind::Transport(TransportError::new(kind)))
}

#[test]
fn what_is_repeated_goes_by_what_may_have_been_done() {
    let check = |error: Error, safe: bool, unsafe_: bool| {
        let repeats = |repeat| pause(repeat, &error, 1, None).is_some();
        assert_eq!((repeats(Repeat::Safe), repeats(Repeat::IfUnprocessed)), (safe, unsafe_), "{error}");
        assert!(!repeats(Repeat::Never), "{error}");
    };
    check(status(429, None), true, true);
    check(status(503, Some(1)), true, true);
    check(status(503, None), true, false);
    check(status(502, Some(1)), true, false);
    check(status(504, None), true, false);
    for code in [301, 400, 401, 404, 408, 409, 410, 412, 422, 500, 501] {
        check(status(code, Some(1)), false, false);
    }
    check(broken(TransportErrorKind::NotSent), true, true);
    check(broken(TransportErrorKind::Broken), true, false);
    check(broken(TransportErrorKind::TimedOut), true, false);
    check(broken(TransportErrorKind::TooLarge), false, false);
    check(broken(TransportErrorKind::Unusable), false, false);
    check(Error::new(Kind::Deadline), false, false);
}

#[test]
fn pauses_grow_are_random_and_end() {
    for attempt in 1..ATTEMPTS {
        let longest = FIRST_PAUSE * 2u32.pow(attempt - 1);
        let pauses: Vec<_> =
            (0..200).map(|_| pause(Repeat::Safe, &status(502, None), attempt, None).unwrap()).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest));
        assert!(
            pauses.iter().any(|pause| *pause < longest / 2)
                && pauses.iter().any(|pause| *pause > longest / 2)
        );
    }
    assert_eq!(pause(Repeat::Safe, &status(502, None), ATTEMPTS, None), None);
}

#[test]
fn retry_after_is_obeyed_or_given_up_on() {
    let seconds = Duration::from_secs;
    let asked = |asked, remaining| pause(Repeat::Safe, &status(429, Some(asked)), 1, remaining);
    assert!(asked(3, None).unwrap() >= seconds(3));
    assert!(asked(3, Some(seconds(4))).unwrap() < seconds(4));
    assert_eq!(asked(3, Some(seconds(3))), None);
    assert!(asked(36, None).is_some(), "a quota of a minute is waited for");
    assert!(asked(120, None).is_some());
    assert_eq!(asked(121, None), None);
    assert_eq!(asked(u64::MAX, None), None);
    assert_eq!(asked(0, Some(Duration::ZERO)), None);
}
