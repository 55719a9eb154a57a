//! The server's clock, held against the one here.
//!
//! A sweep must not believe that it has seen all of a moment which has not come yet. A server, or a gateway that writes the
//! `Date`, may be ahead for a while and be put right again: what is changed then lies before a watermark that went by it. So
//! the server's clock is believed as far as it was ahead at least, over a day or two, and at first not at all to be ahead.
//! What that costs, where a clock was behind for a moment, is that some time is searched again.

use std::time::Duration;

use crate::fhir::Instant;
use crate::store::ServerClock;

/// How long the least is measured for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes in what time it was there when it was `here`.
pub(super) fn observe(clock: &mut Option<ServerClock>, here: Instant, there: Instant) {
    let ahead = there.ahead_of(here);
    let Some(known) = clock else {
        *clock = Some(ServerClock { seen: here, since: here, least: ahead, before: None });
        return;
    };
    if here.since(known.since) >= DAY {
        (known.before, known.since, known.least) = (Some(known.least), here, ahead);
    }
    known.least = known.least.min(ahead);
    known.seen = here;
}

/// What time it is there at least.
pub(super) fn there(clock: Option<&ServerClock>, here: Instant) -> Instant {
    let ahead = clock.map_or(0, |clock| clock.least.min(clock.before.unwrap_or(0)));
    here.shifted(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Instant {
        Instant::parse(&format!("2026-01-{time}Z")).unwrap()
    }

    /// What time it is believed to be there, after each look.
    fn believed(looks: &[(&str, &str)]) -> Vec<Instant> {
        let mut clock = None;
        let look = |(here, ahead): &(&str, &str)| {
            observe(&mut clock, at(here), at(ahead));
            there(clock.as_ref(), at(here))
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_clock_that_is_ahead_for_a_while_is_not_believed() {
        let believed = believed(&[
            ("01T10:00:00", "01T10:00:00"),
            ("01T10:05:00", "01T11:05:00"),
            ("01T10:10:00", "01T10:10:00"),
        ]);
        assert_eq!(believed, [at("01T10:00:00"), at("01T10:05:00"), at("01T10:10:00")]);
        assert_eq!(there(None, at("01T10:00:00")), at("01T10:00:00"));
    }

    #[test]
    fn a_clock_that_is_behind_is_believed_and_forgotten_in_two_days() {
        let believed = believed(&[
            ("01T10:00:00", "01T09:00:00"),
            ("01T11:00:00", "01T11:00:00"),
            ("02T11:00:00", "02T11:00:00"),
            ("03T12:00:00", "03T12:00:00"),
        ]);
        assert_eq!(believed, [at("01T09:00:00"), at("01T10:00:00"), at("02T10:00:00"), at("03T12:00:00")]);
    }

    #[test]
    fn a_clock_that_is_always_ahead_is_believed_after_a_day() {
        let believed = believed(&[
            ("01T10:00:00", "01T11:00:00"),
            ("02T09:00:00", "02T10:00:00"),
            ("02T11:00:00", "02T12:00:00"),
        ]);
        assert_eq!(believed, [at("01T10:00:00"), at("02T09:00:00"), at("02T12:00:00")]);
    }
}
