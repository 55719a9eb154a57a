use std::collections::VecDeque;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::declaration::{Declaration, Order};
use crate::error::Error;
use crate::event::Event;
use crate::extract::FromNotification;
use crate::fixtures::{Handler, SeveredStore, Way, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::store::{
    MemoryStore, Put, Record, RecordId, RecordKind, Store, StoreBackend, StoreFuture, Unavailable,
};
use crate::testing::{TestApp, TestRequest};

/// The handler's outcome for each try, and the number of its runs.
#[derive(Default)]
struct Script {
    ends: Mutex<Vec<fn() -> Outcome>>,
    runs: AtomicUsize,
    keys: Mutex<Vec<Option<String>>>,
    /// A run waits for this.
    gate: tokio::sync::Notify,
    is_gated: bool,
}

/// An event, and the script of its handler.
struct Scene {
    event: Event,
    script: Arc<Script>,
}

impl FromNotification for Scene {
    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let script = notification.state::<Arc<Script>>().unwrap();
        Ok(Self { event: notification.event().clone(), script: Arc::clone(&script) })
    }
}

struct Scripted;

impl Handler<Scene> for Scripted {
    async fn handle(Scene { event, script }: Scene) -> Outcome {
        script.runs.fetch_add(1, Ordering::Relaxed);
        script.keys.lock().unwrap().push(event.idempotency_key());
        if script.is_gated {
            script.gate.notified().await;
        }
        let next = script.ends.lock().unwrap().pop();
        next.map_or(Outcome::Handled, |end| end())
    }
}

fn fails() -> Outcome {
    Error::transient("it failed").into()
}

fn fails_for_good() -> Outcome {
    Error::permanent("it failed").into()
}

fn panics() -> Outcome {
    panic!("it panicked")
}

fn handler() -> Declaration {
    declaration::<Scene, Scripted>("Patient?", "e")
}

fn shared() -> Arc<dyn StoreBackend> {
    Arc::new(MemoryStore::shared(Arc::new(SystemTime::now)))
}

async fn letters(store: &Arc<dyn StoreBackend>) -> Vec<crate::store::DeadLetter> {
    Store::new(Arc::clone(store), Duration::from_secs(3600)).dead_letters().await.unwrap()
}

/// An instance of a program, which shares its store with other instances.
fn instance(declaration: Declaration, script: &Arc<Script>, store: Arc<dyn StoreBackend>) -> TestApp {
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
    let builder = builder.state(Arc::clone(script)).store(store).set("FHIR_SUBSCRIPTION_TRIES", "3");
    TestApp::build(Behaviour::Hapi, builder).unwrap()
}

fn script(ends: &[fn() -> Outcome]) -> Arc<Script> {
    let ends = ends.iter().rev().copied().collect();
    Arc::new(Script { ends: Mutex::new(ends), ..Script::default() })
}

fn patient(version_id: &str) -> Value {
    let updated = format!("2026-01-01T00:00:0{version_id}.000Z");
    json!({
        "resourceType": "Patient", "id": "1",
        "meta": { "versionId": version_id, "lastUpdated": updated }, "name": [{ "family": "canary" }],
    })
}

async fn send(test: &TestApp, version_id: &str) -> (u16, &'static str) {
    let answer = test.send(TestRequest::hapi_update("e", &patient(version_id))).await;
    assert_eq!(answer.header("retry-after").is_some(), answer.status() == 503);
    (answer.status(), answer.outcome())
}

#[tokio::test]
async fn an_event_is_handled_once_by_all_instances() {
    let (script, store) = (script(&[]), shared());
    let (one, other) =
        (instance(handler(), &script, store.clone()), instance(handler(), &script, store.clone()));
    assert_eq!(send(&one, "1").await, (204, "handled"));
    assert_eq!(send(&other, "1").await, (204, "handled before"));
    assert_eq!(send(&one, "1").await, (204, "handled before"));
    assert_eq!(send(&other, "2").await, (204, "handled"));
    assert_eq!(script.runs.load(Ordering::Relaxed), 2);
    let keys = script.keys.lock().unwrap();
    assert!(keys[0].is_some() && keys[0] != keys[1]);
}

