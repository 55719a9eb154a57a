//! Where the first sweep of a subscription begins.

use super::{Stop, Sweep};
use crate::fhir::Instant;
use crate::registration::{Located, created};

/// Sets where to begin: where the last sweep ended. The first sweep begins when the Subscription was created,
/// or now if the server has none. A `since` moves the beginning back, but never forward, because that would
/// skip what failed.
pub(super) async fn begin(sweep: &mut Sweep<'_>, located: Option<&Located>) -> Result<(), Stop> {
    let now = sweep.here();
    let is_slip = sweep.run.options.since.is_some_and(|since| since > now);
    if is_slip {
        sweep.row.note("`since` is in the future: the sweep begins as it does without it".into());
    }
    if let Some(since) = sweep.run.options.since.filter(|_| !is_slip) {
        let state = sweep.lease.state_mut();
        for round in [&mut state.round, &mut state.deletions_round] {
            // A round that began later does not read what `since` asks for.
            round.take_if(|round| round.origin.unwrap_or(round.from) > since);
        }
        for moment in [&mut state.start, &mut state.watermark, &mut state.deletions_watermark] {
            let before = moment.as_deref().and_then(Instant::parse);
            *moment = Some(before.map_or(since, |before| before.min(since)).to_string());
        }
        (state.number, state.number_mark, state.number_reached) = (None, None, None);
        return sweep.lease.save().await;
    }
    if sweep.lease.state().watermark.is_some() {
        return Ok(());
    }
    let start = match located {
        // The beginning is saved for all further sweeps, so it must not be too late because the server was busy.
        Some(located) => created(&sweep.registration_client(), located)
            .await
            .map_err(|error| sweep.stop("asking when its Subscription was created", &error))?,
        None => None,
    };
    let start = match start {
        Some(start) => start,
        None => {
            let now = self::now(sweep).await?;
            // A user who names a moment wants the earlier changes too.
            let now = if is_slip { now.before(sweep.overlap()) } else { now };
            let why = if located.is_none() {
                "no Subscription of it is registered"
            } else {
                "its age is not known"
            };
            sweep.row.note(format!("{why}: the sweep looks for changes from {now} on"));
            now
        }
    };
    let state = sweep.lease.state_mut();
    for moment in [&mut state.start, &mut state.watermark, &mut state.deletions_watermark] {
        *moment = Some(start.to_string());
    }
    sweep.lease.save().await
}

/// The server's time, or the time here if the server does not say it.
async fn now(sweep: &mut Sweep<'_>) -> Result<Instant, Stop> {
    let here = sweep.here();
    let Some(question) = sweep.question() else { return Ok(here) };
    let mut search = question.search(&sweep.client, here, &[("_count", "1")]);
    let began = tokio::time::Instant::now();
    match search.next_page().await {
        None => Ok(here),
        Some(Ok(page)) => {
            let asked = sweep.asked(&page.said, began);
            Ok(asked.map_or(here, |asked| asked.min(sweep.there())))
        }
        Some(Err(error)) => Err(sweep.stop("searching", &error)),
    }
}
