//! Notifications on their way: one queue a subscription, in order, with the imitated server's retries.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::{sync::watch, time::Instant};

use super::{
    builder::Behaviour,
    delivery::{Delivery, DeliveryOutcome},
    notification::{self, Interaction},
    server::{Server, State},
    store::{Change, Store},
    subscription::RestHook,
};

/// The notifications that wait, by subscription.
///
/// A queue that is present has a worker; the worker removes it when it is empty.
#[derive(Debug, Default)]
pub(crate) struct Queues(HashMap<String, VecDeque<Job>>);

/// One notification for one subscription.
#[derive(Debug)]
struct Job {
    /// The subscription as it was when the change came.
    hook: Arc<RestHook>,
    change: Change,
    _underway: Underway,
}

/// Counts what [`Sandbox::idle`](super::Sandbox::idle) waits for, as long as it lives.
#[derive(Debug)]
pub(crate) struct Underway(Arc<watch::Sender<usize>>);

impl Underway {
    pub(crate) fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Puts the change in the subscription's queue, and starts a worker where there is none.
pub(crate) fn enqueue(server: &Arc<Server>, state: &mut State, hook: Arc<RestHook>, change: &Change) {
    let subscription = hook.id.clone();
    let job = Job { hook, change: change.clone(), _underway: Underway::begin(&server.underway) };
    if let Some(queue) = state.queues.0.get_mut(&subscription) {
        return queue.push_back(job);
    }
    state.queues.0.insert(subscription.clone(), VecDeque::from([job]));
    tokio::spawn(work(server.clone(), subscription));
}

async fn work(server: Arc<Server>, subscription: String) {
    while let Some(job) = next(&server, &subscription) {
        deliver(&server, &job).await;
    }
}

fn next(server: &Server, subscription: &str) -> Option<Job> {
    let mut state = server.lock();
    let job = state.queues.0.get_mut(subscription)?.pop_front();
    if job.is_none() {
        state.queues.0.remove(subscription);
    }
    job
}

async fn deliver(server: &Arc<Server>, job: &Job) {
    let begun = Instant::now();
    for attempt in 1.. {
        let (hook, request) = match prepare(server, job, attempt) {
            Some((hook, Some(request))) => (hook, request),
            // An endpoint and a type make no URL: nothing a retry would change.
            Some((_, None)) | None => return,
        };
        let (subscription, method, path) =
            (hook.id.clone(), request.method().clone(), request.uri().path().to_owned());
        let status = send(server, &hook, request).await;
        let outcome = match status {
            Some(status) if hook.accepts(status) => DeliveryOutcome::Delivered(status),
            Some(status) => DeliveryOutcome::Rejected(status),
            None => DeliveryOutcome::Unreachable,
        };
        tracing::debug!(subscription, attempt, status = status.map(|it| it.as_u16()), "sandbox notification");
        server.lock().deliveries.push(Delivery { subscription, method, path, attempt, outcome });
        if matches!(outcome, DeliveryOutcome::Delivered(_)) {
            return;
        }
        let Some(pause) = hook.pause(attempt, begun.elapsed()) else {
            return tracing::warn!(subscription = hook.id, attempt, "sandbox notification given up");
        };
        tokio::time::sleep(pause).await;
    }
}

/// The request of this attempt, from the subscription as it now is; none if it is not to be sent any more.
fn prepare(server: &Server, job: &Job, attempt: u32) -> Option<(Arc<RestHook>, Option<Request<Bytes>>)> {
    let mut state = server.lock();
    let registered = state.hooks.get(&job.hook.id).filter(|hook| hook.active);
    let dropped = is_dropped(registered.is_some(), job, &state.store, attempt);
    let hook = registered.unwrap_or(&job.hook).clone();
    let request = notification::request(&hook, &job.change, &state.store);
    if dropped && let Some(request) = &request {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (subscription, outcome) = (hook.id.clone(), DeliveryOutcome::Dropped);
        state.deliveries.push(Delivery { subscription, method, path, attempt, outcome });
    }
    (!dropped).then_some((hook, request))
}

/// Medplum sends nothing for a subscription that is gone or switched off, nothing of a resource that is
/// deleted by now, and on a retry nothing of a version that is no longer the newest. HAPI sends whatever it
/// has queued.
fn is_dropped(registered: bool, job: &Job, store: &Store, attempt: u32) -> bool {
    if job.hook.behaviour == Behaviour::Hapi {
        return false;
    }
    let change = &job.change;
    let outdated = match store.current(&change.kind, &change.id) {
        _ if change.interaction == Interaction::Delete => false,
        Ok((newest, _)) => attempt > 1 && newest.number != change.version,
        Err(_) => true,
    };
    !registered || outdated
}

async fn send(server: &Arc<Server>, hook: &RestHook, request: Request<Bytes>) -> Option<StatusCode> {
    let delivery = server.delivery.clone();
    // A task of its own: a panic in the program under test must not end the queue.
    let answer = tokio::spawn(async move { delivery.deliver(request).await });
    let abort = answer.abort_handle();
    match tokio::time::timeout(hook.patience(), answer).await {
        Ok(answer) => answer.ok()?.ok(),
        Err(_) => {
            abort.abort();
            None
        }
    }
}
