//! A schedule from its beginning to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fhir_sub::testing::TestRequest;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::ledger::of_one_moment;
use crate::life::{ADMIN, first_end, start};
use crate::moment::stamp;
use crate::plan::{Dialect, Fault, Plan, Step, Trait, What};
use crate::server::{Kind, notify};
use crate::world::{World, lock, sleep};

/// The most sweeps after the end of the faults, until one is complete.
const SWEEPS: usize = 120;

/// The longest time of a schedule, in virtual time. Without a fault of the engine, even servers that retry for ever are done long before.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// How often dead letters are retried again after the end of the faults.
const RETRIES: usize = 3;

/// The end of a schedule.
pub(crate) struct Ended {
    /// The promise that was broken.
    pub(crate) violation: Option<String>,
    pub(crate) trace: String,
}

/// Runs a plan in virtual time.
pub(crate) fn run(plan: &Plan, is_traced: bool) -> Ended {
    // The program's own dice are the thread's.
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let worlds = World::all(plan, is_traced);
        let (world, twin) = (&worlds[0], worlds.get(1).cloned());
        let playing = twin.map(|twin| tokio::spawn(async move { play_to_the_end(&twin).await }));
        play_to_the_end(world).await;
        if let Some(playing) = playing
            && let Err(error) = playing.await
        {
            world.fail(|| format!("a task of the simulation itself has failed: {error}"));
        }
        for world in &worlds {
            let seats = std::mem::take(&mut *lock(&world.seats));
            drop(seats);
        }
        Ended { violation: world.violation(), trace: world.trace() }
    })
}

/// Plays a schedule, which must end.
async fn play_to_the_end(world: &Arc<World>) {
    if tokio::time::timeout(LONGEST, play(world)).await.is_err() {
        world.fail(|| format!("the schedule has not ended after {} days", LONGEST.as_secs() / 86_400));
    }
}

async fn play(world: &Arc<World>) {
    {
        let mut server = lock(&world.server);
        server.has_random_versions = world.plan.setup.dialect == Dialect::Medplum;
        server.has_no_versions = world.has(Trait::NoVersions);
    }
    register(world).await;
    for seat in 0..world.plan.setup.instances {
        start(world, seat, first_end(world, seat));
    }
    let mut tasks = Vec::new();
    for fault in &world.plan.faults {
        if let Fault::Restart(at) = *fault {
            let world = Arc::clone(world);
            tasks.push(tokio::spawn(async move {
                sleep(at).await;
                notify::restart(&world);
            }));
        }
    }
    for Step { at, what } in &world.plan.steps {
        sleep(at.saturating_sub(world.now())).await;
        tasks.push(step(world, what));
        if world.violation().is_some() {
            return;
        }
    }
    for task in tasks {
        if let Err(error) = task.await {
            world.fail(|| format!("a task of the simulation itself has failed: {error}"));
        }
    }
    world.quieten(true);
    settle(world).await;
    if world.violation().is_none() {
        judge(world);
    }
}

/// Registers the subscription. A schedule does not test the registration.
async fn register(world: &Arc<World>) {
    world.quieten(true);
    start(world, 0, None);
    let answer =
        world.call(None, TestRequest::register("").secret(ADMIN)).await.expect("an instance that is alive");
    assert_eq!(answer.status(), 200, "the registration fails: {}", answer.body());
    let is_put_back = |fault: &Fault| matches!(fault, Fault::Clock { until: None, .. });
    if world.plan.faults.iter().any(is_put_back) {
        // A sweep notices that a clock was put back since the last one.
        sweep(world, "").await;
    }
    world.quieten(false);
    for counter in [&world.counts.requests, &world.counts.calls] {
        counter.store(0, Ordering::Relaxed);
    }
}

fn step(world: &Arc<World>, what: &What) -> JoinHandle<()> {
    let world = Arc::clone(world);
    match what {
        What::Write(writes) => {
            let number = world.count(&world.counts.writes);
            let late = world.fault(|fault| match *fault {
                Fault::Late(which, late) if which == number => Some(late),
                _ => None,
            });
            let mut server = lock(&world.server);
            let written =
                writes.iter().filter_map(|(id, write)| server.write(&world, *id, *write, late.unwrap_or(0)));
            let serials: Vec<_> = written.collect();
            drop(server);
            tokio::spawn(notify::tell(Arc::clone(&world), serials))
        }
        What::Sweep { is_slip } => {
            let since = if *is_slip { "?since=2062-01-01T00:00:00Z" } else { "" };
            tokio::spawn(async move {
                sweep(&world, since).await;
            })
        }
        What::Retry => tokio::spawn(async move {
            retry(&world).await;
        }),
    }
}

