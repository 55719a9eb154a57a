//! A search over all of its pages, in as many sweeps as that takes.
//!
//! `_sort` is asked for, since the oldest should come first, and not relied on: the watermark moves only once every page was
//! read. The links to pages mostly lead by numbers of places, and places shift when a resource changes meanwhile; so several
//! pages are read again, until nothing new is in them. After each page it is kept where the next one is, and the next sweep
//! goes on there.

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

/// How many resources a page has: they are held at once.
const COUNT: &str = "100";

/// The same, where the server forgets its links between two sweeps: fewer pages are more likely to be read in one.
const LARGE_COUNT: &str = "500";

/// How often the same pages are read before that is left to the next sweep.
const PASSES: u32 = 8;

/// The most pages of a search.
const PAGES: u64 = 200_000;

/// What bounds the walk of one sweep. One page is held at a time.
pub(super) const LIMITS: PageLimits =
    PageLimits::new(100_000, 10_000_000, 64 << 30, Duration::from_secs(24 * 3600));

/// How often a search begins anew in one sweep, since the server does not know a link that it has given.
const RESTARTS: u32 = 3;

/// What is walked over, and where it is kept how far that has come.
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

/// Finds and handles what `question` asks for.
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
        passes: 0,
        restarts: 0,
        is_unsorted_asked: false,
        last_page: None,
        empty_pages: 0,
        pages: 0,
    };
    let key = sweep.key_of(question.parts());
    let kept = what.round(sweep.lease.state_mut()).as_ref();
    let mut is_kept = kept.is_some_and(|round| round.question == key);
    if !is_kept {
        walk.begin(sweep, &key);
    }
    loop {
        walk.pass(sweep).await?;
        let (here, round) = (sweep.here(), walk.round(sweep));
        if round.pages == 0 {
            // It began anew.
            continue;
        }
        if round.is_whole() {
            let (settled, ended) = (round.settled(), round.clone());
            walk.end(sweep, settled);
            if !std::mem::take(&mut is_kept) {
                return Ok(());
            }
            // What an earlier sweep has begun does not see what was changed since.
            walk.begin(sweep, &key);
            walk.round(sweep).unsettled_as(&ended);
            continue;
        }
        walk.passes += 1;
        round.next_pass(here);
        if walk.passes >= PASSES {
            // What the first pass should have shown only grows fewer: some pass shows nothing new of it.
            sweep.row.left = true;
            sweep.row.note("what it reads changes faster than it reads: the next sweep goes on".into());
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
    /// How many passes have ended in this sweep.
    passes: u32,
    /// How often it began anew in this sweep.
    restarts: u32,
    /// Whether the server refuses to sort.
    is_unsorted_asked: bool,
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
    }

    /// Everything up to `settled` is done; without it, the next round begins where this one did.
    fn end(&self, sweep: &mut Sweep<'_>, settled: Option<Instant>) {
        let state = sweep.lease.state_mut();
        *self.what.round(state) = None;
        let watermark = self.what.watermark(state);
        let before = watermark.as_deref().and_then(Instant::parse);
        *watermark = settled.max(before).map(|watermark| watermark.to_string());
        if self.what == What::Changed && settled.is_some() {
            state.is_search_owed = false;
        }
    }

    /// Reads the pages that are left of a pass. Where it has to begin anew, no page is counted as read.
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
                Some(Err(error)) => return self.failed(sweep, &error).await,
            };
            let place = page.next.clone();
            if !self.page(sweep, page, began).await? {
                return Ok(());
            }
            let round = self.round(sweep);
            round.place = place;
            round.pages += 1;
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
        let count = if round.restarts == 0 { COUNT } else { LARGE_COUNT };
        let sorted = [("_sort", "_lastUpdated"), ("_count", count)];
        let further = &sorted[usize::from(self.is_unsorted_asked)..];
        self.question.search(&client, round.from, further).limits(LIMITS)
    }

    /// What is to be done where a page could not be had: nothing is lost by beginning anew.
    async fn failed(&mut self, sweep: &mut Sweep<'_>, error: &Error) -> Result<(), Stop> {
        let (here, status) = (sweep.here(), error.status());
        let round = self.round(sweep);
        let is_first = round.pages == 0 && round.place.is_none();
        if is_first && !self.is_unsorted_asked && matches!(status, Some(400 | 422 | 501)) {
            self.is_unsorted_asked = true;
            return Ok(());
        }
        // The page is gone, or was never told apart from a mistake.
        let is_gone = status.is_some_and(|status| !matches!(status, 401 | 403 | 408 | 429 | 502..=504));
        if error.is_page_limit() && self.pages > 0 {
            // It is the limit of one walk, and the next sweep goes on.
            return Err(Stop::OutOfTime);
        }
        if is_first && self.what == What::Deleted && matches!(status, Some(400 | 403..=406 | 410 | 422 | 501))
        {
            return Err(Stop::Unable(error.to_string()));
        }
        if is_first || !is_gone || self.restarts >= RESTARTS {
            return Err(sweep.stop("searching", error));
        }
        self.restarts += 1;
        round.restarts += 1;
        let skips = round.may_skip() && self.sorts(sweep).await;
        let round = self.round(sweep);
        if !(skips && round.skip(here)) {
            round.again(here);
            sweep.row.note_once(
                "the server did not know the link to its next page any more, and the search began anew: let sweeps take \
                 longer, or run them more often",
            );
        }
        sweep.lease.save().await
    }
}
