//! Subscriptions that never notify because a moment is past. The compiler does not know the date, so the program
//! reports them when it runs.

use std::time::SystemTime;

use fhir_sub_search::search::{self, Prefix, Text};

use super::wanted::Wanted;
use crate::declaration::Declaration;
use crate::fhir::Instant;

/// Why a Subscription has ended.
pub(super) struct Ended {
    /// The element or the parameter with the moment.
    pub(super) element: &'static str,
    pub(super) problem: String,
}

/// Whether the `end` of a wanted Subscription is past, or its criteria asks for changes before a moment that is past.
pub(super) fn ended(declaration: &Declaration, wanted: &Wanted) -> Option<Ended> {
    let now = SystemTime::now().into();
    let end = wanted.resource.text("end").and_then(|end| ended_at(end, now));
    if let Some(problem) = end {
        return Some(Ended { element: "end", problem });
    }
    // A deletion is of the resource as it was before.
    let is_newer = wanted.topic.is_none() && !declaration.interactions.delete;
    let criteria = wanted.resource.text("criteria").filter(|_| is_newer)?;
    Some(Ended { element: "_lastUpdated", problem: changed_before(criteria, now)? })
}

fn ended_at(end: &str, now: Instant) -> Option<String> {
    (Instant::parse(end)? <= now).then(|| {
        format!(
            "its `end`, {end}, is past, so the server would never notify: write a later `end`, or take the \
             handler out"
        )
    })
}

/// Each change is newer than a moment that is past.
fn changed_before(criteria: &str, now: Instant) -> Option<String> {
    let parameters = search::parse(criteria).0?.parameters;
    let past = parameters.iter().find(|parameter| {
        let is_past = |value: &Text| {
            let (prefix, date) = Prefix::split(value);
            let is_bound = matches!(prefix, None | Some(Prefix::Eq | Prefix::Lt | Prefix::Le | Prefix::Eb));
            is_bound && latest(&date.to_string()).is_some_and(|latest| latest <= now)
        };
        parameter.code() == "_lastUpdated"
            && parameter.qualifier().is_none()
            && parameter.values.iter().all(is_past)
    })?;
    Some(format!(
        "its criteria has `{past}`, which is past, and each change is newer, so the server would never notify: take it out \
         of the criteria, or take the handler out"
    ))
}

/// A moment that is not before the end of a date, whatever its time zone.
fn latest(date: &str) -> Option<Instant> {
    let day = match date.get(..10) {
        Some(day) => day.to_owned(),
        None => format!("{}-12-31", date.get(..4)?),
    };
    Instant::parse(&format!("{day}T23:59:59-12:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_now_has_not_changed_before_a_moment_that_is_past() {
        let now = Instant::parse("2026-11-29T12:00:00Z").unwrap();
        for past in [
            "_lastUpdated=lt2021-01-01",
            "_lastUpdated=le2026-11-27T10:00:00Z",
            "_lastUpdated=eb2025",
            "_lastUpdated=2026-10-01",
            "active=true&_lastUpdated=eq2025,lt2021",
        ] {
            let told = changed_before(&format!("Patient?{past}"), now);
            assert!(told.is_some_and(|it| it.contains("`_lastUpdated=")), "{past}");
        }
        for right in [
            "_lastUpdated=gt2021-01-01",
            "_lastUpdated=ne2021",
            "_lastUpdated=lt2026-11-29",
            "_lastUpdated=2026",
            "_lastUpdated=lt2021,gt2022",
            "_lastUpdated:missing=true",
            "birthdate=lt2021-01-01",
        ] {
            assert_eq!(changed_before(&format!("Patient?{right}"), now), None, "{right}");
        }
        assert_eq!(changed_before("Patient", now), None);
    }

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
