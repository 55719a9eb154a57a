//! The span of a request or a message, for a tracing of the user's own.

use tracing::{Instrument, Span};

use super::{Answered, Route};
use crate::app::{App, Parent, SpanKind};
use crate::request::Head;
use crate::trace::CallerTrace;

/// Where the trace of a request may come from, beside the request's headers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Host<'h> {
    /// The trace of the invocation, in the form of X-Ray.
    Invocation(Option<&'h str>),
    /// A router of the user's. If it has a span, that span is the parent.
    Router,
}

impl App {
    /// The span of an admitted request, if `setup` wants spans.
    pub(super) fn span_of(&self, host: Host<'_>, head: &Head<'_>, route: &Route) -> Option<Span> {
        if !self.is_traced() {
            return None;
        }
        self.span(SpanKind::Server, route.work()?, || match host {
            Host::Router if !Span::current().is_none() => Parent::Current,
            Host::Router => Parent::Caller(CallerTrace::of(head.headers, None)),
            Host::Invocation(trace) => Parent::Caller(CallerTrace::of(head.headers, trace)),
        })
    }
}

/// The result of `answer`, which runs within `span`. The span records the result.
pub(crate) async fn within(span: Option<Span>, answer: impl Future<Output = Answered>) -> Answered {
    let Some(span) = span else { return answer.await };
    let mut answered = answer.instrument(span.clone()).await;
    let status = answered.answer.status;
    span.record("outcome", answered.record.outcome());
    span.record("http.response.status_code", status.as_u16());
    // A refusal is the caller's mistake, and no error of a server.
    if status.is_server_error() || !answered.is_done {
        span.record("otel.status_code", "ERROR");
    }
    answered.span = Some(Box::new(span));
    answered
}
