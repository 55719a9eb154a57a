//! Sweeps on a schedule, within a program that serves requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::app::App;
use crate::fixtures::{SeveredStore, Way, leak};
use crate::metrics::Now;
use crate::promises::kit::{
    Do, REQUIRED, Reply, Script, app, bundle, criteria, front, moment, outcome, page, reply, script,
};
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, StoreBackend};
use crate::sweep::every;
use crate::testing::TestApp;

const PERIOD: Duration = Duration::from_secs(300);

/// Instances of one program, and what they share.
struct Fleet {
    store: Arc<SeveredStore>,
    began: Instant,
    /// The sweeps: the instance, and the time of the start.
    sweeps: Arc<Mutex<Vec<(usize, Duration)>>>,
    script: Arc<Script>,
    /// How many encounters a sweep can find.
    encounters: u64,
    /// How long the server takes for an answer.
    takes: Duration,
    fails: Arc<AtomicBool>,
}

struct Instance {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Fleet {
    fn new() -> Self {
        let (started, began) = (SystemTime::now(), Instant::now());
        let store = MemoryStore::shared(Arc::new(move || started + began.elapsed()));
        Self {
            store: Arc::new(SeveredStore::new(store, Way::Open)),
            began,
            sweeps: Arc::default(),
            script: script(|_| Do::Take(Duration::from_secs(1))),
            encounters: 0,
            takes: Duration::ZERO,
            fails: Arc::default(),
        }
    }

    fn app(&self, number: usize) -> App {
        let (began, sweeps) = (self.began, Arc::clone(&self.sweeps));
        let (takes, fails) = (self.takes, Arc::clone(&self.fails));
        let rows: Vec<_> = (0..self.encounters).map(|id| (id.to_string(), "1".to_owned(), id)).collect();
        let server = front(move |asked| {
            let answer = if asked.starts_with("GET Subscription?") {
                sweeps.lock().unwrap().push((number, began.elapsed()));
                // The Subscription is older than the encounters.
                let meta = json!({ "lastUpdated": "2025-12-31T00:00:00Z" });
                let subscription = json!({
                    "resourceType": "Subscription",
                    "id": "s",
                    "status": "active",
                    "meta": meta,
                    "criteria": "Encounter?status=arrived",
                    "channel": { "type": "rest-hook", "endpoint": "https://app.example.org/hooks/e" },
                });
                (200, bundle([subscription]))
            } else if asked.starts_with("GET Encounter?") && !fails.load(Ordering::Relaxed) {
                (200, page(asked, &rows))
            } else {
                (404, outcome())
            };
            let date = Some(moment(7_200_000) + began.elapsed());
            Reply { date, delay: takes, ..reply(answer.0, answer.1) }
        });
        let store: Arc<dyn StoreBackend> = Arc::clone(&self.store) as _;
        app(Behaviour::Generic, criteria::<REQUIRED>(), Some(store), server, &self.script, &[])
    }

    fn start(&self, number: usize) -> Instance {
        let app = self.app(number);
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) }.boxed().shared();
        let task = tokio::spawn(async move { every(&app, PERIOD, stopped).await });
        Instance { task, stop }
    }

    /// The sweeps since the last call.
    fn sweeps(&self) -> Vec<(usize, Duration)> {
        std::mem::take(&mut self.sweeps.lock().unwrap())
    }
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

fn gaps(sweeps: &[(usize, Duration)]) -> Vec<Duration> {
    sweeps.windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
}

