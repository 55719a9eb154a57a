//! How far a page of a search has come, by the times at which its resources were last changed.

use crate::fhir::Instant;

/// The times of a page, in its order; `None` of a resource that does not say.
pub(super) type Times = [Option<Instant>];

/// Whether the server sorts them, the oldest first. What was changed after the search was `asked` may stand anywhere: it
/// stands where it was found, and is shown as it was a moment later.
pub(super) fn is_sorted(times: &Times, asked: Option<Instant>) -> bool {
    let told: Option<Vec<_>> = times.iter().copied().collect();
    told.is_some_and(|times| {
        let before: Vec<_> =
            times.into_iter().filter(|time| asked.is_none_or(|asked| *time < asked)).collect();
        before.is_sorted()
    })
}

/// Up to when a sorted page has everything. `None` where that is not known.
pub(super) fn reached(times: &Times, asked: Option<Instant>) -> Option<Instant> {
    times.iter().copied().flatten().filter(|time| Some(*time) < asked).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: &[u8]) -> Vec<Option<Instant>> {
        seconds.iter().map(|second| Instant::parse(&format!("2026-01-01T00:00:{second:02}Z"))).collect()
    }

    #[test]
    fn what_changes_meanwhile_stands_anywhere() {
        let asked = at(&[40])[0];
        assert!(is_sorted(&at(&[]), asked) && is_sorted(&at(&[1, 1, 2, 50, 3]), asked));
        assert!(!is_sorted(&at(&[1, 3, 2]), asked) && !is_sorted(&at(&[1, 50, 3]), None));
        assert!(!is_sorted(&[None], asked));
        assert_eq!(reached(&at(&[1, 50, 3]), asked), at(&[3])[0]);
        assert_eq!(reached(&at(&[1, 3]), None), None);
        assert_eq!(reached(&at(&[40]), asked), None);
    }
}
