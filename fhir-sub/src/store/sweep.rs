//! How far sweeps have come, and the lease of the one that runs.

use std::time::Duration;

use super::backend::{Put, RecordId, RecordKind};
use super::record::{Body, Record, SweepRecord, after};
use super::sweep_state::SweepState;
use super::{Store, Stored, unreadable};
use crate::key::Key;

/// A lease on the sweep of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sweeping {
    pub(crate) sweep: Key,
    pub(crate) token: u64,
    pub(crate) state: SweepState,
}

impl Store {
    /// Takes a lease on the sweep of a subscription: how far the last one came. If another has the lease, the error says how
    /// much longer it holds.
    ///
    /// `old` is the key that its record had before keys told FHIR servers apart: the first sweep after that goes on from
    /// there.
    pub(crate) async fn begin_sweep(
        &self,
        sweep: &Key,
        old: Option<&Key>,
        lease: Duration,
    ) -> Stored<Result<Sweeping, Duration>> {
        let now = self.now().await?;
        let mut found = self.backend.get(&id(sweep)).await?;
        let mut state = read(found.as_ref())?.map(|record| record.state.clone());
        if state.is_none()
            && let Some(old) = old.filter(|_| self.backend.has_old_keys())
        {
            let old = self.backend.get(&id(old)).await?;
            state = read(old.as_ref())?.map(|record| record.state.clone());
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

    /// Keeps how far a sweep has come; whether the lease was still its own, without which nothing is kept. `lease` is how much
    /// longer it holds, and nothing where the sweep has ended.
    pub(crate) async fn save_sweep(&self, sweeping: &Sweeping, lease: Option<Duration>) -> Stored<bool> {
        let Sweeping { sweep, token, state } = sweeping;
        let until = match lease {
            Some(lease) => Some(after(self.now().await?, lease)),
            None => None,
        };
        let next = SweepRecord { lease: until, state: state.clone() };
        let mut next = Record::new(None, Body::Sweep(Box::new(next)));
        if until.is_some() {
            // It stays the record of whoever holds the lease, who saves it again and again.
            next.revision = *token;
        }
        Ok(match self.backend.put(&id(sweep), Some(*token), Some(&next)).await? {
            Put::Done => true,
            // It is its own, where the answer to the put was lost and the call was repeated.
            Put::Refused(there) => there.is_some_and(|there| there.revision == next.revision),
        })
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
