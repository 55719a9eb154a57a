//! [`DynamoDbStore`]: the backend that all instances share, in a DynamoDB table.
//!
//! The table's partition key is `id`, a string, and `expiration` is its TTL attribute, as in a table of AWS
//! Lambda Powertools; `docs/dynamodb.md` lists its items. Each step is one conditional write, so that one of
//! several instances succeeds. A refused write returns the existing item. The clock is the instance's own,
//! because the clocks of AWS agree.

mod conflict;
mod connect;
mod dead_letters;
mod failure;
mod item;
mod put;

use std::fmt;

use aws_sdk_dynamodb::Client;
use tokio::sync::OnceCell;

use super::backend::{Put, RecordId, RecordKind, StoreBackend, StoreFuture};
use super::{Record, Stored};
use crate::client::transport::Connection;

/// The backend that all instances share. To create it costs nothing: the first call sets up the SDK.
pub(crate) struct DynamoDbStore {
    /// A name or an ARN.
    table: String,
    connection: Connection,
    client: OnceCell<Client>,
}

impl DynamoDbStore {
    /// The store in this table.
    pub(crate) fn new(table: String) -> Self {
        Self { table, connection: Connection::default(), client: OnceCell::new() }
    }

    /// The same store, reached like the FHIR server: through the same proxies, with the same root
    /// certificates.
    pub(crate) fn over(self, connection: Connection) -> Self {
        Self { connection, ..self }
    }

    /// The same store, with this client.
    #[cfg(test)]
    fn with_client(self, client: Client) -> Self {
        Self { client: OnceCell::new_with(Some(client)), ..self }
    }

    /// The SDK's client. If its setup fails, the next call tries again.
    async fn client(&self) -> Stored<&Client> {
        self.client.get_or_try_init(|| connect::connect(&self.connection)).await
    }
}

impl StoreBackend for DynamoDbStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            let items = self.items(vec![item::text(id)]).await?;
            items.first().map(item::read).transpose()
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        Box::pin(async move {
            if id.kind == RecordKind::DeadLetter {
                return self.put_letter(id, expected, record).await;
            }
            match record {
                Some(record) => self.put_item(id, expected, record).await,
                None => self.delete_item(id, expected).await,
            }
        })
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            match kind {
                RecordKind::DeadLetter => self.letters().await,
                // Other kinds are never listed: that would read the whole table.
                _ => Err(failure::unlisted()),
            }
        })
    }

    fn has_old_keys(&self) -> bool {
        true
    }
}

impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DynamoDbStore").field("table", &self.table).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
