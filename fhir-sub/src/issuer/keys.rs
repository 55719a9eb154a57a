//! [`Keys`]: the issuer's keys, kept, and fetched again where they may be others by now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use super::fetch::Source;
use super::key::Key;
use super::refused::Refused;
use super::token::Token;
use crate::deadline::Deadline;

/// How long keys are used without being fetched again, so that one that the issuer has taken back is not used for ever.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How long keys are used that cannot be fetched again.
const USABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long is waited between two fetches, however many tokens have a `kid` that is not known.
const PAUSE: Duration = Duration::from_secs(60);

/// The same while there are no keys at all.
const PAUSE_WITHOUT: Duration = Duration::from_secs(5);

/// The issuer's keys.
pub(super) struct Keys {
    source: Source,
    held: RwLock<Held>,
    /// Whose turn it is to fetch them.
    turn: Mutex<()>,
}

/// The keys that were fetched, and when. The wall clock tells the time: another stands still while a Lambda is frozen.
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
        Self { source, held: RwLock::default(), turn: Mutex::default() }
    }

    /// The key that `token` says that it is signed with.
    pub(super) async fn find(
        &self,
        token: &Token,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<DecodingKey, Refused> {
        let held = self.held();
        if held.is_younger(FRESH, now) {
            match held.find(token) {
                Err(Refused::UnknownKey) => {}
                found => return found,
            }
        }
        match self.renew(held.number, now, deadline).await {
            Ok(held) => held.find(token),
            Err(refused) if held.is_younger(USABLE, now) => {
                held.find(token).map_err(|of_held| match of_held {
                    Refused::UnknownKey => refused,
                    other => other,
                })
            }
            Err(refused) => Err(refused),
        }
    }

    /// The keys as they are by now, for one who has seen those of `number`; an error where it is too soon to fetch them.
    async fn renew(&self, number: u64, now: SystemTime, deadline: Deadline) -> Result<Held, Refused> {
        let turn = tokio::time::timeout_at(deadline.instant(), self.turn.lock()).await;
        let _turn = turn.map_err(|_elapsed| Refused::NoKeys)?;
        let held = self.held();
        if held.number != number {
            return Ok(held);
        }
        if !held.may_ask(now) {
            return Err(if held.failed { Refused::NoKeys } else { Refused::UnknownKey });
        }
        // Noted before, so that whoever gives up on the fetch leaves the next no turn to try at once.
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
    /// The key of the token's `kid`; without one, the only key of its algorithm.
    fn find(&self, token: &Token) -> Result<DecodingKey, Refused> {
        let named = || self.keys.iter().filter(|key| token.key_id.is_none() || key.id == token.key_id);
        let mut suited = named().filter(|key| key.suits(token.algorithm));
        match (suited.next(), suited.next()) {
            (Some(key), None) => Ok(key.decoding.clone()),
            (None, _) if token.key_id.is_some() && named().next().is_some() => Err(Refused::KeyOfOtherType),
            // Of two, nobody says which.
            _ => Err(Refused::UnknownKey),
        }
    }

    fn is_younger(&self, age: Duration, now: SystemTime) -> bool {
        self.fetched_at.is_some_and(|at| now.duration_since(at).is_ok_and(|since| since < age))
    }

    /// Whether the last fetch is long enough ago. A clock that was set back says nothing.
    fn may_ask(&self, now: SystemTime) -> bool {
        let pause = if self.fetched_at.is_some() { PAUSE } else { PAUSE_WITHOUT };
        self.asked_at.is_none_or(|at| now.duration_since(at).map_or(true, |since| since >= pause))
    }
}
