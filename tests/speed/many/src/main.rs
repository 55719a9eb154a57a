//! One handler, and more handlers by feature.

use fhir_sub::prelude::*;

include!(concat!(env!("OUT_DIR"), "/further.rs"));

/// Look at encounters that are under way.
#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "encounters")]
async fn encounters(event: Event) {
    std::hint::black_box(event.focus());
}

fhir_lambda_main!();
