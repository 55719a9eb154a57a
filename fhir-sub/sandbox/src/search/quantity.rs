//! Quantities: a number, and a unit if the search names one.

use fhir_sub_search::search::{Prefix, Text};
use serde_json::Value;

use super::number::{NumberOperand, Span};

/// `number`, `number|system|code` or `number||code` ([FHIR R4
/// §3.1.1.4.12](https://hl7.org/fhir/R4/search.html#quantity)). Units are compared as text, without
/// conversion between grams and milligrams.
#[derive(Debug)]
pub(crate) struct QuantityOperand {
    number: NumberOperand,
    system: String,
    code: String,
}

impl QuantityOperand {
    pub(crate) fn read(text: &Text) -> Option<Self> {
        let parts = text.split('|');
        let (prefix, number) = Prefix::split(&parts[0]);
        let (system, code) = match &parts[1..] {
            [] => (String::new(), String::new()),
            [system, code] => (system.to_string(), code.to_string()),
            _ => return None,
        };
        Some(Self { number: NumberOperand::parse(prefix, &number.to_string())?, system, code })
    }

    pub(crate) fn matches(&self, value: &Value) -> bool {
        // A Range, the parts of a ratio or of sampled data, and money are quantities under other names.
        let (low, high) = (&value["low"], &value["high"]);
        if low.is_object() || high.is_object() {
            let bound = |bound: &Value, otherwise| bound["value"].as_f64().unwrap_or(otherwise);
            let span = Span { low: bound(low, f64::NEG_INFINITY), high: bound(high, f64::INFINITY) };
            return self.is_unit(if low.is_object() { low } else { high }) && self.number.holds(span);
        }
        let quantity = if value["origin"].is_object() { &value["origin"] } else { value };
        let Some(number) = quantity["value"].as_f64() else { return false };
        let span = match quantity["comparator"].as_str() {
            Some("<" | "<=") => Span { low: f64::NEG_INFINITY, high: number },
            Some(">" | ">=") => Span { low: number, high: f64::INFINITY },
            _ => Span { low: number, high: number },
        };
        self.is_unit(quantity) && self.number.holds(span)
    }

    fn is_unit(&self, quantity: &Value) -> bool {
        const CURRENCIES: &str = "urn:iso:std:iso:4217";
        if self.code.is_empty() {
            return true;
        }
        let text = |member: &str| quantity[member].as_str();
        if let Some(currency) = text("currency") {
            return currency == self.code && (self.system.is_empty() || self.system == CURRENCIES);
        }
        match self.system.as_str() {
            "" => [text("code"), text("unit")].contains(&Some(&self.code)),
            system => text("system") == Some(system) && text("code") == Some(&self.code),
        }
    }
}
