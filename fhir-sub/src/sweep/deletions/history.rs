//! Reads deletions from the history of a type.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::IgnoredAny;

use super::one;
use crate::client::{Error, History, Page};
use crate::deadline::Deadline;
use crate::delivery::doubt::Doubt;
use crate::delivery::history::Version;
use crate::event::Event;
use crate::fhir::{BundleEntry, Instant};
use crate::store::Round;
use crate::sweep::walk::{LATE, LIMITS, What};
use crate::sweep::{Stop, Sweep};

/// How many versions a page has.
const COUNT: &str = "200";

/// The most resources that are remembered as having a newer version. For other resources, the server is
/// asked.
const MAXIMUM: usize = 100_000;

/// The most pages of a history.
const PAGES: u64 = 200_000;

/// Reads the history from where the last sweep stopped. Returns the server's error if it refuses to show the
/// history.
pub(super) async fn by_history(
    sweep: &mut Sweep<'_>,
    resource_type: &str,
    stop: Deadline,
) -> Result<Option<Error>, Stop> {
    let key = sweep.key_of(["history", resource_type]);
    let kept = What::Deleted.round(sweep.lease.state_mut()).clone().filter(|round| round.question == key);
    if let Some(round) = kept {
        let ended = one_round(sweep, resource_type, round, stop).await?;
        if ended.is_some() {
            return Ok(ended);
        }
        // The round of an earlier sweep does not see later deletions, so a new round follows.
    }
    let round = Round::new(key, sweep.from(What::Deleted), sweep.here());
    one_round(sweep, resource_type, round, stop).await
}

async fn one_round(
    sweep: &mut Sweep<'_>,
    resource_type: &str,
    round: Round,
    stop: Deadline,
) -> Result<Option<Error>, Stop> {
    let key = round.question.clone();
    let mut walk = Walk {
        resource_type,
        round,
        stop,
        newer: HashSet::new(),
        has_read: false,
        has_read_first: false,
        is_begun_anew: false,
        kept: None,
    };
    let ended = walk.run(sweep).await;
    let state = sweep.lease.state_mut();
    match &ended {
        Ok(None) => {
            let before = state.deletions_watermark.as_deref().and_then(Instant::parse);
            let settled = walk.round.settled_of(walk.round.begun).max(before);
            state.deletions_watermark = settled.map(|watermark| watermark.to_string());
        }
        Ok(Some(_)) | Err(Stop::Unable(_)) => {}
        Err(_) => {
            *What::Deleted.round(state) = Some(walk.round);
            return ended;
        }
    }
    // A round that is finished, or that can never finish, starts from the beginning the next time.
    What::Deleted.round(state).take_if(|round| round.question == key);
    ended
}

struct Walk<'t> {
    resource_type: &'t str,
    round: Round,
    stop: Deadline,
    /// The resources with a version that was seen already, and is newer than what follows.
    newer: HashSet<String>,
    /// Whether it has read a page in this sweep.
    has_read: bool,
    /// Whether that was the first page.
    has_read_first: bool,
    /// Whether it restarted in this sweep, because a link failed or the first page's versions had moved.
    is_begun_anew: bool,
    /// The round of an earlier sweep whose link failed, until the server answers for the first page.
    kept: Option<Round>,
}

