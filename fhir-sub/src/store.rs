//! The idempotency store: what was handled, what is under way, and what was given up.
//!
//! It is chosen by `FHIR_SUBSCRIPTION_IDEMPOTENCY`. A store of your own implements [`StoreBackend`], and
//! [`AppBuilder::store`](crate::AppBuilder::store) takes it.
//!
//! An event is *begun*, which takes a lease on it, and then *completed* or *released*. If its instance is
//! killed, the lease runs out, and the next instance that gets the event handles it. The store uses the names
//! and states of AWS Lambda Powertools
//! (<https://docs.powertools.aws.dev/lambda/python/latest/utilities/idempotency/>).

mod backend;
mod dead_letter;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod entry;
mod events;
mod memory;
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
mod sweep;
mod sweep_state;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::OnceCell;

pub use backend::{Put, RecordId, RecordKind, StoreBackend, StoreFuture, Unavailable};
pub use record::Record;

pub(crate) use dead_letter::DeadLetter;
pub(crate) use entry::{Begun, Claim, Entry, How, Identity, OfResource, Told};
pub(crate) use memory::MemoryStore;
pub(crate) use migration::OldKeys;
#[cfg(any(test, feature = "testing"))]
pub use suite::check_store;
pub(crate) use sweep::Sweeping;
pub(crate) use sweep_state::SweepState;
#[cfg(feature = "registration")]
pub(crate) use sweep_state::{Round, ServerClock};

pub(crate) use crate::key::{Key, Keys};

use crate::client::transport::Connection;
use crate::fhir::Instant;
use crate::settings::{Idempotency, Place};
use record::{Millis, millis};

/// Opens the store of these settings, if they name one. Nothing is called before its first use.
pub(crate) fn open(settings: &Idempotency, connection: &Connection) -> Option<Store> {
    let backend: Arc<dyn StoreBackend> = match &settings.place {
        Place::Nowhere => return None,
        #[cfg(feature = "dynamodb")]
        Place::DynamoDb(table) => {
            Arc::new(dynamodb::DynamoDbStore::new(table.clone()).over(connection.clone()))
        }
        // Without the feature, the settings refuse this store.
        #[cfg(not(feature = "dynamodb"))]
        Place::DynamoDb(_) => {
            let _ = connection;
            return None;
        }
        #[cfg(feature = "postgres")]
        Place::Postgres(url) => Arc::new(postgres::PostgresStore::new(url)),
        #[cfg(feature = "sqlite")]
        Place::Sqlite(path) => Arc::new(sqlite::SqliteStore::new(path.clone())),
        Place::Memory => Arc::new(MemoryStore::new(settings.maximum)),
    };
    Some(Store::new(backend, settings.retention))
}

/// The rules of the store, over a backend.
///
/// Every call succeeds or fails as a whole, and may be repeated. An expired record counts as gone, even if
/// the backend still has it.
pub(crate) struct Store {
    backend: Arc<dyn StoreBackend>,
    /// How long done events are remembered.
    retention: Duration,
    /// The tenant whose dead letters are visible, if the program has tenants.
    tenant: Option<Box<str>>,
    /// The moment until which records may have old keys.
    old_keys: OnceCell<Option<Millis>>,
}

/// The result of a call. The error is for the log only.
pub(crate) type Stored<T> = Result<T, Unavailable>;

/// How often a put is tried while others keep changing the record.
const ROUNDS: usize = 8;

impl Store {
    pub(crate) fn new(backend: Arc<dyn StoreBackend>, retention: Duration) -> Self {
        Self { backend, retention, tenant: None, old_keys: OnceCell::new() }
    }

    /// The same for one of several tenants: it does not see the others' dead letters.
    pub(crate) fn of_tenant(self, tenant: Option<&str>) -> Self {
        Self { tenant: tenant.map(Into::into), ..self }
    }

    /// Whether the store outlives the process, and all instances share it.
    pub(crate) fn is_durable(&self) -> bool {
        self.backend.is_durable()
    }

    /// How many records were forgotten before they expired.
    #[cfg(feature = "registration")]
    pub(crate) fn forgotten(&self) -> u64 {
        self.backend.forgotten()
    }

    /// Whether the backend answers.
    pub(crate) async fn answers(&self) -> bool {
        self.backend.get(&RecordId { kind: RecordKind::Store, key: Key::ZERO }).await.is_ok()
    }

    async fn now(&self) -> Stored<Millis> {
        match self.backend.now_at_once() {
            Some(now) => Ok(millis(now)),
            None => self.backend.now().await.map(millis),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("backend", &self.backend).finish_non_exhaustive()
    }
}

/// A record is not in the form in which the store writes it.
fn unreadable() -> Unavailable {
    Unavailable::new("a record is not as it was written")
}

/// A moment by the store's clock, to compare it with the moments of FHIR servers.
fn instant(moment: Millis) -> Instant {
    Instant::from(SystemTime::UNIX_EPOCH + Duration::from_millis(moment))
}

#[cfg(any(test, feature = "testing"))]
pub(crate) mod suite;
#[cfg(test)]
mod tests;
