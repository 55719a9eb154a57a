//! [`Shelf`]: the store. It fails as the plan says, and is checked after each call.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use fhir_sub::store::{Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture, Unavailable};

use crate::ledger::{may_be_given_up, of_one_moment};
use crate::moment;
use crate::plan::{Fault, Ms, Storing};
use crate::server::Kind;
use crate::world::{World, lock, pass, sleep};

/// The longest time of a call, like the timeout of a database client.
const LIMIT: Ms = 10_000;

/// The records of the store.
#[derive(Default)]
pub(crate) struct Records {
    by_id: HashMap<RecordId, Record>,
    /// The program of each record, by its place.
    owners: HashMap<RecordId, usize>,
    /// Until when it is down.
    down_until: Ms,
}

/// The store that all instances share.
pub(crate) struct Shelf(pub(crate) Arc<World>);

impl Shelf {
    /// A call that does `work` at some time, or never.
    async fn call<T: Send + 'static>(
        &self,
        what: impl Fn() -> String + Send,
        work: impl FnOnce(&World) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let world = &self.0;
        let number = world.count(&world.counts.calls);
        let fault = world.fault(|fault| match *fault {
            Fault::Store(which, storing) if which == number => Some(storing),
            _ => None,
        });
        if let Some(fault) = fault {
            world.log(|| format!("store: call {number} to {} {fault:?}", what()));
        }
        pass().await;
        let failed = |text: &str| {
            world.counts.failed_calls.fetch_add(1, Ordering::Relaxed);
            Err(Unavailable::new(text))
        };
        let is_down = !world.is_quiet() && world.now() < lock(&world.common.records).down_until;
        if is_down {
            return failed("it is down");
        }
        match fault {
            None => {}
            Some(Storing::Refused) => return failed("refused"),
            Some(Storing::Unanswered) => {
                work(world);
                pass().await;
                return failed("no answer");
            }
            Some(Storing::Hangs) => {
                wait(world, LIMIT).await;
                return failed("no answer in time");
            }
            Some(Storing::Silent) => {
                work(world);
                wait(world, LIMIT).await;
                return failed("no answer in time");
            }
            Some(Storing::Late(time)) => {
                let world = Arc::clone(world);
                tokio::spawn(async move {
                    sleep(time).await;
                    work(&world);
                });
                return failed("the connection broke");
            }
            Some(Storing::Slow(time)) => wait(world, time.min(LIMIT)).await,
            Some(Storing::Down(time)) => {
                lock(&world.common.records).down_until = world.now() + time;
                return failed("it goes down");
            }
        }
        let done = work(world);
        pass().await;
        Ok(done)
    }
}

