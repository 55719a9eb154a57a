//! [`Spans`]: spans for a tracing of the user's own. A program without it makes no span.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Span, info_span};

use super::{App, AppBuilder};
use crate::contain::attempt;
use crate::trace::CallerTrace;

/// The wishes of `setup` for tracing.
#[derive(Clone, Default)]
pub(super) struct Spans {
    begin: Option<Arc<Begin>>,
    flush: Option<Flush>,
}

/// Calls the second argument, which begins a span, while the caller's trace is the current one.
type Begin = dyn Fn(&CallerTrace, &mut dyn FnMut()) + Send + Sync;

/// Sends the spans that have ended.
pub(crate) type Flush = Arc<dyn Fn() + Send + Sync>;

/// How long spans may take to be sent where nothing ends the wait.
pub(crate) const FLUSH_PATIENCE: Duration = Duration::from_secs(10);

/// The parent of a span.
pub(crate) enum Parent {
    Caller(CallerTrace),
    /// The current span, which a host or the program itself has made.
    Current,
}

/// The kind of a span, as OpenTelemetry names it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SpanKind {
    Server,
    #[cfg(feature = "events")]
    Consumer,
    Internal,
}

impl App {
    /// Whether `setup` wants spans.
    pub(crate) fn is_traced(&self) -> bool {
        self.0.spans.begin.is_some()
    }

    /// The span of a piece of work, if `setup` wants spans.
    pub(crate) fn span(&self, kind: SpanKind, name: &str, parent: impl FnOnce() -> Parent) -> Option<Span> {
        let begin = self.0.spans.begin.as_ref()?;
        let mut span = None;
        let mut make = || {
            span = Some(info_span!(
                target: "fhir_sub",
                "request",
                otel.name = name,
                otel.kind = kind.name(),
                otel.status_code = tracing::field::Empty,
                http.response.status_code = tracing::field::Empty,
                tenant = self.tenant_name(),
                outcome = tracing::field::Empty,
            ));
        };
        let begun = match parent() {
            Parent::Current => None,
            Parent::Caller(trace) => Some(attempt(|| begin(&trace, &mut make))),
        };
        // The user's function has panicked: the span has no parent.
        if !matches!(begun, Some(Ok(()))) {
            make();
        }
        span
    }

    /// The functions that `setup` gave to `flush`, each once. They send the spans that have ended.
    pub(crate) fn flushes(&self) -> Vec<Flush> {
        distinct(self.apps().filter_map(|app| app.0.spans.flush.as_ref()))
    }
}

impl SpanKind {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            #[cfg(feature = "events")]
            Self::Consumer => "consumer",
            Self::Internal => "internal",
        }
    }
}

impl AppBuilder {
    /// Makes a span for each notification, and for each sweep. `parent` is called with the trace of the caller, and makes it the
    /// current trace until its result is dropped.
    ///
    /// With OpenTelemetry, that is one line. `examples/opentelemetry` has the whole program:
    ///
    /// ```
    /// # use fhir_sub::AppBuilder;
    /// # struct TraceContextPropagator;
    /// # impl TraceContextPropagator { fn new() -> Self { Self } fn extract(&self, _: &std::collections::HashMap<String, String>) -> Self { Self } fn attach(self) {} }
    /// # fn setup(app: AppBuilder) -> AppBuilder {
    /// app.trace(|caller| TraceContextPropagator::new().extract(&caller.headers()).attach())
    /// # }
    /// ```
    ///
    /// Spans of a handler, for example by `#[tracing::instrument]`, are children of this span. So are the log lines of the
    /// notification. The span has the fields `otel.name` (the endpoint), `outcome`, `tenant` and `http.response.status_code`, and
    /// nothing of a resource. A request that is not let in has no span.
    ///
    /// If your own router calls the [`App`] within a span, that span is the parent, and `parent` is not called. A span is
    /// recorded by your own subscriber: see `logs = off` of [`fhir_lambda_main!`](crate::fhir_lambda_main).
    pub fn trace<T>(mut self, parent: impl Fn(&CallerTrace) -> T + Send + Sync + 'static) -> Self {
        self.spans.begin = Some(Arc::new(move |caller, begin| {
            let _current = parent(caller);
            begin();
        }));
        self
    }

    /// Calls `flush` when Lambda may freeze the process: after each invocation has been answered, also after a panic of a handler.
    /// `serve` and the commands call it once, at their end. `flush` may block.
    ///
    /// The invocation waits for `flush`, and at most until its own time ends.
    ///
    /// ```
    /// # use fhir_sub::AppBuilder;
    /// # struct Provider;
    /// # impl Provider { fn force_flush(&self) -> Result<(), ()> { Ok(()) } }
    /// # fn setup(app: AppBuilder, provider: Provider) -> AppBuilder {
    /// app.flush(move || drop(provider.force_flush()))
    /// # }
    /// ```
    pub fn flush(mut self, flush: impl Fn() + Send + Sync + 'static) -> Self {
        self.spans.flush = Some(Arc::new(flush));
        self
    }

    /// As [`App::flushes`].
    pub(crate) fn flushes(&mut self) -> Vec<Flush> {
        self.expand();
        let all = std::iter::once(&*self).chain(self.tenants.iter().map(|(_, tenant)| tenant));
        distinct(all.filter_map(|builder| builder.spans.flush.as_ref()))
    }
}

fn distinct<'f>(flushes: impl Iterator<Item = &'f Flush>) -> Vec<Flush> {
    let mut distinct: Vec<Flush> = Vec::new();
    for flush in flushes {
        if !distinct.iter().any(|known| Arc::ptr_eq(known, flush)) {
            distinct.push(flush.clone());
        }
    }
    distinct
}

/// Sends the spans that have ended, and waits at most `patience`.
pub(crate) async fn flush(flushes: Vec<Flush>, patience: Duration) {
    // A thread of its own: an exporter may block, and may need this thread to go on.
    let flushed = tokio::task::spawn_blocking(move || {
        for flush in flushes {
            // A panic of one must not keep the others.
            let _ = attempt(|| flush());
        }
    });
    if tokio::time::timeout(patience, flushed).await.is_err() {
        tracing::warn!("the spans were not sent in time");
    }
}
