//! Resources that were changed, by a search that goes from the oldest to the newest.
//!
//! Each page is a search of its own, from where the last one has come to, as long as the server sorts: so nothing is left
//! out where resources that are changed meanwhile leave their page, and those behind move up into it. Where that does
//! not get on, since all of a page were changed at one moment, or the server does not sort, it follows the links to
//! further pages, and reads them again until there is nothing new in them.

use serde_json::value::RawValue;

use super::handling::{Seen, Unsettled};
use super::order::{is_sorted, reached};
use super::{Stop, Sweep};
use crate::client::{Error, Page, Search};
use crate::delivery::changed::{self, Changed};
use crate::fhir::Instant;

/// How many resources a page has: they are held at once.
const COUNT: &str = "100";

/// How often the same pages are read before that is left to the next sweep.
const PASSES: usize = 8;

/// Finds and handles what was changed.
pub(super) async fn sweep(sweep: &mut Sweep<'_>) -> Result<(), Stop> {
    let mut walk = Walk {
        from: sweep.from(sweep.lease.state().watermark.as_deref()),
        seen: Seen::default(),
        unsettled: Unsettled::default(),
        newest: None,
        is_sorted: true,
        goal: None,
    };
    let mut passes = 0;
    while passes < PASSES {
        match walk.pass(sweep).await? {
            Pass::Complete => return Ok(()),
            Pass::Further => passes = 0,
            Pass::Again => passes += 1,
        }
    }
    sweep.row.left = true;
    sweep.row.note("what it reads changes faster than it reads: the next sweep goes on".into());
    Ok(())
}

/// How far the search has come.
struct Walk {
    /// All that was changed before is seen.
    from: Instant,
    seen: Seen,
    unsettled: Unsettled,
    /// The newest that any page had: the server's clock cannot be behind it.
    newest: Option<Instant>,
    is_sorted: bool,
    /// How far the links have led in the pass before, which is to be read once more.
    goal: Option<Instant>,
}

/// How a pass over the pages of one search ended.
enum Pass {
    /// There are no further ones.
    Complete,
    /// The next search begins later.
    Further,
    /// The same search is to be made again.
    Again,
}

impl Walk {
    async fn pass(&mut self, sweep: &mut Sweep<'_>) -> Result<Pass, Stop> {
        sweep.in_time()?;
        let further = [("_count", COUNT)];
        let search = changed::search(&sweep.client, sweep.declaration, self.from, &further);
        let Some(mut search) = search else { return Ok(Pass::Complete) };
        let (mut begun, mut pages, mut is_new, mut is_new_before_goal) = (None, 0, false, false);
        while let Some(page) = sweep.lease.during(next_page(&mut search)).await {
            let (Page { found, is_last, .. }, asked) =
                page.map_err(|error| sweep.stop("searching", &error))?;
            pages += 1;
            let asked = asked.or(self.newest);
            if pages == 1 {
                begun = asked;
            }
            let found: Vec<_> =
                found.into_iter().filter_map(|json| Changed::new(json, &sweep.occasion)).collect();
            let times: Vec<_> = found.iter().map(|changed| changed.updated).collect();
            self.is_sorted &= is_sorted(&times, asked);
            self.newest = self.newest.max(times.iter().copied().flatten().max());
            let fresh: Vec<_> = found.into_iter().filter(|changed| self.is_fresh(changed)).collect();
            for changed in fresh.iter().filter(|changed| changed.version.is_some()) {
                is_new = true;
                is_new_before_goal |=
                    self.goal.is_none_or(|goal| changed.updated.is_none_or(|it| it <= goal));
            }
            sweep.handle(fresh, &mut self.unsettled).await;

            if is_last {
                break;
            }
            if let Some(reached) = reached(&times, asked).filter(|it| self.is_sorted && *it > self.from) {
                // The links lead by numbers of places, which shift.
                let is_verified = self.goal.is_some_and(|goal| goal <= reached) && !is_new_before_goal;
                if pages == 1 || is_verified {
                    self.go_on(sweep, self.goal.filter(|_| pages > 1).unwrap_or(reached)).await?;
                    return Ok(Pass::Further);
                }
                if self.goal.is_none_or(|goal| goal <= reached) {
                    self.goal.get_or_insert(reached);
                    sweep.lease.save().await?;
                    return Ok(Pass::Again);
                }
            }
            sweep.lease.save().await?;
            sweep.in_time()?;
        }
        if pages > 1 && is_new {
            return Ok(Pass::Again);
        }
        if let Some(seen) = begun.or(self.newest) {
            self.advance(sweep, seen);
        }
        sweep.lease.save().await?;
        Ok(Pass::Complete)
    }

    fn is_fresh(&mut self, changed: &Changed) -> bool {
        changed.version.as_ref().is_none_or(|version| self.seen.add(version, changed.updated))
    }

    /// The next search begins at `reached`.
    async fn go_on(&mut self, sweep: &mut Sweep<'_>, reached: Instant) -> Result<(), Stop> {
        self.from = reached;
        self.goal = None;
        self.seen.forget_before(reached);
        self.advance(sweep, reached);
        sweep.lease.save().await
    }

    /// All that was changed up to `seen` is seen: moves the watermark as far as it is settled.
    fn advance(&self, sweep: &mut Sweep<'_>, seen: Instant) {
        let state = sweep.lease.state_mut();
        let before = state.watermark.as_deref().and_then(Instant::parse);
        let after = self.unsettled.settled(seen).max(before);
        state.watermark = after.map(|watermark| watermark.to_string());
    }
}

/// A page, and a moment before it was asked for by the server's clock, where the server tells the time.
type Asked<T> = (Page<T>, Option<Instant>);

/// The next page of a search.
pub(super) async fn next_page(
    search: &mut Search<Box<RawValue>>,
) -> Option<Result<Asked<Box<RawValue>>, Error>> {
    let began = tokio::time::Instant::now();
    let page = search.next_page().await?;
    Some(page.map(|page| {
        let asked = asked(&page, began);
        (page, asked)
    }))
}

/// When it was asked for, by the server's clock, or a little earlier.
pub(super) fn asked<T>(page: &Page<T>, began: tokio::time::Instant) -> Option<Instant> {
    page.date.map(|date| Instant::from(date).before(began.elapsed()))
}