#[tokio::test]
async fn what_is_under_way_elsewhere_is_sent_again() {
    let script = Arc::new(Script { is_gated: true, ..Script::default() });
    let store = shared();
    let (one, other) =
        (instance(handler(), &script, store.clone()), instance(handler(), &script, store.clone()));
    let mut under_way = Box::pin(send(&one, "1"));
    assert!((&mut under_way).now_or_never().is_none(), "the handler waits");
    assert_eq!(send(&other, "1").await, (503, "under way elsewhere"));
    script.gate.notify_one();
    assert_eq!(under_way.await, (204, "handled"));
    assert_eq!(send(&other, "1").await, (204, "handled before"));
    assert_eq!(script.runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn of_a_hundred_at_once_one_runs() {
    let (script, store) = (script(&[]), shared());
    let instances: Vec<_> = (0..100).map(|_| instance(handler(), &script, store.clone())).collect();
    let answers = join_all(instances.iter().map(|test| send(test, "1"))).await;
    assert!(answers.iter().all(|(status, _)| [204, 503].contains(status)));
    assert_eq!(script.runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_failed_or_panicked_is_free_again() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let script = script(&[fails, panics]);
    let test = instance(handler(), &script, shared());
    assert_eq!(send(&test, "1").await, (500, "failed"));
    assert_eq!(send(&test, "1").await, (500, "panicked"));
    assert_eq!(send(&test, "1").await, (204, "handled"));
    std::panic::set_hook(quiet);
}

#[tokio::test]
async fn a_permanent_error_is_a_dead_letter_and_sent_no_more() {
    let (script, store) = (script(&[fails_for_good]), shared());
    let test = instance(handler(), &script, store.clone());
    assert_eq!(send(&test, "1").await, (204, "failed for good"));
    assert_eq!(send(&test, "1").await, (204, "handled before"));
    let letters = letters(&store).await;
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter.reference.as_deref(), Some("Patient/1"));
    assert_eq!(letter.version_id.as_deref(), Some("1"));
    assert_eq!((letter.tries, &*letter.outcome, &*letter.endpoint), (1, "failed for good", "e"));
    assert!(!serde_json::to_string(&letters).unwrap().contains("canary"));
}

#[tokio::test]
async fn what_keeps_failing_is_a_dead_letter_after_its_tries() {
    let (script, store) = (script(&[fails, fails, fails, fails]), shared());
    let test = instance(handler(), &script, store.clone());
    assert_eq!(send(&test, "1").await, (500, "failed"));
    assert_eq!(send(&test, "1").await, (500, "failed"));
    assert!(letters(&store).await.is_empty());
    assert_eq!(send(&test, "1").await, (204, "failed"));
    assert_eq!(letters(&store).await[0].tries, 3);
    assert_eq!(send(&test, "1").await, (204, "handled before"));
}

#[tokio::test]
async fn the_memory_of_one_instance_gives_nothing_up_for_the_server() {
    let script = script(&[fails_for_good, fails, fails, fails, fails]);
    let builder = TestApp::builder(Behaviour::Hapi, leak([handler()]));
    let builder = builder.state(Arc::clone(&script)).set("FHIR_SUBSCRIPTION_TRIES", "2");
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    assert_eq!(send(&test, "1").await, (422, "failed for good"));
    for _ in 0..4 {
        assert_eq!(send(&test, "1").await, (500, "failed"));
    }
    assert_eq!(send(&test, "1").await, (204, "handled"));
    assert_eq!(send(&test, "1").await, (204, "handled before"));
}

#[tokio::test]
async fn without_a_store_each_is_handled() {
    let script = script(&[]);
    let builder = TestApp::builder(Behaviour::Hapi, leak([handler()]));
    let builder = builder.state(Arc::clone(&script)).set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    for _ in 0..2 {
        assert_eq!(send(&test, "1").await, (204, "handled"));
    }
    assert!(script.keys.lock().unwrap().iter().all(Option::is_some), "the key is there all the same");
}

#[tokio::test]
async fn only_newer_versions_follow_where_the_latest_is_wanted() {
    let latest = Declaration { order: Order::Latest, ..handler() };
    let (script, store) = (script(&[]), shared());
    let test = instance(latest, &script, store);
    assert_eq!(send(&test, "2").await, (204, "handled"));
    assert_eq!(send(&test, "1").await, (204, "superseded"));
    assert_eq!(send(&test, "2").await, (204, "handled before"));
    assert_eq!(send(&test, "3").await, (204, "handled"));
}

#[tokio::test]
async fn a_store_that_is_down_lets_nothing_through() {
    let (script, store) = (
        script(&[]),
        Arc::new(SeveredStore::new(MemoryStore::shared(Arc::new(SystemTime::now)), Way::Refused)),
    );
    let test = instance(handler(), &script, store.clone());
    assert_eq!(send(&test, "1").await, (503, "store unavailable"));
    assert_eq!(script.runs.load(Ordering::Relaxed), 0);
    store.set(Way::Open);
    assert_eq!(send(&test, "1").await, (204, "handled"));
}

/// A store that fails at one step, with records of an earlier version of the program.
#[derive(Debug)]
struct Ailing {
    store: MemoryStore,
    /// How the next puts go: the others go well.
    puts: Mutex<VecDeque<Ail>>,
    /// Whether it refuses to read.
    is_blind: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
enum Ail {
    Well,
    Refused,
    /// It is done, and its answer comes after the deadline of a request.
    Late,
    /// It takes almost as long as a call may.
    Slow,
    /// It is never done.
    Never,
}

impl Ailing {
    fn new() -> Arc<Self> {
        Self::of(MemoryStore::shared(Arc::new(SystemTime::now)))
    }

    /// The same, with the clock of tokio.
    fn timed() -> Arc<Self> {
        let (started, since) = (SystemTime::now(), Instant::now());
        Self::of(MemoryStore::shared(Arc::new(move || started + since.elapsed())))
    }

    fn of(store: MemoryStore) -> Arc<Self> {
        Arc::new(Self { store, puts: Mutex::default(), is_blind: AtomicBool::new(false) })
    }

    fn ails(&self, puts: &[Ail]) {
        *self.puts.lock().unwrap() = puts.iter().copied().collect();
    }
}

fn refused<'a, T: Send + 'a>() -> StoreFuture<'a, T> {
    ready(Err(Unavailable::new("it is refused"))).boxed()
}

impl StoreBackend for Ailing {
    fn is_durable(&self) -> bool {
        true
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        self.store.now()
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        if self.is_blind.load(Ordering::Relaxed) { refused() } else { self.store.get(id) }
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        let put = self.store.put(id, expected, record);
        match self.puts.lock().unwrap().pop_front().unwrap_or(Ail::Well) {
            Ail::Well => put,
            Ail::Refused => refused(),
            Ail::Late => Box::pin(async move {
                let put = put.await;
                tokio::time::sleep(Duration::from_millis(25_100)).await;
                put
            }),
            Ail::Slow => Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(2_900)).await;
                put.await
            }),
            Ail::Never => pending().boxed(),
        }
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        self.store.list(kind)
    }

    fn has_old_keys(&self) -> bool {
        true
    }
}

