//! [`CallerTrace`]: the trace that a request is part of, as its caller says.

use std::collections::HashMap;

use crate::request::Headers;

/// The trace that a notification is part of, as its caller says. [`AppBuilder::trace`](crate::AppBuilder::trace) gets
/// it.
///
/// It is the header `traceparent` of [W3C Trace Context](https://www.w3.org/TR/trace-context/). If the request has no
/// such header, the first of these counts:
///
/// 1. the header `X-Amzn-Trace-Id` of AWS X-Ray
/// 2. the header `X-Trace-Id`, which is 16 or 32 hexadecimal digits or a UUID
/// 3. under Lambda, the trace of the invocation, if X-Ray samples it
///
/// An SQS message has attributes instead of headers: `traceparent` and `tracestate`, and the `AWSTraceHeader` that SQS
/// adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerTrace {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

/// The longest `tracestate` that a program must pass on.
const LONGEST_STATE: usize = 512;

impl CallerTrace {
    /// The value of a `traceparent`, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. `None` if the
    /// caller names no trace.
    ///
    /// ```
    /// # fn example(caller: &fhir_sub::CallerTrace) {
    /// println!("the trace is {}", caller.traceparent().unwrap_or("new"));
    /// # }
    /// ```
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// The headers `traceparent` and `tracestate`. A propagator of OpenTelemetry extracts its context from them.
    ///
    /// ```
    /// # fn example(caller: &fhir_sub::CallerTrace) {
    /// let headers = caller.headers();
    /// // let context = TraceContextPropagator::new().extract(&headers);
    /// # let _ = headers; }
    /// ```
    #[must_use]
    pub fn headers(&self) -> HashMap<String, String> {
        let named = [("traceparent", &self.traceparent), ("tracestate", &self.tracestate)];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }

    /// The trace in the headers of a request; else the trace of the invocation, in X-Ray's form.
    pub(crate) fn of(headers: &dyn Headers, invocation: Option<&str>) -> Self {
        Self::in_named(|name| headers.get(name).text(), invocation)
    }

    /// The same for a message, where `named` knows the values by the headers' names.
    pub(crate) fn in_named<'n>(named: impl Fn(&str) -> Option<&'n str>, invocation: Option<&str>) -> Self {
        let own = named("traceparent").map(str::trim).filter(|value| is_traceparent(value));
        if let Some(own) = own {
            let state = named("tracestate").filter(|state| state.len() <= LONGEST_STATE);
            return Self { traceparent: Some(own.to_owned()), tracestate: state.map(str::to_owned) };
        }
        let header = named("x-amzn-trace-id").and_then(XRay::read);
        // If X-Ray is off, Lambda also writes `Sampled=0`. The trace of such an invocation would only hide the spans.
        let invocation = invocation.and_then(XRay::read).filter(|trace| trace.is_sampled == Some(true));
        // A gateway names only the root. If it is the same trace, Lambda's segment is the nearer parent.
        let is_nearer = |header: &XRay, own: &XRay| header.parent.is_none() && header.id == own.id;
        let x_ray = match (header, &invocation) {
            (Some(header), Some(own)) if is_nearer(&header, own) => Some(own.traceparent()),
            (Some(header), _) => Some(header.traceparent()),
            (None, _) => None,
        };
        let traceparent = x_ray
            .or_else(|| of_id(named("x-trace-id")?))
            .or_else(|| invocation.map(|invocation| invocation.traceparent()));
        Self { traceparent: traceparent.filter(|made| is_traceparent(made)), tracestate: None }
    }
}

/// Whether `value` has the form of version 00, or of a later version, and neither id is zero.
fn is_traceparent(value: &str) -> bool {
    let mut parts = value.splitn(5, '-');
    let mut digits = |length: usize| parts.next().filter(|part| part.len() == length && is_lower_hex(part));
    let (Some(version), Some(trace), Some(span), Some(_flags)) =
        (digits(2), digits(32), digits(16), digits(2))
    else {
        return false;
    };
    let has_form = version != "00" || parts.next().is_none();
    version != "ff" && has_form && [trace, span].iter().all(|id| id.bytes().any(|byte| byte != b'0'))
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A trace of X-Ray: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).
struct XRay {
    /// 32 hexadecimal digits.
    id: String,
    parent: Option<String>,
    /// `None` if it is not decided yet.
    is_sampled: Option<bool>,
}

impl XRay {
    fn read(value: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut fields = value.split(';').filter_map(|field| field.trim().split_once('='));
            fields.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        let id = field("Root")?.strip_prefix("1-")?.replace('-', "").to_ascii_lowercase();
        let is_id = id.len() == 32 && is_lower_hex(&id);
        let is_sampled = match field("Sampled") {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        };
        is_id.then(|| Self { id, parent: field("Parent").map(str::to_ascii_lowercase), is_sampled })
    }

    fn traceparent(&self) -> String {
        // Without a parent, the latter half of the id stands for it.
        let parent = self.parent.as_deref().unwrap_or(&self.id[16..]);
        let flags = if self.is_sampled == Some(false) { "00" } else { "01" };
        format!("00-{}-{parent}-{flags}", self.id)
    }
}

/// The id of a trace alone. Its latter half stands for the parent.
fn of_id(value: &str) -> Option<String> {
    let id = value.trim().replace('-', "").to_ascii_lowercase();
    let is_id = matches!(id.len(), 16 | 32) && is_lower_hex(&id);
    is_id.then(|| format!("00-{id:0>32}-{}-01", &id[id.len() - 16..]))
}

#[cfg(test)]
mod tests;
