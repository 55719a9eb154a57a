//! A page of a walk: whether it is trusted, what is handled, and what it shows of the server's clock.

use std::hash::BuildHasher;

use super::{Walk, What};
use crate::client::Page;
use crate::delivery::changed::{Changed, Raw};
use crate::delivery::doubt::Doubt;
use crate::fhir::Instant;
use crate::memory::Version;
use crate::sweep::handling::is_settled;
use crate::sweep::time::SLACK;
use crate::sweep::{Stop, Sweep, deletions};

/// The most empty pages, one after the other.
const EMPTY_PAGES: u32 = 1_000;

impl Walk<'_> {
    /// Handles a page. Returns whether the pass goes on.
    pub(super) async fn page(
        &mut self,
        sweep: &mut Sweep<'_>,
        page: Page<Raw>,
        began: tokio::time::Instant,
    ) -> Result<bool, Stop> {
        let is_first = self.round(sweep).pages == 0;
        match self.question.doubt(&page, is_first) {
            None => {}
            Some(doubt) if self.what == What::Changed || doubt == Doubt::Partial => {
                return Err(Stop::Failed(doubt.to_string()));
            }
            // This server lists deletions like that, whatever its link says. Each deletion is confirmed.
            Some(_) if sweep.run.server.settings().fhir_server.lists_deleted => {}
            Some(doubt) => return Err(Stop::Unable(doubt.to_string())),
        }
        if !self.look_at_clock(sweep, &page, began, is_first) {
            return Ok(false);
        }
        let Page { found, said, next, .. } = page;
        let count = found.len() as u64;
        let (from, begun) = (self.round(sweep).from, self.round(sweep).begun);
        // A server may keep the results of a search, and show resources on a later page as they are by then.
        // A resource that changed after the search began may not match any more. The next search decides, and
        // the watermark stays before it.
        let looks_back = !is_first && self.what == What::Changed && sweep.tells_time;
        let begun = begun.filter(|_| looks_back);
        // A time in the future was written by a clock that was ahead for a while. It says nothing.
        let now = said.date.map(|date| Instant::from(date).after(SLACK));
        let (mut shown, mut times, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
        let (mut odd, mut unversioned) = (0, 0);
        for json in found {
            match Changed::read(json, &sweep.occasion, self.question) {
                None => {}
                Some(Err(_odd)) => odd += 1,
                Some(Ok(mut changed)) => {
                    // The server found it at some moment since the page was requested.
                    changed.event.searched = Some(began);
                    times.push(changed.updated);
                    unversioned += u64::from(changed.version.is_none());
                    // Without a version and a time, a pass can show only the name.
                    let name = || Version {
                        reference: changed.event.focus.clone().unwrap_or_default(),
                        version: String::new(),
                    };
                    shown.push(changed.version.clone().unwrap_or_else(name));
                    // A server that ignores `_lastUpdated` also returns older resources.
                    let is_meant = changed.updated.is_none_or(|updated| updated >= from);
                    let is_of_the_search =
                        begun.is_none() || changed.updated <= begun || changed.updated > now;
                    if is_meant && !is_of_the_search {
                        self.round(sweep).leaves([changed.updated]);
                    } else if is_meant && self.seen.is_fresh(&changed) {
                        fresh.push(changed);
                    }
                }
            }
        }
        if self.round(sweep).passes == 0 {
            sweep.row.odd += odd;
            sweep.row.unversioned += unversioned;
        }
        self.hold_to_bounds(&shown)?;
        self.tell_time_by_what_is_found(sweep, &times);

        let updated: Vec<_> = fresh.iter().map(|changed| changed.updated).collect();
        let ends = match self.what {
            What::Changed => sweep.handle(fresh).await,
            What::Deleted => deletions::handle(sweep, fresh, self.stop).await,
        };
        let mut is_cut = false;
        for (updated, ended) in updated.into_iter().zip(ends) {
            match ended {
                Some(ended) => {
                    if !is_settled(ended) {
                        self.unsettled.push(updated);
                    }
                    self.round(sweep).ended(updated, ended);
                }
                None => is_cut = true,
            }
        }
        if is_cut {
            // The next sweep reads this page again.
            return Err(Stop::OutOfTime);
        }
        for (version, updated) in shown.iter().zip(&times) {
            self.round(sweep).shows(version, *updated);
        }
        self.round(sweep).order(&times);
        let here = sweep.here();
        let round = self.round(sweep);
        round.entries += count;
        // With several pages, the number may have changed since the first page.
        let Some(total) = said.total.filter(|total| next.is_none() && round.pages == 0 && *total > count)
        else {
            return Ok(true);
        };
        if round.may_skip() && self.sorts(sweep).await && self.round(sweep).skip(here) {
            return Ok(false);
        }
        self.end(sweep, None);
        Err(Stop::Unable(format!(
            "the server says that its search finds {total} resources, shows {count}, and has no link to more"
        )))
    }

    /// Compares the server's clock with the clock here, and the sweep's position with both. Returns whether
    /// the sweep may continue from its position.
    fn look_at_clock(
        &self,
        sweep: &mut Sweep<'_>,
        page: &Page<Raw>,
        began: tokio::time::Instant,
        is_first: bool,
    ) -> bool {
        let asked = sweep.asked(&page.said, began);
        if !is_first && !sweep.went_back {
            return true;
        }
        if sweep.put_right(self.what, asked) {
            let (from, here) = (sweep.from(self.what), sweep.here());
            self.round(sweep).begin_anew(from, here);
            return false;
        }
        let elapsed = began.elapsed();
        let (started, there) = (sweep.here().before(elapsed), sweep.there().before(elapsed));
        let round = self.round(sweep);
        round.started = started;
        round.begun = asked.map(|asked| asked.min(there));
        true
    }

    /// If the server does not say its time, its clock is at least at the newest change that it shows.
    fn tell_time_by_what_is_found(&self, sweep: &mut Sweep<'_>, times: &[Option<Instant>]) {
        let (here, there) = (sweep.here(), sweep.there());
        if sweep.tells_time {
            return;
        }
        let round = self.round(sweep);
        let elapsed = here.since(round.started);
        let newest = times.iter().copied().flatten().max();
        round.begun = round.begun.max(newest.map(|newest| newest.before(elapsed).min(there)));
    }

    /// If a server's links go on without anything new, the walk must end.
    fn hold_to_bounds(&mut self, found: &[Version]) -> Result<(), Stop> {
        if found.is_empty() {
            self.empty_pages += 1;
            if self.empty_pages > EMPTY_PAGES {
                return Err(Stop::Failed(format!(
                    "the search has more than {EMPTY_PAGES} empty pages in a row"
                )));
            }
            return Ok(());
        }
        self.empty_pages = 0;
        let page = self.seen.hasher.hash_one(found);
        if self.last_page.replace(page) == Some(page) {
            return Err(Stop::Failed("the link to the next page leads to the same page again".into()));
        }
        Ok(())
    }
}
