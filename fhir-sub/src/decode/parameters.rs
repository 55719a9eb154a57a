//! The status of a notification in R4: a Parameters resource, as the Subscriptions R5 Backport IG defines it.
//!
//! <https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-subscription-status-r4.html>

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::reference::ReferenceElement;
use super::status::{Focus, Kind, Status, StatusEvent, Unnamed};
use crate::json::strict::{Object, Scalar};
use crate::json::{Mistake, Text};

#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow, default)]
    parameter: Option<StatusParameters<'a>>,
}

/// A parameter or a part of one, with the values that a status uses. Other parameters, such as an
/// authorization or a related query, are skipped.
#[derive(Deserialize)]
#[serde(bound(deserialize = "P: Deserialize<'de>"))]
struct Parameter<'a, P> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "valueReference")]
    reference: Option<Object<ReferenceElement<'a>>>,
    #[serde(borrow, rename = "valueString")]
    string: Option<Scalar<'a>>,
    #[serde(rename = "valueInteger", alias = "valueUnsignedInt", alias = "valuePositiveInt")]
    #[serde(alias = "valueInteger64")]
    integer: Option<MaybeNumber>,
    /// HAPI writes a day without a time.
    #[serde(borrow, rename = "valueInstant", alias = "valueDate", alias = "valueDateTime")]
    instant: Option<Text<'a>>,
    #[serde(borrow, rename = "valueCanonical")]
    canonical: Option<Text<'a>>,
    #[serde(borrow, rename = "valueCode")]
    code: Option<Text<'a>>,
    part: Option<P>,
}

impl<'a> Status<'a> {
    /// Reads a Parameters resource.
    pub(super) fn from_parameters(resource: &'a str) -> Result<Self, Mistake> {
        let Object(parameters): Object<Parameters<'a>> = serde_json::from_str(resource)?;
        Ok(parameters.parameter.map(|StatusParameters(status)| status).unwrap_or_default())
    }

    fn take(&mut self, parameter: Parameter<'a, EventParts<'a>>) {
        let Parameter { name, id, reference, string, integer, canonical, code, part, .. } = parameter;
        match name.as_deref() {
            // fhir-candle of 2023 writes a string.
            Some("subscription") => {
                self.subscription = reference
                    .and_then(|Object(element)| element.reference)
                    .or_else(|| string.and_then(Scalar::into_text));
            }
            Some("topic") => self.topic = canonical,
            Some("status") => self.is_off = code.as_deref() == Some("off"),
            Some("type") => self.kind = code.as_deref().and_then(Kind::from_code),
            Some("events-since-subscription-start") => self.events_since_start = number(integer, string),
            Some("notification-event") => {
                let event = part.map(|EventParts(event)| event).unwrap_or_default();
                self.events.add(StatusEvent { id, ..event });
            }
            _ => {}
        }
    }
}

impl<'a> StatusEvent<'a> {
    fn take(&mut self, part: Parameter<'a, IgnoredAny>) {
        match part.name.as_deref() {
            Some("event-number") => self.number = number(part.integer, part.string),
            Some("timestamp") => self.timestamp = part.instant,
            Some("focus") => {
                let string = part.string.and_then(Scalar::into_text);
                self.focus = match (part.reference, string) {
                    (Some(Object(element)), _) => Focus::from(element),
                    (None, Some(text)) => Focus::Named(text),
                    (None, None) => Focus::Unnamed(Unnamed::default()),
                }
            }
            _ => {}
        }
    }
}

/// R4 has its numbers as strings.
fn number(integer: Option<MaybeNumber>, string: Option<Scalar<'_>>) -> Option<u64> {
    let integer = integer.and_then(|MaybeNumber(number)| number);
    integer.or_else(|| string.and_then(|string| string.number()))
}

/// The number of a value, if it is one: an unknown parameter may have any value.
struct MaybeNumber(Option<u64>);

impl<'de> Deserialize<'de> for MaybeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json: &'de RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str::<Scalar<'_>>(json.get()).ok().and_then(|scalar| scalar.number())))
    }
}

/// The parameters of a status. Each is used as it is read: a list of them would take many times the body's
/// size.
struct StatusParameters<'a>(Status<'a>);

/// The parts of a `notification-event`, read in the same way.
struct EventParts<'a>(StatusEvent<'a>);

macro_rules! take_in_each {
    ($Name:ident of $Item:ty, $expected:literal) => {
        impl<'de: 'a, 'a> Deserialize<'de> for $Name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_seq($Name(Default::default()))
            }
        }

        impl<'de: 'a, 'a> Visitor<'de> for $Name<'a> {
            type Value = Self;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str($expected)
            }

            fn visit_seq<S: SeqAccess<'de>>(mut self, mut sequence: S) -> Result<Self, S::Error> {
                while let Some(Object(item)) = sequence.next_element::<Object<$Item>>()? {
                    self.0.take(item);
                }
                Ok(self)
            }
        }
    };
}
take_in_each!(StatusParameters of Parameter<'a, EventParts<'a>>, "a list of parameters");
take_in_each!(EventParts of Parameter<'a, IgnoredAny>, "a list of parts");
