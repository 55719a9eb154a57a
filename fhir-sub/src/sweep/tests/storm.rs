//! Instances die and the server misbehaves, but in the end everything is handled.

mod unruly;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;

use self::unruly::{Misdeed, Unruly};
use crate::client::transport::Transport;
use crate::error::Error;
use crate::event::Event;
use crate::extract::FromNotification;
use crate::fixtures::{Handler, SeveredStore, Way, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::store::MemoryStore;
use crate::sweep::tests::kit::encounter;
use crate::testing::{TestApp, TestRequest};

/// The effects of handlers on the outside, by idempotency key, and the number of runs.
struct World {
    dice: Mutex<fastrand::Rng>,
    effects: Mutex<BTreeMap<String, String>>,
    /// The written resources that match the criteria.
    matching: Mutex<BTreeSet<String>>,
    runs: AtomicUsize,
}

impl World {
    fn throw(&self, sides: u64) -> u64 {
        self.dice.lock().unwrap().u64(0..sides)
    }

    /// Waits for up to so many milliseconds.
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

/// A program with a store that outlives its instances, and a server that sends no notifications of its own.
async fn program(
    world: &Arc<World>,
    misdeeds: &'static [Misdeed],
) -> (Arc<TestApp>, Arc<SeveredStore>, Arc<AtomicBool>) {
    let (now, begun) = (SystemTime::now(), Instant::now());
    let store = MemoryStore::shared(Arc::new(move || now + begun.elapsed()));
    let store = Arc::new(SeveredStore::new(store, Way::Open));
    let builder = TestApp::builder(
        Behaviour::Hapi,
        leak([declaration::<Work, Frail>("Encounter?status=arrived", "e")]),
    );
    let builder =
        builder.state(Arc::clone(world)).store(store.clone()).set("FHIR_SUBSCRIPTION_TRIES", "10000");
    let is_quiet = Arc::new(AtomicBool::new(misdeeds.is_empty()));
    let (of_server, of_world) = (Arc::clone(&is_quiet), Arc::clone(world));
    let front = move |inner| -> Arc<dyn Transport> {
        Arc::new(Unruly { inner, world: of_world, misdeeds, is_quiet: of_server })
    };
    let test = TestApp::build_behind(Behaviour::Hapi, builder, |sandbox| sandbox, front).unwrap();
    assert!(test.register().await.is_complete());
    let mut subscription = test.sandbox().all("Subscription").remove(0);
    subscription["status"] = "off".into();
    test.sandbox().update(&subscription).await.unwrap();
    (Arc::new(test), store, is_quiet)
}

#[expect(clippy::print_stdout, reason = "whoever runs it with --nocapture wants to know")]
async fn weather(seed: u64, misdeeds: &'static [Misdeed]) {
    let dice = Mutex::new(fastrand::Rng::with_seed(seed));
    let runs = AtomicUsize::new(0);
    let world = Arc::new(World { dice, effects: Mutex::default(), matching: Mutex::default(), runs });
    let (test, store, is_quiet) = program(&world, misdeeds).await;
    let mut under_way = Vec::new();
    let send = |request: TestRequest| {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.send(request).await.json() })
    };
    for number in 0..80 {
        let id = format!("e{}", world.throw(20));
        let is_matching = world.throw(5) > 0;
        let written = encounter(&id, if is_matching { "arrived" } else { "planned" }, &number.to_string());
        let written = test.sandbox().update(&written).await.unwrap();
        if is_matching {
            world.matching.lock().unwrap().insert(named(&written));
        }
        // If no notification is sent, it was lost.
        for _ in 0..if is_matching { world.throw(4) } else { 0 } {
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
    is_quiet.store(true, Ordering::Relaxed);
    // A killed sweep delays the others for no longer than its lease.
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
        let is_done = done.contains(&format!("Encounter/{id}@{version}"));
        assert_eq!(is_done, current["status"] == "arrived", "seed {seed}: {id}@{version}, lost or wrong");
    }
    let others: Vec<_> = done.difference(&world.matching.lock().unwrap()).cloned().collect();
    assert!(others.is_empty(), "seed {seed}: it ran on what does not match: {others:?}");
    let runs = world.runs.load(Ordering::Relaxed);
    println!(
        "seed {seed}: {} effects, {} runs beyond one an event, {sweeps} sweeps",
        done.len(),
        runs - done.len()
    );
}

fn named(encounter: &Value) -> String {
    let (id, version) = (encounter["id"].as_str().unwrap(), encounter["meta"]["versionId"].as_str().unwrap());
    format!("Encounter/{id}@{version}")
}

/// `FHIR_SUB_SEED` repeats a failed run.
async fn weathers(misdeeds: &'static [Misdeed]) {
    match std::env::var("FHIR_SUB_SEED") {
        Ok(seed) => weather(seed.parse().expect("FHIR_SUB_SEED is a number"), misdeeds).await,
        Err(_) => {
            for _ in 0..10 {
                weather(fastrand::u64(..), misdeeds).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_dies_every_final_version_is_handled_and_every_effect_is_there_once() {
    weathers(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_on_a_server_that_misbehaves() {
    weathers(&Misdeed::ALL).await;
}
