//! The time here, the time on the server, and the position of a sweep.

use std::time::Duration;

use super::walk::What;
use super::{Sweep, clock};
use crate::client::Said;
use crate::fhir::Instant;

/// How far a watermark may be ahead of the server's clock before the sweep goes back: `Date` has only
/// seconds.
pub(super) const SLACK: Duration = Duration::from_secs(5);

const PUT_BACK: &str = "the server's clock was put back: the sweep goes back to where the clock is";

impl Sweep<'_> {
    pub(super) fn here(&self) -> Instant {
        self.run.app.now()
    }

    /// The server's time, at least.
    pub(super) fn there(&self) -> Instant {
        clock::there(self.lease.state().clock.as_ref(), self.here())
    }

    /// How far before its watermark a sweep begins.
    pub(super) fn overlap(&self) -> Duration {
        self.run.app.settings().sweep_overlap
    }

    /// The moment from which to look, by the saved watermark.
    pub(super) fn from(&self, what: What) -> Instant {
        let state = self.lease.state();
        let watermark = match what {
            What::Changed => &state.watermark,
            What::Deleted => &state.deletions_watermark,
        };
        let [start, watermark] =
            [&state.start, watermark].map(|moment| moment.as_deref().and_then(Instant::parse));
        let from = watermark.map(|watermark| watermark.before(self.overlap())).max(start);
        // The sweep was begun before, so a moment was saved.
        from.unwrap_or_else(|| self.here())
    }

    /// The moment of the request for a page, by the server's clock or a little earlier; `began` is the moment
    /// here. `None` if the server does not say what time it is.
    pub(super) fn asked(&mut self, said: &Said, began: tokio::time::Instant) -> Option<Instant> {
        let elapsed = began.elapsed();
        let asked = Instant::from(said.date?).before(elapsed);
        let here = self.here().before(elapsed);
        // The server may have written the time at the arrival of the request, or with its answer.
        let unsure = elapsed + SLACK;
        let put_back = clock::observe(&mut self.lease.state_mut().clock, here, asked, unsure);
        self.tells_time = true;
        if !put_back.is_zero() {
            self.go_back(put_back);
        }
        Some(asked)
    }

    /// Goes back as far as the server's clock went back. Changes since then have times before the watermarks,
    /// even if the clock has passed the watermarks again.
    fn go_back(&mut self, put_back: Duration) {
        let state = self.lease.state_mut();
        for moment in [&mut state.start, &mut state.watermark, &mut state.deletions_watermark] {
            let before = moment.as_deref().and_then(Instant::parse);
            *moment = before.map(|before| before.before(put_back).to_string());
        }
        for what in [What::Changed, What::Deleted] {
            let (from, here) = (self.from(what), self.here());
            if let Some(round) = what.round(self.lease.state_mut()) {
                round.begin_anew(from, here);
            }
        }
        self.went_back = true;
        self.row.note_once(PUT_BACK);
    }

    /// Goes back to the server's clock if the beginning or the watermark is later than the clock, and returns
    /// whether it has. A `since` may be a mistake, and a clock that was ahead may have been corrected.
    pub(super) fn put_right(&mut self, what: What, asked: Option<Instant>) -> bool {
        let (here, overlap) = (self.here(), self.overlap());
        let now = asked.unwrap_or(here);
        let elapsed = self.looked.map_or(Duration::ZERO, |looked| here.since(looked));
        let state = self.lease.state_mut();
        let parse = |moment: &Option<String>| moment.as_deref().and_then(Instant::parse);
        let mut is_put_right = std::mem::take(&mut self.went_back);
        if parse(&state.start).is_some_and(|start| start.before(SLACK) > now) {
            let start = now.before(overlap);
            state.start = Some(start.to_string());
            is_put_right = true;
            self.row.note_once(
                "it was to begin in the future, by the server's clock: it begins now, less the overlap",
            );
        }
        let state = self.lease.state_mut();
        let watermark = what.watermark(state);
        if asked.is_some() && parse(watermark).is_some_and(|watermark| watermark.before(SLACK) > now) {
            // The clock was put back since the last look at it.
            *watermark = Some(now.before(elapsed).to_string());
            is_put_right = true;
            self.row.note_once(PUT_BACK);
        }
        is_put_right
    }
}
