//! Sweeps and dead letters.

use super::timed::{LEASE, RETENTION, SECOND, Timed, key, letter};
use crate::store::SweepState;

const FIRST: &str = "2026-01-01T00:00:00.001Z";
const SECOND_UPDATE: &str = "2026-01-01T00:00:00.002Z";

pub(super) async fn one_sweep_runs_at_a_time_and_goes_on_where_the_last_one_ended(store: &Timed) {
    let sweep = key("sweep");
    let mut first = store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap().unwrap();
    assert_eq!(first.state, SweepState::default());
    assert_eq!(store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap(), Err(LEASE));
    store.pass(SECOND);
    assert_eq!(store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap(), Err(LEASE - SECOND));
    first.state.number = Some(7);
    assert!(store.store.save_sweep(&first, Some(LEASE)).await.unwrap());
    assert_eq!(store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap(), Err(LEASE));
    store.pass(LEASE);

    let second = store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap().unwrap();
    assert_eq!(second.state.number, Some(7));
    first.state.number = Some(99);
    assert!(!store.store.save_sweep(&first, None).await.unwrap(), "its lease is another's");
    assert!(store.store.save_sweep(&second, None).await.unwrap());
    assert!(!store.store.save_sweep(&second, Some(LEASE)).await.unwrap(), "it has ended");
    assert_eq!(store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap().unwrap().state.number, Some(7));
}

pub(super) async fn a_sweep_remembers_all_it_is_told(store: &Timed) {
    let sweep = key("sweep");
    let mut sweeping = store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap().unwrap();
    sweeping.state.watermark = Some(FIRST.to_owned());
    sweeping.state.deletions_watermark = Some(SECOND_UPDATE.to_owned());
    assert!(store.store.save_sweep(&sweeping, None).await.unwrap());
    store.pass(RETENTION * 100);
    let next = store.store.begin_sweep(&sweep, &[], LEASE).await.unwrap().unwrap();
    assert_eq!(next.state, sweeping.state);
    let other = store.store.begin_sweep(&key("another"), &[], LEASE).await.unwrap().unwrap();
    assert_eq!(other.state, SweepState::default());
}

pub(super) async fn dead_letters_are_listed_the_oldest_first_until_they_are_removed(store: &Timed) {
    let store = &store.store;
    assert_eq!(store.dead_letters().await.unwrap(), []);
    let (old, new) = (letter("old", FIRST), letter("new", SECOND_UPDATE));
    for letter in [&new, &old, &old] {
        store.add_dead_letter(letter).await.unwrap();
    }
    assert_eq!(store.dead_letters().await.unwrap(), [old.clone(), new.clone()]);

    let mut again = new.clone();
    again.tries += 1;
    store.add_dead_letter(&again).await.unwrap();
    assert_eq!(store.dead_letters().await.unwrap(), [old.clone(), again.clone()]);
    assert!(store.has_dead_letter(&old.key).await.unwrap());
    assert!(store.remove_dead_letter(&old.key).await.unwrap());
    assert!(!store.has_dead_letter(&old.key).await.unwrap());
    assert!(!store.remove_dead_letter(&old.key).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [again]);
    store.add_dead_letter(&old).await.unwrap();
    assert!(store.remove_dead_letter(&new.key).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [old]);
}

pub(super) async fn a_dead_letter_expires_later_than_what_was_handled(store: &Timed) {
    let dead = letter("dead", FIRST);
    store.store.add_dead_letter(&dead).await.unwrap();
    store.pass(RETENTION * 4);
    assert_eq!(
        store.store.dead_letters().await.unwrap(),
        std::slice::from_ref(&dead),
        "an operator may be away"
    );
    store.pass(RETENTION);
    assert!(!store.store.remove_dead_letter(&dead.key).await.unwrap());
    store.store.add_dead_letter(&dead).await.unwrap();
    store.pass(RETENTION * 5);
    assert_eq!(store.store.dead_letters().await.unwrap(), []);
}
