//! A program with topics: it narrows one and reads it by reference, and gets the deletions of the other.

use std::io::Write;

use fhir_sub::prelude::*;
use serde_json::Value;

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?class=IMP",
    endpoint = "admissions",
    content = "id-only",
    heartbeat = 1
)]
async fn admissions(encounter: Resource<Value>, event: Event) {
    called(&format!("admissions {} {}", event.interaction(), encounter["status"].as_str().unwrap_or("-")));
}

#[fhir_subscription(
    topic = "https://example.org/topics/appointment-cancelled|2",
    endpoint = "cancellations",
    on = [delete],
    max_count = 10
)]
async fn cancellations(event: Event) {
    called(&format!("cancellations {} {}", event.interaction(), event.focus().unwrap_or("-")));
}

/// Writes that a handler was called.
fn called(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "called {text}");
}

fhir_lambda_main!();
