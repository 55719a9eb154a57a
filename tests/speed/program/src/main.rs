//! A program with one handler, as a user writes it.

#[path = "../../encounter.rs"]
mod encounter;
#[cfg(feature = "client")]
#[path = "../../seen.rs"]
mod seen;

use std::hint::black_box;

use encounter::Encounter;
use fhir_sub::prelude::*;

/// Look at encounters that are under way.
#[fhir_subscription(criteria = "Encounter?status=in-progress", endpoint = "encounters")]
async fn encounters(encounter: Resource<Encounter>) {
    black_box(encounter.weight());
}

/// Write down that an encounter was seen.
#[cfg(feature = "client")]
#[fhir_subscription(criteria = "Encounter?status=finished", endpoint = "finished")]
async fn finished(encounter: Resource<Encounter>, fhir: FhirClient) -> Result<()> {
    fhir.create("Basic", &seen::seen(&encounter.id)).await?;
    Ok(())
}

fhir_lambda_main!();
