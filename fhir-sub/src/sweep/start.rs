//! Where the first sweep of a subscription begins.

use std::time::SystemTime;

use super::by_search::next_page;
use super::{Stop, Sweep};
use crate::delivery::changed;
use crate::fhir::Instant;
use crate::registration::{Located, created};

/// Says where to begin: where the last sweep ended; the first one where the Subscription was created, or, where the
/// server has none, now. A `since` goes back, and never forward, which would leave out what failed.
pub(super) async fn begin(sweep: &mut Sweep<'_>, located: Option<&Located>) -> Result<(), Stop> {
    if let Some(since) = sweep.run.options.since {
        let state = sweep.lease.state_mut();
        for moment in [&mut state.start, &mut state.watermark, &mut state.deletions_watermark] {
            let before = moment.as_deref().and_then(Instant::parse);
            *moment = Some(before.map_or(since, |before| before.min(since)).to_string());
        }
        state.number = None;
        return sweep.lease.save().await;
    }
    if sweep.lease.state().watermark.is_some() {
        return Ok(());
    }
    let start = match located {
        Some(located) => created(&sweep.registration_client(), located).await,
        None => None,
    };
    let start = match start {
        Some(start) => start,
        None => {
            let now = now(sweep).await?;
            let why = if located.is_none() {
                "no Subscription of it is registered"
            } else {
                "its age is not known"
            };
            sweep.row.note(format!("{why}: what is changed from {now} on is looked for"));
            now
        }
    };
    let state = sweep.lease.state_mut();
    for moment in [&mut state.start, &mut state.watermark, &mut state.deletions_watermark] {
        *moment = Some(start.to_string());
    }
    sweep.lease.save().await
}

/// What time it is on the server; here, where it does not say.
async fn now(sweep: &Sweep<'_>) -> Result<Instant, Stop> {
    let here = Instant::from(SystemTime::now());
    let further = [("_count", "1")];
    let Some(mut search) = changed::search(&sweep.client, sweep.declaration, here, &further) else {
        return Ok(here);
    };
    let there = match next_page(&mut search).await {
        None => None,
        Some(Ok((_, asked))) => asked,
        Some(Err(error)) => return Err(sweep.stop("searching", &error)),
    };
    Ok(there.unwrap_or(here))
}
