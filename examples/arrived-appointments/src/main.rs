//! When a patient arrives for an appointment, an encounter begins.

use fhir_sub::prelude::*;
use serde::{Deserialize, Serialize};

/// The elements of an Appointment that are used here.
#[derive(Deserialize, FhirResource)]
#[fhir(type = "Appointment")]
struct Appointment {
    id: String,
    #[serde(default)]
    participant: Vec<Participant>,
}

#[derive(Deserialize)]
struct Participant {
    actor: Option<Reference>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Reference {
    #[serde(default)]
    reference: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Encounter {
    resource_type: &'static str,
    status: &'static str,
    class: Coding,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Reference>,
    appointment: [Reference; 1],
}

#[derive(Serialize)]
struct Coding {
    system: &'static str,
    code: &'static str,
}

/// Create an encounter when a patient arrives for an appointment.
#[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
async fn arrived_appointments(appointment: Resource<Appointment>, fhir: FhirClient) -> Result<()> {
    let encounter = Encounter {
        resource_type: "Encounter",
        status: "arrived",
        class: Coding { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
        subject: appointment.patient(),
        appointment: [Reference { reference: format!("Appointment/{}", appointment.id) }],
    };
    // A server may report one appointment more than once: the encounter is created only if there is none.
    let of_the_appointment = search!("Encounter?appointment=Appointment/{}", appointment.id);
    fhir.create("Encounter", &encounter).if_none_exist(of_the_appointment).await?;
    Ok(())
}

impl Appointment {
    /// The patient who takes part.
    fn patient(&self) -> Option<Reference> {
        let actors = self.participant.iter().filter_map(|participant| participant.actor.as_ref());
        actors.into_iter().find(|actor| actor.reference.starts_with("Patient/")).cloned()
    }
}

fhir_lambda_main!();

#[cfg(test)]
mod tests;
