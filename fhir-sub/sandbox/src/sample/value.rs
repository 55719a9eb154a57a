//! Values of elements that a search finds.

use std::time::Duration;

use fhir_sub_search::search::{Modifier, Prefix, Text};
use serde_json::{Number, Value, json};

use crate::fhir::{FhirVersion, Instant};
use crate::search::{Kind, Range, types};

/// The place of a value.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    /// One of FHIR's types.
    pub(super) of_type: &'a str,
    /// The sibling member that must have this value.
    pub(super) condition: Option<(&'a str, &'a str)>,
    /// The only target type of a reference that counts.
    pub(super) target: Option<&'a str>,
    /// Whether only the presence of the element counts.
    pub(super) is_there: bool,
    /// The codes of the element; empty if it may have any code.
    pub(super) codes: &'a [&'a str],
}

/// The value that a search wants.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// `system|code`; an empty system allows any.
    Token {
        system: String,
        code: String,
    },
    /// Any code of the system, if there is one. The `number` makes the codes differ if the first ones are
    /// excluded.
    AnyToken {
        system: String,
        number: usize,
    },
    /// `:text`
    Called(String),
    /// `:of-type`
    Typed {
        system: String,
        code: String,
        value: String,
    },
    /// `:identifier`
    ReferredTo {
        system: String,
        value: String,
    },
    /// With the type from a modifier such as `:Patient`.
    Reference {
        reference: String,
        of_type: Option<String>,
    },
    Text(String),
    Uri(String),
    Date(Range),
    Number(f64),
    Quantity {
        number: f64,
        system: String,
        code: String,
    },
    Position {
        latitude: f64,
        longitude: f64,
    },
}

/// Codes for an element that may have any code.
const ANY: [&str; 4] = ["example", "unknown", "true", "false"];

/// The values that may match a value of a search, the likeliest first.
pub(super) fn values(kind: Kind, modifier: Option<&Modifier>, text: &Text) -> Vec<Wanted> {
    let whole = text.to_string();
    let parts: Vec<_> = text.split('|').iter().map(Text::to_string).collect();
    let token = || match parts.as_slice() {
        [system, code, ..] => (system.clone(), code.clone()),
        _ => (String::new(), whole.clone()),
    };
    match (kind, modifier) {
        (Kind::Token | Kind::Reference, Some(Modifier::Text | Modifier::TextAdvanced)) => {
            vec![Wanted::Called(whole)]
        }
        (Kind::Token, Some(Modifier::OfType)) => match parts.as_slice() {
            [system, code, value] => {
                vec![Wanted::Typed { system: system.clone(), code: code.clone(), value: value.clone() }]
            }
            _ => Vec::new(),
        },
        // Any other value.
        (Kind::Token, Some(Modifier::Not | Modifier::NotIn)) => {
            (0..ANY.len()).map(|number| Wanted::AnyToken { system: String::new(), number }).collect()
        }
        (Kind::Token, _) => {
            let (system, code) = token();
            vec![match &*code {
                "" => Wanted::AnyToken { system, number: 0 },
                _ => Wanted::Token { system, code },
            }]
        }
        (Kind::Reference, Some(Modifier::Identifier)) => {
            let (system, value) = token();
            vec![Wanted::ReferredTo { system, value }]
        }
        (Kind::Reference, Some(Modifier::Type(of_type))) => {
            vec![Wanted::Reference { reference: whole, of_type: Some(of_type.clone()) }]
        }
        (Kind::Reference, _) => vec![Wanted::Reference { reference: whole, of_type: None }],
        (Kind::String, _) => vec![Wanted::Text(whole)],
        (Kind::Uri, _) => vec![Wanted::Uri(whole)],
        (Kind::Date, _) => dates(text),
        (Kind::Number, _) => {
            let (prefix, number) = Prefix::split(text);
            numbers(prefix, &number.to_string()).into_iter().map(Wanted::Number).collect()
        }
        (Kind::Quantity, _) => {
            let first = text.split('|').into_iter().next();
            let Some(first) = first else { return Vec::new() };
            let (prefix, number) = Prefix::split(&first);
            let part = |index: usize| parts.get(index).cloned().unwrap_or_default();
            let quantity = |number| Wanted::Quantity { number, system: part(1), code: part(2) };
            numbers(prefix, &number.to_string()).into_iter().map(quantity).collect()
        }
        (Kind::Special, _) => {
            let number = |index: usize| parts.get(index).and_then(|part| part.parse().ok());
            match (number(0), number(1)) {
                (Some(latitude), Some(longitude)) => vec![Wanted::Position { latitude, longitude }],
                _ => Vec::new(),
            }
        }
        (Kind::Composite, _) => Vec::new(),
    }
}

