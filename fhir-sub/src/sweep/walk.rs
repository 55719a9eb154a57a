//! Walks over all pages of a search, in as many sweeps as that takes.
//!
//! The walk asks for `_sort`, so that the oldest change comes first, but does not rely on it: the watermark
//! moves only when every page was read. Links to pages often count places, and places shift when a resource
//! changes meanwhile. So several pages are read again until two passes show the same. After each page, the
//! link to the next one is saved, and the next sweep continues there.

mod page;
mod seen;
mod sorting;

use std::time::Duration;

use self::seen::Seen;
use super::{Stop, Sweep};
use crate::client::{Error, PageLimits, Search};
use crate::deadline::Deadline;
use crate::delivery::changed::{Question, Raw};
use crate::fhir::Instant;
use crate::store::{Round, SweepState};

/// How many resources a page has, because they are held at once.
const COUNT: &str = "100";

/// The same, if the server forgets its links between two sweeps: with fewer pages, one sweep is more likely
/// to read all.
const LARGE_COUNT: &str = "500";

/// How many passes one sweep makes over the same pages.
const PASSES: u32 = 8;

/// The most pages of a search.
const PAGES: u64 = 200_000;

/// The limits of the walk in one sweep. One page is held at a time.
pub(super) const LIMITS: PageLimits =
    PageLimits::new(100_000, 10_000_000, 64 << 30, Duration::from_secs(24 * 3600));

/// How often a search restarts in one sweep because the server does not know its own link any more.
const RESTARTS: u32 = 3;

/// After so many sweeps in a row that waited for a saved link until their time was over, the search restarts.
pub(super) const LATE: u32 = 2;

/// The subject of a walk, which decides where its state is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Changed,
    Deleted,
}

impl What {
    pub(super) fn round(self, state: &mut SweepState) -> &mut Option<Round> {
        match self {
            Self::Changed => &mut state.round,
            Self::Deleted => &mut state.deletions_round,
        }
    }

    pub(super) fn watermark(self, state: &mut SweepState) -> &mut Option<String> {
        match self {
            Self::Changed => &mut state.watermark,
            Self::Deleted => &mut state.deletions_watermark,
        }
    }
}

/// Finds and handles the results of `question`.
pub(super) async fn walk(
    sweep: &mut Sweep<'_>,
    question: &Question,
    what: What,
    stop: Deadline,
) -> Result<(), Stop> {
    let mut walk = Walk {
        question,
        what,
        stop,
        seen: Seen::default(),
        unsettled: Vec::new(),
        passes: 0,
        restarts: 0,
        kept: None,
        refused: 0,
        last_page: None,
        empty_pages: 0,
        pages: 0,
    };
    let key = sweep.key_of(question.parts());
    let kept = what.round(sweep.lease.state_mut()).as_ref();
    let mut is_kept = kept.is_some_and(|round| round.question == key);
    if !is_kept {
        walk.begin(sweep, &key);
    } else if walk.round(sweep).late >= LATE {
        // Otherwise each sweep would wait for this link until its time is over.
        walk.leave_link(sweep).await?;
    }
    loop {
        walk.pass(sweep).await?;
        let (here, round) = (sweep.here(), walk.round(sweep));
        if round.pages == 0 {
            // The search restarted.
            continue;
        }
        if round.is_whole() {
            let settled = round.settled();
            walk.end(sweep, settled);
            if !std::mem::take(&mut is_kept) {
                return Ok(());
            }
            // The round of an earlier sweep does not see later changes, so a new round follows. It tries again what
            // failed in an earlier sweep, and not what failed in this one.
            walk.begin(sweep, &key);
            let unsettled = std::mem::take(&mut walk.unsettled);
            walk.round(sweep).leaves(unsettled);
            continue;
        }
        walk.passes += 1;
        round.next_pass(here);
        if walk.passes >= PASSES {
            // The results that the first pass should have shown only become fewer, so passes come to an end.
            sweep.row.left = true;
            sweep.row.note(
                "the resources change faster than the sweep reads them: the next sweep continues".into(),
            );
            return Ok(());
        }
        sweep.lease.save().await?;
    }
}

struct Walk<'q> {
    question: &'q Question,
    what: What,
    stop: Deadline,
    seen: Seen,
    /// When the resources changed that this sweep could not settle.
    unsettled: Vec<Option<Instant>>,
    /// How many passes have ended in this sweep.
    passes: u32,
    /// How often the search restarted in this sweep.
    restarts: u32,
    /// The round whose link failed, until the server answers for the first page of the search.
    kept: Option<Round>,
    /// How much simpler the first request must be after refusals: at 1 it asks for no large page, at 2 for no order either.
    refused: usize,
    last_page: Option<u64>,
    empty_pages: u32,
    /// How many pages this sweep has read.
    pages: u64,
}

