//! [`every`]: a program that serves sweeps by itself.

use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::time::{Instant, timeout};

use super::lease::Lease;
use super::{SweepOptions, sweep};
use crate::app::App;
use crate::key::Key;
use crate::store::{Store, Stored};

/// Ready when the program is told to stop.
type Stopped = Shared<BoxFuture<'static, ()>>;

/// How soon the store is asked again at the earliest.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Sweeps once in each period until the program is told to stop: of several instances, one does.
///
/// A sweep has the time that a request has. If it was not enough for what there is to handle, the next goes on at once.
pub(crate) async fn every(app: &App, period: Duration, stopped: Stopped) {
    let Some(store) = app.store() else { return };
    // Instances that start together do not all ask at once.
    let mut pause = period.mul_f64(fastrand::f64());
    while timeout(pause, stopped.clone()).await.is_err() {
        let due = in_turn(app, store, period, &stopped).await.unwrap_or_else(|unavailable| {
            tracing::error!(reason = %unavailable, "sweep failed");
            period
        });
        pause = due.max(LEAST_PAUSE);
    }
}

/// Sweeps, unless another instance does or has done so within the period: in how much time the next sweep is due.
async fn in_turn(app: &App, store: &Store, period: Duration, stopped: &Stopped) -> Stored<Duration> {
    let mut lease = match Lease::begin(store, &key(app), None).await? {
        Ok(lease) => lease,
        Err(holds) => return Ok(holds.min(period)),
    };
    let begun = Instant::now();
    let mut is_whole = false;
    while !is_whole && stopped.clone().now_or_never().is_none() {
        let piece = async { sweep(app, &SweepOptions::default(), app.deadline(None), None).await };
        is_whole = !lease.during(piece).await.is_cut_short();
    }
    let due = if is_whole { period.saturating_sub(begun.elapsed()) } else { Duration::ZERO };
    lease.end_for(due).await?;
    Ok(due)
}

/// The key of the lease. Another program that uses the same store sweeps for itself.
fn key(app: &App) -> Key {
    let endpoints = app.registry().declarations().iter().map(|declaration| declaration.endpoint);
    app.keys().key(&std::iter::once("sweeps").chain(endpoints).collect::<Vec<_>>())
}
