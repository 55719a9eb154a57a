//! What all handles to one sandbox share, and how a request passes through it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    answer::Answer,
    builder::{Behaviour, Builder},
    call::Call,
    clock::Clock,
    delivery::{Deliver, Delivery},
    faults::Faults,
    page::Pages,
    queue::{self, Queues, Underway},
    refusal::Refusal,
    rest,
    search::Context,
    store::{Change, Store},
    subscription::RestHook,
};

pub(crate) struct Server {
    pub(crate) settings: Builder,
    pub(crate) delivery: Arc<dyn Deliver>,
    /// How many notifications and activations are not done yet.
    pub(crate) underway: Arc<watch::Sender<usize>>,
    clock: Clock,
    state: Mutex<State>,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) hooks: BTreeMap<String, Arc<RestHook>>,
    pub(crate) queues: Queues,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) requests: Vec<(Method, String)>,
    pub(crate) faults: Faults,
    pub(crate) pages: Pages,
}

/// What an interaction works on.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) pages: &'a mut Pages,
    pub(crate) settings: &'a Builder,
    pub(crate) now: Timestamp,
}

impl Desk<'_> {
    pub(crate) fn context(&self) -> Context<'_> {
        Context { base: &self.settings.base_url, now: self.now }
    }
}

impl Server {
    pub(crate) fn new(settings: Builder, delivery: Arc<dyn Deliver>) -> Self {
        Self {
            settings,
            delivery,
            underway: Arc::new(watch::Sender::new(0)),
            clock: Clock::start(),
            state: Mutex::default(),
        }
    }

    /// The state; a panic elsewhere does not lock it away.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One HTTP request, with everything that the sandbox does to a client: log, faults, latency.
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
        let Some(fault) = fault else { return self.answer(&call).into_response() };
        if fault.is_after_work() {
            self.answer(&call);
        }
        fault.answer().await
    }

    fn answer(self: &Arc<Self>, call: &Call) -> Answer {
        let answer = self
            .with_desk(|desk| rest::answer(desk, call))
            .unwrap_or_else(|refusal| Answer::refuse(&refusal));
        tracing::debug!(method = %call.method, status = answer.status.as_u16(), "sandbox request");
        answer
    }

    /// Works on the store, then tells the subscriptions what has changed.
    pub(crate) fn with_desk<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Desk<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { store, pages, .. } = &mut *state;
        let result = work(&mut Desk { store, pages, settings: &self.settings, now });
        for change in state.store.take_changes() {
            self.settle(&mut state, &change, now);
        }
        result
    }

    /// Matches the change with the subscriptions; then, if it is to a subscription, minds that.
    fn settle(self: &Arc<Self>, state: &mut State, change: &Change, now: Timestamp) {
        let context = Context { base: &self.settings.base_url, now };
        let fired: Vec<_> =
            state.hooks.values().filter(|hook| hook.fires(change, context)).cloned().collect();
        for hook in fired {
            queue::enqueue(self, state, hook, change);
        }
        if change.kind == "Subscription" {
            self.register(state, change);
        }
    }

    fn register(self: &Arc<Self>, state: &mut State, change: &Change) {
        let deleted = state.store.current(&change.kind, &change.id).is_err();
        let hook = if deleted {
            None
        } else {
            RestHook::read(&change.resource, self.settings.behaviour).ok().flatten()
        };
        let Some(hook) = hook else {
            state.hooks.remove(&change.id);
            return;
        };
        if self.settings.behaviour == Behaviour::Hapi && !hook.active {
            let underway = Underway::begin(&self.underway);
            tokio::spawn(self.clone().activate(change.clone(), underway));
        }
        state.hooks.insert(change.id.clone(), Arc::new(hook));
    }

    /// HAPI makes a `requested` Subscription `active` by itself, without asking its endpoint.
    async fn activate(self: Arc<Self>, requested: Change, _underway: Underway) {
        tokio::time::sleep(self.settings.activation_delay).await;
        let done = self.with_desk(|desk| {
            let (version, resource) = desk.store.current(&requested.kind, &requested.id)?;
            if version.number == requested.version
                && let Value::Object(mut content) = Value::clone(resource)
            {
                content.insert("status".to_owned(), "active".into());
                desk.store.put(&requested.kind, &requested.id, content, desk.now);
            }
            Ok(())
        });
        if done.is_err() {
            tracing::debug!("sandbox subscription gone before it was active");
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}
