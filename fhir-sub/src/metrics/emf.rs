//! [`Emf`]: adds CloudWatch's metrics to a log line
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).

use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "fhir-sub";

/// Formats like `F`, which writes one JSON object. A line with the field `measure` also gets its metrics.
pub(crate) struct Emf<F> {
    inner: F,
    /// The name of the function, the dimension `function`: the functions of an account share the namespace, and their metrics
    /// would be added up without it.
    function: Option<String>,
}

impl<F> Emf<F> {
    pub(crate) fn new(inner: F, function: Option<String>) -> Self {
        // The name is written into the line without escapes. AWS allows no other characters.
        let is_plain =
            |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        Self { inner, function: function.filter(is_plain) }
    }
}

impl<S, N, F> FormatEvent<S, N> for Emf<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut measured = Measured::default();
        if event.metadata().target().starts_with(env!("CARGO_CRATE_NAME")) {
            event.record(&mut measured);
        }
        if measured.measure.is_none() {
            return self.inner.format_event(context, writer, event);
        }
        let mut line = String::with_capacity(1024);
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        let object = line.trim_end().strip_suffix('}').ok_or(fmt::Error)?.len();
        line.truncate(object);
        measured.write(self.function.as_deref(), &mut line)?;
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

/// The metrics in the line.
#[derive(Default)]
struct Measured {
    measure: Option<String>,
    has_tenant: bool,
    has_endpoint: bool,
    given_up: bool,
    milliseconds: Option<u64>,
    lag: Option<u64>,
    sweep_age: Option<u64>,
}

impl Measured {
    /// The metrics as members of the line's object, and `_aws`, which names them.
    fn write(&self, function: Option<&str>, line: &mut String) -> fmt::Result {
        let given_up = self.given_up.then_some(1);
        let metrics = [
            (self.measure.as_deref().unwrap_or_default(), "Count", Some(1)),
            ("GivenUp", "Count", given_up),
            ("Duration", "Milliseconds", self.milliseconds),
            ("Lag", "Milliseconds", self.lag),
            ("SweepAge", "Milliseconds", self.sweep_age),
        ];
        let present = || metrics.iter().filter_map(|(name, unit, value)| Some((name, unit, (*value)?)));
        for (name, _, value) in present() {
            line.extend([",\"", name, "\":"]);
            write!(line, "{value}")?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        if let Some(name) = function {
            line.extend([",\"function\":\"", name, "\""]);
        }
        // One metric for each endpoint, and one for the whole program or tenant.
        let sets: &[&str] = match (self.has_tenant, self.has_endpoint) {
            (false, true) => &[r#""endpoint""#, ""],
            (false, false) => &[""],
            (true, true) => &[r#""tenant","endpoint""#, r#""tenant""#, ""],
            (true, false) => &[r#""tenant""#, ""],
        };
        write!(line, ",\"_aws\":{{\"Timestamp\":{now}")?;
        line.extend([",\"CloudWatchMetrics\":[{\"Namespace\":\"", NAMESPACE, "\",\"Dimensions\":["]);
        for (index, set) in sets.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let of_function = match (function, set.is_empty()) {
                (Some(_), false) => r#""function","#,
                (Some(_), true) => r#""function""#,
                (None, _) => "",
            };
            line.extend([comma, "[", of_function, set, "]"]);
        }
        line.push_str("],\"Metrics\":[");
        for (index, (name, unit, _)) in present().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            line.extend([comma, "{\"Name\":\"", name, "\",\"Unit\":\"", unit, "\"}"]);
        }
        line.push_str("]}]}");
        Ok(())
    }
}

impl Visit for Measured {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "measure" => self.measure = Some(value.to_owned()),
            "tenant" => self.has_tenant = true,
            "endpoint" => self.has_endpoint = true,
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "milliseconds" => self.milliseconds = Some(value),
            "lag" => self.lag = Some(value),
            "sweep_age" => self.sweep_age = Some(value),
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.given_up |= field.name() == "given_up" && value;
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

#[cfg(all(test, feature = "lambda"))]
mod tests;
