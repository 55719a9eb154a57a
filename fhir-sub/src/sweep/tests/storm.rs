//! Everything dies at some time, and in the end all is handled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;

use crate::error::Error;
use crate::event::Event;
use crate::extract::FromNotification;
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, SeveredStore, Way};
use crate::sweep::tests::kit::encounter;
use crate::testing::{TestApp, TestRequest};

/// What handlers have done outside, by the idempotency key, and how often they ran.
struct World {
    dice: Mutex<fastrand::Rng>,
    effects: Mutex<BTreeMap<String, String>>,
    runs: AtomicUsize,
}

impl World {
    fn throw(&self, sides: u64) -> u64 {
        self.dice.lock().unwrap().u64(0..sides)
    }

    /// Up to so many milliseconds.
    async fn moment(&self, most: u64) {
        tokio::time::sleep(Duration::from_millis(self.throw(most))).await;
    }
}

struct Work(Event, Arc<World>);

impl FromNotification for Work {
    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let world = notification.state::<Arc<World>>().unwrap();
        Ok(Self(notification.event().clone(), Arc::clone(&world)))
    }
}

struct Frail;

impl Handler<Work> for Frail {
    async fn handle(Work(event, world): Work) -> Outcome {
        world.runs.fetch_add(1, Ordering::Relaxed);
        world.moment(500).await;
        if world.throw(6) == 0 {
            return Error::transient("before").into();
        }
        let key = event.idempotency_key().unwrap();
        let what = format!("{}@{}", event.focus().unwrap(), event.version_id().unwrap());
        world.effects.lock().unwrap().entry(key).or_insert(what);
        world.moment(500).await;
        if world.throw(6) == 0 { Error::transient("after").into() } else { Outcome::Handled }
    }
}

/// A program with a store that outlives its instances, and a server that notifies it of nothing by itself.
async fn program(world: &Arc<World>) -> (Arc<TestApp>, Arc<SeveredStore>) {
    let (now, begun) = (SystemTime::now(), Instant::now());
    let store = MemoryStore::shared(Duration::from_secs(86_400), Arc::new(move || now + begun.elapsed()));
    let store = Arc::new(SeveredStore::new(Arc::new(store), Way::Open));
    let builder = TestApp::builder(
        Behaviour::Hapi,
        leak([declaration::<Work, Frail>("Encounter?status=arrived", "e")]),
    );
    let builder =
        builder.state(Arc::clone(world)).store(store.clone()).set("FHIR_SUBSCRIPTION_TRIES", "10000");
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    assert!(test.register().await.is_complete());
    let mut subscription = test.sandbox().all("Subscription").remove(0);
    subscription["status"] = "off".into();
    test.sandbox().update(&subscription).await.unwrap();
    (Arc::new(test), store)
}

#[expect(clippy::print_stdout, reason = "whoever runs it with --nocapture wants to know")]
async fn weather(seed: u64) {
    let dice = Mutex::new(fastrand::Rng::with_seed(seed));
    let world = Arc::new(World { dice, effects: Mutex::default(), runs: AtomicUsize::new(0) });
    let (test, store) = program(&world).await;
    let mut under_way = Vec::new();
    let send = |request: TestRequest| {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.send(request).await.json() })
    };
    for number in 0..80 {
        let id = format!("e{}", world.throw(20));
        let written = encounter(&id, "arrived", &number.to_string());
        let written = test.sandbox().update(&written).await.unwrap();
        // None is a notification that is lost.
        for _ in 0..world.throw(4) {
            under_way.push(send(TestRequest::hapi_update("e", &written)));
        }
        if world.throw(8) == 0 {
            under_way.push(send(TestRequest::post("sweep")));
        }
        match world.throw(12) {
            0 => store.set(Way::Refused),
            1 => store.set(Way::Unanswered),
            2..6 => store.set(Way::Open),
            _ => {}
        }
        world.moment(2_000).await;
        if world.throw(3) == 0 && !under_way.is_empty() {
            let place = world.throw(under_way.len() as u64) as usize;
            under_way.swap_remove(place).abort();
        }
    }
    for task in under_way {
        let _ = task.await;
    }

    store.set(Way::Open);
    // What was killed holds nothing up for longer than its lease.
    let mut sweeps = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(120)).await;
        let row: Value = send(TestRequest::post("sweep")).await.unwrap()["subscriptions"][0].clone();
        sweeps += 1;
        if row["result"] == "swept" && row["failed"] == 0 && row["left"] != true {
            break;
        }
        assert!(sweeps < 100, "seed {seed}: {row}");
    }

    let effects = world.effects.lock().unwrap();
    let done: BTreeSet<_> = effects.values().cloned().collect();
    assert_eq!(done.len(), effects.len(), "seed {seed}: one version has two keys: {effects:?}");
    for current in test.sandbox().all("Encounter") {
        let (id, version) = (current["id"].as_str().unwrap(), current["meta"]["versionId"].as_str().unwrap());
        assert!(done.contains(&format!("Encounter/{id}@{version}")), "seed {seed}: {id}@{version} is lost");
    }
    let runs = world.runs.load(Ordering::Relaxed);
    println!(
        "seed {seed}: {} effects, {} runs beyond one an event, {sweeps} sweeps",
        done.len(),
        runs - done.len()
    );
}

/// `FHIR_SUB_SEED` repeats one that failed.
#[tokio::test(start_paused = true)]
async fn whatever_dies_every_final_version_is_handled_and_every_effect_is_there_once() {
    match std::env::var("FHIR_SUB_SEED") {
        Ok(seed) => weather(seed.parse().expect("FHIR_SUB_SEED is a number")).await,
        Err(_) => {
            for _ in 0..10 {
                weather(fastrand::u64(..)).await;
            }
        }
    }
}
