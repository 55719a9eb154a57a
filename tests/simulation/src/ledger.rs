//! [`Ledger`]: what handlers have done, compared with the promises; [`Run`]: one run of a handler.

use std::collections::HashMap;
use std::sync::Arc;

use fhir_sub::{Error, Event};
use serde_json::Value;

use crate::life::Life;
use crate::plan::{Ms, Trait};
use crate::server::{Change, Kind, Server};
use crate::world::{TOLD, World, lock, sleep};

/// The least time that is fair: a quarter of all.
const FAIR: Ms = 25_000 / 4;

/// What handlers have done, for each change.
#[derive(Default)]
pub(crate) struct Ledger {
    /// The change of each effect, by idempotency key.
    effects: HashMap<String, usize>,
    /// The change that the handler got, by idempotency key.
    keys: HashMap<String, usize>,
    /// The deletion for which the handler probably ran, by idempotency key.
    deletions: HashMap<String, usize>,
    of: HashMap<usize, Account>,
    /// The resource of each dead letter, by the letter's key.
    letters: HashMap<String, String>,
}

/// What was done for one change.
#[derive(Default)]
struct Account {
    /// The keys of its effects.
    keys: Vec<String>,
    successes: u32,
    failures: u32,
    failed_for_good: bool,
    /// The store has it as done.
    is_done: bool,
    /// The store has it as given up.
    is_dead: bool,
    /// The store has a dead letter for it.
    has_letter: bool,
    /// The instances that are handling it.
    live: Vec<Arc<Life>>,
}

impl Ledger {
    fn of(&mut self, serial: usize) -> &mut Account {
        self.of.entry(serial).or_default()
    }

    /// Whether a handler has succeeded with it.
    pub(crate) fn has_succeeded(&self, serial: usize) -> bool {
        self.of.get(&serial).is_some_and(|account| account.successes > 0)
    }

    /// Whether the event with this key has a dead letter.
    fn is_given_up(&self, key: Option<&str>) -> bool {
        let account = key.and_then(|key| self.of.get(self.keys.get(key)?));
        account.is_some_and(|account| account.is_dead || account.has_letter)
    }

    /// Whether an event of this resource may have a dead letter although no handler has run for it: the store was down, or
    /// instances died.
    pub(crate) fn is_given_up_untried(&self, world: &World, id: usize) -> bool {
        let reference = format!("Encounter/e{id}");
        self.letters.values().any(|of| *of == reference) && world.counts.unheard() >= world.plan.setup.tries
    }

    /// Whether nothing is left to do for it.
    pub(crate) fn is_settled(&self, serial: usize) -> bool {
        let is_settled = |account: &Account| {
            account.is_done || account.is_dead || account.has_letter || account.successes > 0
        };
        self.of.get(&serial).is_some_and(is_settled)
    }

    /// Records that the store has the event with this key as done, or as a dead letter.
    pub(crate) fn store_has(&mut self, key: &str, is_dead: bool) -> Option<usize> {
        let Some(serial) = self.keys.get(key).copied() else {
            if let Some(serial) = self.deletions.get(key).copied().filter(|_| is_dead) {
                self.of(serial).has_letter = true;
            }
            return None;
        };
        let account = self.of(serial);
        (account.is_done, account.is_dead) = (!is_dead, is_dead);
        Some(serial)
    }

    /// Records whether the store has a dead letter with this key, and of which resource.
    pub(crate) fn letter(&mut self, key: &str, is_there: bool, of: Option<String>) {
        self.letters.remove(key);
        self.letters.extend(of.map(|of| (key.to_owned(), of)));
        if let Some(serial) = self.keys.get(key).copied() {
            self.of(serial).has_letter = is_there;
        }
    }

    /// How often something went wrong with it.
    pub(crate) fn failures(&self, serial: usize) -> (u32, bool) {
        self.of.get(&serial).map_or((0, false), |account| (account.failures, account.failed_for_good))
    }
}

/// One run of a handler.
pub(crate) struct Run {
    world: Arc<World>,
    life: Arc<Life>,
    /// The change that it got, as far as that is certain.
    change: Option<Change>,
    /// The deletion of the resource in its current state, if the handler got no version.
    deletion: Option<usize>,
    id: Option<usize>,
    /// Whether it got the version of now for the event of another one.
    is_of_other: bool,
}