/// The number itself, one above it and one below it.
fn numbers(prefix: Option<Prefix>, text: &str) -> Vec<f64> {
    let Ok(number) = text.parse::<f64>() else { return Vec::new() };
    let (above, below) = (number + 1.0, number - 1.0);
    match prefix {
        Some(Prefix::Gt | Prefix::Sa | Prefix::Ne) => vec![above, number + 0.001],
        Some(Prefix::Lt | Prefix::Eb) => vec![below, number - 0.001, number / 2.0],
        _ => vec![number],
    }
}

/// The date itself, and moments before and after it. One of these matches even if there are several bounds.
fn dates(text: &Text) -> Vec<Wanted> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let (_, date) = Prefix::split(text);
    let now = Instant::from(std::time::SystemTime::now());
    let range = match date.to_string().to_ascii_lowercase().as_str() {
        "%now" | "%today" => Range { start: now, end: now.after(Duration::from_millis(1)) },
        written => match Range::parse(written.to_ascii_uppercase().as_str()) {
            Some(range) => range,
            None => return Vec::new(),
        },
    };
    let moment = |at: Instant| Range { start: at, end: at.after(Duration::from_millis(1)) };
    let ranges = [
        range,
        moment(range.end.after(DAY)),
        moment(range.start.before(DAY)),
        moment(range.end.after(Duration::from_millis(1))),
        moment(range.start.before(Duration::from_millis(1))),
        moment(range.end.after(365 * DAY)),
        moment(range.start.before(365 * DAY)),
    ];
    ranges.into_iter().map(Wanted::Date).collect()
}

impl Wanted {
    /// The value, if an element of the spot's type can have it. `parameter` is the code of the search
    /// parameter.
    pub(super) fn of_type(&self, spot: Spot<'_>, parameter: &str, version: FhirVersion) -> Option<Value> {
        if spot.is_there {
            let Self::Token { code, .. } = self else { return None };
            return (code == "true").then(|| example(spot.of_type, None));
        }
        match self {
            Self::Token { system, code } => token(spot, system, code),
            Self::AnyToken { system, number } => {
                let known = if spot.of_type == "code" && !spot.codes.is_empty() { spot.codes } else { &ANY };
                token(spot, system, known.get(*number)?)
            }
            Self::Called(text) => Some(match spot.of_type {
                "Coding" | "Reference" => json!({ "display": text }),
                "Identifier" => json!({ "type": { "text": text } }),
                "CodeableReference" => json!({ "concept": { "text": text } }),
                "CodeableConcept" => json!({ "text": text }),
                _ => return None,
            }),
            Self::Typed { system, code, value } => (spot.of_type == "Identifier").then(
                || json!({ "type": { "coding": [{ "system": system, "code": code }] }, "value": value }),
            ),
            Self::ReferredTo { system, value } => {
                let identifier = identifier(system, value);
                match spot.of_type {
                    "Reference" => Some(json!({ "identifier": identifier })),
                    "CodeableReference" => Some(json!({ "reference": { "identifier": identifier } })),
                    _ => None,
                }
            }
            Self::Reference { reference: text, of_type } => {
                let kind = of_type.as_deref().or(spot.target);
                let kind = kind.or_else(|| type_named(parameter, version)).unwrap_or("Patient");
                let is_whole = text.contains('/') || text.contains(':');
                reference(spot, &if is_whole { text.clone() } else { format!("{kind}/{text}") })
            }
            Self::Text(text) => self::text(spot, text),
            Self::Uri(uri) => Some(json!(uri)),
            Self::Date(range) => date(spot, *range),
            Self::Number(number) => self::number(spot.of_type, *number),
            Self::Quantity { number, system, code } => quantity(spot.of_type, *number, system, code),
            Self::Position { latitude, longitude } => {
                Some(json!({ "latitude": latitude, "longitude": longitude }))
            }
        }
    }
}

fn token(spot: Spot<'_>, system: &str, code: &str) -> Option<Value> {
    match spot.of_type {
        "boolean" => code.parse::<bool>().ok().map(Value::Bool),
        "Identifier" => Some(identifier(system, code)),
        "ContactPoint" => {
            let kind = spot.condition.map_or("phone", |(_, value)| value);
            let mut contact = json!({ "system": kind, "value": code });
            // In `home|555`, `home` is the use.
            if !system.is_empty() {
                contact["use"] = system.into();
            }
            Some(contact)
        }
        "decimal" | "integer" | "positiveInt" | "unsignedInt" => number(spot.of_type, code.parse().ok()?),
        _ => coding(spot, system, code),
    }
}

