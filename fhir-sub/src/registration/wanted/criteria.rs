//! A Subscription to a criteria: <https://hl7.org/fhir/R4/subscription.html>.

use crate::declaration::{Content, Declaration, Trigger};
use crate::fhir::Subscription;
use crate::settings::Settings;

pub(super) fn write(resource: &mut Subscription, url: &str, declaration: &Declaration, settings: &Settings) {
    resource.set("criteria", criteria_to_post(&declaration.trigger));
    let channel = resource.channel_mut();
    channel.insert("type".into(), "rest-hook".into());
    channel.insert("endpoint".into(), url.into());
    if declaration.content == Content::FullResource {
        channel.insert("payload".into(), settings.payload.as_str().into());
    }
}

/// A type without parameters gets a `?`, because HAPI refuses it otherwise.
fn criteria_to_post(trigger: &Trigger) -> String {
    let criteria = trigger.text();
    let separator = if trigger.resource_type() == Some(criteria) { "?" } else { "" };
    format!("{criteria}{separator}")
}
