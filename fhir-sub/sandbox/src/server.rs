//! The shared part of all handles to one sandbox, and the way of a request through it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::DATE};
use serde_json::Value;
use tokio::sync::watch;

#[cfg(feature = "journal")]
use super::journal::{Counts, Journal, Line};
use super::{
    answer::Answer,
    audit::Attempt,
    builder::{Behaviour, Builder},
    call::Call,
    clock::{self, Clock},
    delivery::{Deliver, Delivery},
    faults::Faults,
    heartbeat::Heartbeat,
    hooks::Hooks,
    limit::{Limit, RATE_LIMIT, rate_limit},
    page::Pages,
    queue::{self, Message, Queues, Underway},
    refusal::Refusal,
    rest,
    search::Context,
    store::{Change, Store},
    subscription::{RestHook, Status},
    task,
    topic::Log,
};
use crate::fhir::{FhirVersion, Instant};

pub(crate) struct Server {
    pub(crate) settings: Builder,
    pub(crate) delivery: Arc<dyn Deliver>,
    /// How many notifications and activations are pending.
    pub(crate) underway: Arc<watch::Sender<usize>>,
    clock: Clock,
    state: Mutex<State>,
}

/// The mutable state.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) hooks: Hooks,
    /// The events of the subscriptions to topics, by id.
    pub(crate) logs: HashMap<String, Log>,
    pub(crate) queues: Queues,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) requests: Vec<(Method, String)>,
    pub(crate) faults: Faults,
    pub(crate) limit: Limit,
    pub(crate) pages: Pages,
    /// Whether writes are being restored from the journal: their notifications were sent before.
    pub(crate) is_restoring: bool,
    #[cfg(feature = "journal")]
    journal: Option<Journal>,
}

impl State {
    fn new(version: FhirVersion) -> Self {
        Self { store: Store::new(version), ..Self::default() }
    }

    /// Adds the writes to the journal, if there is one. Writes that it cannot keep are undone and refused.
    #[cfg(feature = "journal")]
    fn keep(&mut self, changes: &[Change], now: Instant) -> Result<(), Refusal> {
        let Some(journal) = self.journal.as_mut().filter(|_| !changes.is_empty()) else { return Ok(()) };
        journal.add(changes, now).map_err(|error| {
            tracing::error!(kind = %error.kind(), "the sandbox cannot keep a write, and refuses it");
            self.store.take_back(changes);
            let text = format!("the sandbox cannot keep the write in its directory: {}", error.kind());
            Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "no-store", text)
        })
    }
}

/// The context of an interaction.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) pages: &'a mut Pages,
    pub(crate) hooks: &'a Hooks,
    pub(crate) logs: &'a HashMap<String, Log>,
    pub(crate) settings: &'a Builder,
    pub(crate) now: Instant,
}

impl Desk<'_> {
    pub(crate) fn context(&self) -> Context<'_> {
        self.store.context(&self.settings.base_url, self.now)
    }
}

