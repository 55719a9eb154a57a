//! The random actors.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use super::events::{End, Events, Expected};
use crate::fhir::Instant;
use crate::store::suite::timed::{HOW, LEASE, RETENTION, SECOND, Timed, key, letter};
use crate::store::{
    Begun, Claim, DeadLetter, Entry, How, Identity, Key, OfResource, SweepState, Sweeping, Told,
};

const ACTORS: usize = 4;

/// Short leases too, and an empty one.
const LEASES: [Duration; 4] = [Duration::ZERO, SECOND, LEASE, LEASE];

const PAUSES: [Duration; 5] = [SECOND, SECOND, LEASE, LEASE, RETENTION];

const LETTERS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) struct Actors {
    random: Rng,
    events: Events,
    /// The lease of each sweep, and its state.
    sweeps: HashMap<Key, (Option<(u64, Duration)>, SweepState)>,
    /// The dead letters, and when each expires.
    letters: HashMap<Key, (Duration, DeadLetter)>,
    actors: [Actor; ACTORS],
}

/// The memory of an actor: it is lost when the actor is killed.
#[derive(Default)]
struct Actor {
    claims: Vec<Claim>,
    sweeps: Vec<Sweeping>,
}

impl Actors {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            events: Events::default(),
            sweeps: HashMap::new(),
            letters: HashMap::new(),
            actors: Default::default(),
        }
    }

    pub(super) async fn step(&mut self, store: &Timed) {
        let actor = self.random.usize(..ACTORS);
        match self.random.u8(..100) {
            0..40 => self.begin(actor, store).await,
            40..65 => self.end(actor, store).await,
            65..75 => self.wait(store),
            75..79 => self.actors[actor] = Actor::default(),
            79..87 => self.begin_sweep(actor, store).await,
            87..93 => self.save_sweep(actor, store).await,
            _ => self.give_up(store).await,
        }
    }

    fn wait(&mut self, store: &Timed) {
        let time = self.one_of(&PAUSES);
        store.pass(time);
        self.events.now += time;
    }

    async fn begin(&mut self, actor: usize, store: &Timed) {
        let (entry, lease) = (self.entry(), self.one_of(&LEASES));
        let limit = self.one_of(&[2, 3, u32::MAX]);
        let (is_alone, is_again) = (self.random.u8(..4) > 0, self.random.u8(..4) == 0);
        let how = How { limit, is_alone, is_again, ..HOW };
        let expected = self.events.expect(&entry, how);
        let begun = store.store.begin(&entry, lease, how).await.unwrap();
        assert_eq!(Expected::seen(&begun), expected, "begin {entry:?} {how:?}");
        self.events.began(&entry, &begun, lease);
        if let Begun::Fresh(claim) | Begun::Exhausted(claim) = begun {
            assert_eq!(claim.entry, entry);
            self.actors[actor].claims.push(*claim);
        }
    }

    /// Mostly ends the last claim, and sometimes one that has already ended.
    async fn end(&mut self, actor: usize, store: &Timed) {
        let claims = &mut self.actors[actor].claims;
        if claims.is_empty() {
            return;
        }
        let at = self.random.usize(..claims.len());
        let claim = claims[at].clone();
        if self.random.u8(..4) > 0 {
            claims.swap_remove(at);
        }
        let end = self.one_of(&[End::Done, End::Done, End::Done, End::Failed, End::Untried, End::GivenUp]);
        match end {
            End::Done => store.store.complete(&claim).await.unwrap(),
            End::Failed => store.store.release(&claim).await.unwrap(),
            End::Untried => store.store.release_untried(&claim).await.unwrap(),
            End::GivenUp => store.store.give_up(&claim).await.unwrap(),
        }
        self.events.ended(&claim, end, store.store.is_durable());
    }

    async fn begin_sweep(&mut self, actor: usize, store: &Timed) {
        let (sweep, lease) = (key(self.one_of(&["sweep 1", "sweep 2"])), self.one_of(&LEASES));
        let (held, state) = self.sweeps.entry(sweep).or_default();
        let is_free = held.is_none_or(|(_, until)| until <= self.events.now);
        let begun = store.store.begin_sweep(&sweep, &[], lease).await.unwrap();
        let holds = held.map_or(Duration::ZERO, |(_, until)| until.saturating_sub(self.events.now));
        let expected = if is_free { Ok(&*state) } else { Err(&holds) };
        assert_eq!(begun.as_ref().map(|begun| &begun.state), expected);
        if let Ok(begun) = begun {
            *held = Some((begun.token, self.events.now + lease));
            self.actors[actor].sweeps.push(begun);
        }
    }

    async fn save_sweep(&mut self, actor: usize, store: &Timed) {
        let Some(mut sweeping) = self.actors[actor].sweeps.pop() else { return };
        sweeping.state.number = Some(self.random.u64(..));
        let lease = self.random.bool().then(|| self.one_of(&LEASES));
        let (held, state) = self.sweeps.entry(sweeping.sweep).or_default();
        let is_own = held.is_some_and(|(token, _)| token == sweeping.token);
        assert_eq!(store.store.save_sweep(&sweeping, lease).await.unwrap(), is_own);
        if is_own {
            *state = sweeping.state.clone();
            *held = lease.map(|lease| (sweeping.token, self.events.now + lease));
            if lease.is_some() {
                self.actors[actor].sweeps.push(sweeping);
            }
        }
    }

    async fn give_up(&mut self, store: &Timed) {
        let name = format!("letter {}", self.random.u8(..12));
        let now = self.events.now;
        self.letters.retain(|_, (expires, _)| *expires > now);
        match self.random.u8(..4) {
            0 => {
                let was_there = self.letters.remove(&key(&name)).is_some();
                assert_eq!(store.store.remove_dead_letter(&key(&name)).await.unwrap(), was_there);
            }
            1 => {
                let mut expected: Vec<_> = self.letters.values().map(|(_, letter)| letter.clone()).collect();
                expected.sort_by(|one, other| (&one.since, &one.key).cmp(&(&other.since, &other.key)));
                assert_eq!(store.store.dead_letters().await.unwrap(), expected);
            }
            _ => {
                let letter = letter(&name, &format!("2026-01-01T00:00:{:02}.000Z", self.random.u8(..60)));
                store.store.add_dead_letter(&letter).await.unwrap();
                self.letters.insert(letter.key, (now + LETTERS_KEPT, letter));
            }
        }
    }

    fn entry(&mut self) -> Entry {
        let number = self.random.u8(..3);
        match self.random.u8(..5) {
            0 => Entry::once(key(&format!("once {number}"))),
            1 => Entry::passing(key(&format!("passing {number}"))),
            2 => {
                let content = Identity::Content(key(&format!("content {}", self.random.u8(..2))));
                Entry { identity: content, ..Entry::once(key(&format!("of content {number}"))) }
            }
            _ => {
                let version = self.random.u8(..4);
                // Two versions share each moment, and a deletion has no time.
                let updated = format!("2026-01-01T00:00:0{}.000Z", version / 2);
                let updated = Instant::parse(&updated).filter(|_| version > 0);
                let of = OfResource {
                    key: key(&format!("latest {number}")),
                    is_ordered: true,
                    updated,
                    is_deletion: version == 0,
                    told: Told::Version,
                };
                let version = key(&format!("latest {number} of version {version}"));
                Entry { resource: Some(of), ..Entry::once(version) }
            }
        }
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.usize(..of.len())]
    }
}
