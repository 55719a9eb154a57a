//! A sample as a notification: the request by which the server of the program would report it to a handler.

use std::sync::Arc;

use serde_json::{Value, json};

use super::change::first_wanted;
use crate::app::App;
use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::interaction::Interaction;
use crate::recorded::pretty;
use crate::sandbox::Behaviour;
use crate::sandbox::topic::bundle::{NotificationType, TopicEvent, TopicNotification, name};
use crate::sandbox::topic::writer::Writer;

/// The id of a sample that has none.
const ID: &str = "example";

/// The notification of the first interaction that the handler wants: `method`, `path`, `headers` and `body`. It contains
/// the whole resource, so that a person can change it before it is sent.
pub(super) fn notification(app: &App, declaration: &Declaration, mut resource: Value) -> Value {
    if !resource["id"].is_string() {
        resource["id"] = ID.into();
    }
    let (endpoint, named) = (declaration.endpoint, name(&resource));
    let interaction = first_wanted(declaration);
    let is_deletion = interaction == Interaction::Delete;
    let behaviour = Behaviour::named(app.settings().fhir_server.name).unwrap_or(Behaviour::Generic);
    let json_type = "application/fhir+json";
    let (method, path, headers, body) = match (&declaration.trigger, behaviour) {
        (Trigger::Topic(topic), _) => {
            let body = bundle(app, topic, behaviour, interaction, resource);
            ("POST", format!("/{endpoint}"), json!({ "content-type": json_type }), Some(body))
        }
        (Trigger::Criteria(_), Behaviour::Medplum) => {
            let mut headers = json!({
                "content-type": json_type,
                "x-medplum-interaction": interaction.name(),
                "x-medplum-subscription": ID,
            });
            if is_deletion {
                headers["x-medplum-deleted-resource"] = named.into();
                resource = json!({});
            }
            ("POST", format!("/{endpoint}"), headers, Some(resource))
        }
        (Trigger::Criteria(_), _) if is_deletion => {
            ("DELETE", format!("/{endpoint}/{named}"), json!({}), None)
        }
        (Trigger::Criteria(_), _) => {
            ("PUT", format!("/{endpoint}/{named}"), json!({ "content-type": json_type }), Some(resource))
        }
    };
    let body = body.map(|body| body.to_string()).map(|body| pretty(&body).unwrap_or(body));
    json!({ "method": method, "path": path, "headers": headers, "body": body.unwrap_or_default() })
}

/// The Bundle by which the server reports one event of a topic.
fn bundle(
    app: &App,
    topic: &Topic,
    behaviour: Behaviour,
    interaction: Interaction,
    resource: Value,
) -> Value {
    let (settings, at) = (app.settings(), app.now().to_string());
    let event = TopicEvent {
        number: 1,
        timestamp: at.clone(),
        interaction,
        focus: name(&resource),
        resource: (interaction != Interaction::Delete).then(|| Arc::new(resource)),
        context: Vec::new(),
    };
    let notification = TopicNotification {
        version: settings.fhir_version,
        writer: match behaviour {
            Behaviour::Hapi => Writer::Hapi,
            _ => Writer::Specification,
        },
        base: settings.fhir_base_url.as_str().trim_end_matches('/').to_owned(),
        at,
        kind: NotificationType::EventNotification,
        subscription: format!("Subscription/{ID}"),
        status: "active".to_owned(),
        topic: Some(topic.url.to_owned()),
        count: 1,
        error: None,
        content: Content::FullResource,
        events: vec![event],
    };
    notification.to_bundle()
}
