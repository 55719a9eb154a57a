//! Subscriptions that have ended. The compiler does not know the date, so the program reports them when it
//! runs.

use std::time::SystemTime;

use super::wanted::Wanted;
use crate::fhir::Instant;

/// The problem with the `end` of a wanted Subscription, if it is in the past.
pub(super) fn ended(wanted: &Wanted) -> Option<String> {
    ended_at(wanted.resource.text("end")?, SystemTime::now().into())
}

fn ended_at(end: &str, now: Instant) -> Option<String> {
    (Instant::parse(end)? <= now).then(|| {
        format!(
            "its `end`, {end}, is past, so the server would never notify: write a later `end`, or take the \
             handler out"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_past_has_ended() {
        let now = Instant::parse("2026-11-29T12:00:00Z").unwrap();
        for past in [
            "2021-01-01T00:00:00Z",
            "2026-11-29T12:00:00Z",
            "2026-11-29T11:59:59.999Z",
            "2026-11-29T12:59:59+01:00",
            "2026-11-29T00:00:00-11:00",
        ] {
            assert!(ended_at(past, now).is_some_and(|it| it.contains(past)), "{past}");
        }
        for future in ["2026-11-29T12:00:00.001Z", "2026-11-29T11:00:01-01:00", "2099-01-01T00:00:00+14:00"] {
            assert_eq!(ended_at(future, now), None, "{future}");
        }
    }
}
