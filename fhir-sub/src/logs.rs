//! The destination and form of log lines, and what they must never contain.

use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Level, Metadata, error};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(feature = "lambda")]
use crate::metrics::Emf;

/// Crates with lines that quote contents: the Lambda runtime traces raw events, and the HTTP crates trace
/// headers and bodies. They may log only warnings, whatever `RUST_LOG` says.
const CARRIERS: [&str; 9] =
    ["aws", "axum", "h2", "hyper", "lambda_http", "lambda_runtime", "reqwest", "rustls", "tower"];

/// The destination and form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON on standard output, for CloudWatch.
    Json,
    /// Text on standard output.
    Text,
    /// Text on standard error, beside the output of a command.
    Aside,
}

/// The module whose lines tell of events.
#[cfg(feature = "lambda")]
const OF_EVENTS: &str = "fhir_sub::delivery::record";

/// The modules whose lines have metrics.
#[cfg(feature = "lambda")]
const MEASURED: [&str; 3] = ["fhir_sub::adapter::lambda::program", OF_EVENTS, "fhir_sub::sweep::report"];

/// Starts the log. `RUST_LOG` selects the lines, for example `info` (the default) or `warn,my_crate=debug`.
pub(crate) fn start(form: Form) {
    let (wanted, mistake) = wanted(std::env::var("RUST_LOG").ok().as_deref());
    // The alarms depend on the metrics, so RUST_LOG must not leave them out.
    #[cfg(feature = "lambda")]
    if form == Form::Json && !MEASURED.iter().all(|target| wanted.would_enable(target, &Level::INFO)) {
        let wanted = wanted.clone();
        // A line for each handled event costs time, and no alarm for failures needs it.
        let is_quiet = !wanted.would_enable(OF_EVENTS, &Level::WARN);
        start_metrics_of(move |line| {
            let is_left_out = is_quiet && line.target() == OF_EVENTS && *line.level() > Level::WARN;
            !is_left_out && !wanted.would_enable(line.target(), line.level())
        });
    }
    // With its hint, lines of lower levels are left out before they ask the filter.
    let filter = wanted.and(filter_fn(is_harmless).with_max_level_hint(LevelFilter::TRACE));
    // No colours, even if another crate enables them: most logs end up in a file.
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    // Boxed, because otherwise the code around it would exist once for each form.
    let layer = match form {
        #[cfg(feature = "lambda")]
        Form::Json => {
            let layer = layer.json().flatten_event(true).with_span_list(false).with_current_span(false);
            let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
            layer.map_event_format(|format| Emf::new(format, function)).boxed()
        }
        #[cfg(not(feature = "lambda"))]
        Form::Json => layer.boxed(),
        Form::Text => layer.with_target(false).boxed(),
        Form::Aside => layer.with_target(false).with_writer(std::io::stderr).boxed(),
    };
    // If the user has already set a subscriber, it stays.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    if let Some(mistake) = mistake {
        tracing::warn!("RUST_LOG {mistake}: write a level, or `info,my_crate=debug`; `info` is taken for it");
    }
}

/// A second log for lines with metrics, if the user has a log of their own or `RUST_LOG` leaves such lines out.
static METRICS: OnceLock<Dispatch> = OnceLock::new();

/// Starts a second log for the lines with CloudWatch's metrics, beside the user's own log.
#[cfg(feature = "lambda")]
pub(crate) fn start_metrics() {
    start_metrics_of(|_| true);
}

/// The same for the lines that `is_meant` selects.
#[cfg(feature = "lambda")]
fn start_metrics_of(is_meant: impl Fn(&Metadata<'_>) -> bool + Send + Sync + 'static) {
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).json();
    let layer = layer.flatten_event(true).with_span_list(false).with_current_span(false);
    let layer = layer.map_event_format(|format| Emf::new(format, function));
    let layer = layer.with_filter(filter_fn(is_meant).with_max_level_hint(LevelFilter::INFO));
    let _ = METRICS.set(Dispatch::new(tracing_subscriber::registry().with(layer)));
}

/// Writes a line. If the line has a metric, the second log for CloudWatch gets it too.
pub(crate) fn measured(has_metric: bool, line: impl Fn()) {
    line();
    if has_metric && let Some(metrics) = METRICS.get() {
        tracing::dispatcher::with_default(metrics, line);
    }
}

/// The filter of `RUST_LOG`, and its mistake if there is one. A mistake must not silence the log.
fn wanted(text: Option<&str>) -> (Targets, Option<&'static str>) {
    let info = Targets::new().with_default(LevelFilter::INFO);
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return (info, None) };
    // For tracing, a single word is a target, but people mean a level.
    let is_level = |word: &str| word.trim().parse::<LevelFilter>().is_ok();
    if text.split(',').any(|part| !part.contains('=') && !is_level(part)) {
        return (info, Some("has a word that is not a level"));
    }
    text.parse().map_or((info, Some("cannot be read")), |targets| (targets, None))
}

fn is_harmless(metadata: &Metadata<'_>) -> bool {
    !is_carrier(metadata.target()) || *metadata.level() <= Level::WARN
}

/// Whether the target is of such a crate: of `hyper` or `hyper_util`, but not of `hypertension`.
fn is_carrier(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    let is_of = |rest: &str| rest.is_empty() || rest.starts_with('_');
    CARRIERS.iter().any(|carrier| name.strip_prefix(carrier).is_some_and(is_of))
}

/// Logs panics: always the place, but the message only if the settings allow it, because it may quote a
/// patient.
pub(crate) fn log_panics(error_text: bool) {
    std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(tracing::field::display);
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text =
            text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).filter(|_| error_text);
        error!(error.place = place, error.text = text, "panicked");
    }));
}

#[cfg(test)]
mod tests;
