//! [`Keys`]: keeps the issuer's keys, and fetches them again when they may have changed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::fetch::Source;
use super::key::Key;
use super::refused::Refused;
use super::token::Token;
use crate::deadline::Deadline;

/// How long keys are used before they are fetched again, so that a withdrawn key is not used for ever.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How long keys are used if they cannot be fetched again.
const USABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest time that a token of a known key waits while the keys are fetched again.
const CONFIRMING: Duration = Duration::from_secs(1);

/// The longest time of a fetch that no token waits for any more.
const RENEWING: Duration = Duration::from_secs(10);

/// The shortest pause between two fetches, however many tokens have an unknown `kid`.
const PAUSE: Duration = Duration::from_secs(60);

/// The same while there are no keys.
const PAUSE_WITHOUT: Duration = Duration::from_secs(5);

/// The most keys of one `kid` that are tried.
const TRIED: usize = 4;

/// The issuer's keys.
pub(super) struct Keys {
    source: Source,
    held: RwLock<Held>,
    /// Held by the task that fetches the keys.
    turn: Arc<Mutex<()>>,
}

/// The fetched keys, and when they were fetched. This uses the wall clock, because the monotonic clock stands
/// still while a Lambda is frozen.
#[derive(Clone, Default)]
struct Held {
    keys: Arc<Vec<Key>>,
    fetched_at: Option<SystemTime>,
    asked_at: Option<SystemTime>,
    /// Whether the last fetch failed.
    failed: bool,
    /// How many fetches have succeeded.
    number: u64,
}

impl Keys {
    pub(super) fn new(source: Source) -> Self {
        Self { source, held: RwLock::default(), turn: Arc::default() }
    }

    /// The keys that `token` says it is signed with: usually one.
    pub(super) async fn find(
        self: &Arc<Self>,
        token: &Token,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<Vec<DecodingKey>, Refused> {
        let held = self.held();
        let found = held.find(token);
        let is_known = !matches!(found, Err(Refused::UnknownKey));
        if is_known && held.is_younger(FRESH, now) {
            return found;
        }
        if is_known && held.is_younger(USABLE, now) {
            // The key is only to be confirmed: one caller at a time does that, and not for long.
            if !held.may_ask(now) {
                return found;
            }
            let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else { return found };
            // A separate task: the answer of an issuer that takes longer than the caller waits counts, too. Otherwise
            // a withdrawn key would serve for a day.
            let (keys, number) = (Arc::clone(self), held.number);
            let renewing = async move { keys.renew(&turn, number, now, Deadline::after(RENEWING)).await };
            let soon = Deadline::after(CONFIRMING).min(deadline);
            return match tokio::time::timeout_at(soon.instant(), tokio::spawn(renewing)).await {
                Ok(Ok(Ok(held))) => held.find(token),
                _ => found,
            };
        }
        let turn = tokio::time::timeout_at(deadline.instant(), Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_elapsed| Refused::NoKeys)?;
        self.renew(&turn, held.number, now, deadline).await?.find(token)
    }

    /// The present keys, for a caller that has seen the keys of fetch `number`. An error if it is too soon to
    /// fetch them again.
    async fn renew(
        &self,
        _turn: &OwnedMutexGuard<()>,
        number: u64,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<Held, Refused> {
        let held = self.held();
        if held.number != number {
            return Ok(held);
        }
        if !held.may_ask(now) {
            return Err(if held.failed { Refused::NoKeys } else { Refused::UnknownKey });
        }
        // Noted before the fetch: if this caller gives up, the next one must still wait for the pause.
        self.note(|held| (held.asked_at, held.failed) = (Some(now), true));
        match self.source.keys(deadline).await {
            Ok(keys) => Ok(self.note(|held| {
                *held = Held {
                    keys: Arc::new(keys),
                    fetched_at: Some(now),
                    asked_at: Some(now),
                    failed: false,
                    number: held.number + 1,
                };
            })),
            Err(reason) => {
                tracing::warn!(reason, "the keys of FHIR_SUBSCRIPTION_TOKEN_ISSUER could not be fetched");
                Err(Refused::NoKeys)
            }
        }
    }

    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Held)) -> Held {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut held);
        held.clone()
    }
}

impl Held {
    /// The keys with the token's `kid`: some issuers publish the old and the new key under one `kid` while they rotate. Without a
    /// `kid`, the only key for the token's algorithm.
    fn find(&self, token: &Token) -> Result<Vec<DecodingKey>, Refused> {
        let named = || self.keys.iter().filter(|key| token.key_id.is_none() || key.id == token.key_id);
        let suited = named().filter(|key| key.suits(token.algorithm));
        let suited: Vec<_> = suited.take(TRIED).map(|key| key.decoding.clone()).collect();
        match suited.len() {
            0 if token.key_id.is_some() && named().next().is_some() => Err(Refused::KeyOfOtherType),
            0 => Err(Refused::UnknownKey),
            // If two keys fit, we cannot know which one is meant.
            2.. if token.key_id.is_none() => Err(Refused::UnknownKey),
            _ => Ok(suited),
        }
    }

    fn is_younger(&self, age: Duration, now: SystemTime) -> bool {
        self.fetched_at.is_some_and(|at| now.duration_since(at).is_ok_and(|since| since < age))
    }

    /// Whether the last fetch was long enough ago. A clock that was set back proves nothing.
    fn may_ask(&self, now: SystemTime) -> bool {
        let pause = if self.fetched_at.is_some() { PAUSE } else { PAUSE_WITHOUT };
        self.asked_at.is_none_or(|at| now.duration_since(at).map_or(true, |since| since >= pause))
    }
}
