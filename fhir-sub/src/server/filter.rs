//! [`Filter`]: one parameter of a topic's filters, as servers want it written.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// One parameter of a filter, as it was written: `Encounter?patient=Patient/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filter<'a> {
    resource_type: &'a str,
    /// With its modifier.
    name: &'a str,
    value: &'a str,
}

/// The text of a filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterText {
    /// `Encounter?patient=Patient/1`, as the guide's examples have it; else `patient=Patient/1`, as its prose has it.
    pub(crate) has_type: bool,
    /// For a server that compares the value as it stands, and decodes nothing.
    pub(crate) is_decoded: bool,
}

/// The parameters of all filters of a topic. All must hold, whether they stand in one filter or in several, and Helios
/// reads one of each filter only.
pub(crate) fn filters<'a>(filters: &[&'a str]) -> impl Iterator<Item = Filter<'a>> {
    filters.iter().flat_map(|filter| {
        let (resource_type, parameters) = filter.split_once('?').unwrap_or((filter, ""));
        let parameters = parameters.split('&').filter(|parameter| !parameter.is_empty());
        parameters.map(move |parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            Filter { resource_type, name, value }
        })
    })
}

/// The modifiers that R5's `filterBy` has codes for: <https://hl7.org/fhir/R5/valueset-search-modifier-code.html>.
const MODIFIERS: [&str; 13] = [
    "missing",
    "exact",
    "contains",
    "not",
    "text",
    "in",
    "not-in",
    "below",
    "above",
    "identifier",
    "of-type",
    "code-text",
    "text-advanced",
];

impl<'a> Filter<'a> {
    /// The filter as the text of an extension.
    pub(crate) fn text(&self, form: FilterText) -> String {
        let Self { resource_type, name, value } = self;
        let value = if form.is_decoded { decoded(value) } else { (*value).to_owned() };
        if form.has_type { format!("{resource_type}?{name}={value}") } else { format!("{name}={value}") }
    }

    /// The filter as an element of R5's `filterBy`.
    ///
    /// A prefix stays in the value, which by the specification is one "as is legal in search, such as `le1950`": whether
    /// `ap1` is a prefix and a number, or a code, is known to the server only.
    pub(crate) fn element(&self) -> Result<Value, String> {
        let (name, modifier) = self.split_name();
        let mut value = decoded(self.value);
        let mut element = json!({ "resourceType": self.resource_type, "filterParameter": decoded(name) });
        match modifier {
            None => {}
            // `subject:Patient=1` is `subject=Patient/1`.
            Some(target) if target.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
                let with_type =
                    |id: &str| if id.contains('/') { id.to_owned() } else { format!("{target}/{id}") };
                value = value.split(',').map(with_type).collect::<Vec<_>>().join(",");
            }
            Some(modifier) if MODIFIERS.contains(&modifier) => element["modifier"] = modifier.into(),
            Some(modifier) => {
                return Err(format!(
                    "its filter has the modifier `:{modifier}`, for which a Subscription of FHIR R5 has no code: write the \
                     filter without it"
                ));
            }
        }
        element["value"] = value.into();
        Ok(element)
    }

    pub(crate) fn resource_type(&self) -> &'a str {
        self.resource_type
    }

    /// The parameter, without its modifier.
    pub(crate) fn parameter(&self) -> &str {
        self.split_name().0
    }

    /// Whether it asks for what another resource has: `subject.name`, `_has:…`.
    pub(crate) fn is_chained(&self) -> bool {
        self.name.starts_with("_has:") || self.name.contains('.')
    }

    /// Whether it asks for anything but that one value is there: a modifier, a prefix, one of several values.
    pub(crate) fn is_more_than_equal(&self) -> bool {
        self.split_name().1.is_some() || self.value.contains(',') || has_prefix(self.value)
    }

    fn split_name(&self) -> (&str, Option<&str>) {
        let last_step = self.name.rfind('.').map_or(0, |at| at + 1);
        // The colons of `_has:Observation:patient:code` are no modifier's.
        if self.name[last_step..].starts_with("_has:") {
            return (self.name, None);
        }
        match self.name[last_step..].find(':') {
            Some(colon) => (&self.name[..last_step + colon], Some(&self.name[last_step + colon + 1..])),
            None => (self.name, None),
        }
    }
}

/// The filter as people wrote it.
impl std::fmt::Display for Filter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}?{}={}", self.resource_type, self.name, self.value)
    }
}

/// Whether a number or a date seems to follow upon a prefix. A code of this form is told from it by its system,
/// `http://example.org|ap1`.
fn has_prefix(value: &str) -> bool {
    const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];
    PREFIXES.iter().filter_map(|prefix| value.strip_prefix(prefix)).any(|rest| {
        rest.trim_start_matches(['-', '+']).starts_with(|digit: char| digit.is_ascii_digit())
            && rest.chars().all(|letter| letter.is_ascii_digit() || "+-.:TZ|".contains(letter))
    })
}

/// JSON is no URL: there `%7C` would be three characters.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
