//! Where log lines go, in which form, and what never gets into one.

use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, error};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(feature = "lambda")]
use crate::metrics::Emf;

/// The crates whose lines quote what they carry: the Lambda runtime traces raw events, the HTTP crates
/// headers and bodies. They are held to warnings, whatever `RUST_LOG` says.
const CARRIERS: [&str; 10] = [
    "aws_",
    "axum",
    "h2",
    "hyper",
    "hyper_util",
    "lambda_http",
    "lambda_runtime",
    "reqwest",
    "rustls",
    "tower",
];

/// Where log lines go, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON on standard output, for CloudWatch.
    Json,
    /// Text on standard output.
    Text,
    /// Text on standard error, beside what a command prints.
    Aside,
}

/// Starts the log. `RUST_LOG` says which lines are written, as `info` (the default) or `warn,my_crate=debug`.
pub(crate) fn start(form: Form) {
    let (wanted, mistake) = wanted(std::env::var("RUST_LOG").ok().as_deref());
    let filter = wanted.and(filter_fn(is_harmless));
    // Without colours, also where another crate switches them on: most logs end in a file.
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    // Boxed: all that stands around it is there once for each form.
    let layer = match form {
        #[cfg(feature = "lambda")]
        Form::Json => {
            let layer = layer.json().flatten_event(true).with_span_list(false).with_current_span(false);
            layer.map_event_format(Emf).boxed()
        }
        #[cfg(not(feature = "lambda"))]
        Form::Json => layer.boxed(),
        Form::Text => layer.with_target(false).boxed(),
        Form::Aside => layer.with_target(false).with_writer(std::io::stderr).boxed(),
    };
    // Whoever set a subscriber of their own before us keeps it.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    if let Some(mistake) = mistake {
        tracing::warn!("RUST_LOG {mistake}: write a level, or `info,my_crate=debug`; `info` is taken for it");
    }
}

/// What `RUST_LOG` asks for, and what is wrong with it. A mistake must not silence the log.
fn wanted(text: Option<&str>) -> (Targets, Option<&'static str>) {
    let info = Targets::new().with_default(LevelFilter::INFO);
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return (info, None) };
    // A word by itself is a target, all of whose lines are wanted: for who writes it, it is a level.
    let is_level = |word: &str| word.trim().parse::<LevelFilter>().is_ok();
    if text.split(',').any(|part| !part.contains('=') && !is_level(part)) {
        return (info, Some("has a word that is not a level"));
    }
    text.parse().map_or((info, Some("cannot be read")), |targets| (targets, None))
}

fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_carrier = CARRIERS.iter().any(|carrier| target.starts_with(carrier));
    !is_carrier || *metadata.level() <= Level::WARN
}

/// Logs panics as the settings have it: the place always, the message only where it may be told, since it
/// may quote a patient.
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