impl Run {
    /// Compares what a handler gets with the promises.
    pub(crate) fn begin(
        world: &Arc<World>,
        life: &Arc<Life>,
        event: &Event,
        resource: Option<&Value>,
    ) -> Self {
        let server = lock(&world.server);
        let key = event.idempotency_key();
        // A dead letter without a version is that of an earlier run.
        let by_key = || server.changes.get(*lock(&world.ledger).keys.get(key.as_ref()?)?);
        let change = given(&server, event, resource).or_else(by_key).cloned();
        let name = change.as_ref().map_or_else(
            || {
                format!(
                    "{}@{}, of which it is not known which",
                    event.focus().unwrap_or("-"),
                    event.version_id().unwrap_or("-")
                )
            },
            Change::to_string,
        );
        world.log(|| format!("run {name} by key {}", short(key.as_deref())));
        key.iter().for_each(|key| world.owns(key));
        let id = event.focus().and_then(Server::id_of).or(change.as_ref().map(|change| change.id));
        let may_be_deletion = event.interaction().to_string() == "delete" || world.is_told_by_name();
        let is_unnamed_deletion = change.is_none() && may_be_deletion;
        let current = id.filter(|_| is_unnamed_deletion).and_then(|id| server.current(id, world.now()));
        let deletion = current.filter(|current| current.kind == Kind::Delete).map(|current| current.serial);
        let mut run = Self {
            world: Arc::clone(world),
            life: Arc::clone(life),
            change,
            deletion,
            id,
            is_of_other: false,
        };
        let Some(change) = &run.change else {
            let Some(serial) = run.deletion else { return run };
            let mut ledger = lock(&world.ledger);
            // With two deletions, a late notification may mean either.
            let deletions = || server.of_id(server.changes[serial].id).filter(|it| it.kind == Kind::Delete);
            if ledger.of(serial).is_done && world.tells_deletions() && deletions().count() == 1 {
                world.fail(|| format!("a handler ran on {}, which was done", server.changes[serial]));
            }
            if let Some(key) = key {
                ledger.deletions.insert(key, serial);
            }
            drop(ledger);
            return run;
        };
        let endpoint = world.plan.setup.endpoint;
        // A dead letter without a version is retried with the current version, which may not match any more.
        let is_retried_without_version =
            world.is_without_versions() && lock(&world.ledger).is_given_up(key.as_deref());
        let is_wanted = match change.kind {
            Kind::Delete => endpoint.wants_deletions(),
            // A resource that is read later may not match any more. A resource on a later page may have changed since the
            // search began, or since the index was written that the search uses.
            _ => {
                let may_have_changed = endpoint.is_read_later()
                    || world.has(Trait::NoDate)
                    || world.has_wrong_clock()
                    || world.has_search_lag()
                    || is_retried_without_version;
                let may_be_another =
                    || world.is_without_versions() && of_one_moment(&server, change).any(|it| it.is_matching);
                endpoint.wants_changes() && (change.is_matching || may_have_changed || may_be_another())
            }
        };
        if !is_wanted {
            world.fail(|| format!("a handler ran on {name}, which is not for it"));
        }
        // A deletion without a key may be another one than the deletion that was done: nothing tells.
        // So may an event of a topic whose resource was gone when the server was asked for the version. Its dead letter is
        // retried with the version of now.
        let mut ledger = lock(&world.ledger);
        let is_of_other =
            key.as_ref().and_then(|key| ledger.keys.get(key)).is_some_and(|its| *its != change.serial);
        let is_unversioned = change.kind == Kind::Delete || event.version_id().is_none();
        // A history of one page may not show an earlier deletion, which a late notification means.
        let is_hidden = change.kind == Kind::Delete && world.has(Trait::NoHistoryLinks);
        let is_unsure = (change.kind == Kind::Delete && key.is_none())
            || is_hidden
            || (world.is_told_by_name() && (is_unversioned || is_deleted_later(&server, change)))
            || (is_unversioned && has_no_identity(world, &server, change))
            || ((world.is_told_by_name() || world.is_without_versions()) && is_of_other);
        if endpoint.is_ordered() {
            // If nothing says when a deletion was, it cannot be compared.
            let newer = server.of_id(change.id).filter(|_| !is_unsure).find(|other| {
                other.stamp > change.stamp
                    && ledger.of.get(&other.serial).is_some_and(|account| account.is_done)
            });
            if let Some(newer) = newer {
                world.fail(|| {
                    format!("a handler ran on {name} after the newer {newer} was done, and order is latest")
                });
            }
        }
        let account = ledger.of(change.serial);
        if account.is_done && !is_unsure {
            world.fail(|| format!("a handler ran on {name}, which was done"));
        }
        account.live.retain(|life| !life.is_over());
        if !account.live.is_empty() && key.is_some() && !is_unsure {
            world.fail(|| format!("a handler ran on {name}, which another was at"));
        }
        // What runs without a key is not known to be this change: nothing keeps others from it. Nor is what runs by its number,
        // since the resource is gone: the handler gets the deletion.
        let is_by_number = world.is_told_by_name() && is_unversioned && is_deleted_later(&server, change);
        if let Some(key) = key.filter(|_| !is_unsure || !is_of_other) {
            if !is_by_number {
                account.live.push(Arc::clone(life));
            }
            ledger.keys.insert(key, change.serial);
        }
        run.is_of_other = is_of_other && is_unsure;
        run
    }

    /// Whether it got a version of this resource.
    pub(crate) fn is_of(&self, id: usize) -> bool {
        self.id == Some(id)
    }

