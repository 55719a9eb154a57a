//! Each event is reported four times, and handled once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

use fhir_sub_real::{BETWEEN_LOOKS, PATIENCE, say};
use futures_util::StreamExt;
use futures_util::stream::iter;

use crate::world::{Answer, Fleet, World};

const PROCESSES: usize = 4;
const EVENTS: usize = 300;
const TIMES: usize = 4;

/// How many notifications are sent at the same time.
const AT_ONCE: usize = 32;

/// After so many notifications, a process is killed.
const HALF_WAY: usize = EVENTS * TIMES / 2;

/// Each event as often as it is reported, in random order.
fn told() -> Vec<usize> {
    let mut told: Vec<_> = (0..EVENTS).flat_map(|event| [event; TIMES]).collect();
    fastrand::shuffle(&mut told);
    told
}

/// Reports an event until a process answers that it is done, as a server does. Returns the answers before
/// that.
async fn tell(fleet: &Fleet, event: usize) -> Vec<Answer> {
    let begun = Instant::now();
    let mut answers = Vec::new();
    loop {
        match fleet.tell(event).await {
            Answer::Status(204) => return answers,
            other => answers.push(other),
        }
        assert!(begun.elapsed() < PATIENCE, "{answers:?}");
        // The process that was handling it may have been killed: then its lease must run out.
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

pub(crate) async fn of_four_processes_one_handles_an_event(world: &mut World) {
    let fleet = world.fleet("all", PROCESSES, None).await;
    let answers: Vec<_> =
        iter(told()).map(|event| tell(&fleet, event)).buffer_unordered(AT_ONCE).collect().await;
    let done = fleet.done();
    assert_eq!((done.runs.len(), done.effects.len()), (EVENTS, EVENTS));
    assert_eq!(done.runs_beyond_one_an_event(), 0);
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    assert!(answers.iter().all(|answer| *answer == Answer::Status(503)), "{answers:?}");
    say(&format!(
        "{} notifications of {EVENTS} events, {} of them under way elsewhere",
        EVENTS * TIMES,
        answers.len()
    ));
}

pub(crate) async fn what_a_killed_process_was_at_the_others_handle(world: &mut World) {
    // The first process is slow and fails, so it is handling an event when it is killed.
    let fleet = world.fleet("killed", PROCESSES, Some(7)).await;
    let (answered, cut_off) = (Mutex::new(0), Mutex::new(BTreeSet::new()));
    let tell = async |event| {
        let answers = tell(&fleet, event).await;
        if answers.iter().any(|answer| *answer != Answer::Status(503)) {
            cut_off.lock().unwrap().insert(format!("tasks Task/{event} 1"));
        }
        let answered = {
            let mut answered = answered.lock().unwrap();
            *answered += 1;
            *answered
        };
        if answered == HALF_WAY {
            fleet.kill_first().await;
        }
    };
    iter(told()).map(tell).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    let cut_off = cut_off.into_inner().unwrap();
    assert!(!cut_off.is_empty(), "nothing was under way");

    let done = fleet.done();
    assert_eq!(done.effects.len(), EVENTS, "each effect is there once");
    let mut seen = BTreeSet::new();
    let repeated: Vec<_> = done.runs.iter().filter(|run| !seen.insert(&run.event)).collect();
    let unexplained: Vec<_> = repeated.iter().filter(|run| !cut_off.contains(&run.event)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
    assert_eq!(seen.len(), EVENTS);

    // All events are known now.
    for event in 0..EVENTS {
        assert_eq!(fleet.tell(event).await, Answer::Status(204));
    }
    assert_eq!(fleet.done().runs.len(), done.runs.len());
    say(&format!(
        "{} events failed or were cut off, and {} runs were beyond one an event",
        cut_off.len(),
        repeated.len()
    ));
}
