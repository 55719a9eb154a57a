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

/// Makes the caller's trace the current one, and calls the second argument, which begins a span.
type Begin = dyn Fn(&CallerTrace, &mut dyn FnMut()) + Send + Sync;

/// Sends the spans that have ended.
pub(crate) type Flush = Arc<dyn Fn() + Send + Sync>;

/// How long the program waits for spans to be sent if no invocation ends the wait.
pub(crate) const FLUSH_PATIENCE: Duration = Duration::from_secs(10);

/// The parent of a span.
pub(crate) enum Parent {
    Caller(CallerTrace),
    /// The current span, from a host or from the program itself.
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
    /// Makes a span for each notification, each sweep and each request of an administrator. The program calls `parent`
    /// with the caller's trace. `parent` makes this trace the current one, until its result is dropped.
    ///
    /// With OpenTelemetry, this is one line. `examples/opentelemetry` has the whole program:
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
    /// The spans of a handler, for example from `#[tracing::instrument]`, and the log lines of the notification are
    /// children of this span. The span has the fields `otel.name` (such as the endpoint), `outcome`, `tenant` and
    /// `http.response.status_code`, and no content of a resource. A request that is refused before its body is read has
    /// no span.
    ///
    /// If your own router calls the [`App`] within a span, this span is the parent, and `parent` is not called. Your
    /// own subscriber records the spans: see `logs = off` of [`fhir_lambda_main!`](crate::fhir_lambda_main).
    pub fn trace<T>(mut self, parent: impl Fn(&CallerTrace) -> T + Send + Sync + 'static) -> Self {
        self.spans.begin = Some(Arc::new(move |caller, begin| {
            let _current = parent(caller);
            begin();
        }));
        self
    }

    /// Calls `flush` before Lambda may freeze the process: after the answer of each invocation, even if a handler
    /// panicked. `serve` and the commands call it once, at their end. `flush` may block.
    ///
    /// The invocation waits for `flush`, but at most until its own time ends.
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

    /// The same as [`App::flushes`].
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
    // A separate thread, because an exporter may block until this thread goes on.
    let flushed = tokio::task::spawn_blocking(move || {
        for flush in flushes {
            // If one function panics, the others still run.
            let _ = attempt(|| flush());
        }
    });
    if tokio::time::timeout(patience, flushed).await.is_err() {
        tracing::warn!(
            "the spans were not sent in time, and may be lost: give the exporter behind `AppBuilder::flush` a shorter timeout, \
             or under Lambda raise the function's Timeout"
        );
    }
}