/// A code, with its system if the type has one.
pub(super) fn coding(spot: Spot<'_>, system: &str, code: &str) -> Option<Value> {
    let coding =
        if system.is_empty() { json!({ "code": code }) } else { json!({ "system": system, "code": code }) };
    Some(match spot.of_type {
        "Coding" => coding,
        "CodeableConcept" => json!({ "coding": [coding] }),
        "CodeableReference" => json!({ "concept": { "coding": [coding] } }),
        "code" | "string" | "id" | "uri" | "http://hl7.org/fhirpath/System.String" => json!(code),
        _ => return None,
    })
}

fn identifier(system: &str, value: &str) -> Value {
    if system.is_empty() { json!({ "value": value }) } else { json!({ "system": system, "value": value }) }
}

/// A reference, or an element that serves as one.
pub(super) fn reference(spot: Spot<'_>, text: &str) -> Option<Value> {
    Some(match spot.of_type {
        "Reference" => json!({ "reference": text }),
        "CodeableReference" => json!({ "reference": { "reference": text } }),
        "canonical" | "uri" | "url" | "oid" | "uuid" => json!(text),
        "Resource" => {
            let (kind, id) = text.rsplit_once('/')?;
            json!({ "resourceType": kind.rsplit('/').next()?, "id": id })
        }
        _ => return None,
    })
}

fn text(spot: Spot<'_>, text: &str) -> Option<Value> {
    Some(match spot.of_type {
        "string" | "markdown" | "code" | "id" | "uri" => json!(text),
        "HumanName" => json!({ "family": text }),
        "Address" => json!({ "text": text, "city": text }),
        "Annotation" | "CodeableConcept" => json!({ "text": text }),
        _ => return None,
    })
}

fn date(spot: Spot<'_>, range: Range) -> Option<Value> {
    let start = range.start.to_string();
    let day = start.get(..10)?;
    Some(match spot.of_type {
        "date" => json!(day),
        // A range of a day or more is written as a date.
        "dateTime" if range.end > range.start.after(Duration::from_secs(60 * 60)) => json!(day),
        "dateTime" | "instant" => json!(start),
        "Period" => json!({ "start": start, "end": start }),
        "Timing" => json!({ "event": [start] }),
        _ => return None,
    })
}

fn number(of_type: &str, number: f64) -> Option<Value> {
    match of_type {
        "decimal" => decimal(number),
        "integer" | "positiveInt" | "unsignedInt" | "integer64" => whole(number),
        "Range" => {
            Some(json!({ "low": { "value": decimal(number)? }, "high": { "value": decimal(number)? } }))
        }
        _ => None,
    }
}

fn whole(number: f64) -> Option<Value> {
    (number.fract() == 0.0 && number.abs() < 1e15).then(|| json!(number as i64))
}

/// A number without decimals has no point, as people write it.
fn decimal(number: f64) -> Option<Value> {
    whole(number).or_else(|| Number::from_f64(number).map(Value::Number))
}

fn quantity(of_type: &str, value: f64, system: &str, code: &str) -> Option<Value> {
    let value = decimal(value)?;
    let mut quantity = json!({ "value": value });
    if !code.is_empty() {
        quantity["unit"] = code.into();
        quantity["code"] = code.into();
        // A code without a system is not valid.
        quantity["system"] = if system.is_empty() { "http://unitsofmeasure.org" } else { system }.into();
    }
    Some(match of_type {
        "Quantity" | "SimpleQuantity" | "Duration" | "Age" | "Count" | "Distance" => quantity,
        "Money" => {
            json!({ "value": quantity["value"], "currency": if code.is_empty() { "EUR" } else { code } })
        }
        "Range" => json!({ "low": quantity, "high": quantity }),
        _ => return None,
    })
}

/// Any value of the spot's type.
pub(super) fn any(spot: Spot<'_>) -> Option<Value> {
    let code = spot.codes.first().filter(|_| spot.of_type == "code");
    let mut value = example(spot.of_type, code.copied());
    if let (Some((key, wanted)), Value::Object(members)) = (spot.condition, &mut value) {
        members.insert(key.to_owned(), wanted.into());
    }
    Some(value)
}

