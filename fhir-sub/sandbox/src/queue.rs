//! Notifications on their way. Each subscription has a queue, which keeps the order and retries as the
//! imitated server does.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::{sync::watch, time::Instant};

use super::{
    audit::Attempt,
    builder::Behaviour,
    delivery::{Delivery, DeliveryOutcome},
    notification::{self, Interaction},
    server::{Server, State},
    store::{Change, Store},
    subscription::{RestHook, Status},
    task,
    topic::{Logged, bundle::NotificationType},
};
use crate::fhir;

/// The waiting notifications by subscription.
///
/// Each queue has a worker, which removes the queue when it is empty.
#[derive(Debug, Default)]
pub(crate) struct Queues(HashMap<String, VecDeque<Job>>);

/// One notification for one subscription.
#[derive(Debug)]
struct Job {
    /// The subscription at the time of the change.
    hook: Arc<RestHook>,
    message: Message,
    _underway: Underway,
}

/// The content of a notification.
#[derive(Debug)]
pub(crate) enum Message {
    /// A change that a criteria matches.
    Change(Change),
    /// No events: the subscription to a topic, in this version, waits to become active.
    Handshake { version: u64 },
    /// No events: there were none for a while.
    Heartbeat,
    /// Events of a topic.
    Events(Vec<Logged>),
}

/// Counts pending work for [`Sandbox::idle`](super::Sandbox::idle) until it is dropped.
#[derive(Debug)]
pub(crate) struct Underway(Arc<watch::Sender<usize>>);

