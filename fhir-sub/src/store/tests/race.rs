//! Actors that race for a few events, with the real clock, and sometimes die.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::store::suite::timed::{HOW, key};
use crate::store::{Begun, Claim, Entry, Store};

const LEASE: Duration = Duration::from_millis(300);
const ACTORS: usize = 8;
const EVENTS: usize = 6;

/// The observations of an event.
#[derive(Default)]
struct Seen {
    /// The last lease, and until when it certainly held.
    held: Option<(u64, SystemTime)>,
    is_done: bool,
    completions: usize,
}

#[derive(Clone, Default)]
struct Witness(Arc<Mutex<HashMap<usize, Seen>>>);

impl Witness {
    fn see<T>(&self, event: usize, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(self.0.lock().unwrap().entry(event).or_default())
    }

    /// A call that was made at `called` took a lease, which holds at least for its full time from then on.
    fn begun(&self, event: usize, claim: &Claim, called: SystemTime, was_done: bool) {
        assert!(!was_done, "event {event} is begun again after it was done");
        self.see(event, |seen| {
            let now = SystemTime::now();
            if now >= called + LEASE {
                // On such a busy machine, another actor may have it already.
                return;
            }
            if let Some((_, until)) = seen.held {
                assert!(now >= until, "two are at event {event}");
            }
            // A store counts in milliseconds.
            seen.held = Some((claim.token, called + LEASE - Duration::from_millis(1)));
        });
    }

    fn ends(&self, event: usize, claim: &Claim) {
        self.see(event, |seen| {
            if seen.held.is_some_and(|(token, _)| token == claim.token) {
                seen.held = None;
            }
        });
    }

    /// A call that has just returned completed the event. It counts if the lease held until now.
    fn completed(&self, event: usize, called: SystemTime) {
        if SystemTime::now() < called + LEASE {
            self.see(event, |seen| {
                seen.is_done = true;
                seen.completions += 1;
            });
        }
    }
}

/// In the end all events are done. No event is begun after it is done, and no two actors handle one event at
/// the same time.
pub(in crate::store) async fn run(store: Arc<Store>) {
    let witness = Witness::default();
    let actors = (0..ACTORS).map(|_| tokio::spawn(act(Arc::clone(&store), witness.clone())));
    for actor in actors.collect::<Vec<_>>() {
        actor.await.unwrap();
    }
    for (event, seen) in witness.0.lock().unwrap().iter() {
        assert!(seen.completions <= 1, "event {event} was completed {} times", seen.completions);
    }
}

/// Runs until all events are done.
async fn act(store: Arc<Store>, witness: Witness) {
    let mut left: Vec<_> = (0..EVENTS).collect();
    while !left.is_empty() {
        let at = fastrand::usize(..left.len());
        let event = left[at];
        let entry = Entry::once(key(&format!("raced for {event}")));
        let was_done = witness.see(event, |seen| seen.is_done);
        let called = SystemTime::now();
        match store.begin(&entry, LEASE, HOW).await.unwrap() {
            Begun::Fresh(claim) => {
                witness.begun(event, &claim, called, was_done);
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..50))).await;
                match fastrand::u8(..10) {
                    0..3 => {} // It is killed.
                    3..6 => {
                        witness.ends(event, &claim);
                        store.release(&claim).await.unwrap();
                    }
                    _ => {
                        witness.ends(event, &claim);
                        store.complete(&claim).await.unwrap();
                        witness.completed(event, called);
                    }
                }
            }
            Begun::UnderWay => tokio::time::sleep(Duration::from_millis(fastrand::u64(..20))).await,
            Begun::Done => _ = left.swap_remove(at),
            other => panic!("{other:?}"),
        }
    }
}

/// So many actors begin one event at the same time: one of them gets it.
pub(in crate::store) async fn all_at_once(store: Arc<Store>, actors: usize) {
    for round in 0..5 {
        let entry = Entry::once(key(&format!("raced for in round {round}")));
        let begin = |store: Arc<Store>, entry: Entry| async move {
            store.begin(&entry, Duration::from_secs(30), HOW).await.unwrap()
        };
        let tasks = (0..actors).map(|_| tokio::spawn(begin(Arc::clone(&store), entry.clone())));
        let mut fresh = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Begun::Fresh(_) => fresh += 1,
                other => assert_eq!(other, Begun::UnderWay),
            }
        }
        assert_eq!(fresh, 1, "in round {round}");
    }
}
