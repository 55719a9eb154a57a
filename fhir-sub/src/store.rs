//! [`Store`]: what was handled, what is under way, and what was given up, for all instances of a program.
//!
//! An event is *begun*, which takes a lease on it, and then *completed* or *released*. A lease that runs out frees the event,
//! so that one whose instance was killed is handled by the next that is told of it. The names and states are those of AWS
//! Lambda Powertools (<https://docs.powertools.aws.dev/lambda/python/latest/utilities/idempotency/>).

mod dead_letter;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod memory;
#[cfg(all(test, feature = "testing"))]
mod severed;
mod sweep_state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

pub(crate) use dead_letter::DeadLetter;
pub(crate) use memory::MemoryStore;
#[cfg(all(test, feature = "testing"))]
pub(crate) use severed::{SeveredStore, Way};
pub(crate) use sweep_state::SweepState;
#[cfg(feature = "registration")]
pub(crate) use sweep_state::{Round, ServerClock};

pub(crate) use crate::key::{Key, Keys};

use crate::client::transport::Connection;
use crate::fhir::Instant;
use crate::settings::{Idempotency, Place};

/// The store of these settings, if there is to be one; nothing is called before its first use.
pub(crate) fn open(settings: &Idempotency, connection: &Connection) -> Option<Arc<dyn Store>> {
    match &settings.place {
        Place::Nowhere => None,
        #[cfg(feature = "dynamodb")]
        Place::DynamoDb(table) => {
            let store = dynamodb::DynamoDbStore::new(table.clone(), settings.retention);
            Some(Arc::new(store.over(connection.clone())))
        }
        // Without the feature the settings are refused.
        #[cfg(not(feature = "dynamodb"))]
        Place::DynamoDb(_) => {
            let _ = connection;
            None
        }
        Place::Memory => Some(Arc::new(MemoryStore::new(settings.retention))),
    }
}

/// What was handled, what is under way, and what was given up.
///
/// Every call is answered or fails as a whole, and may be made again. Time is the store's own: expiry is compared, and not
/// left to what deletes expired records.
pub(crate) trait Store: Send + Sync + fmt::Debug {
    /// Whether it outlives the process, and is shared by all instances.
    fn is_durable(&self) -> bool;

    /// Takes a lease on an event, unless it is done or under way.
    fn begin<'a>(&'a self, entry: &'a Entry, lease: Duration) -> BoxFuture<'a, Stored<Begun>>;

    /// The event is done, and is not begun again; one that is [`Passing`](Entry::Passing) is forgotten. Without effect where the
    /// lease has run out and another has begun it.
    fn complete<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>>;

    /// The event is free to be begun again; how often it was tried is kept. Without effect where another has begun it.
    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>>;

    /// Forgets the event's record, so that what is done may be begun again. Without effect on one that is under way.
    fn reopen<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<()>>;

    /// Keeps what was given up, for a month or so long as what was handled; a second time with the same key takes the place
    /// of the first.
    fn add_dead_letter<'a>(&'a self, letter: &'a DeadLetter) -> BoxFuture<'a, Stored<()>>;

    /// All that was given up, the oldest first.
    fn dead_letters(&self) -> BoxFuture<'_, Stored<Vec<DeadLetter>>>;

    /// Takes away what was given up; whether it was there. Its event stays done.
    fn remove_dead_letter<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<bool>>;

    /// Takes a lease on the sweep of a subscription: how far the last one came. `None` where one is under way.
    fn begin_sweep<'a>(&'a self, sweep: &'a Key, lease: Duration) -> BoxFuture<'a, Stored<Option<Sweeping>>>;

    /// Keeps how far a sweep has come; whether the lease was still its own, without which nothing is kept. `lease` is how much
    /// longer it holds, and nothing where the sweep has ended.
    fn save_sweep<'a>(
        &'a self,
        sweeping: &'a Sweeping,
        lease: Option<Duration>,
    ) -> BoxFuture<'a, Stored<bool>>;
}

/// The result of a call; what went wrong is only to be logged.
pub(crate) type Stored<T> = Result<T, Unavailable>;

/// The store could not be reached, or did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Unavailable {
    /// What it said, in words that name no resource.
    pub(crate) reason: String,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the idempotency store is unavailable: {}", self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// An event, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// One version of a resource, or one numbered event: once done, it stays so.
    Once(Key),
    /// What nothing tells from the next of its kind, as a deletion whose version is not known: it is kept apart only from one
    /// that is under way, or a resource deleted, created and deleted again would lose its second deletion.
    Passing(Key),
    /// One version of a resource of which only newer ones are wanted after it.
    Latest {
        /// Of the resource.
        key: Key,
        /// Of the version.
        version: Key,
        /// When that was written; a deletion may not say.
        updated: Option<Instant>,
    },
}

impl Entry {
    /// What its record is found by.
    pub(crate) fn key(&self) -> &Key {
        match self {
            Self::Once(key) | Self::Passing(key) | Self::Latest { key, .. } => key,
        }
    }

    /// What tells the event from others, but that of a passing one does not.
    pub(crate) fn version(&self) -> &Key {
        match self {
            Self::Once(key) | Self::Passing(key) => key,
            Self::Latest { version, .. } => version,
        }
    }

    /// What a handler may go by.
    pub(crate) fn idempotency_key(&self) -> Option<Key> {
        match self {
            Self::Once(key) => Some(*key),
            Self::Latest { version, updated: Some(_), .. } => Some(*version),
            Self::Passing(_) | Self::Latest { .. } => None,
        }
    }
}

/// What came of beginning an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is to be handled.
    Fresh(Claim),
    /// Another is at it.
    UnderWay,
    /// It was handled, or given up.
    Done,
    /// A newer version of the resource was handled.
    Superseded,
}

/// A lease on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) entry: Entry,
    /// Tells it from the claim of another who has begun the event after this lease ran out.
    pub(crate) token: u64,
    /// How often the event was begun, this time included.
    pub(crate) tries: u32,
}

/// A lease on the sweep of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sweeping {
    pub(crate) sweep: Key,
    pub(crate) token: u64,
    pub(crate) state: SweepState,
}

/// A token that no other claim has.
pub(crate) fn token() -> u64 {
    fastrand::u64(..)
}

#[cfg(test)]
mod tests;
