//! [`OldStore`]: a backend for tests of records under old keys.

use super::{MemoryStore, Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture};

/// A backend that an earlier version of the program may have written to, like each table of DynamoDB.
#[derive(Debug)]
pub(crate) struct OldStore(pub(crate) MemoryStore);

impl StoreBackend for OldStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        self.0.get(id)
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        self.0.put(id, expected, record)
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.0.list(kind)
    }

    fn has_old_keys(&self) -> bool {
        true
    }
}
