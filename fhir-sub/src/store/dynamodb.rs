//! [`DynamoDbStore`]: the store that all instances share, in a DynamoDB table.
//!
//! The table's partition key is `id`, a string, and `expiration` is its TTL attribute, as in a table of AWS Lambda Powertools;
//! `docs/dynamodb.md` lists its items. Each step is one write with a condition, so that of several instances one gets
//! through. The clock is the instance's own: what has expired counts as gone, whether or not DynamoDB has deleted it.

mod connect;
mod connector;
mod dead_letters;
mod event;
mod failure;
mod item;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::memory::Clock;
use super::{Begun, Claim, DeadLetter, Entry, Key, Store, Stored, Sweeping};
use crate::client::transport::Connection;

/// The store that all instances share. Making one costs nothing: the SDK is set up by the first call.
pub(crate) struct DynamoDbStore {
    /// A name or an ARN.
    table: String,
    retention: Duration,
    connection: Connection,
    client: OnceCell<Client>,
    clock: Clock,
}

/// A moment by the store's clock.
#[derive(Clone, Copy)]
struct Moment {
    /// Since 1970.
    milliseconds: u64,
}

impl DynamoDbStore {
    /// That of a table, which remembers what was done for so long.
    pub(crate) fn new(table: String, retention: Duration) -> Self {
        let (connection, client) = (Connection::default(), OnceCell::new());
        Self { table, retention, connection, client, clock: Arc::new(SystemTime::now) }
    }

    /// The same, reached as the FHIR server is: by the same proxies, with the same roots.
    pub(crate) fn over(self, connection: Connection) -> Self {
        Self { connection, ..self }
    }

    /// One with a connection and a clock of its own.
    #[cfg(test)]
    fn with_client(self, client: Client, clock: Clock) -> Self {
        Self { client: OnceCell::new_with(Some(client)), clock, ..self }
    }

    /// What it is called with. Where it cannot be set up, the next call tries again.
    async fn client(&self) -> Stored<&Client> {
        self.client.get_or_try_init(|| connect::connect(&self.connection)).await
    }

    fn now(&self) -> Moment {
        let since = (self.clock)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment { milliseconds: milliseconds(since) }
    }
}

impl Moment {
    fn after(self, time: Duration) -> Self {
        Self { milliseconds: self.milliseconds.saturating_add(milliseconds(time)) }
    }

    /// As `expiration` counts: what expires then is kept until the last millisecond is over.
    fn seconds_rounded_up(self) -> u64 {
        self.milliseconds.div_ceil(1000)
    }

    /// What has an `expiration` up to this has expired.
    fn seconds(self) -> u64 {
        self.milliseconds / 1000
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Store for DynamoDbStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn begin<'a>(&'a self, entry: &'a Entry, lease: Duration) -> BoxFuture<'a, Stored<Begun>> {
        Box::pin(self.begin_event(entry, lease))
    }

    fn complete<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>> {
        Box::pin(self.complete_event(claim))
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Stored<()>> {
        Box::pin(self.release_event(claim))
    }

    fn reopen<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<()>> {
        Box::pin(self.reopen_event(key))
    }

    fn add_dead_letter<'a>(&'a self, letter: &'a DeadLetter) -> BoxFuture<'a, Stored<()>> {
        Box::pin(self.add_letter(letter))
    }

    fn dead_letters(&self) -> BoxFuture<'_, Stored<Vec<DeadLetter>>> {
        Box::pin(self.letters())
    }

    fn remove_dead_letter<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Stored<bool>> {
        Box::pin(self.remove_letter(key))
    }

    fn begin_sweep<'a>(&'a self, sweep: &'a Key, lease: Duration) -> BoxFuture<'a, Stored<Option<Sweeping>>> {
        Box::pin(self.take_sweep(sweep, lease))
    }

    fn save_sweep<'a>(
        &'a self,
        sweeping: &'a Sweeping,
        lease: Option<Duration>,
    ) -> BoxFuture<'a, Stored<bool>> {
        Box::pin(self.keep_sweep(sweeping, lease))
    }
}

impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DynamoDbStore").field("table", &self.table).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
