//! Notifications and retries, as each server product sends them.

use std::sync::Arc;

use fhir_sub::testing::TestRequest;
use http::Method;
use serde_json::Value;

use super::{Kind, Server};
use crate::plan::{Dialect, Endpoint, Fault, Ms, Sending, Trait};
use crate::world::{World, lock, sleep};

/// How long a server waits for an answer.
const PATIENCE: Ms = 30_000;

/// The changes of one notification.
#[derive(Clone)]
struct Told {
    serials: Vec<usize>,
    request: TestRequest,
}

/// Notifies of the changes of a transaction, when they are visible.
pub(crate) async fn tell(world: Arc<World>, serials: Vec<usize>) {
    let now = world.now();
    let visible =
        serials.iter().map(|serial| lock(&world.server).changes[*serial].visible).max().unwrap_or(0);
    sleep(visible.saturating_sub(now)).await;
    let told = {
        let mut server = lock(&world.server);
        let is_told = |serial: &usize| {
            let change = &server.changes[*serial];
            match change.kind {
                Kind::Delete => world.plan.setup.endpoint.wants_deletions(),
                _ => change.is_matching && world.plan.setup.endpoint.wants_changes(),
            }
        };
        let serials: Vec<_> = serials.into_iter().filter(is_told).collect();
        notifications(&world, &mut server, serials)
    };
    let sending = told.into_iter().map(|told| tokio::spawn(send(Arc::clone(&world), told)));
    for task in sending.collect::<Vec<_>>() {
        let _ = task.await;
    }
}

/// The server's event counter restarts.
pub(crate) fn restart(world: &World) {
    world.log(|| "the server counts its events anew".to_owned());
    lock(&world.server).restart();
}

fn notifications(world: &World, server: &mut Server, serials: Vec<usize>) -> Vec<Told> {
    if serials.is_empty() {
        return Vec::new();
    }
    if world.plan.setup.dialect.has_topics() {
        let events = server.number(&serials);
        let bundle = server.bundle_of("event-notification", &events, &world.plan);
        let request = post(world.plan.setup.endpoint).body(bundle.to_string());
        return vec![Told { serials, request: request.header("content-type", "application/fhir+json") }];
    }
    let told = |serial| Told { serials: vec![serial], request: of_criteria(world, server, serial) };
    serials.into_iter().map(told).collect()
}

fn post(endpoint: Endpoint) -> TestRequest {
    TestRequest::post(endpoint.name())
}

fn of_criteria(world: &World, server: &Server, serial: usize) -> TestRequest {
    let (endpoint, change) = (world.plan.setup.endpoint.name(), &server.changes[serial]);
    let reference = format!("Encounter/e{}", change.id);
    let is_stripped = world.has(Trait::Strips);
    let mut resource = server.resource(change);
    if is_stripped {
        resource["meta"].as_object_mut().map(|meta| meta.remove("versionId"));
    }
    let body = |request: TestRequest, resource: &Value| {
        request.header("content-type", "application/fhir+json").body(resource.to_string())
    };
    match (world.plan.setup.dialect, change.kind) {
        (Dialect::Medplum, Kind::Delete) => {
            body(post(world.plan.setup.endpoint), &Value::Object(Default::default()))
                .header("x-medplum-subscription", "s1")
                .header("x-medplum-interaction", "delete")
                .header("x-medplum-deleted-resource", &reference)
        }
        (Dialect::Medplum, kind) => body(post(world.plan.setup.endpoint), &resource)
            .header("x-medplum-subscription", "s1")
            .header("x-medplum-interaction", if kind == Kind::Create { "create" } else { "update" }),
        (_, Kind::Delete) => TestRequest::new(Method::DELETE, &format!("{endpoint}/{reference}")),
        _ => {
            let request = body(TestRequest::new(Method::PUT, &format!("{endpoint}/{reference}")), &resource);
            match is_stripped || server.has_no_versions {
                true => request,
                false => request.header("if-match", &format!("\"{}\"", server.version_id(change))),
            }
        }
    }
}

/// Sends a notification until it is accepted, or until the server gives up.
async fn send(world: Arc<World>, told: Told) {
    let number = world.count(&world.counts.notifications);
    let fault = world.fault(|fault| match *fault {
        Fault::Notification(which, sending) if which == number => Some(sending),
        _ => None,
    });
    if let Some(fault) = fault {
        world.log(|| format!("notification {number}, of {}: {fault:?}", names(&world, &told)));
    }
    match fault {
        Some(Sending::Lost) => return,
        Some(Sending::Later(time)) => sleep(time).await,
        Some(Sending::Twice(time)) => {
            let (world, told) = (Arc::clone(&world), told.clone());
            tokio::spawn(async move {
                sleep(time).await;
                once(&world, number, &told).await;
            });
        }
        _ => {}
    }
    let mut pauses = pauses(&world);
    let mut is_first = true;
    loop {
        if !is_first && world.plan.setup.dialect == Dialect::Medplum && has_changed(&world, &told) {
            world.log(|| format!("notification {number} is dropped, since its resource has changed"));
            return;
        }
        let status = once(&world, number, &told).await;
        let is_heard = !(is_first && fault == Some(Sending::Unheard));
        is_first = false;
        if is_heard && status.is_some_and(|status| (200..300).contains(&status)) {
            return;
        }
        let is_final =
            world.plan.setup.dialect == Dialect::Helios && status.is_some_and(|it| (400..500).contains(&it));
        match pauses.next().filter(|_| !is_final) {
            Some(pause) => sleep(pause).await,
            None => return world.log(|| format!("notification {number} is given up by the server")),
        }
    }
}

