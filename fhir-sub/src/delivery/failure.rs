//! [`Failure`]: an error, as the log shows it.

use std::panic::Location;

use url::Url;

use super::doubt::Doubt;
use crate::client;
use crate::contain::attempt;
use crate::error::Error;
use crate::event::Event;
use crate::store::Unavailable;

/// The kind, place and text of an error, from a handler or from reading a resource for it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(super) kind: &'static str,
    pub(super) place: Option<&'static Location<'static>>,
    pub(super) text: Option<String>,
}

impl Failure {
    /// A token provider of the user's panicked during a read.
    pub(crate) const PANICKED: Self = Self { kind: "panic", place: None, text: None };

    /// For an error of `FhirClient`: its text names no id and quotes nothing.
    pub(crate) fn of_reading(error: &client::Error) -> Self {
        Self { kind: std::any::type_name::<client::Error>(), place: None, text: Some(error.to_string()) }
    }

    /// For an answer that does not fit the question.
    pub(super) fn of_doubt(doubt: &Doubt) -> Self {
        Self { kind: "doubtful answer", place: None, text: Some(doubt.to_string()) }
    }

    /// For an event about a resource on a server that the app does not read. The host names no patient.
    pub(super) fn elsewhere(event: &Event) -> Self {
        let base = event.elsewhere_base().and_then(|base| Url::parse(base).ok());
        let host = base.as_ref().and_then(Url::host_str).unwrap_or("no host");
        let text = format!(
            "the resource is on the FHIR server at {host}: name that server with `AppBuilder::source`, or take `Event`"
        );
        Self { kind: "another FHIR server", place: None, text: Some(text) }
    }

    /// For a refused notification or resource: `text` is a constant of ours, and quotes nothing.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { kind: "refused", place: None, text: Some(text.into()) }
    }

    /// For a user's extractor that refused the event. The text is kept only if it may be quoted.
    pub(super) fn of_rejection(text: &str, place: &'static Location<'static>, quote: bool) -> Self {
        Self { kind: "rejection", place: Some(place), text: quote.then(|| text.to_owned()) }
    }

    /// For a caller that is not let in: `text` is a constant of ours, and quotes nothing.
    #[cfg(feature = "token")]
    pub(crate) fn of_caller(text: &str) -> Self {
        Self { kind: "access token", place: None, text: Some(text.to_owned()) }
    }

    /// For a store that is down: its text names no resource.
    pub(crate) fn of_store(unavailable: &Unavailable) -> Self {
        Self { kind: std::any::type_name::<Unavailable>(), place: None, text: Some(unavailable.to_string()) }
    }

    /// For an error of a handler. The text is kept only if it may be quoted.
    pub(super) fn new(error: &Error, quote: bool) -> Self {
        // The user's code writes the text, and may panic while it does.
        let text = || attempt(|| chain(error.source())).ok();
        Self { kind: error.kind(), place: error.place(), text: quote.then(text).flatten() }
    }
}

/// The texts of an error and of its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
