//! [`Writers`]: several simultaneous writers, which continue whatever the server does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fhir_sub::FhirClient;
use fhir_sub::client::Error;
use fhir_sub_real::{BETWEEN_LOOKS, PATIENCE, id, resource};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How many writers there are.
const WRITERS: u64 = 6;

/// The number of resources after the first phase.
const RESOURCES: usize = 300;

/// How many changes may be written ahead of the server's notifications.
const AHEAD: usize = 500;

/// The longest wait for notifications.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// A type of resource that the program watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Observation,
    Appointment,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Task, Self::Observation, Self::Appointment];

    pub(crate) fn resource_type(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Observation => "Observation",
            Self::Appointment => "Appointment",
        }
    }

    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Task => "tasks",
            Self::Observation => "observations",
            Self::Appointment => "appointments",
        }
    }

    /// A status that matches the criteria, or one that does not.
    pub(crate) fn status(self, meets: bool) -> &'static str {
        match (self, meets) {
            (Self::Task, true) => "requested",
            (Self::Task, false) => "cancelled",
            (Self::Observation, true) => "final",
            (Self::Observation, false) => "preliminary",
            (Self::Appointment, true) => "arrived",
            (Self::Appointment, false) => "booked",
        }
    }
}

/// A resource after `change`. A search finds it by the identifier `urn:canary|canary-{run}`.
pub(crate) fn resource_of(kind: Kind, run: &str, change: usize, meets: bool) -> Value {
    let mut elements = match kind {
        Kind::Task => json!({ "intent": "order" }),
        Kind::Observation => json!({ "code": { "text": "canary-of-a-code" } }),
        Kind::Appointment => {
            json!({ "participant": [{ "actor": { "display": "canary" }, "status": "accepted" }] })
        }
    };
    elements["status"] = kind.status(meets).into();
    elements["identifier"] = json!([
        { "system": "urn:canary", "value": format!("canary-{run}") },
        { "system": "urn:change", "value": change.to_string() },
    ]);
    resource(kind.resource_type(), &elements)
}

/// Several simultaneous writers.
pub(crate) struct Writers {
    fhir: FhirClient,
    run: String,
    changes: usize,
    /// The number of notifications.
    notifications: watch::Receiver<usize>,
    known: Mutex<Vec<Known>>,
    begun: AtomicUsize,
    written: watch::Sender<usize>,
    repeated: AtomicUsize,
}

/// A resource that was created.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    is_deleted: bool,
}

/// One change.
enum Change {
    Create(Kind, Value),
    Update(Known, Value),
    Delete(Known),
}

impl Writers {
    /// The writers of a run, with the number of changes that they will write.
    pub(crate) fn new(
        fhir: FhirClient,
        run: &str,
        changes: usize,
        notifications: watch::Receiver<usize>,
    ) -> Arc<Self> {
        Arc::new(Self {
            fhir,
            run: run.to_owned(),
            changes,
            notifications,
            known: Mutex::default(),
            begun: AtomicUsize::new(0),
            written: watch::Sender::new(0),
            repeated: AtomicUsize::new(0),
        })
    }

    pub(crate) fn start(self: &Arc<Self>, seed: u64) -> JoinSet<()> {
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let dice = fastrand::Rng::with_seed(seed.wrapping_add(number));
            writers.spawn(Arc::clone(self).write(dice));
        }
        writers
    }

    /// Waits until so many changes are written.
    pub(crate) async fn await_written(&self, least: usize) {
        let mut written = self.written.subscribe();
        // The server may be starting meanwhile.
        let enough = tokio::time::timeout(PATIENCE * 3, written.wait_for(|written| *written >= least)).await;
        assert!(enough.is_ok(), "{} of {least} changes were written", *self.written.borrow());
    }

    /// How often a change was written again, because the server did not confirm it.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    /// The created resources that the server has confirmed.
    pub(crate) fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(self: Arc<Self>, mut dice: fastrand::Rng) {
        loop {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            if number >= self.changes {
                return;
            }
            self.await_notifications(number).await;
            let change = self.change(number, &mut dice);
            self.insist(&change).await;
            self.written.send_modify(|written| *written += 1);
        }
    }

    /// Waits until the server has sent most notifications: it needs longer for them than for the writes, and
    /// later notifications would meet no disturbances. It may have none left.
    async fn await_notifications(&self, written: usize) {
        let mut notifications = self.notifications.clone();
        let enough = notifications.wait_for(|notifications| written <= notifications + AHEAD);
        drop(tokio::time::timeout(LONGEST_WAIT, enough).await);
    }

    fn change(&self, number: usize, dice: &mut fastrand::Rng) -> Change {
        let mut known = self.known();
        let share = if known.len() < RESOURCES { 4 } else { 40 };
        // Some resources must exist before anything is changed.
        if known.len() < 10 || dice.usize(..share) == 0 {
            let kind = Kind::ALL[dice.usize(..3)];
            return Change::Create(kind, resource_of(kind, &self.run, number, dice.usize(..10) > 0));
        }
        let place = dice.usize(..known.len());
        let chosen = &mut known[place];
        if chosen.kind == Kind::Appointment && !chosen.is_deleted && dice.usize(..8) == 0 {
            chosen.is_deleted = true;
            return Change::Delete(chosen.clone());
        }
        chosen.is_deleted = false;
        let mut resource = resource_of(chosen.kind, &self.run, number, dice.usize(..10) > 0);
        resource["id"] = chosen.id.as_str().into();
        Change::Update(chosen.clone(), resource)
    }

    /// Writes until the server confirms it. An unconfirmed write may have succeeded: then there are two
    /// resources, or two versions.
    async fn insist(&self, change: &Change) {
        let begun = tokio::time::Instant::now();
        while let Err(error) = self.attempt(change).await {
            let may_succeed = error.is_transient() || error.is_conflict();
            assert!(may_succeed && begun.elapsed() < PATIENCE * 3, "{error}");
            self.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(BETWEEN_LOOKS + Duration::from_millis(fastrand::u64(..100))).await;
        }
    }

    async fn attempt(&self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Create(kind, resource) => {
                let created: Value = self.fhir.create(kind.resource_type(), resource).returning().await?;
                let id = id(&created).to_owned();
                self.known().push(Known { kind: *kind, id, is_deleted: false });
            }
            Change::Update(Known { kind, id, .. }, resource) => {
                self.fhir.update(kind.resource_type(), id, resource).await?;
            }
            Change::Delete(Known { kind, id, .. }) => self.fhir.delete(kind.resource_type(), id).await?,
        }
        Ok(())
    }
}