/// Sweeps, and returns the row of the report, if there is one.
async fn sweep(world: &Arc<World>, since: &str) -> Option<Value> {
    let answer = world.call(None, TestRequest::post(&format!("sweep{since}")).secret(ADMIN)).await.ok()?;
    let row = answer.json()["subscriptions"][0].clone();
    world.log(|| format!("swept: {row}"));
    Some(row)
}

/// Retries all dead letters in two independent runs. Returns how many are left.
async fn retry(world: &Arc<World>) -> usize {
    let all = || {
        let world = Arc::clone(world);
        tokio::spawn(async move { retry_all(&world).await })
    };
    for task in [all(), all()] {
        if let Err(error) = task.await {
            world.fail(|| format!("a task of the simulation itself has failed: {error}"));
        }
    }
    letters(world).await.len()
}

async fn retry_all(world: &Arc<World>) {
    for letter in letters(world).await {
        let key = letter["key"].as_str().unwrap_or_default();
        if let Ok(answer) =
            world.call(None, TestRequest::post(&format!("dead-letters/{key}")).secret(ADMIN)).await
        {
            world
                .log(|| format!("retried {}: {} {}", letter["reference"], answer.status(), answer.outcome()));
        }
    }
}

async fn letters(world: &Arc<World>) -> Vec<Value> {
    match world.call(None, TestRequest::new(http::Method::GET, "dead-letters").secret(ADMIN)).await {
        Ok(answer) => answer.json()["deadLetters"].as_array().cloned().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Sweeps and retries until nothing is left to do.
async fn settle(world: &Arc<World>) {
    // The leases of killed instances run out, and running work ends.
    sleep(200_000).await;
    sweeps(world).await;
    let mut left = retry(world).await;
    // With `order = "latest"`, letters of one resource that are retried at once hold each other up.
    for _ in 0..RETRIES {
        if left > 0 {
            left = retry(world).await;
        }
    }
    if left > 0 {
        world.fail(|| format!("{left} dead letters are left, although their handlers would succeed"));
    }
    // The overlap of the last writes.
    sleep(200_000).await;
    sweeps(world).await;
    let Some(row) = sweep(world, "").await else { return world.fail(|| "a sweep has no answer".to_owned()) };
    let is_sure = world.plan.setup.endpoint.wants_deletions();
    if row["handled"] != 0 && !is_sure {
        world.fail(|| format!("there is something left to handle after a complete sweep: {row}"));
    }
}

/// Sweeps until a sweep is complete, or until sweeps that end in pieces have together come past this moment.
async fn sweeps(world: &Arc<World>) {
    let mut last = Value::Null;
    let begun = stamp(world.now(), world.ahead(false));
    for _ in 0..SWEEPS {
        if world.violation().is_some() {
            return;
        }
        if let Some(row) = sweep(world, "").await {
            let is_whole = row["left"] != true || has_passed(world, begun);
            if row["result"] == "swept" && row["failed"] == 0 && is_whole {
                return;
            }
            last = row;
        }
        sleep(70_000).await;
    }
    world.fail(|| format!("{SWEEPS} sweeps were not enough: {last}"));
}

/// Whether both watermarks are past this moment, as far as the handler wants changes and deletions.
fn has_passed(world: &World, moment: u64) -> bool {
    let endpoint = world.plan.setup.endpoint;
    let watermarks = *lock(&world.watermarks);
    let is_past = |of_deletions: bool| watermarks[usize::from(of_deletions)] >= moment;
    let are_changes = !endpoint.wants_changes() || is_past(false);
    are_changes && (!endpoint.wants_deletions() || !can_find_deletions(world) || is_past(true))
}

/// Compares the result for each resource with the promises.
fn judge(world: &World) {
    let (server, ledger) = (lock(&world.server), lock(&world.ledger));
    let now = world.now();
    for id in 0..server.ids() {
        let Some(change) = server.current(id, now) else { continue };
        let has_succeeded = match world.is_without_versions() {
            true => of_one_moment(&server, change).any(|it| ledger.has_succeeded(it.serial)),
            false => ledger.has_succeeded(change.serial),
        };
        let is_missed = server.is_wanted(change, &world.plan) && !has_succeeded;
        let is_promised = match change.kind {
            Kind::Delete => can_find_deletions(world),
            _ => !world.may_seem_older(),
        };
        if is_missed && is_promised {
            world.fail(|| format!("{change} is lost: no handler has succeeded with it"));
        }
    }
}

/// Whether a sweep finds deletions on this server.
fn can_find_deletions(world: &World) -> bool {
    let has_history = !world.has(Trait::NoHistory) && !world.has(Trait::NoTypeHistory);
    world.plan.setup.dialect == Dialect::Medplum || has_history
}
