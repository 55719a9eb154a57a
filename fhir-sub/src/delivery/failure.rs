//! [`Failure`]: what the log says of an error.

use std::panic::Location;

use url::Url;

use super::doubt::Doubt;
use crate::client;
use crate::contain::attempt;
use crate::error::Error;
use crate::event::Event;
use crate::store::Unavailable;

/// What the error was, of a handler or of reading for it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(super) kind: &'static str,
    pub(super) place: Option<&'static Location<'static>>,
    pub(super) text: Option<String>,
}

impl Failure {
    /// Reading ended in a panic, of a token provider of the user's.
    pub(crate) const PANICKED: Self = Self { kind: "panic", place: None, text: None };

    /// What is told of `error`, whose text names no id and quotes nothing.
    pub(crate) fn of_reading(error: &client::Error) -> Self {
        Self { kind: std::any::type_name::<client::Error>(), place: None, text: Some(error.to_string()) }
    }

    /// What is told of an answer that is not what was asked for.
    pub(super) fn of_doubt(doubt: &Doubt) -> Self {
        Self { kind: "doubtful answer", place: None, text: Some(doubt.to_string()) }
    }

    /// What is told of an event about a resource on a server that the app does not read. The host is no patient's.
    pub(super) fn elsewhere(event: &Event) -> Self {
        let base = event.elsewhere_base().and_then(|base| Url::parse(base).ok());
        let host = base.as_ref().and_then(Url::host_str).unwrap_or("no host");
        let text = format!(
            "the resource is on the FHIR server at {host}: name that server with `AppBuilder::source`, or take `Event`"
        );
        Self { kind: "another FHIR server", place: None, text: Some(text) }
    }

    /// What is told of a notification, or a resource, that is refused: `text` is ours, and quotes nothing.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { kind: "refused", place: None, text: Some(text.into()) }
    }

    /// What is told of a user's extractor that refuses the event; its text only where it may be quoted.
    pub(super) fn of_rejection(text: &str, place: &'static Location<'static>, quote: bool) -> Self {
        Self { kind: "rejection", place: Some(place), text: quote.then(|| text.to_owned()) }
    }

    /// What is told of a caller who is not let in: `text` is ours, and quotes nothing.
    #[cfg(feature = "token")]
    pub(crate) fn of_caller(text: &str) -> Self {
        Self { kind: "access token", place: None, text: Some(text.to_owned()) }
    }

    /// What is told of a store that is down, whose words name no resource.
    pub(crate) fn of_store(unavailable: &Unavailable) -> Self {
        Self { kind: std::any::type_name::<Unavailable>(), place: None, text: Some(unavailable.to_string()) }
    }

    /// What is told of `error`; its text only where it may be quoted.
    pub(super) fn new(error: &Error, quote: bool) -> Self {
        // The text is written by the user's code, which may panic there as anywhere.
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
