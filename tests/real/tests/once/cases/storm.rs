//! Everything dies at some time, and in the end everything is handled.

use std::time::{Duration, Instant};

use crate::support::{
    Act, Deployed, Losing, PATIENCE, Passage, QUICK, Report, Store, World, Writers, expect_effects,
    runs_after_the_end, say, schedule,
};

/// The number of instances.
const INSTANCES: usize = 3;

/// The log line of an instance that could not report its success to the store. Only then may an event run
/// again after its notification was answered `204`.
const UNTOLD: &str = "the store was not told that an event is done";

pub(crate) async fn whatever_dies_every_final_version_is_handled_and_every_effect_is_there_once(
    world: &mut World,
) {
    storm(world, Store::DynamoDb, "storm", 2_000).await;
}

pub(crate) async fn the_same_with_postgresql(world: &mut World) {
    storm(world, Store::Postgres, "storm-postgres", 500).await;
}

pub(crate) async fn the_same_with_a_file_that_the_instances_share(world: &mut World) {
    storm(world, Store::Sqlite, "storm-sqlite", 500).await;
}

/// Writes so many changes. `FHIR_SUB_SEED` repeats a run, as far as simultaneous work allows.
async fn storm(world: &mut World, store: Store, name: &str, changes: usize) {
    let seed = std::env::var("FHIR_SUB_SEED").map(|seed| seed.parse().expect("FHIR_SUB_SEED is a number"));
    let seed = seed.unwrap_or_else(|_| fastrand::u64(..));
    say(&format!("seed {seed}: FHIR_SUB_SEED={seed} repeats it"));
    let begun = Instant::now();
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut deployed = world.deploy_frail(store, name, INSTANCES, dice.u64(..)).await;
    let writers = Writers::new(world.fhir(), name, changes, deployed.balancer.notifications());
    // A gateway may accept a notification and lose it.
    deployed.balancer.lose(Losing::OneIn(20));

    let schedule = schedule(&mut dice, changes);
    let mut writing = writers.start(dice.u64(..));
    for (number, act) in &schedule {
        writers.await_written(*number).await;
        perform(*act, world, store, &mut deployed).await;
    }
    while let Some(ended) = writing.join_next().await {
        ended.expect("a writer that comes to its end");
    }
    let stormed = begun.elapsed();
    deployed.balancer.lose(Losing::None);

    let (sweeps, complete) = sweep(&mut deployed).await;
    let done = deployed.done();
    let wanted = expect_effects(&world.fhir(), name, &writers, &done).await;
    let again = deployed.sweep().await;
    assert!(again.is_complete() && again.sum()[2..] == [0, 0, 0], "{}", again.text());
    let letters = deployed.program.run(&["dead-letters"]).await;
    letters.expect(0, &["there are no dead letters"]);
    let completed = deployed.balancer.completed();
    assert!(completed.len() > changes / 10, "only {} notifications were answered 204", completed.len());
    let late = runs_after_the_end(&done, &completed);
    let untold = world.transcript.events(UNTOLD);
    let unexplained: Vec<_> = late.iter().filter(|event| !untold.iter().any(|one| one == *event)).collect();
    assert!(unexplained.is_empty(), "handled after the store was told that they are done: {unexplained:?}");

    let count = |is_one: fn(&Act) -> bool| schedule.iter().filter(|(_, act)| is_one(act)).count();
    let kills = count(|act| matches!(act, Act::KillOne(_)));
    let kills = kills + INSTANCES * count(|act| *act == Act::KillAll);
    say(&format!(
        "seed {seed}: {changes} changes with {store:?} as the store, {} writes repeated; {kills} instances killed, the server restarted {} time, the store cut \
         off {} times\n  {} notifications, {} of them lost; {} runs, {} beyond one an event, {} of these although the \
         server had been told that it is done, {} times the store was not told so\n  {} effects, {wanted} of them \
         of final versions; {} sweeps meanwhile, {sweeps} afterwards, the last of which saw {} and handled {}\n  {} s, \
         {} s of them afterwards",
        writers.repeated(),
        count(|act| *act == Act::RestartServer),
        count(|act| *act == Act::Restore),
        *deployed.balancer.notifications().borrow(),
        deployed.balancer.lost(),
        done.runs.len(),
        done.runs_beyond_one_an_event(),
        late.len(),
        untold.len(),
        done.effects.len(),
        count(|act| *act == Act::Sweep),
        complete.sum()[0],
        complete.sum()[2],
        begun.elapsed().as_secs(),
        (begun.elapsed() - stormed).as_secs(),
    ));
    deployed.withdraw(&world.fhir()).await;
}

async fn perform(act: Act, world: &mut World, store: Store, deployed: &mut Deployed) {
    let set = |passage| world.gate(store).into_iter().for_each(|gate| gate.set(passage));
    match act {
        Act::KillOne(place) => deployed.kill_one(place).await,
        Act::KillAll => deployed.kill_all().await,
        Act::RestartServer => world.server.restart(QUICK).await,
        Act::Refuse => set(Passage::Refused),
        Act::Hang => set(Passage::Hanging),
        Act::Restore => set(Passage::Open),
        Act::Sweep => deployed.post_sweep(),
    }
}

/// Sweeps until a sweep is complete. Returns the number of sweeps, and the last report.
///
/// The lease of a killed sweep ends after a minute, and the lease of an event six seconds after its deadline.
async fn sweep(deployed: &mut Deployed) -> (usize, Report) {
    let begun = Instant::now();
    let mut sweeps = 0;
    loop {
        let report = deployed.sweep().await;
        sweeps += 1;
        if report.is_complete() {
            return (sweeps, report);
        }
        assert!(begun.elapsed() < PATIENCE * 3, "{}", report.text());
        // Only time ends a lease.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
