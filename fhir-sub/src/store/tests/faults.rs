//! A backend that fails at single puts.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use futures_util::FutureExt;

use crate::store::suite::timed::{HOW, LEASE, Timed, instant, latest, of_resource};
use crate::store::{
    Begun, Claim, Entry, MemoryStore, Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture, Told,
    Unavailable,
};

const BEFORE: &str = "2026-01-01T00:00:00.000Z";
const FIRST: &str = "2026-01-01T00:00:00.001Z";
const SECOND: &str = "2026-01-01T00:00:00.002Z";

/// How a put goes.
#[derive(Clone, Copy, Debug)]
enum Ail {
    Well,
    Refused,
    /// It is done, and its answer is lost.
    Unanswered,
}

/// A backend whose next puts go as they are told to; the others go well.
#[derive(Debug)]
struct Ailing {
    store: MemoryStore,
    puts: Mutex<VecDeque<Ail>>,
}

impl StoreBackend for Ailing {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        self.store.get(id)
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        let failed = || Err(Unavailable::new("it fails"));
        match self.puts.lock().unwrap().pop_front().unwrap_or(Ail::Well) {
            Ail::Well => self.store.put(id, expected, record),
            Ail::Refused => ready(failed()).boxed(),
            Ail::Unanswered => self.store.put(id, expected, record).map(move |_| failed()).boxed(),
        }
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.store.list(kind)
    }
}

struct Test {
    backend: Arc<Ailing>,
    store: Timed,
}

impl Test {
    fn new() -> Self {
        let store = MemoryStore::shared(Arc::new(SystemTime::now));
        let backend = Arc::new(Ailing { store, puts: Mutex::default() });
        Self { store: Timed::new(Arc::clone(&backend)), backend }
    }

    fn ails(&self, puts: &[Ail]) {
        *self.backend.puts.lock().unwrap() = puts.iter().copied().collect();
    }

    async fn claim(&self, entry: &Entry) -> Claim {
        self.store.claim(entry).await
    }
}

/// An event that a notification reports by its time, and the same event as a search finds it.
fn two_names() -> [Entry; 2] {
    let of = |told| Some(of_resource(told, Some(FIRST)));
    let told = Entry { resource: of(Told::Time(instant(FIRST))), ..latest("told", None) };
    [told, Entry { resource: of(Told::Search), ..latest("found", None) }]
}

/// The event was handled, and must not count as one that killed its instance.
#[tokio::test]
async fn what_is_handled_is_done_although_its_resource_cannot_be_told_at_first() {
    for puts in [
        &[Ail::Refused][..],
        &[Ail::Unanswered],
        &[Ail::Refused, Ail::Refused],
        &[Ail::Unanswered, Ail::Refused],
        &[Ail::Refused, Ail::Unanswered],
    ] {
        let test = Test::new();
        let (first, second) = (latest("1", Some(FIRST)), latest("2", Some(SECOND)));
        let claim = test.claim(&second).await;
        test.ails(puts);
        test.store.complete(&claim).await;
        assert_eq!(test.store.begin(&second).await, Begun::Done, "{puts:?}");
        assert_eq!(test.store.begin(&first).await, Begun::Superseded, "{puts:?}: its order is known");
        // The resource is free at once.
        test.store.handle(&latest("3", Some("2026-01-01T00:00:00.003Z"))).await;

        let [told, found] = two_names();
        let claim = test.claim(&told).await;
        test.ails(puts);
        test.store.complete(&claim).await;
        assert_eq!(test.store.begin(&found).await, Begun::Done, "{puts:?}: its other name is known");
    }
}

#[tokio::test]
async fn what_failed_leaves_its_resource_free() {
    for puts in [&[Ail::Refused][..], &[Ail::Unanswered], &[Ail::Refused, Ail::Refused]] {
        let test = Test::new();
        let (first, second) = (latest("1", Some(FIRST)), latest("2", Some(SECOND)));
        let claim = test.claim(&second).await;
        test.ails(puts);
        test.store.release(&claim).await;
        test.store.handle(&first).await;
        assert_eq!(test.claim(&second).await.tries, 2, "{puts:?}");
    }
}

/// If no record of the resource can be written, the event is still done, and the error is told.
#[tokio::test]
async fn what_is_handled_is_done_although_its_resource_is_never_told() {
    let test = Test::new();
    let (second, third) = (latest("2", Some(SECOND)), latest("3", Some("2026-01-01T00:00:00.003Z")));
    let claim = test.claim(&second).await;
    test.ails(&[Ail::Refused, Ail::Refused, Ail::Well, Ail::Refused]);
    assert!(test.store.store.complete(&claim).await.is_err());
    assert_eq!(test.store.begin(&second).await, Begun::Done);
    assert_eq!(test.store.begin(&third).await, Begun::UnderWay, "the lease on the resource holds");
    test.store.pass(LEASE);
    test.store.handle(&third).await;
}

/// The lease ran out, and another event of the resource has it: its lease stays.
#[tokio::test]
async fn the_lease_of_another_is_not_given_back() {
    let test = Test::new();
    let (first, second) = (latest("1", Some(FIRST)), latest("2", Some(SECOND)));
    let slow = test.claim(&first).await;
    test.store.pass(LEASE);
    let other = test.claim(&second).await;
    test.ails(&[Ail::Refused, Ail::Refused]);
    test.store.complete(&slow).await;
    assert_eq!(test.store.begin(&first).await, Begun::Done);
    assert_eq!(test.store.begin(&latest("3", Some(SECOND))).await, Begun::UnderWay);
    test.store.complete(&other).await;
}

/// The lease on the resource is written, and its answer is lost: no handler runs, and the resource is free at once.
#[tokio::test]
async fn a_resource_whose_lease_was_not_answered_is_free_again() {
    for is_known in [false, true] {
        let test = Test::new();
        if is_known {
            test.store.handle(&latest("1", Some(FIRST))).await;
        }
        for round in 0..3 {
            let entry = latest(&format!("2, round {round}"), Some(SECOND));
            // The first put is the event's.
            test.ails(&[Ail::Well, Ail::Unanswered]);
            assert!(test.store.store.begin(&entry, LEASE, HOW).await.is_err());
            let claim = test.claim(&entry).await;
            assert_eq!(claim.tries, 1, "known: {is_known}");
            test.store.release(&claim).await;
        }
        if is_known {
            assert_eq!(test.store.begin(&latest("0", Some(BEFORE))).await, Begun::Superseded);
        }
    }
}