    /// Has its effect, unless there is one under this key.
    pub(crate) fn effect(&self, key: Option<String>) {
        let Some(change) = &self.change else { return };
        let mut ledger = lock(&self.world.ledger);
        // Without a key, nothing can make the effect happen once.
        let Some(key) = key else { return };
        let serial = *ledger.effects.entry(key.clone()).or_insert(change.serial);
        if serial != change.serial && self.is_of_other {
            // A dead letter without a version is retried with the version of now.
            return;
        }
        if serial != change.serial {
            let other = lock(&self.world.server).changes[serial].to_string();
            self.world.fail(|| {
                format!(
                    "the effect of {change} is left out: its key is that of {other}, {}",
                    short(Some(&key))
                )
            });
            return;
        }
        let account = ledger.of(change.serial);
        if !account.keys.contains(&key) {
            account.keys.push(key);
        }
        // The version of a deletion may be unknown when it is reported, and so may an overwritten version that a
        // notification does not name.
        let is_unknowable =
            self.world.is_told_by_name() || self.world.refuses_reads() || self.world.is_without_versions();
        if account.keys.len() > 1 && change.kind != Kind::Delete && !is_unknowable {
            let keys = account.keys.iter().map(|key| short(Some(key))).collect::<Vec<_>>().join(" and ");
            self.world.fail(|| format!("{change} has its effect twice, by the keys {keys}"));
        }
    }

    pub(crate) fn succeed(self) {
        if let Some(serial) = self.change.as_ref().map(|change| change.serial).or(self.deletion) {
            lock(&self.world.ledger).of(serial).successes += 1;
        }
    }

    pub(crate) fn fail(self) -> fhir_sub::Result<()> {
        self.failed();
        Err(Error::transient("it fails"))
    }

    pub(crate) fn fail_for_good(self) -> fhir_sub::Result<()> {
        if let Some(change) = &self.change {
            lock(&self.world.ledger).of(change.serial).failed_for_good = true;
        }
        Err(Error::permanent("it fails for good"))
    }

    pub(crate) fn panic(&self) -> ! {
        self.failed();
        panic!("a handler panics")
    }

    /// Hangs until it is given up.
    pub(crate) async fn hang(&self) {
        self.failed();
        sleep(3_600_000).await;
    }

    /// Takes so long. If it is cut short after its fair time, that is a failure.
    pub(crate) async fn take(&self, time: Ms) {
        sleep(time.min(FAIR)).await;
        if time > FAIR {
            self.failed();
            sleep(time - FAIR).await;
            self.count_failures(-1);
        }
    }

    fn failed(&self) {
        self.count_failures(1);
    }

    fn count_failures(&self, more: i32) {
        if let Some(change) = &self.change {
            let mut ledger = lock(&self.world.ledger);
            let failures = &mut ledger.of(change.serial).failures;
            *failures = failures.saturating_add_signed(more);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(change) = &self.change {
            let mut ledger = lock(&self.world.ledger);
            let live = &mut ledger.of(change.serial).live;
            if let Some(place) = live.iter().position(|life| Arc::ptr_eq(life, &self.life)) {
                live.swap_remove(place);
            }
        }
    }
}

/// The change that a handler got.
fn given<'s>(server: &'s Server, event: &Event, resource: Option<&Value>) -> Option<&'s Change> {
    if let Some(resource) = resource {
        let serial = resource["identifier"][0]["value"].as_str()?.parse::<usize>().ok()?;
        return server.changes.get(serial);
    }
    if let Ok(serial) = TOLD.try_with(|told| *told) {
        return server.changes.get(serial);
    }
    let id = Server::id_of(event.focus()?)?;
    if let Some(version_id) = event.version_id() {
        return server.of_id(id).find(|change| server.version_id(change) == version_id);
    }
    server.numbered(event.number()?, event.timestamp())
}

/// The beginning of a key.
fn short(key: Option<&str>) -> &str {
    key.map_or("none", |key| key.get(..8).unwrap_or(key))
}

/// Whether nothing says that an event without a version is this change: it has no time, or a time of a wrong clock, and the
/// server refuses to say the version, or the resource was deleted.
fn has_no_identity(world: &World, server: &Server, change: &Change) -> bool {
    let has_time = !world.has(Trait::NoTimes) && !world.has_wrong_clock();
    !has_time && (world.refuses_reads() || is_deleted_later(server, change))
}

fn is_deleted_later(server: &Server, change: &Change) -> bool {
    server.of_id(change.id).any(|it| it.kind == Kind::Delete && it.serial > change.serial)
}

/// The changes of the same resource that the server wrote in the same moment, and this one. Without a version, they are
/// one event.
pub(crate) fn of_one_moment<'s>(server: &'s Server, change: &Change) -> impl Iterator<Item = &'s Change> {
    let (id, stamp) = (change.id, change.stamp);
    server.of_id(id).filter(move |it| it.stamp == stamp)
}

/// Whether so much went wrong with a change that it may be given up.
pub(crate) fn may_be_given_up(world: &World, ledger: &Ledger, serial: usize) -> bool {
    let server = lock(&world.server);
    let its = of_one_moment(&server, &server.changes[serial]);
    let (failures, for_good) =
        its.map(|it| ledger.failures(it.serial)).fold((0, false), |all, one| (all.0 + one.0, all.1 || one.1));
    drop(server);
    for_good || failures + world.counts.unheard() >= world.plan.setup.tries
}
