//! [`Expected`]: the assertions of a copied test.

use http::StatusCode;

use super::super::delivery::Delivery;
use crate::delivery::DeskRecord;

/// The assertions of a copied test. A test has a new store and its own sandbox, so an outcome may differ from the
/// recorded one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) status: StatusCode,
    /// The outcome of each event.
    pub(super) outcomes: Vec<&'static str>,
    /// Whether the answer has these outcomes and no others.
    pub(super) is_whole: bool,
    /// Whether the request shows no secret.
    pub(super) is_of_stranger: bool,
    /// Why the assertions differ from the recorded outcome, or may differ from the outcome of the test.
    pub(super) notes: Vec<String>,
}

/// Outcomes that the store, the FHIR server or the machine decided.
const OUTSIDE: [&str; 9] = [
    "broken off",
    "busy",
    "died",
    "keys unavailable",
    "out of time",
    "queue unavailable",
    "store unavailable",
    "too large",
    "unread",
];

impl Expected {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let Delivery { events, status, .. } = delivery;
        let (mut outcomes, mut notes) = (Vec::new(), Vec::new());
        let (mut is_repeated, mut is_whole) = (false, true);
        for (place, event) in events.iter().enumerate() {
            let has_same =
                |is: fn(&DeskRecord, &DeskRecord) -> bool| events[..place].iter().any(|it| is(it, event));
            match event.outcome {
                "handled before" | "under way elsewhere" if !has_same(is_same_event) => {
                    is_repeated = true;
                    outcomes.push("handled");
                }
                "superseded" if !has_same(is_same_resource) => {
                    is_repeated = true;
                    outcomes.push("handled");
                }
                // The events that the server returned for a gap stand before the gap, and after the notification's own.
                outcome if outcome.starts_with("gap ") || outcome == "heartbeat missed" => is_whole = false,
                // The test's app requires no signature.
                "unsigned" => outcomes.push("unauthorized"),
                outcome => outcomes.push(outcome),
            }
        }
        if is_repeated {
            notes.push(
                "The program had handled an event of this delivery before. The store of a test is new, so the handler runs."
                    .to_owned(),
            );
        }
        if !is_whole {
            outcomes.truncate(1);
            notes.push(
                "The program also asked the FHIR server for missing events, which the sandbox of the test does not have."
                    .to_owned(),
            );
        }
        if let Some(outside) = outcomes.iter().find(|outcome| OUTSIDE.contains(outcome)) {
            notes.push(format!(
                "The handler did not cause the outcome `{outside}`, so the test may have another. Change the assertions then."
            ));
        }
        let is_of_stranger = *status == StatusCode::UNAUTHORIZED;
        if is_of_stranger {
            notes.push("The secret or the signature of the sender was missing or wrong.".to_owned());
        }
        let is_now_handled = is_repeated && outcomes.iter().all(|outcome| *outcome == "handled");
        let status = match is_now_handled && !status.is_success() {
            true => StatusCode::NO_CONTENT,
            false => *status,
        };
        Self { status, outcomes, is_whole, is_of_stranger, notes }
    }
}

fn is_same_event(one: &DeskRecord, other: &DeskRecord) -> bool {
    is_same_resource(one, other) && (&one.version, one.number) == (&other.version, other.number)
}

fn is_same_resource(one: &DeskRecord, other: &DeskRecord) -> bool {
    one.reference.is_some() && one.reference == other.reference
}

#[cfg(test)]
mod tests {
    use super::super::tests::{delivery, told};
    use super::*;

    fn expected(status: u16, outcomes: &[(&str, &'static str)]) -> (u16, Vec<&'static str>, Expected) {
        let events = outcomes.iter().map(|(reference, outcome)| told(reference, outcome)).collect();
        let delivery = Delivery { events, status: StatusCode::from_u16(status).unwrap(), ..delivery() };
        let expected = Expected::of(&delivery);
        (expected.status.as_u16(), expected.outcomes.clone(), expected)
    }

    #[test]
    fn an_event_that_was_handled_before_is_handled_by_the_test() {
        for outcome in ["handled before", "superseded"] {
            let (status, outcomes, expected) = expected(204, &[("Patient/1", outcome)]);
            assert_eq!((status, outcomes, expected.notes.len()), (204, vec!["handled"], 1), "{outcome}");
        }
        let (status, outcomes, _) = expected(503, &[("Patient/1", "under way elsewhere")]);
        assert_eq!((status, outcomes), (204, vec!["handled"]));
        // Another event of the delivery still decides about the status.
        let (status, ..) = expected(500, &[("Patient/1", "handled before"), ("Patient/2", "failed")]);
        assert_eq!(status, 500);
    }

    #[test]
    fn an_event_that_stands_twice_in_a_notification_is_repeated_in_the_test_too() {
        let twice = [("Patient/1", "handled"), ("Patient/1", "handled before")];
        let (_, outcomes, expected) = expected(204, &twice);
        assert_eq!((outcomes, expected.notes.len()), (vec!["handled", "handled before"], 0));
    }

    #[test]
    fn a_refused_sender_shows_no_secret() {
        for outcome in ["unauthorized", "unsigned"] {
            let (status, outcomes, expected) = expected(401, &[("", outcome)]);
            assert_eq!((status, outcomes), (401, vec!["unauthorized"]));
            assert!(expected.is_of_stranger);
        }
        assert!(!expected(204, &[("Patient/1", "handled")]).2.is_of_stranger);
    }

    #[test]
    fn events_that_the_program_fetched_are_not_expected() {
        let gap = [("Patient/3", "handled"), ("Patient/2", "handled"), ("", "gap filled")];
        let (_, outcomes, expected) = expected(204, &gap);
        assert_eq!((outcomes, expected.is_whole), (vec!["handled"], false));
    }

    #[test]
    fn an_outcome_from_outside_is_noted() {
        assert_eq!(expected(503, &[("Patient/1", "store unavailable")]).2.notes.len(), 1);
        assert_eq!(expected(500, &[("Patient/1", "failed")]).2.notes.len(), 0);
    }
}
