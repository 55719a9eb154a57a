//! The handlers: each does what its attribute and the plan say.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fhir_sub::prelude::*;
use serde_json::Value;

use crate::ledger::Run;
use crate::life::Life;
use crate::plan::{Doing, Fault};
use crate::world::{World, sleep};

/// The payloads of handlers' panics.
pub(crate) const PANICS: [&str; 2] = ["a handler panics", "in drop"];

/// The instance in which a handler runs.
pub(crate) struct Seat {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "resource")]
async fn resource(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "event")]
async fn event(event: Event, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, None).await
}

#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "latest", order = "latest")]
async fn latest(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(
    criteria = "Encounter?status=in-progress",
    endpoint = "deletions",
    on = [create, update, delete],
)]
async fn deletions(event: Event, encounter: Option<Resource<Value>>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, encounter.as_deref()).await
}

#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "only-deletions", on = [delete])]
async fn only_deletions(event: Event, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, None).await
}

#[fhir_subscription(
    criteria = "Encounter?status=in-progress",
    endpoint = "latest-deletions",
    on = [create, update, delete],
    order = "latest",
)]
async fn latest_deletions(event: Event, encounter: Option<Resource<Value>>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, encounter.as_deref()).await
}

#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "creates", on = [create])]
async fn creates(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "topic"
)]
async fn topic(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "topic-ids",
    content = "id-only"
)]
async fn topic_ids(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "topic-events",
    content = "id-only"
)]
async fn topic_events(event: Event, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, None).await
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "topic-empty",
    content = "empty"
)]
async fn topic_empty(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "topic-latest",
    content = "id-only",
    order = "latest"
)]
async fn topic_latest(event: Event, encounter: Resource<Value>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, Some(&encounter)).await
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "topic-deletions",
    content = "id-only",
    on = [create, update, delete],
)]
async fn topic_deletions(event: Event, encounter: Option<Resource<Value>>, seat: State<Seat>) -> Result<()> {
    run(&seat, &event, encounter.as_deref()).await
}

async fn run(seat: &Seat, event: &Event, resource: Option<&Value>) -> Result<()> {
    let world = &seat.world;
    let number = world.counts.runs.fetch_add(1, Ordering::Relaxed);
    let run = Run::begin(world, &seat.life, event, resource);
    let doing = world.fault(|fault| match *fault {
        Fault::Run(which, doing) if which == number => Some(doing),
        Fault::Poison(id, doing) if run.is_of(id) => Some(doing),
        _ => None,
    });
    if let Some(doing) = doing {
        world.log(|| format!("run {number} {doing:?}"));
    }
    sleep(20).await;
    match doing {
        Some(Doing::Fails) => return run.fail(),
        Some(Doing::FailsForGood) => return run.fail_for_good(),
        Some(Doing::Panics) => run.panic(),
        Some(Doing::Dies) => seat.life.end(world),
        Some(Doing::Hangs) => run.hang().await,
        Some(Doing::PanicsInDrop) => {
            let _panics = PanicsInDrop;
            run.hang().await;
        }
        Some(Doing::Slow(time)) => run.take(time).await,
        _ => {}
    }
    if seat.life.is_over() {
        std::future::pending::<()>().await;
    }
    run.effect(event.idempotency_key());
    sleep(20).await;
    match doing {
        Some(Doing::FailsAfter) => return run.fail(),
        Some(Doing::PanicsAfter) => run.panic(),
        Some(Doing::DiesAfter) => {
            seat.life.end(world);
            std::future::pending::<()>().await;
        }
        _ => {}
    }
    run.succeed();
    Ok(())
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in drop");
        }
    }
}
