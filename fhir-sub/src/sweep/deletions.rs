//! Deletions, by the history of the type: a search does not find what is not there.
//!
//! The history has every change of every resource of the type, the newest first, and nothing of what was there before: a
//! deletion is handled whether or not the resource matched the criteria. One that was followed by another version is
//! not: what is there now is found by the search.

use std::collections::HashSet;
use std::time::{Duration, Instant as Moment};

use serde::de::IgnoredAny;

use super::by_search::asked;
use super::handling::Unsettled;
use super::{Stop, Sweep};
use crate::client::{Page, PageLimits};
use crate::deadline::Deadline;
use crate::decode::Happened;
use crate::delivery::history::Version;
use crate::delivery::{Deletion, deliver};
use crate::event::Event;
use crate::fhir::Instant;
use crate::interaction::Interaction;

/// How many versions a page has.
const COUNT: &str = "200";

/// The most resources of which it is remembered that a newer version was seen.
const MAXIMUM: usize = 100_000;

/// What bounds the history: it must be read to its end before the next sweep may begin later. One page is held at a time.
const LIMITS: PageLimits = PageLimits::new(20_000, 2_000_000, 4 << 30, Duration::from_secs(900));

/// Finds and handles what was deleted.
pub(super) async fn sweep(sweep: &mut Sweep<'_>, stop: Deadline) -> Result<(), Stop> {
    let search = sweep.declaration.search().unwrap_or_default();
    let (resource_type, _) = search.split_once('?').unwrap_or((&search, ""));
    let from = sweep.from(sweep.lease.state().deletions_watermark.as_deref());
    let since = from.to_string();
    let client = sweep.client.with_deadline(stop);
    let mut history = client
        .type_history::<IgnoredAny>(resource_type, &[("_since", &since), ("_count", COUNT)])
        .limits(LIMITS);
    let (mut begun, mut newer, mut unsettled) = (None, HashSet::new(), Unsettled::default());
    let mut is_first = true;
    loop {
        if stop.has_passed() {
            return Err(Stop::OutOfTime);
        }
        let began = tokio::time::Instant::now();
        let page = match sweep.lease.during(history.next_page()).await {
            None => break,
            Some(Ok(page)) => page,
            Some(Err(error))
                if is_first && matches!(error.status(), Some(400 | 403..=406 | 410 | 422 | 501)) =>
            {
                sweep.row.note(format!("deletions are not found: {error}"));
                return Ok(());
            }
            Some(Err(error)) if error.is_timeout() && stop.has_passed() => return Err(Stop::OutOfTime),
            Some(Err(error)) => return Err(sweep.stop("reading what was deleted", &error)),
        };
        let asked = asked(&page, began);
        let Page { found, is_last, .. } = page;
        let versions: Vec<_> = found.into_iter().filter_map(Version::read).collect();
        if std::mem::take(&mut is_first) {
            begun = asked.or_else(|| versions.first()?.at);
        }
        // A server that does not heed `_since` need not be followed to the beginning.
        let is_past =
            !versions.is_empty() && versions.iter().all(|version| version.at.is_some_and(|at| at < from));
        let mut deleted = Vec::new();
        for version in versions {
            let is_current = newer.len() >= MAXIMUM || newer.insert(version.reference.clone());
            if version.is_deletion && is_current && version.at.is_none_or(|at| at >= from) {
                deleted.push(version);
            }
        }
        deleted.reverse();
        for version in deleted {
            handle(sweep, version, stop, &mut unsettled).await;
        }
        sweep.lease.save().await?;
        if is_last || is_past {
            break;
        }
    }
    if let Some(settled) = begun.and_then(|begun| unsettled.settled(begun)) {
        let state = sweep.lease.state_mut();
        let before = state.deletions_watermark.as_deref().and_then(Instant::parse);
        state.deletions_watermark = Some(settled).max(before).map(|watermark| watermark.to_string());
    }
    sweep.lease.save().await
}

async fn handle(sweep: &mut Sweep<'_>, version: Version, stop: Deadline, unsettled: &mut Unsettled) {
    let (run, declaration, began) = (sweep.run, sweep.declaration, Moment::now());
    let event = Event {
        interaction: Interaction::Delete,
        focus: Some(version.reference),
        version_id: version.version_id,
        ..sweep.occasion.clone()
    };
    let ended = if stop.has_passed() || !run.has_time() {
        None
    } else {
        // Since the history was read it may be there again, and that have been told and handled.
        let events = vec![Happened::new(event, None)];
        let handling = deliver(run.app, declaration, Deletion::Confirmed, events, run.share());
        let delivered = sweep.lease.during(handling).await;
        delivered.into_iter().next().map(|delivered| run.tell(delivered, began))
    };
    sweep.row.count(ended);
    unsettled.add(version.at, ended);
}