/// An example of one of FHIR's types. `code` is a code of the element, preceded by its system; for a
/// reference, it is the target type.
pub(super) fn example(of_type: &str, code: Option<&str>) -> Value {
    let coding = || match code.and_then(|code| code.split_once('|')) {
        Some((system, code)) => json!({ "system": system, "code": code }),
        None => json!({ "display": "an example" }),
    };
    let moment = || json!("2026-01-31T12:00:00Z");
    match of_type {
        "boolean" => json!(true),
        "decimal" | "integer" | "positiveInt" | "unsignedInt" => json!(1),
        "integer64" => json!("1"),
        "date" => json!("2026-01-31"),
        "dateTime" | "instant" => moment(),
        "time" => json!("12:00:00"),
        "code" | "id" => json!(code.map_or("example", |code| code.rsplit('|').next().unwrap_or(code))),
        "uri" | "url" | "canonical" => json!("http://example.org/example"),
        "oid" => json!("urn:oid:1.2.3"),
        "uuid" => json!("urn:uuid:8b0e1c2e-8d5f-4d1b-9c64-6c8f2c6d0f11"),
        "base64Binary" => json!("ZXhhbXBsZQ=="),
        "Reference" => json!({ "reference": format!("{}/example", code.unwrap_or("Patient")) }),
        "CodeableReference" => json!({ "concept": { "text": "an example" } }),
        "CodeableConcept" => match code {
            Some(_) => json!({ "coding": [coding()] }),
            None => json!({ "text": "an example" }),
        },
        "Coding" => coding(),
        "Identifier" => json!({ "value": "example" }),
        "HumanName" => json!({ "family": "Example" }),
        "Address" => json!({ "text": "an example" }),
        "ContactPoint" => json!({ "value": "an example" }),
        "Period" => json!({ "start": moment() }),
        "Timing" => json!({ "event": [moment()] }),
        "Quantity" | "SimpleQuantity" | "Duration" | "Age" | "Count" | "Distance" => json!({ "value": 1 }),
        "Money" => json!({ "value": 1, "currency": "EUR" }),
        "Range" => json!({ "low": { "value": 1 } }),
        "Ratio" => json!({ "numerator": { "value": 1 }, "denominator": { "value": 1 } }),
        "SampledData" => {
            json!({ "origin": { "value": 1 }, "period": 1, "interval": 1, "intervalUnit": "s", "dimensions": 1, "data": "1" })
        }
        "Attachment" => json!({ "contentType": "text/plain", "url": "http://example.org/example" }),
        "Annotation" => json!({ "text": "an example" }),
        "Narrative" => json!({ "status": "generated", "div": super::narrative("an example") }),
        "Signature" => {
            json!({ "type": [{ "code": "1.2.840.10065.1.12.1.1" }], "when": moment(), "who": { "display": "an example" } })
        }
        "Expression" => json!({ "language": "text/fhirpath", "expression": "true" }),
        "ContactDetail" => json!({ "name": "an example" }),
        "RelatedArtifact" => json!({ "type": "documentation" }),
        "UsageContext" => {
            json!({ "code": { "code": "focus" }, "valueCodeableConcept": { "text": "an example" } })
        }
        "DataRequirement" => json!({ "type": "Patient" }),
        "TriggerDefinition" => json!({ "type": "named-event", "name": "an example" }),
        "ParameterDefinition" => json!({ "use": "in", "type": "string" }),
        "Resource" => json!({ "resourceType": "Patient" }),
        "string" | "markdown" | "xhtml" => json!("an example"),
        _ => json!({}),
    }
}

/// `dateTime` as the suffix of a choice: `DateTime`.
pub(super) fn capitalised(of_type: &str) -> String {
    let (first, rest) = of_type.split_at(of_type.len().min(1));
    first.to_ascii_uppercase() + rest
}

/// The resource type that a parameter is named after: Encounter for `encounter`.
pub(super) fn type_named(code: &str, version: FhirVersion) -> Option<&'static str> {
    const OTHERS: [(&str, &str); 8] = [
        ("service-provider", "Organization"),
        ("managing-organization", "Organization"),
        ("general-practitioner", "Practitioner"),
        ("performer", "Practitioner"),
        ("requester", "Practitioner"),
        ("author", "Practitioner"),
        ("part-of", "Observation"),
        ("provider", "Practitioner"),
    ];
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let named = types(version).into_iter().find(|kind| kind.eq_ignore_ascii_case(&letters));
    named.or_else(|| OTHERS.iter().find(|(name, _)| *name == code).map(|(_, kind)| *kind))
}

/// The version's bit of a mask in the tables.
pub(super) fn mask(version: FhirVersion) -> u8 {
    match version {
        FhirVersion::R4 => 1,
        FhirVersion::R4B => 2,
        FhirVersion::R5 => 4,
    }
}