fn names(world: &World, told: &Told) -> String {
    let server = lock(&world.server);
    told.serials.iter().map(|serial| server.changes[*serial].to_string()).collect::<Vec<_>>().join(", ")
}

fn has_changed(world: &World, told: &Told) -> bool {
    let server = lock(&world.server);
    told.serials.iter().any(|serial| {
        let change = &server.changes[*serial];
        let current = server.current(change.id, world.now());
        change.kind != Kind::Delete && current.is_some_and(|current| current.serial != *serial)
    })
}

/// Sends it once. Returns the status of the answer, if there is one.
async fn once(world: &Arc<World>, number: u32, told: &Told) -> Option<u16> {
    let serial = (told.serials.len() == 1 && !world.plan.setup.dialect.has_topics()).then(|| told.serials[0]);
    let calling = world.call(serial, told.request.clone());
    let answered = tokio::time::timeout(std::time::Duration::from_millis(PATIENCE), calling).await;
    let status = match &answered {
        Ok(Ok(answer)) => Some(answer.status()),
        _ => None,
    };
    world.log(|| {
        let outcomes = match &answered {
            Ok(Ok(answer)) => answer.outcomes().collect::<Vec<_>>().join(", "),
            _ => "no answer".to_owned(),
        };
        format!("notification {number}, of {}: {status:?} {outcomes}", names(world, told))
    });
    if status == Some(204) {
        is_kept(world, told);
    }
    status
}

/// After 204, a change must be done or given up, or a newer version must have replaced it.
fn is_kept(world: &World, told: &Told) {
    // If the server's own clock is wrong, nothing tells that a search shows an older version.
    if world.plan.setup.endpoint == Endpoint::TopicEmpty || world.has_wrong_clock() {
        return;
    }
    // Without a time and a version, an event has no key, so nothing says whose a dead letter is.
    if world.refuses_reads() && world.has(Trait::NoTimes) {
        return;
    }
    let (server, ledger) = (lock(&world.server), lock(&world.ledger));
    for serial in &told.serials {
        let change = &server.changes[*serial];
        if !server.is_wanted(change, &world.plan) {
            continue;
        }
        let is_settled = server.of_id(change.id).skip_while(|it| it.serial != *serial).any(|it| {
            let is_gone = it.kind == Kind::Delete && it.serial != *serial;
            is_gone || ledger.is_settled(it.serial)
        });
        // Another version is newer by its time, although it may be older by its number.
        let is_overtaken = world.plan.setup.endpoint.is_ordered()
            && server.of_id(change.id).any(|it| it.stamp > change.stamp && ledger.is_settled(it.serial));
        let is_current = server.current(change.id, world.now()).is_some_and(|it| it.serial == *serial);
        // Without a time, the deletion has no key, so nothing says whose the dead letter is.
        let has_key = !world.has(Trait::NoTimes);
        let is_told = change.kind == Kind::Delete && world.is_told_by_name();
        if ledger.is_given_up_untried(world, change.id) {
            continue;
        }
        if is_told && has_key && is_current && !ledger.is_settled(*serial) {
            world.fail(|| format!("{change} was answered 204, and nothing was done about it"));
        }
        // Without a version, two changes of one moment are one event.
        let is_same = world.is_told_without_versions()
            && server.of_id(change.id).any(|it| it.stamp == change.stamp && ledger.is_settled(it.serial));
        if !is_settled && !is_overtaken && !is_same && change.kind != Kind::Delete {
            world.fail(|| format!("{change} was answered 204, and nothing was done about it"));
        }
    }
}

/// The pauses of the server before its retries.
fn pauses(world: &Arc<World>) -> Box<dyn Iterator<Item = Ms> + Send> {
    match world.plan.setup.dialect {
        Dialect::Hapi => Box::new(minute()),
        Dialect::Smile => {
            let world = Arc::clone(world);
            let mut after = 0;
            let for_ever = std::iter::from_fn(move || {
                after += u32::from(world.is_quiet());
                // It stands for ever, and is long enough.
                (after < 60).then_some(60_000)
            });
            Box::new(minute().chain(for_ever))
        }
        Dialect::Medplum => Box::new([1_000, 2_000, 4_000, 8_000].into_iter()),
        Dialect::Firely => Box::new([60_000; 3].into_iter()),
        Dialect::Generic => Box::new([1_000, 5_000, 30_000, 60_000].into_iter()),
        Dialect::Helios => {
            Box::new([2, 4, 8, 16, 32, 60, 60, 60, 60].into_iter().map(|seconds| seconds * 1_000))
        }
        Dialect::Once => Box::new(std::iter::empty()),
    }
}

/// HAPI's back-off: a second, and a tenth longer each time, for a minute.
fn minute() -> impl Iterator<Item = Ms> + Send {
    let (mut pause, mut sum) = (1_000, 0);
    std::iter::from_fn(move || {
        let this = pause;
        sum += this;
        pause += pause / 10;
        (sum <= 60_000).then_some(this)
    })
}
