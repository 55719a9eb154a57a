//! [`Subscription`]: the resource that registers a handler with the server.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A Subscription resource of any FHIR version, as JSON.
///
/// The attribute's `registration` names a function that can change it before it is registered:
///
/// ```
/// use fhir_sub::Subscription;
///
/// fn with_contact(subscription: &mut Subscription) {
///     subscription.set("contact", serde_json::json!([{ "system": "email", "value": "ehr@example.org" }]));
/// }
/// ```
///
/// Its `Debug` shows only the names of the elements, because a header of the channel contains the secret.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subscription(Map<String, Value>);

impl Subscription {
    /// A Subscription with no elements.
    #[must_use]
    pub fn new() -> Self {
        let mut elements = Map::new();
        elements.insert("resourceType".into(), "Subscription".into());
        Self(elements)
    }

    /// The top-level element with this name.
    #[must_use]
    pub fn get(&self, element: &str) -> Option<&Value> {
        self.0.get(element)
    }

    /// The text of the top-level element with this name, if it is a text.
    #[must_use]
    pub fn text(&self, element: &str) -> Option<&str> {
        self.0.get(element)?.as_str()
    }

    /// Sets the top-level element with this name.
    pub fn set(&mut self, element: &str, value: impl Into<Value>) {
        self.0.insert(element.into(), value.into());
    }

    /// Removes the top-level element with this name.
    pub fn remove(&mut self, element: &str) -> Option<Value> {
        self.0.remove(element)
    }

    /// Adds an extension to the resource: `{"url": …, "valueBoolean": …}` and the like.
    pub fn add_extension(&mut self, extension: Value) {
        push(&mut self.0, "extension", extension);
    }

    /// The elements of `channel` (R4, R4B), which is created if it is missing.
    pub fn channel_mut(&mut self) -> &mut Map<String, Value> {
        let channel = self.0.entry("channel").or_insert_with(|| Value::Object(Map::new()));
        if !channel.is_object() {
            *channel = Value::Object(Map::new());
        }
        channel.as_object_mut().expect("it was made an object above")
    }

    /// The elements of `channel` (R4, R4B).
    #[must_use]
    pub fn channel(&self) -> Option<&Map<String, Value>> {
        self.0.get("channel")?.as_object()
    }

    /// Adds an extension to `channel`.
    pub fn add_channel_extension(&mut self, extension: Value) {
        push(self.channel_mut(), "extension", extension);
    }

    /// The URL that the server calls: `channel.endpoint` (R4, R4B) or `endpoint` (R5).
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        let of_channel = self.channel().and_then(|channel| channel.get("endpoint"));
        of_channel.or_else(|| self.get("endpoint"))?.as_str()
    }

    /// The code of `status`; `unknown` for a code outside of
    /// <https://hl7.org/fhir/R5/valueset-subscription-status.html>, because a server may write anything
    /// there.
    #[doc(hidden)]
    pub fn status_code(&self) -> &'static str {
        const CODES: [&str; 5] = ["requested", "active", "error", "off", "entered-in-error"];
        let status = self.get("status").and_then(Value::as_str);
        CODES.into_iter().find(|code| status == Some(code)).unwrap_or("unknown")
    }

    /// All top-level elements.
    #[must_use]
    pub fn elements(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All top-level elements.
    pub fn elements_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }
}

/// Adds `value` to the list `element`, which is created if it is missing.
fn push(elements: &mut Map<String, Value>, element: &str, value: Value) {
    match elements.entry(element).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(values) => values.push(value),
        other => *other = Value::Array(vec![value]),
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Subscription").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}