impl Server {
    pub(crate) fn new(settings: Builder, delivery: Arc<dyn Deliver>) -> Self {
        let version = settings.fhir_version;
        Self {
            settings,
            delivery,
            underway: Arc::new(watch::Sender::new(0)),
            clock: Clock::start(),
            state: Mutex::new(State::new(version)),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The state. It remains usable after a panic elsewhere.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles one HTTP request, with the list of requests, the faults and the latency.
    pub(crate) async fn handle(self: &Arc<Self>, request: Request<Bytes>) -> Response<Bytes> {
        let call = Call::read(request, self.settings.base_path());
        let fault = {
            let mut state = self.lock();
            state.requests.push((call.method.clone(), call.path()));
            state.faults.take(&call.method, &call.path())
        };
        if !self.settings.latency.is_zero() {
            tokio::time::sleep(self.settings.latency).await;
        }
        let Some(fault) = fault else {
            let date = clock::http_date(self.clock.now());
            let spent = match self.settings.behaviour {
                Behaviour::Medplum => self.lock().limit.spend(&call),
                _ => Ok(()),
            };
            let mut response = match spent {
                Ok(()) => self.answer(&call).into_response(),
                Err(pause) => too_many(pause),
            };
            if let Ok(date) = HeaderValue::from_str(&date) {
                response.headers_mut().insert(DATE, date);
            }
            return response;
        };
        if fault.is_after_work() {
            self.answer(&call);
        }
        fault.answer(self.settings.behaviour).await
    }

    fn answer(self: &Arc<Self>, call: &Call) -> Answer {
        let answer = self
            .with_desk(|desk| rest::answer(desk, call))
            .unwrap_or_else(|refusal| Answer::refuse(&refusal));
        tracing::debug!(method = %call.method, status = answer.status.as_u16(), "sandbox request");
        answer
    }

    /// Works on the store, then notifies the subscriptions of the changes.
    pub(crate) fn with_desk<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Desk<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { store, pages, hooks, logs, .. } = &mut *state;
        let result = work(&mut Desk { store, pages, hooks, logs, settings: &self.settings, now });
        let changes = state.store.take_changes();
        #[cfg(feature = "journal")]
        state.keep(&changes, now)?;
        for change in &changes {
            self.settle(&mut state, change, now);
        }
        result
    }

    /// Restores the content of the journal in `directory`, and adds every later write to the journal.
    ///
    /// Each restored write goes through the subscriptions again, so that events get the same numbers, but nothing is
    /// sent. Notifications that were under way when the process ended are lost.
    #[cfg(feature = "journal")]
    pub(crate) fn keep_in(self: &Arc<Self>, directory: &std::path::Path) -> std::io::Result<()> {
        let (mut journal, mut content) = Journal::open(directory)?;
        let mut state = self.lock();
        state.is_restoring = true;
        for line in content.take_lines() {
            let line = match line {
                Line::Write(line) => line,
                Line::Counts(Counts { events }) => {
                    for (id, count) in events {
                        state.logs.entry(id).or_insert_with(Log::new).forget(count);
                    }
                    continue;
                }
            };
            let Some(interaction) = line.interaction() else { continue };
            let name = (&*line.kind, &*line.id, line.version);
            if let Some(change) = state.store.restore(name, interaction, line.resource.map(Arc::new), line.at)
            {
                self.settle(&mut state, &change, line.at);
            }
        }
        state.is_restoring = false;
        let events = state.logs.iter().map(|(id, log)| (id.clone(), log.count())).collect();
        if let Err(error) = journal.compact(&content, &Counts { events }) {
            tracing::warn!(kind = %error.kind(), "the sandbox cannot make its journal smaller, and goes on with the large one");
        }
        state.journal = Some(journal);
        let current = state.store.find("Subscription", |_| true).into_iter();
        let current: Vec<_> =
            current.map(|(version, resource)| (version.clone(), resource.clone())).collect();
        for (version, resource) in current {
            let id = resource["id"].as_str().unwrap_or_default().to_owned();
            let (kind, interaction) = ("Subscription".to_owned(), version.interaction);
            self.register(&mut state, &Change { interaction, kind, id, version: version.number, resource });
        }
        Ok(())
    }

    /// Matches the change with the subscriptions. If the change is to a subscription, applies it.
    fn settle(self: &Arc<Self>, state: &mut State, change: &Change, now: Instant) {
        let context = state.store.context(&self.settings.base_url, now);
        let previous = state.store.before(change).cloned();
        let fires = |hook: &&Arc<RestHook>| hook.fires(change, previous.as_deref(), &state.store, context);
        let fired: Vec<_> = state.hooks.iter().filter(fires).cloned().collect();
        for hook in fired {
            if hook.topic().is_none() {
                queue::enqueue(self, state, hook, Message::Change(change.clone()));
                continue;
            }
            let log = state.logs.entry(hook.id.clone()).or_insert_with(Log::new);
            if hook.is_active() {
                let event = log.add(change, now);
                queue::enqueue_event(self, state, hook, event);
            } else if log.has_begun {
                log.add(change, now);
            }
        }
        if change.kind == "Subscription" {
            self.register(state, change);
        }
    }

    fn register(self: &Arc<Self>, state: &mut State, change: &Change) {
        if let Some(log) = state.logs.get_mut(&change.id) {
            log.heartbeat = None;
        }
        let deleted = state.store.current(&change.kind, &change.id).is_err();
        if deleted {
            state.hooks.remove(&change.id);
            state.logs.remove(&change.id);
            return;
        }
        let hook = RestHook::read(&change.resource, &self.settings, &state.store).ok().flatten();
        let Some(hook) = hook.map(Arc::new) else {
            state.hooks.remove(&change.id);
            return;
        };
        state.hooks.insert(hook.clone());
        if hook.topic().is_some() {
            let log = state.logs.entry(change.id.clone()).or_insert_with(Log::new);
            log.has_begun |= hook.is_active();
            if hook.status != Status::Error {
                log.error = None;
            }
        }
        if state.is_restoring {
            return;
        }
        match (self.settings.behaviour, hook.status) {
            (Behaviour::Generic, Status::Requested) if hook.topic().is_some() => {
                queue::enqueue(self, state, hook, Message::Handshake { version: change.version });
            }
            (Behaviour::Hapi | Behaviour::Generic, Status::Requested) => {
                let underway = Underway::begin(&self.underway);
                task::spawn(self.clone().activate(change.clone(), underway));
            }
            (Behaviour::Generic, Status::Active) => {
                if let Some(period) = hook.topic().and_then(|topic| topic.heartbeat)
                    && let Some(log) = state.logs.get_mut(&change.id)
                {
                    log.heartbeat = Some(Heartbeat::start(self, &change.id, period));
                }
            }
            _ => {}
        }
    }

    /// HAPI makes a `requested` Subscription `active` without asking its endpoint.
    async fn activate(self: Arc<Self>, requested: Change, _underway: Underway) {
        tokio::time::sleep(self.settings.activation_delay).await;
        self.set_status(&requested.id, Some(requested.version), Status::Active, None);
    }

    /// Stores the result of an attempt at a notification.
    pub(crate) fn audit(self: &Arc<Self>, attempt: &Attempt<'_>) {
        let kept = self.with_desk(|desk| {
            if let Value::Object(content) = attempt.audit_event() {
                let id = desk.store.next_attempt();
                desk.store.put("AuditEvent", &id, content, desk.now);
            }
            Ok(())
        });
        if kept.is_err() {
            tracing::debug!("sandbox attempt without an AuditEvent");
        }
    }

    /// Sets the status of a Subscription and its reason, if the Subscription still exists, and in `version`
    /// if given.
    pub(crate) fn set_status(
        self: &Arc<Self>,
        id: &str,
        version: Option<u64>,
        status: Status,
        error: Option<&str>,
    ) {
        let done = self.with_desk(|desk| {
            let (current, resource) = desk.store.current("Subscription", id)?;
            if version.is_none_or(|version| version == current.number)
                && let Value::Object(mut content) = Value::clone(resource)
            {
                content.insert("status".to_owned(), status.code().into());
                // R5 has no element for it.
                match error.filter(|_| content.contains_key("channel")) {
                    Some(error) => content.insert("error".to_owned(), error.into()),
                    None => content.remove("error"),
                };
                desk.store.put("Subscription", id, content, desk.now);
            }
            Ok(())
        });
        match done {
            Ok(()) => {
                if let (Some(log), Some(error)) = (self.lock().logs.get_mut(id), error) {
                    log.error = Some(error.to_owned());
                }
            }
            Err(_) => tracing::debug!("sandbox subscription gone before its status was set, or not kept"),
        }
    }
}

/// The answer to a client that has used up its limit.
fn too_many(pause: Duration) -> Response<Bytes> {
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too Many Requests");
    let mut response = Answer::refuse(&refusal).into_response();
    if let Ok(value) = HeaderValue::from_str(&rate_limit(pause)) {
        response.headers_mut().insert(RATE_LIMIT, value);
    }
    response
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}