#[tokio::test(start_paused = true)]
async fn in_each_period_one_of_the_instances_sweeps() {
    let fleet = Fleet::new();
    let mut instances: Vec<_> = (0..3).map(|number| fleet.start(number)).collect();
    pass(12 * PERIOD).await;
    let sweeps = fleet.sweeps();
    assert!(sweeps[0].1 <= PERIOD, "{sweeps:?}");
    assert!((12..=13).contains(&sweeps.len()), "{sweeps:?}");
    let is_a_period = |gap: &Duration| (PERIOD..PERIOD + Duration::from_secs(2)).contains(gap);
    assert!(gaps(&sweeps).iter().all(is_a_period), "{sweeps:?}");
    // Whichever instance dies, the others continue.
    for _ in 0..2 {
        instances.pop().unwrap().task.abort();
        pass(6 * PERIOD).await;
        let sweeps = fleet.sweeps();
        assert!((6..=7).contains(&sweeps.len()), "{sweeps:?}");
        assert!(gaps(&sweeps).iter().all(is_a_period), "{sweeps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_sweep_after_a_start_comes_within_a_period() {
    for _ in 0..20 {
        let fleet = Fleet::new();
        let before = fleet.start(0);
        pass(PERIOD + Duration::from_secs(1)).await;
        assert!((1..=2).contains(&fleet.sweeps().len()));
        before.task.abort();
        // At any moment within the period of the previous sweep.
        let restarted = fleet.began.elapsed();
        let after = fleet.start(1);
        pass(PERIOD + Duration::from_secs(2)).await;
        let sweeps = fleet.sweeps();
        assert!(
            !sweeps.is_empty() && sweeps[0].1 <= restarted + PERIOD + Duration::from_secs(1),
            "{sweeps:?}"
        );
        after.task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_whose_instance_dies_is_taken_over() {
    let mut fleet = Fleet::new();
    fleet.takes = Duration::from_secs(9);
    let instances = [fleet.start(0), fleet.start(1)];
    while fleet.sweeps.lock().unwrap().is_empty() {
        pass(Duration::from_secs(1)).await;
    }
    let [(dead, died)] = fleet.sweeps()[..] else { panic!("one has begun") };
    instances[dead].task.abort();
    pass(PERIOD).await;
    let (heir, begun) = fleet.sweeps()[0];
    assert_eq!(heir, 1 - dead);
    // This is when the lease has run out, and at most a period after the start of the instance.
    assert!(begun - died <= PERIOD, "{died:?} {begun:?}");
    pass(3 * PERIOD).await;
    assert_eq!(fleet.sweeps().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_a_request_goes_on_at_once() {
    let mut fleet = Fleet::new();
    // Each encounter takes a second, and each sweep has 25 seconds.
    fleet.encounters = 150;
    let instances = [fleet.start(0), fleet.start(1)];
    pass(2 * PERIOD).await;
    assert_eq!(fleet.script.ran().len(), 150);
    let sweeps = fleet.sweeps();
    let (whole, pieces) = sweeps.split_last().unwrap();
    assert!(pieces.len() >= 3 && pieces.iter().all(|(number, _)| *number == pieces[0].0), "{sweeps:?}");
    assert!(gaps(pieces).iter().all(|gap| *gap <= Duration::from_secs(25)), "{sweeps:?}");
    assert_eq!(whole.1 - pieces[0].1, PERIOD);
    // No other instance began before the sweep was complete. The next sweep began a period after the first
    // had begun.
    pass(3 * PERIOD).await;
    assert_eq!((fleet.sweeps().len(), fleet.script.ran().len()), (3, 0));
    drop(instances);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_is_told_to_stop_begins_nothing_more() {
    let idle = Fleet::new();
    let instance = idle.start(0);
    pass(PERIOD + Duration::from_secs(1)).await;
    let told = Instant::now();
    instance.stop.send(()).unwrap();
    instance.task.await.unwrap();
    assert_eq!(told.elapsed(), Duration::ZERO, "it does not sweep");

    let mut busy = Fleet::new();
    busy.encounters = 150;
    let instance = busy.start(0);
    while busy.script.done.lock().unwrap().len() < 5 {
        pass(Duration::from_millis(100)).await;
    }
    let told = Instant::now();
    instance.stop.send(()).unwrap();
    instance.task.await.unwrap();
    // A handler takes a second, and so does another one that the sweep has just begun.
    assert!(told.elapsed() <= Duration::from_secs(2), "{:?}", told.elapsed());
    let (ran, done) = (busy.script.ran().len(), std::mem::take(&mut *busy.script.done.lock().unwrap()));
    assert_eq!(ran, done.len(), "no handler was cut short");
    // The next instance continues as soon as it looks.
    let _next = busy.start(1);
    pass(2 * PERIOD).await;
    assert_eq!(ran + busy.script.ran().len(), 150);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_in_the_next_period() {
    let mut fleet = Fleet::new();
    fleet.encounters = 1;
    fleet.fails.store(true, Ordering::Relaxed);
    let _instance = fleet.start(0);
    pass(4 * PERIOD).await;
    let sweeps = fleet.sweeps();
    assert!((4..=5).contains(&sweeps.len()) && fleet.script.ran().is_empty(), "{sweeps:?}");
    fleet.fails.store(false, Ordering::Relaxed);
    pass(PERIOD).await;
    assert_eq!(fleet.script.ran(), ["Encounter/0@1"]);

    fleet.sweeps();
    fleet.store.set(Way::Refused);
    pass(3 * PERIOD).await;
    assert_eq!(fleet.sweeps(), [], "it is not known whether another sweeps");
    fleet.store.set(Way::Open);
    pass(PERIOD + Duration::from_secs(1)).await;
    assert_eq!(fleet.sweeps().len(), 1);
}

/// No subscription has a report of its own then, and an alarm needs the count.
#[tokio::test(start_paused = true)]
async fn a_sweep_without_its_store_counts_as_failed() {
    let fleet = Fleet::new();
    let prometheus = ("FHIR_SUBSCRIPTION_METRICS", "prometheus");
    let server = front(|_| reply(404, outcome()));
    let store: Arc<dyn StoreBackend> = Arc::clone(&fleet.store) as _;
    let set = [prometheus, ("FHIR_SUBSCRIPTION_ADMIN_SECRET", "the-admin-secret-of-a-test-and-no-other")];
    let app = app(Behaviour::Generic, criteria::<REQUIRED>(), Some(store), server, &fleet.script, &set);
    fleet.store.set(Way::Refused);
    let (sweeping, never) = (app.clone(), std::future::pending().boxed().shared());
    let _task = tokio::spawn(async move { every(&sweeping, PERIOD, never).await });
    pass(3 * PERIOD + Duration::from_secs(1)).await;
    let now = Now { time: SystemTime::now(), body_bytes: 0, body_bytes_maximum: 0 };
    let text = app.counters().unwrap().text(&now);
    let failed =
        text.lines().find(|line| line.starts_with("fhir_sub_sweeps_total{") && line.contains("\"failed\""));
    let count: u32 = failed.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!((3..=4).contains(&count), "{text}");
}

/// Another program with the same store and server has other endpoints, and its own sweeps.
#[tokio::test(start_paused = true)]
async fn programs_do_not_wait_for_each_other() {
    let fleet = Fleet::new();
    let _instance = fleet.start(0);
    let other = crate::declaration::Declaration { endpoint: "other", ..criteria::<REQUIRED>() };
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let server = front(move |asked| {
        *counted.lock().unwrap() += u32::from(asked.starts_with("GET Subscription?"));
        reply(404, outcome())
    });
    let store: Arc<dyn StoreBackend> = Arc::clone(&fleet.store) as _;
    let other = app(Behaviour::Generic, other, Some(store), server, &fleet.script, &[]);
    let never = std::future::pending().boxed().shared();
    let _task = tokio::spawn(async move { every(&other, PERIOD, never).await });
    pass(4 * PERIOD).await;
    assert!(fleet.sweeps().len() >= 4 && *asked.lock().unwrap() >= 4);
}

#[test]
fn it_needs_a_store_that_outlives_the_program() {
    let build = |set: &[(&str, &str)], store: Option<MemoryStore>| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _in_runtime = runtime.enter();
        let builder = TestApp::builder(Behaviour::Generic, leak([criteria::<REQUIRED>()]));
        let builder = builder.state(script(|_| Do::Ok));
        let builder = set.iter().fold(builder, |builder, (name, value)| builder.set(name, *value));
        let builder = match store {
            Some(store) => builder.store(store),
            None => builder,
        };
        builder.build().map(|app| app.settings().sweep_every)
    };
    let every = ("FHIR_SUBSCRIPTION_SWEEP_EVERY", "5m");
    for (set, store) in [
        (vec![every], None),
        (vec![every, ("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off")], None),
        (vec![every], Some(MemoryStore::new(100))),
    ] {
        let problem = build(&set, store).unwrap_err().to_string();
        assert!(problem.contains("FHIR_SUBSCRIPTION_SWEEP_EVERY is set"), "{problem}");
        assert!(problem.contains("set FHIR_SUBSCRIPTION_IDEMPOTENCY to postgres://…"), "{problem}");
    }
    let durable = || Some(MemoryStore::shared(Arc::new(SystemTime::now)));
    for text in ["0s", "25h", "5", "often"] {
        let problem = build(&[(every.0, text)], durable()).unwrap_err().to_string();
        assert!(problem.contains("like 90s, 5m or 1h, from 1s to 24h"), "{problem}");
    }
    assert_eq!(build(&[], durable()).unwrap(), None);
    assert_eq!(build(&[every], durable()).unwrap(), Some(PERIOD));
}
