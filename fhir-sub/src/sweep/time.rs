//! What time it is, here and there, and where a sweep stands in it.

use std::time::Duration;

use super::walk::What;
use super::{Sweep, clock};
use crate::client::Said;
use crate::fhir::Instant;

/// How far a watermark may be ahead of the server's clock without a reason to look further back: `Date` has seconds.
const SLACK: Duration = Duration::from_secs(5);

impl Sweep<'_> {
    /// This machine's time.
    pub(super) fn here(&self) -> Instant {
        self.run.app.now()
    }

    /// What time it is on the server, at least.
    pub(super) fn there(&self) -> Instant {
        clock::there(self.lease.state().clock.as_ref(), self.here())
    }

    /// How much further back than it has come a sweep looks.
    pub(super) fn overlap(&self) -> Duration {
        self.run.app.settings().sweep_overlap
    }

    /// From when on to look, by how far it has come.
    pub(super) fn from(&self, what: What) -> Instant {
        let state = self.lease.state();
        let watermark = match what {
            What::Changed => &state.watermark,
            What::Deleted => &state.deletions_watermark,
        };
        let [start, watermark] =
            [&state.start, watermark].map(|moment| moment.as_deref().and_then(Instant::parse));
        let from = watermark.map(|watermark| watermark.before(self.overlap())).max(start);
        // It was begun before, which says where.
        from.unwrap_or_else(|| self.here())
    }

    /// When a page was asked for that took since `began`, by the server's clock, or a little earlier. `None` where the server
    /// does not say what time it is.
    pub(super) fn asked(&mut self, said: &Said, began: tokio::time::Instant) -> Option<Instant> {
        let elapsed = began.elapsed();
        let asked = Instant::from(said.date?).before(elapsed);
        let here = self.here().before(elapsed);
        clock::observe(&mut self.lease.state_mut().clock, here, asked);
        self.tells_time = true;
        Some(asked)
    }

    /// Goes back to where the server's clock is, where the sweep is to begin, or believes to have come, later than that; whether
    /// it has. A `since` may have been given by mistake, and a clock that was ahead been put right.
    pub(super) fn put_right(&mut self, what: What, asked: Option<Instant>) -> bool {
        let (here, overlap) = (self.here(), self.overlap());
        let now = asked.unwrap_or(here);
        let elapsed = self.looked.map_or(Duration::ZERO, |looked| here.since(looked));
        let state = self.lease.state_mut();
        let parse = |moment: &Option<String>| moment.as_deref().and_then(Instant::parse);
        let mut is_put_right = false;
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
            // It was put back at some time since it was last looked at.
            *watermark = Some(now.before(elapsed).to_string());
            is_put_right = true;
            self.row.note_once("the server's clock was put back: the sweep goes back to where the clock is");
        }
        is_put_right
    }
}
