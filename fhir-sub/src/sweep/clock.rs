//! Compares the server's clock with the clock here.
//!
//! A sweep must not believe that it has seen all of a moment that has not come yet. The clock of a server, or
//! of a gateway that writes the `Date`, may be ahead for a while and be corrected later. Changes after the
//! correction would then lie before the watermark. So the sweep uses the smallest lead that the clock had
//! over a day or two, and assumes no lead at first. If a clock was behind for a moment, the sweep only
//! searches some time again.

use std::time::Duration;

use crate::fhir::Instant;
use crate::store::ServerClock;

/// How long one smallest lead is measured.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Records the server's time at the local time `here`: between `there` and `there` plus `unsure`. Returns how
/// far the server's clock was put back, compared with the earlier assumption.
pub(super) fn observe(
    clock: &mut Option<ServerClock>,
    here: Instant,
    there: Instant,
    unsure: Duration,
) -> Duration {
    let ahead = there.ahead_of(here);
    let assumed = self::there(clock.as_ref(), here);
    let Some(known) = clock else {
        *clock = Some(ServerClock { seen: here, since: here, least: ahead, before: None });
        // There was no assumption before.
        return Duration::ZERO;
    };
    if here.since(known.since) >= DAY {
        (known.before, known.since, known.least) = (Some(known.least), here, ahead);
    }
    known.least = known.least.min(ahead);
    known.seen = here;
    if assumed.before(unsure) > there {
        assumed.since(self::there(clock.as_ref(), here))
    } else {
        Duration::ZERO
    }
}

/// The server's time, at least.
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

    /// The assumed time of the server, after each observation.
    fn believed(looks: &[(&str, &str)]) -> Vec<Instant> {
        let mut clock = None;
        let look = |(here, ahead): &(&str, &str)| {
            let _ = observe(&mut clock, at(here), at(ahead), Duration::ZERO);
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
    fn a_clock_that_is_put_back_is_noticed_once() {
        let mut clock = None;
        let looks = [
            ("01T10:00:00", "01T10:01:00", 0),
            // The clock goes back by less than its lead, and the sweep never relied on that lead.
            ("01T10:05:00", "01T10:05:30", 0),
            ("01T10:07:00", "01T10:06:55", 0),
            ("01T10:10:00", "01T10:08:00", 115),
            ("01T10:15:00", "01T10:13:00", 0),
            ("01T10:20:00", "01T10:17:00", 60),
            ("01T10:25:00", "01T10:25:00", 0),
        ];
        for (here, there, behind) in looks {
            let unsure = Duration::from_secs(5);
            let put_back = observe(&mut clock, at(here), at(there), unsure);
            assert_eq!(put_back, Duration::from_secs(behind), "{here}");
        }
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
