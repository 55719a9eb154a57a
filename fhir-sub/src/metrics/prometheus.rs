//! [`Counters`]: what `GET /metrics` shows, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
//!
//! The format takes fewer lines than the glue to a library for it. No label ever has a resource's name.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Measure;

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The upper bounds for the time of a request, in seconds. Gateways end a request after 29 seconds.
const DURATIONS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The upper bounds for the time from an event to the success of its handler, in seconds.
const LAGS: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0];

/// The results of events that are shown from the start, so that the first event is an increase.
const RESULTS: [&str; 6] = ["handled", "repeated", "failed", "refused", "gone", "gap"];

/// The counters of a process.
pub(crate) struct Counters {
    /// The first label of every line, with a comma after it: `tenant="north",`. Empty without tenants.
    tenant: String,
    begun: SystemTime,
    counted: Mutex<Counted>,
}

/// By endpoint. A request for no endpoint counts under the empty text, which Prometheus treats like an absent label.
#[derive(Default)]
struct Counted {
    events: BTreeMap<(&'static str, &'static str), u64>,
    sweeps: BTreeMap<(&'static str, &'static str), u64>,
    given_up: BTreeMap<&'static str, u64>,
    heartbeats_missed: BTreeMap<&'static str, u64>,
    durations: BTreeMap<&'static str, Histogram>,
    lags: BTreeMap<&'static str, Histogram>,
    /// Up to when everything was swept.
    swept: BTreeMap<&'static str, SystemTime>,
}

/// Values that are measured at the moment of the scrape.
pub(crate) struct Now {
    pub(crate) time: SystemTime,
    pub(crate) body_bytes: u64,
    pub(crate) body_bytes_maximum: u64,
}

impl Counters {
    /// Counters for these endpoints, and for the tenant if the program has tenants. A tenant's name needs no escapes.
    pub(crate) fn new(tenant: Option<&str>, endpoints: impl IntoIterator<Item = &'static str>) -> Self {
        let tenant = tenant.map(|tenant| format!("tenant=\"{tenant}\",")).unwrap_or_default();
        let mut counted = Counted::default();
        // A caller that is refused has no endpoint.
        counted.events.insert(("", Measure::Refused.result()), 0);
        for endpoint in endpoints {
            #[cfg(feature = "registration")]
            counted.sweeps.insert((endpoint, Measure::SweepFailed.result()), 0);
            counted.events.extend(RESULTS.map(|result| ((endpoint, result), 0)));
            counted.given_up.insert(endpoint, 0);
            counted.heartbeats_missed.insert(endpoint, 0);
            counted.durations.insert(endpoint, Histogram::new(DURATIONS));
            counted.lags.insert(endpoint, Histogram::new(LAGS));
        }
        Self { tenant, begun: SystemTime::now(), counted: Mutex::new(counted) }
    }

    /// Counts an event, or a request without one. `lag` is in milliseconds.
    pub(crate) fn count(
        &self,
        endpoint: Option<&'static str>,
        measure: Measure,
        given_up: bool,
        lag: Option<u64>,
    ) {
        let endpoint = endpoint.unwrap_or_default();
        let mut counted = self.counted();
        #[cfg(feature = "registration")]
        if measure == Measure::HeartbeatsMissed {
            *counted.heartbeats_missed.entry(endpoint).or_default() += 1;
            return;
        }
        *counted.events.entry((endpoint, measure.result())).or_default() += 1;
        if given_up {
            *counted.given_up.entry(endpoint).or_default() += 1;
        }
        if let (Some(lag), Some(lags)) = (lag, counted.lags.get_mut(endpoint)) {
            lags.observe(Duration::from_millis(lag));
        }
    }

    /// Counts how long a request for an endpoint took.
    pub(crate) fn took(&self, endpoint: Option<&'static str>, time: Duration) {
        let Some(endpoint) = endpoint else { return };
        if let Some(durations) = self.counted().durations.get_mut(endpoint) {
            durations.observe(time);
        }
    }

    /// Counts a sweep of an endpoint; everything up to `until` is now swept.
    pub(crate) fn swept(&self, endpoint: &'static str, measure: Measure, until: Option<SystemTime>) {
        let mut counted = self.counted();
        *counted.sweeps.entry((endpoint, measure.result())).or_default() += 1;
        if let Some(until) = until {
            counted.swept.insert(endpoint, until);
        }
    }

