//! [`Work`]: the work of each handler.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fhir_sub::prelude::*;

use crate::effects::Effects;

/// The work of each handler: it has its effect once, but it is slow and unreliable.
#[derive(Debug)]
pub(crate) struct Work {
    effects: Effects,
    dice: Option<Mutex<fastrand::Rng>>,
}

impl Work {
    /// `FRAIL_DIRECTORY` is the place of the effects, and `FRAIL_SEED` seeds the dice. Without a seed,
    /// nothing fails.
    pub(crate) fn from_environment() -> Result<Self> {
        let effects = Effects::open(Path::new(&std::env::var("FRAIL_DIRECTORY")?))?;
        let dice = match std::env::var("FRAIL_SEED") {
            Ok(seed) => Some(Mutex::new(fastrand::Rng::with_seed(seed.parse()?))),
            Err(_) => None,
        };
        Ok(Self { effects, dice })
    }

    /// Runs for an event, with a resource that `change` has written.
    pub(crate) async fn run(&self, endpoint: &str, event: &Event, change: Option<&str>) -> Result<()> {
        tracing::trace!("what is never told is looked for at this level too");
        let reference = event.focus().unwrap_or_default();
        // HAPI says the version of a deletion when it is asked, if it is running then.
        let version = event.version_id().unwrap_or("-");
        let what = format!("{endpoint} {reference} {version} {}", change.unwrap_or("deleted"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        self.effects.add_run(&format!("{now} {what}"))?;

        self.dawdle().await;
        if self.is_one_in(16) {
            return Err(Error::transient("before its effect"));
        }
        if let (Some(key), Some(_)) = (event.idempotency_key(), event.version_id()) {
            self.effects.add_if_absent(&key, &what)?;
        }
        self.dawdle().await;
        if self.is_one_in(16) { Err(Error::transient("after its effect")) } else { Ok(()) }
    }

    /// Takes a moment, sometimes longer, and sometimes so long that HAPI stops waiting and sends again.
    async fn dawdle(&self) {
        let milliseconds = match self.throw(600) {
            None => return,
            Some(0) => 11_000,
            Some(1..10) => self.throw(2_000).unwrap_or_default(),
            Some(_) => self.throw(50).unwrap_or_default(),
        };
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    fn is_one_in(&self, sides: u64) -> bool {
        self.throw(sides) == Some(0)
    }

    fn throw(&self, sides: u64) -> Option<u64> {
        let dice = self.dice.as_ref()?;
        Some(dice.lock().unwrap_or_else(PoisonError::into_inner).u64(..sides))
    }
}
