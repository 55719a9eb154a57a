//! Builds the Subscription that a declaration wants on the server.

mod backport;
mod criteria;
mod native;

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{abilities, hooked};
use crate::declaration::{Declaration, Topic, Trigger};
use crate::fhir::backport::{EXTENSIONS, PROFILE};
use crate::fhir::{FhirVersion, Subscription};
use crate::problems::Problems;
use crate::server::{Shows, Signature, Signed, TokenExtensions, ToldBy, Topics, is_extension};
use crate::settings::Settings;

/// The Subscription that a declaration wants on the server.
pub(crate) struct Wanted {
    /// The public URL of the endpoint, which identifies the Subscription.
    pub(super) url: String,
    /// Whether the server's search by `url` finds the Subscription by its endpoint.
    pub(super) is_found_by_url: bool,
    /// Whether the server may test the endpoint with a handshake before it makes the Subscription `active`.
    pub(super) is_asked_to_answer: bool,
    /// Whether the Subscription can be changed. Otherwise it must be deleted and created again.
    pub(super) is_changeable: bool,
    /// Whether a change creates a second Subscription, and the old one stays until the second is active.
    pub(super) keeps_old_one: bool,
    /// The media type of the create request.
    pub(super) media_type: &'static str,
    /// A header of the create request.
    pub(super) request_header: Option<(HeaderName, HeaderValue)>,
    /// The topic; `None` for a criteria.
    pub(super) topic: Option<&'static Topic>,
    /// Remarks on what the server does differently.
    pub(super) notes: Vec<String>,
    pub(super) resource: Subscription,
}

/// Whether we set and remove this extension, wherever it stands. Other extensions stay.
pub(super) fn is_managed(extension: &str) -> bool {
    EXTENSIONS.contains(&extension) || is_extension(extension)
}

/// The form in which a Subscription is written.
#[derive(Clone, Copy)]
enum Form {
    /// `criteria` is a search: R4 and R4B.
    Criteria,
    /// `criteria` is a topic, and extensions replace elements that R4 and R4B lack.
    Backport(&'static Topic, &'static Topics),
    /// `topic` and its neighbours: R5.
    Native(&'static Topic, &'static Topics),
}

impl Form {
    /// A topic needs a server with topics: [`abilities`] checks that.
    fn of(declaration: &'static Declaration, settings: &Settings) -> Self {
        match (&declaration.trigger, &settings.fhir_server.topics) {
            (Trigger::Topic(topic), Ok(topics)) if topics.native_in.contains(&settings.fhir_version) => {
                Self::Native(topic, topics)
            }
            (Trigger::Topic(topic), Ok(topics)) => Self::Backport(topic, topics),
            _ => Self::Criteria,
        }
    }

    fn topic(self) -> Option<(&'static Topic, &'static Topics)> {
        match self {
            Self::Criteria => None,
            Self::Backport(topic, topics) | Self::Native(topic, topics) => Some((topic, topics)),
        }
    }
}

/// The Subscription that `declaration` wants on the server of `settings`. An error says why that server
/// cannot do what it asks.
pub(crate) fn wanted(declaration: &'static Declaration, settings: &Settings) -> Result<Wanted, Problems> {
    let (server, ask) = (settings.fhir_server, abilities::ask(declaration, settings));
    abilities::check(declaration, &ask, settings)?;

    let form = Form::of(declaration, settings);
    let url = settings.base_url.join(declaration.endpoint);
    let mut resource = Subscription::new();
    resource.set("status", server.registering.status);
    resource.set("reason", declaration.reason);
    if let Some(end) = declaration.end {
        resource.set("end", end);
    }
    match form {
        Form::Criteria => criteria::write(&mut resource, &url, declaration, settings),
        Form::Backport(topic, topics) => backport::write(&mut resource, &url, topic, topics, &ask, settings),
        Form::Native(topic, topics) => native::write(&mut resource, &url, topic, topics, &ask, settings)
            .map_err(|what| abilities::problem(declaration, &what))?,
    }
    (server.registering.complete)(&mut resource, &ask);
    let (mut extends, mut notes) = (false, abilities::notes(&ask, settings));
    if let Some(registration) = declaration.registration {
        let before = resource.clone();
        registration(&mut resource);
        hooked::check(declaration, &before, &resource)?;
        extends = has_further_extensions(&resource, &before);
        let has_profile = |resource: &Subscription| {
            let profiles = resource.get("meta").and_then(|meta| meta.get("profile")?.as_array());
            profiles.is_some_and(|profiles| profiles.iter().any(|profile| profile == PROFILE))
        };
        if matches!(form, Form::Backport(..)) && !has_profile(&resource) {
            return Err(Problems::from(abilities::problem(
                declaration,
                "its `registration` function removed the profile of topics from meta.profile. Without the \
                 profile, HAPI FHIR takes the topic for a criteria: add to `meta`, and keep what is there",
            )));
        }
        if resource.endpoint() != Some(&url) {
            let element = if matches!(form, Form::Native(..)) { "endpoint" } else { "channel.endpoint" };
            return Err(Problems::from(abilities::problem(
                declaration,
                &format!(
                    "its `registration` function changed {element}, but the Subscription is found again by \
                     it: leave it unchanged"
                ),
            )));
        }
    }
    if let (Form::Criteria, Some(criteria)) = (form, resource.text("criteria")) {
        notes.extend(abilities::check_criteria(declaration, criteria, extends, settings)?);
    }
    // After the user's function, so that it never sees the secrets.
    match &server.registering.shows {
        Shows::Header => add_secret(&mut resource, form, settings),
        Shows::Signature => {}
        Shows::Token(extensions) => add_token(&mut resource, extensions, settings),
    }
    let request_header = add_signing_secret(&mut resource, settings);
    // R4B's search parameter looks into `channel`, which a Subscription in R5's form does not have.
    let is_found_by_url = server.registering.is_searched_by_url
        && !(matches!(form, Form::Native(..)) && settings.fhir_version != FhirVersion::R5);
    let is_asked_to_answer = form.topic().is_some_and(|(_, topics)| topics.shakes_hands);
    let topic = form.topic().map(|(topic, _)| topic);
    let is_changeable = server.registering.is_changeable;
    let keeps_old_one = !is_changeable && server.registering.keeps_two;
    let media_type = server.registering.media_type;
    Ok(Wanted {
        url,
        is_found_by_url,
        is_asked_to_answer,
        is_changeable,
        keeps_old_one,
        media_type,
        request_header,
        topic,
        notes,
        resource,
    })
}