    /// All counters, as Prometheus reads them.
    pub(crate) fn text(&self, now: &Now) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a text cannot fail.
        let _ = self.write(&mut text, now);
        text
    }

    fn write(&self, text: &mut String, now: &Now) -> fmt::Result {
        let (counted, of) = (self.counted(), &*self.tenant);
        let events = "Events of notifications and sweeps, and refused requests, by result.";
        by_result(text, of, "fhir_sub_events_total", events, &counted.events)?;
        by_result(
            text,
            of,
            "fhir_sub_sweeps_total",
            "Sweeps of a subscription, by result.",
            &counted.sweeps,
        )?;
        let given_up = "Events that became dead letters.";
        by_endpoint(text, of, "fhir_sub_given_up_total", given_up, &counted.given_up)?;
        let missed = "Looks at a Subscription whose heartbeats did not come.";
        by_endpoint(text, of, "fhir_sub_heartbeats_missed_total", missed, &counted.heartbeats_missed)?;
        let durations = "How long a request took, from its head to its answer.";
        histograms(text, of, "fhir_sub_request_duration_seconds", durations, &counted.durations)?;
        let lags = "How long after its event a handler succeeded, where the event has a time.";
        histograms(text, of, "fhir_sub_lag_seconds", lags, &counted.lags)?;
        let age = "How far behind the server's present the last sweep of a subscription has come.";
        head(text, "fhir_sub_sweep_age_seconds", "gauge", age);
        for (endpoint, until) in &counted.swept {
            let age = now.time.duration_since(*until).unwrap_or_default().as_secs_f64();
            writeln!(text, "fhir_sub_sweep_age_seconds{{{of}endpoint=\"{endpoint}\"}} {age}")?;
        }
        let whole = if of.is_empty() { String::new() } else { format!("{{{}}}", of.trim_end_matches(',')) };
        head(text, "fhir_sub_body_bytes", "gauge", "Bytes of request bodies that are in memory.");
        writeln!(text, "fhir_sub_body_bytes{whole} {}", now.body_bytes)?;
        head(text, "fhir_sub_body_maximum_bytes", "gauge", "The most bytes of request bodies in memory.");
        writeln!(text, "fhir_sub_body_maximum_bytes{whole} {}", now.body_bytes_maximum)?;
        let start = self.begun.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        head(text, "process_start_time_seconds", "gauge", "When the process started, since the Unix epoch.");
        writeln!(text, "process_start_time_seconds{whole} {start}")
    }

    fn counted(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    text.extend(["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
}

fn by_result(
    text: &mut String,
    of: &str,
    name: &str,
    help: &str,
    counts: &BTreeMap<(&'static str, &'static str), u64>,
) -> fmt::Result {
    head(text, name, "counter", help);
    for ((endpoint, result), count) in counts {
        writeln!(text, "{name}{{{of}endpoint=\"{endpoint}\",result=\"{result}\"}} {count}")?;
    }
    Ok(())
}

fn by_endpoint(
    text: &mut String,
    of: &str,
    name: &str,
    help: &str,
    counts: &BTreeMap<&'static str, u64>,
) -> fmt::Result {
    head(text, name, "counter", help);
    for (endpoint, count) in counts {
        writeln!(text, "{name}{{{of}endpoint=\"{endpoint}\"}} {count}")?;
    }
    Ok(())
}

fn histograms(
    text: &mut String,
    of: &str,
    name: &str,
    help: &str,
    histograms: &BTreeMap<&'static str, Histogram>,
) -> fmt::Result {
    head(text, name, "histogram", help);
    for (endpoint, histogram) in histograms {
        let mut count = 0;
        for (bound, in_bucket) in histogram.bounds.iter().zip(&histogram.counts) {
            count += in_bucket;
            writeln!(text, "{name}_bucket{{{of}endpoint=\"{endpoint}\",le=\"{bound:?}\"}} {count}")?;
        }
        let all: u64 = histogram.counts.iter().sum();
        writeln!(text, "{name}_bucket{{{of}endpoint=\"{endpoint}\",le=\"+Inf\"}} {all}")?;
        writeln!(text, "{name}_sum{{{of}endpoint=\"{endpoint}\"}} {}", histogram.sum.as_secs_f64())?;
        writeln!(text, "{name}_count{{{of}endpoint=\"{endpoint}\"}} {all}")?;
    }
    Ok(())
}

/// How often a time was within each bound; the last count is for all longer times.
struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: Duration::ZERO }
    }

    fn observe(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket] += 1;
        self.sum += time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_shows_its_counters_as_prometheus_reads_them() {
        let counters = Counters::new(None, ["e", "f"]);
        counters.count(Some("e"), Measure::Handled, false, Some(1_500));
        counters.count(Some("e"), Measure::Failed, true, None);
        counters.count(None, Measure::Refused, false, None);
        counters.took(Some("e"), Duration::from_millis(7));
        counters.took(Some("e"), Duration::from_secs(40));
        counters.took(Some("register"), Duration::from_secs(1));
        let time = SystemTime::now();
        #[cfg(feature = "registration")]
        counters.swept("f", Measure::Swept, Some(time - Duration::from_secs(90)));
        #[cfg(feature = "registration")]
        counters.swept("f", Measure::SweepUnderWay, None);
        #[cfg(feature = "registration")]
        counters.count(Some("f"), Measure::HeartbeatsMissed, false, None);
        let text = counters.text(&Now { time, body_bytes: 1024, body_bytes_maximum: 4096 });
        for line in [
            "# TYPE fhir_sub_events_total counter",
            r#"fhir_sub_events_total{endpoint="",result="refused"} 1"#,
            r#"fhir_sub_events_total{endpoint="e",result="handled"} 1"#,
            r#"fhir_sub_events_total{endpoint="f",result="handled"} 0"#,
            r#"fhir_sub_given_up_total{endpoint="e"} 1"#,
            r#"fhir_sub_heartbeats_missed_total{endpoint="e"} 0"#,
            #[cfg(feature = "registration")]
            r#"fhir_sub_heartbeats_missed_total{endpoint="f"} 1"#,
            r#"fhir_sub_request_duration_seconds_bucket{endpoint="e",le="0.005"} 0"#,
            r#"fhir_sub_request_duration_seconds_bucket{endpoint="e",le="0.01"} 1"#,
            r#"fhir_sub_request_duration_seconds_bucket{endpoint="e",le="30.0"} 1"#,
            r#"fhir_sub_request_duration_seconds_bucket{endpoint="e",le="+Inf"} 2"#,
            r#"fhir_sub_request_duration_seconds_sum{endpoint="e"} 40.007"#,
            r#"fhir_sub_request_duration_seconds_count{endpoint="e"} 2"#,
            r#"fhir_sub_lag_seconds_bucket{endpoint="e",le="2.0"} 1"#,
            r#"fhir_sub_lag_seconds_count{endpoint="f"} 0"#,
            #[cfg(feature = "registration")]
            r#"fhir_sub_sweeps_total{endpoint="f",result="swept"} 1"#,
            #[cfg(feature = "registration")]
            r#"fhir_sub_sweeps_total{endpoint="f",result="under_way"} 1"#,
            #[cfg(feature = "registration")]
            r#"fhir_sub_sweep_age_seconds{endpoint="f"} 90"#,
            "fhir_sub_body_bytes 1024",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with('\n') && !text.contains("register"), "{text}");
    }

    #[test]
    fn each_line_of_a_tenant_has_its_name() {
        let counters = Counters::new(Some("north"), ["e"]);
        counters.count(None, Measure::Refused, false, None);
        #[cfg(feature = "registration")]
        counters.swept("e", Measure::Swept, Some(SystemTime::now()));
        let now = Now { time: SystemTime::now(), body_bytes: 0, body_bytes_maximum: 1 };
        let text = counters.text(&now);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains(r#"{tenant="north","#) || line.contains(r#"{tenant="north"} "#), "{line}");
        }
        let one = r#"fhir_sub_events_total{tenant="north",endpoint="e",result="handled"} 0"#;
        assert!(text.lines().any(|line| line == one), "{text}");
    }
}