/// Takes so long. A call that is given up meanwhile has failed too, as far as its caller knows.
async fn wait(world: &World, time: Ms) {
    struct Waiting<'w>(Option<&'w World>);

    impl Drop for Waiting<'_> {
        fn drop(&mut self) {
            if let Some(world) = self.0 {
                world.counts.failed_calls.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    let mut waiting = Waiting(Some(world));
    sleep(time).await;
    waiting.0 = None;
}

impl StoreBackend for Shelf {
    fn is_durable(&self) -> bool {
        true
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(std::future::ready(Ok(self.0.clock())))
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        let wanted = *id;
        Box::pin(self.call(
            move || format!("get {}", named(&wanted)),
            move |world| lock(&world.common.records).by_id.get(&wanted).cloned(),
        ))
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        let (wanted, record) = (*id, record.cloned());
        Box::pin(self.call(
            move || format!("put {}", named(&wanted)),
            move |world| put(world, wanted, expected, record),
        ))
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(self.call(
            move || format!("list {kind:?}"),
            move |world| {
                let records = lock(&world.common.records);
                let mut found: Vec<_> = records.by_id.iter().filter(|(id, _)| id.kind() == kind).collect();
                found.sort_by_key(|(id, _)| **id);
                found.into_iter().map(|(_, record)| record.clone()).collect()
            },
        ))
    }
}

fn put(world: &World, id: RecordId, expected: Option<u64>, record: Option<Record>) -> Put {
    let mut records = lock(&world.common.records);
    let there = records.by_id.get(&id);
    if there.map(Record::revision) != expected {
        return Put::Refused(there.cloned());
    }
    let before = match &record {
        Some(record) => records.by_id.insert(id, record.clone()),
        None => records.by_id.remove(&id),
    };
    let owner = *records.owners.entry(id).or_insert(world.place);
    drop(records);
    if owner != world.place && id.kind() != RecordKind::Store {
        world.fail(|| format!("the record {} of the program of another FHIR server is written", named(&id)));
    }
    if id.kind() == RecordKind::DeadLetter {
        let of = record
            .as_ref()
            .and_then(|record| body(record)["deadLetter"]["reference"].as_str().map(str::to_owned));
        lock(&world.ledger).letter(&key(&id), record.is_some(), of);
    }
    if let Some(record) = &record {
        look(world, &id, before.as_ref(), record);
    }
    Put::Done
}

/// The content of a record, as JSON.
fn body(record: &Record) -> serde_json::Value {
    serde_json::to_value(record).map(|mut value| value["body"].take()).unwrap_or_default()
}

/// Compares a record that was put with the promises.
fn look(world: &World, id: &RecordId, before: Option<&Record>, record: &Record) {
    match id.kind() {
        RecordKind::Event => {
            let event = &body(record)["event"];
            let (is_done, is_dead) = (event["isDone"] == true, event["isDead"] == true);
            if is_done || is_dead {
                let serial = lock(&world.ledger).store_has(key(id).as_str(), is_dead);
                world.log(|| format!("store: {} is {}", named(id), if is_dead { "dead" } else { "done" }));
                let ledger = lock(&world.ledger);
                if let Some(serial) =
                    serial.filter(|serial| is_dead && !may_be_given_up(world, &ledger, *serial))
                {
                    let change = lock(&world.server).changes[serial].to_string();
                    world.fail(|| format!("{change} was given up without reason"));
                }
            }
        }
        RecordKind::Sweep => {
            for of_deletions in [false, true] {
                let name = if of_deletions { "deletionsWatermark" } else { "watermark" };
                let watermark =
                    |record: &Record| body(record)["sweep"]["state"][name].as_str().and_then(moment::parse);
                let (before, after) = (before.and_then(watermark), watermark(record));
                lock(&world.watermarks)[usize::from(of_deletions)] = after.unwrap_or(0);
                if let Some(after) = after.filter(|after| before.is_some_and(|before| *after > before)) {
                    passed(world, after, of_deletions);
                }
            }
        }
        _ => {}
    }
}

/// The watermark of changes, or that of deletions, has moved to this moment: everything before it, less the overlap,
/// must be done.
fn passed(world: &World, watermark: u64, of_deletions: bool) {
    const OVERLAP: u64 = 120_000;
    world.log(|| {
        let of = if of_deletions { " of deletions" } else { "" };
        format!("store: the watermark{of} is at {}", moment::instant(watermark))
    });
    // If the server's own clock is wrong, its moments are not in order.
    if world.has_wrong_clock() {
        return;
    }
    let (server, ledger) = (lock(&world.server), lock(&world.ledger));
    let now = world.now();
    let missed = (0..server.ids()).filter_map(|id| server.current(id, now)).find(|change| {
        let is_passed = change.stamp < watermark.saturating_sub(OVERLAP);
        let is_of_it = (change.kind == Kind::Delete) == of_deletions;
        let is_settled = match world.is_without_versions() {
            true => of_one_moment(&server, change).any(|it| ledger.is_settled(it.serial)),
            false => ledger.is_settled(change.serial),
        } || ledger.is_given_up_untried(world, change.id);
        is_passed && is_of_it && server.is_wanted(change, &world.plan) && !is_settled
    });
    if let Some(missed) = missed {
        world.fail(|| format!("the watermark has passed {missed}, which is not done"));
    }
}

fn key(id: &RecordId) -> String {
    let text = id.to_string();
    text.split_once('#').map(|(_, key)| key.to_owned()).unwrap_or_default()
}

fn named(id: &RecordId) -> String {
    let text = id.to_string();
    text.get(..text.find('#').map_or(text.len(), |place| place + 9)).unwrap_or(&text).to_owned()
}

impl fmt::Debug for Shelf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shelf")
    }
}