/// Whether the Subscription has a new extension, at any of its elements.
fn has_further_extensions(after: &Subscription, before: &Subscription) -> bool {
    let all = |subscription: &Subscription| {
        let mut all = Vec::new();
        subscription.elements().iter().for_each(|(name, value)| add_extensions(name, value, &mut all));
        all
    };
    let before = all(before);
    all(after).iter().any(|extension| !before.contains(extension))
}

/// Adds the extensions in the element `name` to `all`.
fn add_extensions(name: &str, value: &Value, all: &mut Vec<Value>) {
    match value {
        Value::Array(extensions) if matches!(name, "extension" | "modifierExtension") => {
            all.extend(extensions.iter().cloned());
        }
        Value::Array(items) => items.iter().for_each(|item| add_extensions(name, item, all)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| add_extensions(name, value, all));
        }
        _ => {}
    }
}

/// The topic's canonical URL, without its version if the server compares the text with the topic's `url`:
/// with the version, such a server would never fire.
fn topic_url(topic: &Topic, topics: &Topics) -> &'static str {
    match topic.url.split_once('|') {
        Some((url, _version)) if topics.compares_urls => url,
        _ => topic.url,
    }
}

/// Adds the header that the server must send: a line in `channel.header`, or in R5 a name and a value in
/// `parameter`.
fn add_secret(resource: &mut Subscription, form: Form, settings: &Settings) {
    let Some(secret) = &settings.secrets.shared else { return };
    let name = display_name(&settings.header);
    let (headers, header) = match form {
        Form::Native(..) => {
            (resource.elements_mut().entry("parameter"), json!({ "name": name, "value": secret.expose() }))
        }
        Form::Criteria | Form::Backport(..) => {
            (resource.channel_mut().entry("header"), secret.header_line(name).into())
        }
    };
    match headers.or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(headers) => headers.push(header),
        other => *other = json!([header]),
    }
}

/// Gives the server the key to sign notifications with, in the Subscription or in a header of the request. A
/// server that cannot sign gets no key.
fn add_signing_secret(resource: &mut Subscription, settings: &Settings) -> Option<(HeaderName, HeaderValue)> {
    let Signature::Body(Signed { told_by, .. }) = &settings.fhir_server.signature else { return None };
    let secret = &settings.told_to_sign_with()?.current;
    match *told_by {
        ToldBy::Extension(url) => {
            resource.add_extension(json!({ "url": url, "valueString": secret.expose() }));
            None
        }
        ToldBy::RequestHeader(name) => Some((HeaderName::from_static(name), secret.to_header())),
    }
}

/// Tells the server where and how to fetch the token that it must show.
fn add_token(resource: &mut Subscription, extensions: &TokenExtensions, settings: &Settings) {
    let Some(token) = &settings.secrets.caller_token else { return };
    let said = json!([
        { "url": extensions.client_id, "valueString": token.client_id },
        { "url": extensions.client_secret, "valueString": token.expose_secret() },
        { "url": extensions.url, "valueUri": token.url.as_str() },
    ]);
    resource.channel_mut().insert("_type".into(), json!({ "extension": said }));
}

/// `x-subscription-auth`, as people write it.
fn display_name(header: &http::HeaderName) -> &str {
    if header == "x-subscription-auth" { "X-Subscription-Auth" } else { header.as_str() }
}

#[cfg(test)]
mod tests;