impl Walk<'_> {
    fn round<'s>(&self, sweep: &'s mut Sweep<'_>) -> &'s mut Round {
        self.what.round(sweep.lease.state_mut()).as_mut().expect("a round is there until it ends")
    }

    fn begin(&self, sweep: &mut Sweep<'_>, key: &str) {
        let round = Round::new(key.to_owned(), sweep.from(self.what), sweep.here());
        *self.what.round(sweep.lease.state_mut()) = Some(round);
        sweep.has_found_all = false;
    }

    /// Ends a round: everything up to `settled` is done. Without `settled`, the next round begins where this
    /// one did.
    fn end(&self, sweep: &mut Sweep<'_>, settled: Option<Instant>) {
        let state = sweep.lease.state_mut();
        let is_all = self.what.round(state).take().is_some_and(|round| round.has_settled_all());
        let watermark = self.what.watermark(state);
        let before = watermark.as_deref().and_then(Instant::parse);
        *watermark = settled.max(before).map(|watermark| watermark.to_string());
        // No number leads to what is unsettled: the next sweep must search again.
        sweep.has_found_all |= self.what == What::Changed && settled.is_some() && is_all;
    }

    /// Reads the remaining pages of a pass. If the pass must restart, no page counts as read.
    async fn pass(&mut self, sweep: &mut Sweep<'_>) -> Result<(), Stop> {
        (self.last_page, self.empty_pages) = (None, 0);
        let mut search = self.search(sweep);
        loop {
            if self.stop.has_passed() {
                return Err(Stop::OutOfTime);
            }
            sweep.in_time()?;
            let began = tokio::time::Instant::now();
            let page = match sweep.lease.during(search.next_page()).await {
                None => return Ok(()),
                Some(Ok(page)) => page,
                Some(Err(error)) => return self.failed(sweep, &error, began).await,
            };
            self.kept = None;
            let place = page.next.clone();
            if !self.page(sweep, page, began).await? {
                return Ok(());
            }
            let round = self.round(sweep);
            round.place = place;
            round.pages += 1;
            round.late = 0;
            self.pages += 1;
            if round.place.is_none() {
                return Ok(());
            }
            if round.pages >= PAGES {
                return Err(Stop::Failed(format!("the search has more than {PAGES} pages")));
            }
            sweep.lease.save().await?;
        }
    }

    fn search(&self, sweep: &mut Sweep<'_>) -> Search<Raw> {
        let client = sweep.client.with_deadline(self.stop);
        let round = self.round(sweep);
        if let Some(place) = &round.place {
            return Search::at(&client, &self.question.resource_type, place).limits(LIMITS);
        }
        let count = if round.restarts == 0 || self.refused > 0 { COUNT } else { LARGE_COUNT };
        let sorted = [("_sort", "_lastUpdated"), ("_count", count)];
        let further = if self.refused < 2 { &sorted[..] } else { &sorted[1..] };
        self.question.search(&client, round.from, further).limits(LIMITS)
    }

    /// Leaves a link that leads nowhere. If the search cannot skip the pages before the link, it restarts. Returns whether it
    /// restarted.
    async fn leave_link(&mut self, sweep: &mut Sweep<'_>) -> Result<bool, Stop> {
        let here = sweep.here();
        let skips = self.round(sweep).may_skip() && self.sorts(sweep).await;
        let round = self.round(sweep);
        (round.late, round.restarts) = (0, round.restarts + 1);
        let restarts = !(skips && round.skip(here));
        if restarts {
            round.again(here);
        }
        sweep.lease.save().await?;
        Ok(restarts)
    }

    /// Decides what to do after a page could not be read. A restart loses nothing.
    async fn failed(
        &mut self,
        sweep: &mut Sweep<'_>,
        error: &Error,
        began: tokio::time::Instant,
    ) -> Result<(), Stop> {
        let status = error.status();
        let is_optional = self.what == What::Deleted || sweep.may_do_without_search;
        let (is_late, had_time) = (error.is_timeout() && self.stop.has_passed(), sweep.had_time(began));
        let round = self.round(sweep);
        let is_first = round.pages == 0 && round.place.is_none();
        if is_first && self.refused < 2 && matches!(status, Some(400 | 422 | 501)) {
            self.refused = if self.refused == 0 && round.restarts > 0 { 1 } else { 2 };
            return Ok(());
        }
        // The link of an earlier sweep may be dead, whatever the error: an expired link may answer 403, or never.
        let is_kept = self.pages == 0 && round.place.is_some();
        let is_dead = is_kept && !matches!(status, Some(429 | 503));
        if is_dead && is_late {
            if had_time {
                round.late += 1;
            }
            return Err(Stop::OutOfTime);
        }
        // The page is gone, or the server's error does not say so.
        let is_gone = status.is_some_and(|status| !matches!(status, 401 | 403 | 408 | 429 | 502..=504));
        if error.is_page_limit() && self.pages > 0 {
            // The limit is for one walk: the next sweep continues.
            return Err(Stop::OutOfTime);
        }
        if is_first && is_optional && matches!(status, Some(400 | 403..=406 | 410 | 422 | 501)) {
            return Err(Stop::Unable(error.to_string()));
        }
        if is_first || !(is_gone || is_dead) || self.restarts >= RESTARTS {
            if let Some(kept) = self.kept.take_if(|_| is_first && !is_late) {
                // The server does not answer for the first page either, so the link may still be good.
                *round = kept;
            }
            return Err(if is_late { Stop::OutOfTime } else { sweep.stop("searching", error) });
        }
        self.kept = Some(round.clone());
        self.restarts += 1;
        if self.leave_link(sweep).await? {
            sweep.row.note_once(&format!(
                "the link to the next page failed, and the search restarted ({error}): let sweeps take longer, or run them \
                 more often"
            ));
        }
        Ok(())
    }
}