/// Otherwise the event would count as one that killed its instance.
#[tokio::test(start_paused = true)]
async fn what_is_begun_too_late_for_its_handler_is_free_again() {
    let (script, store) = (script(&[]), Ailing::new());
    let test = instance(handler(), &script, store.clone());
    for _ in 0..5 {
        store.ails(&[Ail::Late]);
        assert_eq!(send(&test, "1").await, (503, "out of time"));
    }
    assert_eq!(script.runs.load(Ordering::Relaxed), 0);
    assert_eq!(send(&test, "1").await, (204, "handled"));
    let shared: Arc<dyn StoreBackend> = store;
    assert!(letters(&shared).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_looked_up_under_its_old_keys_is_free_again() {
    let (script, store) = (script(&[]), Ailing::new());
    let test = instance(handler(), &script, store.clone());
    for _ in 0..5 {
        store.is_blind.store(true, Ordering::Relaxed);
        assert_eq!(send(&test, "1").await, (503, "store unavailable"));
        store.is_blind.store(false, Ordering::Relaxed);
    }
    assert_eq!(script.runs.load(Ordering::Relaxed), 0);
    assert_eq!(send(&test, "1").await, (204, "handled"));
    let shared: Arc<dyn StoreBackend> = store;
    assert!(letters(&shared).await.is_empty());
}

/// While the store's key is rotated, an event is begun under two keys. If the second beginning fails, no handler runs, and
/// that is no try.
#[tokio::test]
async fn what_is_begun_under_one_of_two_keys_is_free_again() {
    let (script, store) = (script(&[]), Ailing::new());
    let builder = TestApp::builder(Behaviour::Hapi, leak([handler()]));
    let builder = builder.state(Arc::clone(&script)).store(store.clone()).set("FHIR_SUBSCRIPTION_TRIES", "3");
    let builder = builder.set("FHIR_SUBSCRIPTION_STORE_KEY", "the-new-key-of-the-store-of-the-ward");
    let builder = builder.set("FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS", OLD_KEY);
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    // The first event of an instance notes since when keys have their present form.
    assert_eq!(send(&test, "9").await, (204, "handled"));
    for _ in 0..5 {
        store.ails(&[Ail::Well, Ail::Refused]);
        assert_eq!(send(&test, "1").await, (503, "store unavailable"));
        store.ails(&[]);
    }
    assert_eq!(script.runs.load(Ordering::Relaxed), 1);
    assert_eq!(send(&test, "1").await, (204, "handled"));
    let shared: Arc<dyn StoreBackend> = store;
    assert!(letters(&shared).await.is_empty());
}

const OLD_KEY: &str = "the-old-key-of-the-store-of-the-ward";

/// Reports version 3 to `one`, whose handler needs nearly all its time, and after so many seconds to `other`. Returns both
/// answers.
async fn told_meanwhile(
    script: &Script,
    [one, other]: [&TestApp; 2],
    after: u64,
) -> [(u16, &'static str); 2] {
    // The first event of an instance notes since when keys have their present form.
    for (test, version_id) in [(one, "1"), (other, "2")] {
        script.gate.notify_one();
        assert_eq!(send(test, version_id).await, (204, "handled"));
    }
    let ends = async {
        tokio::time::sleep(Duration::from_millis(24_900)).await;
        script.gate.notify_one();
    };
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(after)).await;
        send(other, "3").await
    };
    let (first, (), second) = tokio::join!(send(one, "3"), ends, meanwhile);
    [first, second]
}

/// The store needs its time to learn of an end. Until then, no other instance begins the event.
#[tokio::test(start_paused = true)]
async fn an_event_is_under_way_while_its_end_is_told() {
    let latest = || Declaration { order: Order::Latest, ..handler() };
    let script = Arc::new(Script { is_gated: true, ..Script::default() });
    let store = Ailing::timed();
    let (one, other) =
        (instance(latest(), &script, store.clone()), instance(latest(), &script, store.clone()));
    // The handler runs by then, and the ends of the resource and of the event follow.
    let ails = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        store.ails(&[Ail::Slow, Ail::Slow]);
    };
    let (answers, ()) = tokio::join!(told_meanwhile(&script, [&one, &other], 29), ails);
    assert_eq!(answers, [(204, "handled"), (503, "under way elsewhere")]);
    assert_eq!(send(&other, "3").await, (204, "handled before"));
    assert_eq!(script.runs.load(Ordering::Relaxed), 3);
}

