//! [`Told`]: a notification, taken out of what a queue or a bus has put around it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{event_bridge, sns};
use crate::app::App;
use crate::declaration::Declaration;
use crate::delivery::Time;
use crate::json::Text;
use crate::service::{Answered, Carried, Message};

/// A notification, and what may say which handler it is for.
pub(super) struct Told {
    /// The endpoint that the message names: by its own attribute, else by that of what it came in.
    pub(super) endpoint: Option<String>,
    /// The way by which it came.
    pub(super) came_by: Vec<String>,
    pub(super) body: String,
}

impl Told {
    /// The notification in a message of the queue `name`. SNS or EventBridge may have sent it there, each in an envelope of its own.
    pub(super) fn of_queue(attributes: &Attributes<'_>, name: &str, body: &str) -> Self {
        let mut told =
            Self { endpoint: attributes.endpoint(), came_by: vec![name.to_owned()], body: body.to_owned() };
        // The program's own queue has the endpoint that let the notification in, and nothing else decides.
        if let Some(carried) = Carried::read(body) {
            return Self {
                endpoint: Some(carried.endpoint.into_owned()),
                came_by: Vec::new(),
                body: told.body,
            };
        }
        for unwrap in [sns::unwrap, event_bridge::unwrap] {
            if let Some(inner) = unwrap(&told.body) {
                told.endpoint = told.endpoint.or(inner.endpoint);
                told.came_by.extend(inner.came_by);
                told.body = inner.body;
            }
        }
        told
    }

    /// Handles it, for the subscription `declaration`.
    pub(super) async fn notify(&self, app: &App, declaration: &'static Declaration, time: Time) -> Answered {
        let carried = Carried::read(&self.body);
        let body = match &carried {
            Some(carried) => carried.notification.map_or("", RawValue::get),
            None => &self.body,
        };
        app.notified_of(declaration, body, carried.as_ref(), time).await
    }

    pub(super) fn message(&self) -> Message<'_> {
        Message { endpoint: self.endpoint.as_deref(), came_by: &self.came_by, body: &self.body }
    }
}

/// The attributes of a message: SQS and SNS name their values differently.
#[derive(Default, Deserialize)]
pub(super) struct Attributes<'a> {
    #[serde(borrow)]
    endpoint: Option<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow, rename = "stringValue", alias = "Value")]
    value: Option<Text<'a>>,
}

impl Attributes<'_> {
    /// The endpoint that the message names.
    pub(super) fn endpoint(&self) -> Option<String> {
        self.endpoint.as_ref()?.value.as_deref().map(str::to_owned)
    }
}
