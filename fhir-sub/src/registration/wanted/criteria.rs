//! A Subscription whose criteria is a search: <https://hl7.org/fhir/R4/subscription.html>.

use serde_json::json;

use crate::declaration::{Content, Declaration, Trigger};
use crate::fhir::Subscription;
use crate::settings::{FhirServer, Settings};

pub(super) const HAPI_SEND_DELETES: &str =
    "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages";
pub(super) const MEDPLUM_INTERACTION: &str =
    "https://medplum.com/fhir/StructureDefinition/subscription-supported-interaction";

pub(super) const MEDPLUM_SECRET: &str =
    "https://www.medplum.com/fhir/StructureDefinition/subscription-secret";

pub(super) fn write(resource: &mut Subscription, url: &str, declaration: &Declaration, settings: &Settings) {
    resource.set("criteria", criteria_to_post(&declaration.trigger));
    let channel = resource.channel_mut();
    channel.insert("type".into(), "rest-hook".into());
    channel.insert("endpoint".into(), url.into());
    if declaration.content == Content::FullResource {
        channel.insert("payload".into(), settings.payload.as_str().into());
    }
    add_interactions(resource, declaration, settings.fhir_server);
}

/// Tells Medplum what to sign notifications with. No other server knows of it, so that none else is told.
pub(super) fn add_signing_secret(resource: &mut Subscription, settings: &Settings) {
    if let (FhirServer::Medplum, Some(signing)) = (settings.fhir_server, &settings.secrets.signing) {
        resource.add_extension(json!({ "url": MEDPLUM_SECRET, "valueString": signing.current.expose() }));
    }
}

/// A bare type goes out with a `?`, without which HAPI refuses it.
fn criteria_to_post(trigger: &Trigger) -> String {
    let criteria = trigger.text();
    let separator = if trigger.resource_type() == Some(criteria) { "?" } else { "" };
    format!("{criteria}{separator}")
}

/// Asks for the interactions in the server's own words, where it has any.
fn add_interactions(resource: &mut Subscription, declaration: &Declaration, server: FhirServer) {
    let interactions = declaration.interactions;
    match server {
        FhirServer::Hapi if interactions.delete => {
            // It moved to the channel in HAPI 6.1: each version reads its own.
            resource.add_extension(json!({ "url": HAPI_SEND_DELETES, "valueBoolean": true }));
            resource.add_channel_extension(json!({ "url": HAPI_SEND_DELETES, "valueBoolean": true }));
        }
        FhirServer::Medplum => {
            // Without it, deletions are sent by some versions.
            let codes = [
                ("create", interactions.create),
                ("update", interactions.update),
                ("delete", interactions.delete),
            ];
            for (code, _) in codes.into_iter().filter(|(_, is_wanted)| *is_wanted) {
                resource.add_extension(json!({ "url": MEDPLUM_INTERACTION, "valueCode": code }));
            }
        }
        _ => {}
    }
}
