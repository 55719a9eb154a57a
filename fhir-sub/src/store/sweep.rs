//! The state of sweeps, and the lease of the sweep that runs.

use std::time::Duration;

use super::backend::{Put, RecordId, RecordKind};
use super::record::{Body, Record, SweepRecord, after};
use super::sweep_state::SweepState;
use super::{Store, Stored, unreadable};
#[cfg(feature = "registration")]
use crate::fhir::Instant;
use crate::key::Key;

/// A lease on the sweep of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sweeping {
    pub(crate) sweep: Key,
    pub(crate) token: u64,
    pub(crate) state: SweepState,
}

impl Store {
    /// Takes a lease on the sweep of a subscription, and returns the state of the last sweep. If another
    /// sweep has the lease, the error says for how long it still does.
    ///
    /// `old` are the keys that its record may have had: before the store's key was rotated, and before keys told FHIR servers
    /// apart. The first sweep after that goes on from there.
    pub(crate) async fn begin_sweep(
        &self,
        sweep: &Key,
        old: &[Key],
        lease: Duration,
    ) -> Stored<Result<Sweeping, Duration>> {
        let now = self.now().await?;
        let mut found = self.backend.get(&id(sweep)).await?;
        let mut state = read(found.as_ref())?.map(|record| record.state.clone());
        for old in old {
            if state.is_none() {
                let old = self.backend.get(&id(old)).await?;
                state = read(old.as_ref())?.map(|record| record.state.clone());
            }
        }
        let state = state.unwrap_or_default();
        for _ in 0..super::ROUNDS {
            let record = read(found.as_ref())?;
            if let Some(until) = record.and_then(|record| record.lease).filter(|until| *until > now) {
                return Ok(Err(Duration::from_millis(until - now)));
            }
            let state = record.map_or_else(|| state.clone(), |record| record.state.clone());
            let next = SweepRecord { lease: Some(after(now, lease)), state: state.clone() };
            let next = Record::new(None, Body::Sweep(Box::new(next)));
            let sweeping = Sweeping { sweep: *sweep, token: next.revision, state };
            let expected = found.as_ref().map(Record::revision);
            match self.backend.put(&id(sweep), expected, Some(&next)).await? {
                Put::Done => return Ok(Ok(sweeping)),
                Put::Refused(Some(there)) if there.revision == next.revision => return Ok(Ok(sweeping)),
                Put::Refused(there) => found = there,
            }
        }
        Ok(Err(lease))
    }

    /// The state of the last sweep, without a lease: for a reader that changes nothing.
    #[cfg(feature = "registration")]
    pub(crate) async fn sweep_state(&self, sweep: &Key, old: &[Key]) -> Stored<Option<SweepState>> {
        for key in std::iter::once(sweep).chain(old) {
            let found = self.backend.get(&id(key)).await?;
            if let Some(record) = read(found.as_ref())? {
                return Ok(Some(record.state.clone()));
            }
        }
        Ok(None)
    }

    /// Saves the state of a sweep, if the sweep still has its lease, and returns whether it has. `lease`
    /// renews the lease for that time; `None` ends the sweep.
    pub(crate) async fn save_sweep(&self, sweeping: &Sweeping, lease: Option<Duration>) -> Stored<bool> {
        let Sweeping { sweep, token, state } = sweeping;
        let until = match lease {
            Some(lease) => Some(after(self.now().await?, lease)),
            None => None,
        };
        let next = SweepRecord { lease: until, state: state.clone() };
        let mut next = Record::new(None, Body::Sweep(Box::new(next)));
        if until.is_some() {
            // The revision stays the same for all saves of one sweep.
            next.revision = *token;
        }
        Ok(match self.backend.put(&id(sweep), Some(*token), Some(&next)).await? {
            Put::Done => true,
            // The record is the sweep's own if the answer to the put was lost and the call was repeated.
            Put::Refused(there) => there.is_some_and(|there| there.revision == next.revision),
        })
    }

    /// When a Subscription was last heard of, by the key of that.
    #[cfg(feature = "registration")]
    pub(crate) async fn heard(&self, key: &Key) -> Stored<Option<Instant>> {
        Ok(self.sweep_state(key, &[]).await?.and_then(|state| state.heard))
    }

    /// Keeps when a Subscription was last heard of. If another instance is just keeping it, that is as good.
    #[cfg(feature = "registration")]
    pub(crate) async fn hear(&self, key: &Key, at: Instant) -> Stored<()> {
        let Ok(mut keeping) = self.begin_sweep(key, &[], Duration::from_secs(1)).await? else {
            return Ok(());
        };
        keeping.state.heard = keeping.state.heard.max(Some(at));
        self.save_sweep(&keeping, None).await.map(drop)
    }
}

fn id(sweep: &Key) -> RecordId {
    RecordId { kind: RecordKind::Sweep, key: *sweep }
}

fn read(record: Option<&Record>) -> Stored<Option<&SweepRecord>> {
    match record.map(|record| &record.body) {
        None => Ok(None),
        Some(Body::Sweep(record)) => Ok(Some(record)),
        Some(_) => Err(unreadable()),
    }
}