impl Walk<'_> {
    async fn run(&mut self, sweep: &mut Sweep<'_>) -> Result<Option<Error>, Stop> {
        let mut history = self.history(sweep);
        loop {
            if self.stop.has_passed() {
                return Err(Stop::OutOfTime);
            }
            let began = tokio::time::Instant::now();
            let page = match sweep.lease.during(history.next_page()).await {
                None => return Ok(None),
                Some(Ok(page)) => page,
                Some(Err(error)) => {
                    if let Some(refusal) = self.failed(sweep, error, began)? {
                        return Ok(Some(refusal));
                    }
                    history = self.history(sweep);
                    continue;
                }
            };
            (self.has_read, self.kept) = (true, None);
            self.has_read_first |= self.round.pages == 0;
            if let Some(doubt) = Doubt::of(&[], &page.said, &page.issues, false) {
                return Err(Stop::Failed(doubt.to_string()));
            }
            let asked = sweep.asked(&page.said, began);
            if (self.round.pages == 0 || sweep.went_back) && sweep.put_right(What::Deleted, asked) {
                let (from, here) = (sweep.from(What::Deleted), sweep.here());
                self.round.begin_anew(from, here);
                self.newer.clear();
                history = self.history(sweep);
                continue;
            }
            if !self.has_read_first && !self.is_begun_anew && self.shows_first(&page) {
                // Since the sweep that has read the first page, newer versions may have moved it here.
                self.is_begun_anew = true;
                self.again(sweep);
                history = self.history(sweep);
                continue;
            }
            let (total, next) = (page.said.total, page.next.clone());
            let is_past = self.page(sweep, page, asked).await?;
            self.round.pages += 1;
            self.round.late = 0;
            let is_last = next.is_none();
            self.round.place = next;
            if is_past || (is_last && total.is_none_or(|total| total <= self.round.entries)) {
                return Ok(None);
            }
            if self.round.pages >= PAGES {
                return Err(Stop::Failed(format!("the history of the type has more than {PAGES} pages")));
            }
            if is_last {
                // Medplum shows a hundred versions, and has no links. It may still support offsets.
                history = self.history(sweep);
            }
            *What::Deleted.round(sweep.lease.state_mut()) = Some(self.round.clone());
            sweep.lease.save().await?;
        }
    }

    /// The history from where the walk is: by the link to the next page, else by the number of versions that
    /// were seen.
    fn history(&self, sweep: &Sweep<'_>) -> History<IgnoredAny> {
        let client = sweep.client.with_deadline(self.stop);
        if let Some(place) = &self.round.place {
            return History::at(&client, self.resource_type, place).limits(LIMITS);
        }
        let (since, offset) = (self.round.from.to_string(), self.round.entries.to_string());
        let query = [("_since", &*since), ("_count", COUNT), ("_offset", &*offset)];
        let count = if self.round.pages == 0 { 2 } else { 3 };
        client.type_history(self.resource_type, &query[..count]).limits(LIMITS)
    }

    /// Decides what to do after a page could not be read: the server's refusal, or a restart.
    fn failed(
        &mut self,
        sweep: &mut Sweep<'_>,
        error: Error,
        began: tokio::time::Instant,
    ) -> Result<Option<Error>, Stop> {
        // The link of an earlier sweep may be dead, whatever the error: an expired link may answer 500, or never.
        let is_kept = !self.has_read && self.round.place.is_some();
        let is_dead = is_kept && !matches!(error.status(), Some(429 | 503));
        if error.is_timeout() && self.stop.has_passed() {
            if is_dead && sweep.had_time(began) {
                self.round.late += 1;
                if self.round.late >= LATE {
                    // Otherwise each sweep would wait for this link until its time is over.
                    self.round.late = 0;
                    self.again(sweep);
                }
            }
            return Err(Stop::OutOfTime);
        }
        if error.is_page_limit() && self.round.pages > 0 {
            return Err(Stop::OutOfTime);
        }
        if !is_dead && !matches!(error.status(), Some(400 | 403..=406 | 410 | 422 | 501)) {
            if let Some(kept) = self.kept.take() {
                // The server does not answer for the first page either, so the link may still be good.
                self.round = kept;
            }
            return Err(sweep.stop("reading what was deleted", &error));
        }
        if self.round.pages == 0 {
            return Ok(Some(error));
        }
        if self.round.place.is_none() {
            return Err(self.unable());
        }
        if self.is_begun_anew {
            return Err(sweep.stop("reading what was deleted", &error));
        }
        self.is_begun_anew = true;
        self.kept = is_kept.then(|| self.round.clone());
        self.again(sweep);
        sweep.row.note_once(&format!(
            "the link into the history failed, and the sweep reads the history from its beginning ({error}): let sweeps take \
             longer, or run them more often"
        ));
        Ok(None)
    }

    /// Goes back to the first page.
    fn again(&mut self, sweep: &Sweep<'_>) {
        self.round.again(sweep.here());
        self.newer.clear();
    }

    /// Handles the deletions of a page, oldest first. Returns whether the history goes back further than
    /// needed: if a server ignores `_since`, the walk must not follow it to the beginning.
    async fn page(
        &mut self,
        sweep: &mut Sweep<'_>,
        page: Page<BundleEntry<IgnoredAny>>,
        asked: Option<Instant>,
    ) -> Result<bool, Stop> {
        let (count, from) = (page.found.len() as u64, self.round.from);
        let versions: Vec<_> = page.found.into_iter().filter_map(Version::read).collect();
        sweep.row.odd += count - versions.len() as u64;
        if self.round.pages == 0 {
            let newest = versions.iter().find_map(|version| version.at);
            self.round.begun = asked.or(newest).map(|begun| begun.min(sweep.there()));
            // A later sweep must recognise the first page too.
            self.round.shown = versions.first().map_or(0, mark);
        } else if self.round.place.is_none() && (versions.is_empty() || self.has_first(&versions)) {
            return Err(self.unable());
        }
        let oldest = versions.iter().filter_map(|version| version.at).min();
        self.round.reached = self.round.reached.map_or(oldest, |reached| oldest.map(|it| it.min(reached)));
        let is_past = !versions.is_empty() && versions.iter().all(|it| it.at.is_some_and(|at| at < from));
        let mut deleted = Vec::new();
        for version in versions {
            let is_current = self.newer.len() >= MAXIMUM || self.newer.insert(version.reference.clone());
            if version.is_deletion && is_current && version.at.is_none_or(|at| at >= from) {
                deleted.push(version);
            }
        }
        let is_first = sweep.is_first();
        for Version { reference, version_id, at, .. } in deleted.into_iter().rev() {
            let event = Event { focus: Some(reference), version_id, updated: at, ..sweep.occasion.clone() };
            match one(sweep, event, is_first, self.stop).await {
                Some(ended) => self.round.ended(at, ended),
                None => return Err(Stop::OutOfTime),
            }
        }
        self.round.entries += count;
        Ok(is_past)
    }

    /// Whether a page that an offset has asked for has the first version of the first page.
    fn shows_first(&self, page: &Page<BundleEntry<IgnoredAny>>) -> bool {
        let versions = || page.found.iter().cloned().filter_map(Version::read).collect::<Vec<_>>();
        self.round.pages > 0 && self.round.place.is_none() && self.has_first(&versions())
    }

    fn has_first(&self, versions: &[Version]) -> bool {
        versions.iter().any(|version| mark(version) == self.round.shown)
    }

    /// The sweep cannot see all of a history that has no links and no offsets.
    fn unable(&self) -> Stop {
        let reached = self.round.reached.map_or_else(String::new, |reached| format!(" before {reached}"));
        Stop::Unable(format!(
            "the history of {} has more versions than the {} that the server shows: deletions{reached} are not found",
            self.resource_type, self.round.entries
        ))
    }
}

/// A number by which a version is recognised.
fn mark(Version { reference, version_id, at, .. }: &Version) -> u64 {
    let mut hasher = DefaultHasher::new();
    (reference, version_id, at.map(|at| at.to_string())).hash(&mut hasher);
    hasher.finish()
}
