//! A handler that learns only that something changed.

use fhir_sub::prelude::*;

/// Look at the calendar when a slot is taken.
#[fhir_subscription(criteria = "Slot?status=busy", endpoint = "slots", content = "empty")]
async fn slots(event: Event) {
    tracing::info!(handler = "slots", focus = event.focus(), interaction = %event.interaction());
}
