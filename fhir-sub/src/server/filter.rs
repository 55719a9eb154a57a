//! [`Filter`]: one parameter of a criteria or of a topic's filters, and how servers want a filter written.

use fhir_sub_search::search::{Form, Modifier, Parameter, ParameterType, Text, Written};
use serde_json::{Value, json};

/// One parameter of a criteria or of a filter: `Encounter?patient=Patient/1`.
#[derive(Clone, Debug)]
pub(crate) struct Filter<'a> {
    written: Written<'a>,
    of: ParameterType,
    /// The type that the handler and the other filters name, where this one names none.
    assumed: Option<String>,
    /// `None` where it is no parameter, which only an unchecked one can be.
    parameter: Option<Parameter>,
}

/// How a server wants a filter written, in the extension that stands for `filterBy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterText {
    /// In any form of the guide, as the user wrote it.
    AsWritten,
    /// `Encounter?patient=Patient/1`, as the guide's examples have it.
    Typed,
    /// The same, for a server that compares the value as it stands and decodes nothing.
    TypedDecoded,
    /// `patient=Patient/1`, as the guide's prose has it, for such a server.
    UntypedDecoded,
}

/// The parameters of all filters of a topic. All must hold, whether they stand in one filter or in several, and Helios
/// reads one of each filter only. `assumed` is the type of those that name none.
pub(crate) fn filters<'a>(
    written: impl Iterator<Item = (Written<'a>, ParameterType)>,
    assumed: Option<&str>,
) -> Vec<Filter<'a>> {
    written.map(|(written, of)| Filter::new(written, of, assumed)).collect()
}

/// The modifiers that R5's `filterBy` has codes for: <https://hl7.org/fhir/R5/valueset-search-modifier-code.html>.
const MODIFIERS: [Modifier; 13] = [
    Modifier::Missing,
    Modifier::Exact,
    Modifier::Contains,
    Modifier::Not,
    Modifier::Text,
    Modifier::In,
    Modifier::NotIn,
    Modifier::Below,
    Modifier::Above,
    Modifier::Identifier,
    Modifier::OfType,
    Modifier::CodeText,
    Modifier::TextAdvanced,
];

impl<'a> Filter<'a> {
    pub(crate) fn new(written: Written<'a>, of: ParameterType, assumed: Option<&str>) -> Self {
        let assumed = assumed.filter(|_| written.form == Form::Bare).map(str::to_owned);
        Self { written, of, assumed, parameter: written.parse().ok() }
    }

    /// The filter as the text of an extension. A type that is not known is left out.
    pub(crate) fn text(&self, form: FilterText) -> String {
        let Written { name, value, .. } = self.written;
        let typed = |value: &str| match self.resource_type() {
            Some(resource_type) => format!("{resource_type}?{name}={value}"),
            None => format!("{name}={value}"),
        };
        match form {
            FilterText::AsWritten => self.written.to_string(),
            FilterText::Typed => typed(value),
            FilterText::TypedDecoded => typed(&decoded(value)),
            FilterText::UntypedDecoded => format!("{name}={}", decoded(value)),
        }
    }

    /// The filter as an element of R5's `filterBy`, whose type may be left out.
    ///
    /// A prefix stays in the value, which by the specification is one "as is legal in search, such as `le1950`".
    pub(crate) fn element(&self, form: FilterText) -> Result<Value, String> {
        let mut value = decoded(self.written.value);
        let mut element = json!({ "filterParameter": self.parameter() });
        let resource_type = match form {
            FilterText::AsWritten => self.written.resource_type,
            _ => self.resource_type(),
        };
        if let Some(resource_type) = resource_type {
            element["resourceType"] = resource_type.into();
        }
        match self.modifier() {
            None => {}
            // `subject:Patient=1` is `subject=Patient/1`.
            Some(Modifier::Type(target)) => {
                let with_type =
                    |id: &str| if id.contains('/') { id.to_owned() } else { format!("{target}/{id}") };
                value = value.split(',').map(with_type).collect::<Vec<_>>().join(",");
            }
            Some(modifier) if MODIFIERS.contains(&modifier) => element["modifier"] = modifier.code().into(),
            Some(modifier) => {
                return Err(format!(
                    "its filter has the modifier `:{}`, for which a Subscription of FHIR R5 has no code: write the filter \
                     without it",
                    modifier.code()
                ));
            }
        }
        element["value"] = value.into();
        Ok(element)
    }

    /// The type that it names, or that is assumed for it.
    pub(crate) fn resource_type(&self) -> Option<&str> {
        self.written.resource_type.or(self.assumed.as_deref())
    }

    /// The parameter as it was written, with its modifier.
    pub(crate) fn name(&self) -> &'a str {
        self.written.name
    }

    /// The parameter, without its modifier.
    pub(crate) fn parameter(&self) -> String {
        match &self.parameter {
            Some(parameter) => parameter.code(),
            None => self.written.name.to_owned(),
        }
    }

    /// The type of the parameter: `Unknown` where FHIR defines none, or the text was left unchecked.
    pub(crate) fn kind(&self) -> ParameterType {
        self.of
    }

    /// Its values, decoded: the resource has one of them.
    pub(crate) fn values(&self) -> impl Iterator<Item = String> {
        self.parameter.iter().flat_map(|parameter| parameter.values.iter().map(Text::to_string))
    }

    pub(crate) fn modifier(&self) -> Option<Modifier> {
        self.parameter.as_ref().and_then(Parameter::modifier)
    }

    /// Whether it asks for what another resource has: `subject.name`, `_has:…`.
    pub(crate) fn is_chained(&self) -> bool {
        self.parameter.as_ref().is_some_and(Parameter::is_chained)
    }

    /// Whether it asks for anything but that one value is there: a modifier, a prefix, one of several values.
    pub(crate) fn is_more_than_equal(&self) -> bool {
        self.parameter.as_ref().is_none_or(|parameter| parameter.is_more_than_equal(self.of))
    }
}

/// The filter as people wrote it.
impl std::fmt::Display for Filter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.written.fmt(formatter)
    }
}

/// JSON is not a URL: there `%7C` would be three characters. The escapes stay, which are FHIR's own.
fn decoded(text: &str) -> String {
    Text::decode(text, 0..text.len()).map_or_else(|_| text.to_owned(), |text| text.to_string())
}

#[cfg(test)]
mod tests;
