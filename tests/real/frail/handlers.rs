//! A handler of each kind that a sweep and a store treat differently.

use fhir_sub::prelude::*;
use serde::Deserialize;

use crate::work::Work;

/// The identifier of the change, which every resource has.
#[derive(Deserialize)]
struct Changed {
    identifier: Vec<Identifier>,
}

#[derive(Deserialize)]
struct Identifier {
    system: String,
    value: String,
}

impl Changed {
    fn change(&self) -> Option<&str> {
        let change = self.identifier.iter().find(|identifier| identifier.system == "urn:change");
        change.map(|identifier| identifier.value.as_str())
    }
}

/// Handles each event as it arrives.
#[fhir_subscription(criteria = "Task?status=requested", endpoint = "tasks")]
async fn tasks(task: Resource<Changed>, event: Event, work: State<Work>) -> Result<()> {
    work.run("tasks", &event, task.change()).await
}

/// Handles the events of one resource one after the other.
#[fhir_subscription(criteria = "Observation?status=final", endpoint = "observations", order = "latest")]
async fn observations(observation: Resource<Changed>, event: Event, work: State<Work>) -> Result<()> {
    work.run("observations", &event, observation.change()).await
}

/// Handles deletions too.
#[fhir_subscription(
    criteria = "Appointment?status=arrived",
    endpoint = "appointments",
    on = [create, update, delete]
)]
async fn appointments(appointment: Option<Resource<Changed>>, event: Event, work: State<Work>) -> Result<()> {
    work.run("appointments", &event, appointment.as_ref().and_then(|appointment| appointment.change())).await
}
