//! From a declaration to the Subscription that is to be on the server.

use serde_json::{Value, json};

use crate::declaration::{Content, Declaration, Trigger};
use crate::fhir::Subscription;
use crate::problems::Problems;
use crate::settings::{FhirServer, Settings};

/// The Subscription that a declaration wants on the server.
pub(crate) struct Wanted {
    /// The public URL of the endpoint, by which the Subscription is found again.
    pub(super) url: String,
    pub(super) resource: Subscription,
}

const HAPI_SEND_DELETES: &str =
    "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages";
const MEDPLUM_INTERACTION: &str =
    "https://medplum.com/fhir/StructureDefinition/subscription-supported-interaction";

/// The extensions that are ours to set and to take away: whatever else has been added stays.
pub(super) const MANAGED_EXTENSIONS: [&str; 2] = [HAPI_SEND_DELETES, MEDPLUM_INTERACTION];

/// The Subscription that `declaration` wants on the server of `settings`, or why that server cannot do
/// what it asks.
pub(crate) fn wanted(declaration: &'static Declaration, settings: &Settings) -> Result<Wanted, Problems> {
    check_abilities(declaration, settings.fhir_server)?;

    let url = settings.base_url.join(declaration.endpoint);
    let mut resource = Subscription::new();
    resource.set("status", status_to_post(settings.fhir_server));
    resource.set("reason", declaration.reason);
    resource.set("criteria", criteria_to_post(&declaration.trigger));
    if let Some(end) = declaration.end {
        resource.set("end", end);
    }
    let channel = resource.channel_mut();
    channel.insert("type".into(), "rest-hook".into());
    channel.insert("endpoint".into(), url.as_str().into());
    if declaration.content == Content::FullResource {
        channel.insert("payload".into(), settings.payload.as_str().into());
    }
    add_interactions(&mut resource, declaration, settings.fhir_server);

    if let Some(registration) = declaration.registration {
        registration(&mut resource);
        if resource.channel().and_then(|channel| channel.get("endpoint")) != Some(&Value::from(url.as_str()))
        {
            return Err(Problems::from(problem(
                declaration,
                "its `registration` function changed channel.endpoint, by which the Subscription is found again: \
                 leave that as it is",
            )));
        }
    }
    // After the user's function, which so never sees the secret.
    let line = settings.secrets.shared.header_line(display_name(&settings.header));
    match resource.channel_mut().entry("header").or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(lines) => lines.push(line.into()),
        other => *other = json!([line]),
    }
    Ok(Wanted { url, resource })
}

/// What no server can do, and what this one cannot.
fn check_abilities(declaration: &Declaration, server: FhirServer) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut cannot = |what: &str| problems.add(problem(declaration, what));
    let interactions = declaration.interactions;
    match server {
        FhirServer::Helios | FhirServer::Aidbox => cannot(&format!(
            "FHIR_SERVER is {}, which evaluates topics, not criteria: it would store the Subscription and never fire it",
            server.name()
        )),
        FhirServer::Generic | FhirServer::Firely if interactions.delete => cannot(
            "it wants deletions, which R4 has no way to ask for: leave `delete` out of `on`, or, where the server \
             is one that can, say FHIR_SERVER=hapi or FHIR_SERVER=medplum",
        ),
        _ => {}
    }
    if server != FhirServer::Medplum && !(interactions.create && interactions.update) {
        cannot(
            "it wants creates or updates only, and the server tells of both alike: write `on = [create, update]`, \
             with or without `delete`; FHIR_SERVER=medplum can tell them apart",
        );
    }
    if server == FhirServer::Medplum && declaration.content == Content::Empty {
        cannot(
            "it has content = \"empty\", but Medplum sends the whole resource whatever the Subscription says: \
             leave `content` out",
        );
    }
    problems.or(())
}

/// `requested` by the specification; Medplum looks at `active` ones only.
pub(super) fn status_to_post(server: FhirServer) -> &'static str {
    if server == FhirServer::Medplum { "active" } else { "requested" }
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

fn problem(declaration: &Declaration, what: &str) -> String {
    let Declaration { endpoint, handler, source, .. } = declaration;
    format!("the subscription {endpoint:?} (`{handler}`, {source}): {what}")
}

/// `x-subscription-auth` as people write it.
fn display_name(header: &http::HeaderName) -> &str {
    if header == "x-subscription-auth" { "X-Subscription-Auth" } else { header.as_str() }
}
