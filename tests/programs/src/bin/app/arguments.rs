//! The arguments of handlers.

use fhir_sub::prelude::*;
use fhir_sub::{FromNotification, Notification, Rejection};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Ward, called};

/// A patient with all elements that can have a wrong type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patient {
    active: bool,
    birth_date: String,
    name: Vec<HumanName>,
}

#[derive(Deserialize)]
struct HumanName {
    family: String,
}

/// Takes a type of the program.
#[fhir_subscription(criteria = "Patient?", endpoint = "takes-its-own-type")]
async fn takes_its_own_type(patient: Resource<Patient>) {
    let Patient { active, birth_date, name } = patient.into_inner();
    let is_whole = active && !birth_date.is_empty() && name.iter().all(|name| !name.family.is_empty());
    called(if is_whole { "takes-its-own-type" } else { "takes-its-own-type in part" });
}

/// Takes a resource that may be deleted.
#[fhir_subscription(criteria = "Patient?", endpoint = "takes-deletions", on = [create, update, delete])]
async fn takes_deletions(patient: Option<Resource<Value>>, event: Event) {
    let resource = if patient.is_some() { "with" } else { "without" };
    let (focus, version) = (event.focus().unwrap_or("nothing"), event.version_id().unwrap_or("unknown"));
    called(&format!(
        "takes-deletions: {} of {focus} in version {version} {resource} resource",
        event.interaction()
    ));
}

/// Takes a notification that something changed, without details.
#[fhir_subscription(criteria = "Patient?", endpoint = "takes-nothing", content = "empty")]
async fn takes_nothing(event: Event) {
    called(&format!("takes-nothing: {} of {}", event.interaction(), event.focus().unwrap_or("nothing")));
}

/// Takes a state from `setup`, and the deadline.
#[fhir_subscription(criteria = "Patient?", endpoint = "takes-state")]
async fn takes_state(ward: State<Ward>, deadline: Deadline) {
    let time = if deadline.has_passed() { "no time" } else { "time" };
    called(&format!("takes-state: {} with {time}", ward.name));
}

/// Writes to the FHIR server.
#[fhir_subscription(criteria = "Patient?", endpoint = "takes-the-client")]
async fn takes_the_client(event: Event, fhir: FhirClient) -> Result<()> {
    called("takes-the-client");
    let focus = event.focus().ok_or_else(|| Error::permanent("nothing to write about"))?;
    let flag = json!({
        "resourceType": "Flag",
        "status": "active",
        "code": { "text": "seen" },
        "subject": { "reference": focus },
    });
    fhir.create("Flag", &flag).await?;
    Ok(())
}

/// An argument type of the program, which requires an active patient.
struct Active;

impl FromNotification for Active {
    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let Resource(patient) = Resource::<Value>::from_notification(notification).await?;
        if patient["active"] == json!(true) {
            Ok(Self)
        } else {
            Err(Rejection::unprocessable("only active patients are admitted"))
        }
    }
}

/// Takes an argument type of the program, under a name that `main` might use.
#[fhir_subscription(criteria = "Patient?", endpoint = "run")]
async fn run(_active: Active) {
    called("run");
}