impl Underway {
    pub(crate) fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Message {
    /// Handshakes have one try, as with Helios, which is the strictest case for a program. A heartbeat is
    /// soon followed by another.
    fn is_tried_again(&self) -> bool {
        matches!(self, Self::Change(_) | Self::Events(_))
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Adds the message to the subscription's queue, and starts a worker if there is none.
pub(crate) fn enqueue(server: &Arc<Server>, state: &mut State, hook: Arc<RestHook>, message: Message) {
    if state.is_restoring {
        return;
    }
    let subscription = hook.id.clone();
    let job = Job { hook, message, _underway: Underway::begin(&server.underway) };
    if let Some(queue) = state.queues.0.get_mut(&subscription) {
        return queue.push_back(job);
    }
    state.queues.0.insert(subscription.clone(), VecDeque::from([job]));
    task::spawn(work(server.clone(), subscription));
}

/// The same for an event of a topic. It joins the waiting events, up to the subscription's maximum.
pub(crate) fn enqueue_event(server: &Arc<Server>, state: &mut State, hook: Arc<RestHook>, event: Logged) {
    let max_count = hook.topic().map_or(1, |topic| topic.max_count);
    let last = state.queues.0.get_mut(&hook.id).and_then(VecDeque::back_mut);
    match last.map(|job| &mut job.message) {
        Some(Message::Events(events)) if (events.len() as u64) < max_count => events.push(event),
        _ => enqueue(server, state, hook, Message::Events(vec![event])),
    }
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
            // The endpoint and the type form no URL, so a retry would also fail.
            Some((_, None)) | None => return,
        };
        let (subscription, method, path) =
            (hook.id.clone(), request.method().clone(), request.uri().path().to_owned());
        let sent = server.now();
        let status = send(server, &hook, request).await;
        let outcome = match status {
            Some(status) if hook.accepts(status) => DeliveryOutcome::Delivered(status),
            Some(status) => DeliveryOutcome::Rejected(status),
            None => DeliveryOutcome::Unreachable,
        };
        tracing::debug!(subscription, attempt, status = status.map(|it| it.as_u16()), "sandbox notification");
        server.lock().deliveries.push(Delivery { subscription, method, path, attempt, outcome });
        if let (Behaviour::Medplum, Message::Change(change)) = (hook.behaviour, &job.message) {
            server.audit(&Attempt {
                subscription: &hook.id,
                change,
                number: attempt,
                status,
                is_success: matches!(outcome, DeliveryOutcome::Delivered(_)),
                begun: sent,
                ended: server.now(),
            });
        }
        if matches!(outcome, DeliveryOutcome::Delivered(_)) {
            if let Message::Handshake { version } = job.message {
                server.set_status(&hook.id, Some(version), Status::Active, None);
            }
            return;
        }
        match hook.pause(attempt, begun.elapsed()).filter(|_| job.message.is_tried_again()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return give_up(server, job, &hook, attempt, outcome),
        }
    }
}

/// HAPI and Medplum drop the notification. By the specification, the Subscription goes into error.
fn give_up(server: &Arc<Server>, job: &Job, hook: &RestHook, attempt: u32, outcome: DeliveryOutcome) {
    tracing::warn!(subscription = hook.id, attempt, "sandbox notification given up");
    let how = match outcome {
        DeliveryOutcome::Rejected(status) => format!("was answered {}", status.as_u16()),
        _ => "was not answered".to_owned(),
    };
    match job.message {
        _ if hook.behaviour != Behaviour::Generic => {}
        Message::Handshake { version } => {
            let error = format!("the handshake {how}");
            server.set_status(&hook.id, Some(version), Status::Error, Some(&error));
        }
        // After a lost heartbeat, another follows.
        Message::Heartbeat => {}
        Message::Change(_) | Message::Events(_) => {
            let error = format!("a notification {how}, {attempt} times");
            server.set_status(&hook.id, None, Status::Error, Some(&error));
        }
    }
}

/// The request of this attempt, for the current subscription; none if it must not be sent any more.
fn prepare(server: &Server, job: &Job, attempt: u32) -> Option<(Arc<RestHook>, Option<Request<Bytes>>)> {
    let now = server.now();
    let mut state = server.lock();
    let registered = state.hooks.get(&job.hook.id).filter(|hook| hook.is_active());
    let dropped = is_dropped(registered.is_some(), job, &state.store, attempt);
    let hook = registered.unwrap_or(&job.hook).clone();
    let request = match &job.message {
        Message::Change(change) => notification::request(&hook, change, &state.store),
        message => topic_request(server, &mut state, &hook, message, now),
    };
    if dropped && let Some(request) = &request {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (subscription, outcome) = (hook.id.clone(), DeliveryOutcome::Dropped);
        state.deliveries.push(Delivery { subscription, method, path, attempt, outcome });
    }
    (!dropped).then_some((hook, request))
}

/// The request of a topic's notification; none if the Subscription is gone.
fn topic_request(
    server: &Server,
    state: &mut State,
    hook: &RestHook,
    message: &Message,
    now: fhir::Instant,
) -> Option<Request<Bytes>> {
    let (kind, events) = match message {
        Message::Change(_) => return None,
        Message::Handshake { .. } => (NotificationType::Handshake, [].as_slice()),
        Message::Heartbeat => (NotificationType::Heartbeat, [].as_slice()),
        Message::Events(events) => (NotificationType::EventNotification, events.as_slice()),
    };
    let log = state.logs.get_mut(&hook.id)?;
    log.last_sent = Instant::now();
    let (_, subscription) = state.store.current("Subscription", &hook.id).ok()?;
    let settings = (&server.settings, now);
    let said = hook.topic()?.notification(kind, subscription, log, events, None, settings);
    notification::of_topic(hook, &said.to_bundle())
}

/// Medplum sends nothing for a subscription that is gone or off, nor for a resource that has been deleted
/// meanwhile. On a retry, it sends only the newest version. HAPI sends everything in its queue. The
/// specification's server sends everything for an active subscription.
fn is_dropped(registered: bool, job: &Job, store: &Store, attempt: u32) -> bool {
    let change = match (job.hook.behaviour, &job.message) {
        (Behaviour::Hapi, _) | (_, Message::Handshake { .. }) => return false,
        (Behaviour::Medplum, Message::Change(change)) => change,
        _ => return !registered,
    };
    let outdated = match store.current(&change.kind, &change.id) {
        _ if change.interaction == Interaction::Delete => false,
        Ok((newest, _)) => attempt > 1 && newest.number != change.version,
        Err(_) => true,
    };
    !registered || outdated
}

async fn send(server: &Arc<Server>, hook: &RestHook, request: Request<Bytes>) -> Option<StatusCode> {
    let delivery = server.delivery.clone();
    // A separate task: a panic in the program under test must not end the queue.
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
