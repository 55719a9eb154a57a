//! [`every`]: sweeps on a schedule, within a program that serves requests.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use super::lease::Lease;
use super::{Stopped, SweepOptions, sweep_until};
use crate::app::App;
use crate::declaration::{Declaration, Sweepable};
use crate::key::Key;
use crate::metrics::Measure;
use crate::store::{Store, Stored};

/// The shortest pause before the store is asked again.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Sweeps once in each period until the program is told to stop. Of several instances, one sweeps.
///
/// A sweep has as much time as an event may take. If that was too little, the next sweep continues at once.
pub(crate) async fn every(app: &App, period: Duration, stopped: Stopped) {
    let Some(store) = app.store() else { return };
    // Instances that start together must not all ask at once.
    let mut pause = period.mul_f64(fastrand::f64());
    while timeout(pause, stopped.clone()).await.is_err() {
        let due = in_turn(app, store, period, &stopped).await.unwrap_or_else(|unavailable| {
            tracing::error!(reason = %unavailable, "sweep failed");
            period
        });
        pause = due.max(LEAST_PAUSE);
    }
}

/// Sweeps, unless another instance does or has done so within the period. Returns the time until the next
/// sweep is due.
async fn in_turn(app: &App, store: &Store, period: Duration, stopped: &Stopped) -> Stored<Duration> {
    let begun = Lease::begin(store, &key(app), &[]).await;
    let mut lease = match begun.inspect_err(|_| count_failed(app))? {
        Ok(lease) => lease,
        Err(holds) => return Ok(holds.min(period)),
    };
    let begun = Instant::now();
    let mut is_whole = false;
    while !is_whole && stopped.clone().now_or_never().is_none() {
        let (options, deadline) = (SweepOptions::default(), app.deadline_without_caller());
        let piece = async { sweep_until(app, &options, deadline, None, Some(stopped)).await };
        is_whole = !lease.during(piece).await.is_cut_short();
    }
    let due = if is_whole { period.saturating_sub(begun.elapsed()) } else { Duration::ZERO };
    lease.end_for(due).await?;
    Ok(due)
}

/// Counts a failed sweep of each subscription that could have been swept.
fn count_failed(app: &App) {
    let Some(counters) = app.counters() else { return };
    let is_swept = |declaration: &&&Declaration| !matches!(declaration.sweepable(), Sweepable::No(_));
    for declaration in app.registry().declarations().iter().filter(is_swept) {
        counters.swept(declaration.endpoint, Measure::SweepFailed, None);
    }
}

/// The key of the lease. Another program that uses the same store has a lease of its own.
fn key(app: &App) -> Key {
    let endpoints = app.registry().declarations().iter().map(|declaration| declaration.endpoint);
    app.keys().key(&std::iter::once("sweeps").chain(endpoints).collect::<Vec<_>>())
}
