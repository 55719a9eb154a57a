//! From a declaration to the Subscription that is to be on the server.

mod backport;
mod criteria;
mod filter;
mod native;

use serde_json::{Value, json};

pub(super) use self::backport::PROFILE;
pub(super) use self::filter::filters;

use super::abilities;
use crate::declaration::{Declaration, Topic, Trigger};
use crate::fhir::{FhirVersion, Subscription};
use crate::problems::Problems;
use crate::settings::{FhirServer, Settings};

/// The Subscription that a declaration wants on the server.
pub(crate) struct Wanted {
    /// The public URL of the endpoint, by which the Subscription is found again.
    pub(super) url: String,
    /// Whether the server's search by `url` looks where the Subscription has its endpoint.
    pub(super) is_found_by_url: bool,
    /// Whether the server may ask the endpoint for an answer, the handshake, before it makes the Subscription `active`.
    pub(super) is_asked_to_answer: bool,
    /// The topic, if it is not a criteria that is watched.
    pub(super) topic: Option<&'static Topic>,
    pub(super) resource: Subscription,
}

/// The extensions that are ours to set and to take away, wherever they stand: whatever else has been added stays.
pub(super) const MANAGED_EXTENSIONS: [&str; 8] = [
    criteria::HAPI_SEND_DELETES,
    criteria::MEDPLUM_INTERACTION,
    criteria::MEDPLUM_SECRET,
    backport::FILTER_CRITERIA,
    backport::PAYLOAD_CONTENT,
    backport::HEARTBEAT_PERIOD,
    backport::TIMEOUT,
    backport::MAX_COUNT,
];

/// The elements in which a Subscription is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `criteria` is a search: R4 and R4B.
    Criteria,
    /// `criteria` is a topic, and extensions say what R4 and R4B have no elements for.
    Backport(&'static Topic),
    /// `topic` and its neighbours: R5.
    Native(&'static Topic),
}

impl Form {
    fn of(declaration: &'static Declaration, settings: &Settings) -> Self {
        match (&declaration.trigger, settings.fhir_version, settings.fhir_server) {
            (Trigger::Criteria(_), ..) => Self::Criteria,
            // Helios reads the Subscriptions of R4B as it reads those of R5.
            (Trigger::Topic(topic), FhirVersion::R5, _)
            | (Trigger::Topic(topic), FhirVersion::R4B, FhirServer::Helios) => Self::Native(topic),
            (Trigger::Topic(topic), ..) => Self::Backport(topic),
        }
    }
}

/// The Subscription that `declaration` wants on the server of `settings`, or why that server cannot do
/// what it asks.
pub(crate) fn wanted(declaration: &'static Declaration, settings: &Settings) -> Result<Wanted, Problems> {
    abilities::check(declaration, settings)?;

    let form = Form::of(declaration, settings);
    let url = settings.base_url.join(declaration.endpoint);
    let mut resource = Subscription::new();
    resource.set("status", status_to_post(settings.fhir_server));
    resource.set("reason", declaration.reason);
    if let Some(end) = declaration.end {
        resource.set("end", end);
    }
    match form {
        Form::Criteria => criteria::write(&mut resource, &url, declaration, settings),
        Form::Backport(topic) => backport::write(&mut resource, &url, topic, declaration, settings),
        Form::Native(topic) => native::write(&mut resource, &url, topic, declaration, settings)
            .map_err(|what| abilities::problem(declaration, &what))?,
    }
    if let Some(registration) = declaration.registration {
        registration(&mut resource);
        let has_profile = |resource: &Subscription| {
            let profiles = resource.get("meta").and_then(|meta| meta.get("profile")?.as_array());
            profiles.is_some_and(|profiles| profiles.iter().any(|profile| profile == PROFILE))
        };
        if matches!(form, Form::Backport(_)) && !has_profile(&resource) {
            return Err(Problems::from(abilities::problem(
                declaration,
                "its `registration` function took the profile of topics out of meta.profile, without which HAPI FHIR \
                 takes the topic for a criteria: add to `meta`, and leave what is there",
            )));
        }
        if resource.endpoint() != Some(&url) {
            let element = if matches!(form, Form::Native(_)) { "endpoint" } else { "channel.endpoint" };
            return Err(Problems::from(abilities::problem(
                declaration,
                &format!(
                    "its `registration` function changed {element}, by which the Subscription is found again: \
                     leave that as it is"
                ),
            )));
        }
    }
    // After the user's function, which so never sees the secrets.
    add_secret(&mut resource, form, settings);
    criteria::add_signing_secret(&mut resource, settings);
    // The search parameter of R4B looks into `channel`, which a Subscription of R5's form does not have.
    let is_found_by_url = !(matches!(form, Form::Native(_)) && settings.fhir_version != FhirVersion::R5);
    let topic = match form {
        Form::Criteria => None,
        Form::Backport(topic) | Form::Native(topic) => Some(topic),
    };
    let is_asked_to_answer = topic.is_some() && settings.fhir_server != FhirServer::Hapi;
    Ok(Wanted { url, is_found_by_url, is_asked_to_answer, topic, resource })
}

/// The topic's canonical URL. HAPI and Helios compare it with the topic's `url` as it stands, to which a version does not
/// belong, and would never tell of it.
fn topic_url(topic: &Topic, server: FhirServer) -> &'static str {
    match (server, topic.url.split_once('|')) {
        (FhirServer::Hapi | FhirServer::Helios, Some((url, _version))) => url,
        _ => topic.url,
    }
}

/// `requested` by the specification; Medplum looks at `active` ones only.
pub(super) fn status_to_post(server: FhirServer) -> &'static str {
    if server == FhirServer::Medplum { "active" } else { "requested" }
}

/// The header that the server is to send: a line in `channel.header`, in R5 a name and a value in `parameter`.
fn add_secret(resource: &mut Subscription, form: Form, settings: &Settings) {
    let (name, secret) = (display_name(&settings.header), &settings.secrets.shared);
    let (headers, header) = match form {
        Form::Native(_) => {
            (resource.elements_mut().entry("parameter"), json!({ "name": name, "value": secret.expose() }))
        }
        Form::Criteria | Form::Backport(_) => {
            (resource.channel_mut().entry("header"), secret.header_line(name).into())
        }
    };
    match headers.or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(headers) => headers.push(header),
        other => *other = json!([header]),
    }
}

/// `x-subscription-auth` as people write it.
fn display_name(header: &http::HeaderName) -> &str {
    if header == "x-subscription-auth" { "X-Subscription-Auth" } else { header.as_str() }
}

#[cfg(test)]
mod tests;
