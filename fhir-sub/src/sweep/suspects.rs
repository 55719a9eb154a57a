//! Events that have killed an instance. A sweep handles them last, one by one, when everything else is done
//! and saved.

use std::sync::{Mutex, PoisonError};
use std::time::Instant as Moment;

use super::{Row, Run};
use crate::declaration::Declaration;
use crate::delivery::Deferred;
use crate::sorted;

/// The events that all subscriptions of a sweep left for the end.
#[derive(Default)]
pub(super) struct Suspects(Mutex<Vec<Suspect>>);

struct Suspect {
    declaration: &'static Declaration,
    deferred: Box<Deferred<'static>>,
}

/// The most events that are held, with their resources. The next sweep finds the others.
const MAXIMUM: usize = 200;

impl Suspects {
    pub(super) fn add(&self, declaration: &'static Declaration, deferred: Box<Deferred<'static>>) {
        let mut suspects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if suspects.len() < MAXIMUM {
            suspects.push(Suspect { declaration, deferred });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The least often begun events come first: perhaps another event killed the instance.
    fn take(&self) -> Vec<Suspect> {
        let mut suspects = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        sorted::by_key(&mut suspects, |suspect| suspect.deferred.tries());
        suspects
    }
}

/// Handles the events that were left for the end, while there is time. The watermarks stay before them until
/// the next sweep.
pub(super) async fn handle(run: &Run<'_>, rows: &mut [Row]) {
    for Suspect { declaration, deferred } in run.suspects.take() {
        if run.stop.has_passed() || run.is_stopped() {
            return;
        }
        let began = Moment::now();
        let delivered = deferred.deliver(run.app, declaration, run.share()).await;
        let ended = run.tell(delivered, began);
        if let Some(row) = rows.iter_mut().find(|row| row.endpoint == declaration.endpoint) {
            row.count_late(ended);
        }
    }
}