/// While the store's key is rotated, an event has two ends. Instances without the new key know only the old name.
#[tokio::test(start_paused = true)]
async fn an_event_is_under_way_while_the_ends_of_both_its_names_are_told() {
    let script = Arc::new(Script { is_gated: true, ..Script::default() });
    let store = Ailing::timed();
    let of = |key: &str, before: Option<&str>| {
        let latest = Declaration { order: Order::Latest, ..handler() };
        let builder = TestApp::builder(Behaviour::Hapi, leak([latest]));
        let builder = builder.state(Arc::clone(&script)).store(store.clone());
        let builder = builder.set("FHIR_SUBSCRIPTION_STORE_KEY", key);
        let builder = match before {
            Some(before) => builder.set("FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS", before),
            None => builder,
        };
        TestApp::build(Behaviour::Hapi, builder).unwrap()
    };
    let (one, other) = (of("the-new-key-of-the-store-of-the-ward", Some(OLD_KEY)), of(OLD_KEY, None));
    let ails = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Two ends of two puts each, and a put of the other instance meanwhile.
        store.ails(&[Ail::Slow; 5]);
    };
    let (answers, ()) = tokio::join!(told_meanwhile(&script, [&one, &other], 32), ails);
    assert_eq!(answers, [(204, "handled"), (503, "under way elsewhere")]);
    assert_eq!(send(&other, "3").await, (204, "handled before"));
    assert_eq!(script.runs.load(Ordering::Relaxed), 3);
}

/// An event has killed as many instances as it may, and the store cannot write its dead letter.
#[tokio::test(start_paused = true)]
async fn what_kills_does_not_run_again_if_its_dead_letter_cannot_be_written() {
    let script = Arc::new(Script { is_gated: true, ..Script::default() });
    let store = Ailing::timed();
    let test = instance(handler(), &script, store.clone());
    script.gate.notify_one();
    assert_eq!(send(&test, "1").await, (204, "handled"));
    for _ in 0..3 {
        let killed = tokio::time::timeout(Duration::from_secs(1), send(&test, "2")).await;
        assert!(killed.is_err());
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    for _ in 0..2 {
        // The event is begun with two puts.
        store.ails(&[Ail::Well, Ail::Well, Ail::Refused]);
        assert_eq!(send(&test, "2").await.0, 500);
    }
    assert_eq!(send(&test, "2").await.0, 204);
    assert_eq!(script.runs.load(Ordering::Relaxed), 4);
    let shared: Arc<dyn StoreBackend> = store;
    let tries: Vec<_> = letters(&shared).await.iter().map(|letter| letter.tries).collect();
    assert_eq!(tries, [3]);
}

/// A store that never learns of an end does not keep the server waiting.
#[tokio::test(start_paused = true)]
async fn an_end_is_told_for_no_longer_than_its_time() {
    let (script, store) = (script(&[]), Ailing::new());
    let test = instance(handler(), &script, store.clone());
    assert_eq!(send(&test, "1").await, (204, "handled"));
    store.ails(&[Ail::Well, Ail::Never]);
    let begun = Instant::now();
    assert_eq!(send(&test, "2").await, (204, "handled"));
    let took = begun.elapsed();
    assert!(took >= super::TO_COMPLETE && took < super::TO_COMPLETE + Duration::from_secs(1), "{took:?}");
}
