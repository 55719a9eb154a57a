//! [`StoreBackend`]: keeps the records of the store.

use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use super::record::Record;
use crate::key::Key;

/// Keeps the records of the store: for [`AppBuilder::store`](crate::AppBuilder::store).
///
/// A backend only keeps records. fhir-sub decides which events are new, done or being handled. A backend
/// needs a get, a put with a condition, and a list. Each call succeeds or fails as a whole.
///
/// A record is plain data: `serde_json::to_string(&record)` writes it, and `serde_json::from_str` reads it
/// back. Records contain no resource and no secret. Dead letters name references, such as `Patient/123`. The record
/// of a sweep may contain the server's link to the next page, with the criteria, and perhaps with the id of a
/// resource. All other records name keyed hashes only.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// use fhir_sub::store::{Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture};
///
/// #[derive(Debug, Default)]
/// struct Shelf(Mutex<HashMap<String, Record>>);
///
/// impl StoreBackend for Shelf {
///     fn is_durable(&self) -> bool {
///         false
///     }
///
///     fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
///         Box::pin(async move { Ok(self.0.lock().unwrap().get(&id.to_string()).cloned()) })
///     }
///
///     fn put<'a>(
///         &'a self,
///         id: &'a RecordId,
///         expected: Option<u64>,
///         record: Option<&'a Record>,
///     ) -> StoreFuture<'a, Put> {
///         Box::pin(async move {
///             let mut records = self.0.lock().unwrap();
///             let found = records.get(&id.to_string());
///             if found.map(Record::revision) != expected {
///                 return Ok(Put::Refused(found.cloned()));
///             }
///             match record {
///                 Some(record) => drop(records.insert(id.to_string(), record.clone())),
///                 None => drop(records.remove(&id.to_string())),
///             }
///             Ok(Put::Done)
///         })
///     }
///
///     fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
///         Box::pin(async move {
///             let records = self.0.lock().unwrap();
///             let listed = records.iter().filter(|(id, _)| id.starts_with(kind.prefix()));
///             Ok(listed.map(|(_, record)| record.clone()).collect())
///         })
///     }
/// }
///
/// # #[cfg(feature = "testing")]
/// # fhir_sub::__private::block_on(async {
/// fhir_sub::testing::check_store(|| async { Shelf::default() }).await;
/// # });
/// ```
///
/// With the feature `testing`, `fhir_sub::testing::check_store` runs the suite that fhir-sub's own stores pass.
pub trait StoreBackend: Send + Sync + fmt::Debug + 'static {
    /// Whether the records outlive the process, and all instances of the program share them.
    ///
    /// If so, an event that is given up becomes a dead letter, and the FHIR server is answered `204`.
    fn is_durable(&self) -> bool;

    /// The store's time. If several instances share the store, this should be the clock of the store, so that the
    /// instances agree on it. By default it is the clock of the machine.
    fn now(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(std::future::ready(Ok(SystemTime::now())))
    }

    /// The record with this id, as the last put wrote it.
    ///
    /// A backend may forget a record after its [`expires`](Record::expires), but need not: fhir-sub compares the time itself.
    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>>;

    /// Replaces the expected record with another one, in a single step: of several callers, at most one
    /// succeeds.
    ///
    /// `expected` is the [`revision`](Record::revision) of the record that must be there, or `None` if there
    /// must be no record. `record` replaces it; `None` removes it. If another record is there, nothing
    /// changes, and the answer is [`Put::Refused`] with that record.
    ///
    /// A backend may repeat a call if the answer was lost: fhir-sub recognises its own revision.
    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put>;

    /// All records of this kind, in any order. fhir-sub calls it to list dead letters.
    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>>;

    /// How many records this process has forgotten before they expired: their events may be handled again. A
    /// backend with limited room should count them, and the report of a sweep shows the number. The default
    /// is 0.
    fn forgotten(&self) -> u64 {
        0
    }

    /// Whether a version of fhir-sub before 0.1 may have put records under other keys. This is so only for a
    /// DynamoDB table.
    #[doc(hidden)]
    fn has_old_keys(&self) -> bool {
        false
    }

    /// The result of [`now`](Self::now), if it needs no waiting, and so no boxed future.
    #[doc(hidden)]
    fn now_at_once(&self) -> Option<SystemTime> {
        None
    }
}

/// The result of a call of [`StoreBackend`].
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + Send + 'a>>;

/// The result of [`StoreBackend::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// The put is done.
    Done,
    /// Nothing changed: this record is there instead, or no record.
    Refused(Option<Record>),
}

/// The store could not be reached, or did not execute the call.
///
/// The reason is logged, so it must not name a resource, a secret or an address with a password.
#[derive(Debug)]
pub struct Unavailable {
    pub(crate) reason: String,
}

impl Unavailable {
    /// An error with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the idempotency store is unavailable: {}", self.reason)
    }
}

impl Error for Unavailable {}

/// The id of a record. `Display` writes it: `event#` and 64 hexadecimal digits, which name no resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId {
    pub(crate) kind: RecordKind,
    pub(crate) key: Key,
}

impl RecordId {
    /// The kind of the record.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        self.kind
    }
}

/// Two kinds never have the same key.
impl Hash for RecordId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.kind.prefix(), self.key)
    }
}

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RecordKind {
    /// An event: being handled, done or given up.
    Event,
    /// A resource, apart from its single versions.
    Resource,
    /// The position of a subscription's sweeps.
    Sweep,
    /// An event that was given up.
    DeadLetter,
    /// The store itself.
    Store,
}

impl RecordKind {
    /// The beginning of the ids of this kind: `event#`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Event => "event#",
            Self::Resource => "resource#",
            Self::Sweep => "sweep#",
            Self::DeadLetter => "dead#",
            Self::Store => "store#",
        }
    }

    /// The range of the ids of this kind, in the order of their bytes: the first id, and the first id after
    /// them.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn range(self) -> (&'static str, String) {
        // `$` comes after `#`.
        (self.prefix(), self.prefix().replace('#', "$"))
    }
}

impl<B: StoreBackend + ?Sized> StoreBackend for Arc<B> {
    fn is_durable(&self) -> bool {
        (**self).is_durable()
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        (**self).now()
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        (**self).get(id)
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        (**self).put(id, expected, record)
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        (**self).list(kind)
    }

    fn forgotten(&self) -> u64 {
        (**self).forgotten()
    }

    fn has_old_keys(&self) -> bool {
        (**self).has_old_keys()
    }

    fn now_at_once(&self) -> Option<SystemTime> {
        (**self).now_at_once()
    }
}
