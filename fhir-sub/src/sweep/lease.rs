//! [`Lease`]: allows one sweep at a time, of a subscription or of the whole program.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::Stop;
use crate::key::Key;
use crate::store::{Store, Stored, SweepState, Sweeping};

/// If a sweep is killed, the next one can begin after this time.
const LEASE: Duration = Duration::from_secs(60);

/// The right to sweep, and the saved state.
pub(super) struct Lease<'a> {
    store: &'a Store,
    sweeping: Sweeping,
}

impl<'a> Lease<'a> {
    /// If another sweep holds the lease, the error says for how long it still does.
    pub(super) async fn begin(
        store: &'a Store,
        key: &Key,
        old_keys: &[Key],
    ) -> Stored<Result<Self, Duration>> {
        let sweeping = store.begin_sweep(key, old_keys, LEASE).await?;
        Ok(sweeping.map(|sweeping| Self { store, sweeping }))
    }

    pub(super) fn state(&self) -> &SweepState {
        &self.sweeping.state
    }

    pub(super) fn state_mut(&mut self) -> &mut SweepState {
        &mut self.sweeping.state
    }

    /// Saves the state, and renews the lease.
    pub(super) async fn save(&mut self) -> Result<(), Stop> {
        match self.store.save_sweep(&self.sweeping, Some(LEASE)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Lost),
            Err(unavailable) => Err(Stop::Failed(unavailable.to_string())),
        }
    }

    /// Renews the lease during `work`, however long it takes.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let pause = pin!(tokio::time::sleep(LEASE / 3));
            match select(work.as_mut(), pause).await {
                Either::Left((done, _)) => return done,
                // If the lease is lost, the next save of the state reports it.
                Either::Right(_) => drop(self.store.save_sweep(&self.sweeping, Some(LEASE)).await),
            }
        }
    }

    /// Lets the next sweep begin.
    pub(super) async fn end(self) -> Stored<()> {
        self.store.save_sweep(&self.sweeping, None).await.map(drop)
    }

    /// Lets the next sweep begin after `pause`.
    pub(super) async fn end_for(self, pause: Duration) -> Stored<()> {
        self.store.save_sweep(&self.sweeping, Some(pause)).await.map(drop)
    }
}
