//! [`Filter`]: one parameter of a criteria or of a topic's filters, and the forms that servers require.

use fhir_sub_search::search::{Form, Modifier, Parameter, ParameterType, Text, Written};
use serde_json::{Value, json};

/// One parameter of a criteria or of a filter: `Encounter?patient=Patient/1`.
#[derive(Clone, Debug)]
pub(crate) struct Filter<'a> {
    written: Written<'a>,
    of: ParameterType,
    /// If the filter has no type: the type that the handler and the other filters name.
    assumed: Option<String>,
    /// `None` if the text is not a parameter. Only an unchecked text can be such.
    parameter: Option<Parameter>,
}

/// The form of a filter that a server requires, in the extension that replaces `filterBy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterText {
    /// Any form of the guide, as the user wrote it.
    AsWritten,
    /// `Encounter?patient=Patient/1`, as in the guide's examples.
    Typed,
    /// The same, for a server that compares the literal value and decodes nothing.
    TypedDecoded,
    /// `patient=Patient/1`, as in the guide's prose, for such a server.
    UntypedDecoded,
}

/// The parameters of all filters of a topic. All must hold, in one filter or in several; Helios reads only
/// one parameter of each filter. `assumed` is the type of filters without one.
pub(crate) fn filters<'a>(
    written: impl Iterator<Item = (Written<'a>, ParameterType)>,
    assumed: Option<&str>,
) -> Vec<Filter<'a>> {
    written.map(|(written, of)| Filter::new(written, of, assumed)).collect()
}

/// The modifiers with codes in R5's `filterBy`: <https://hl7.org/fhir/R5/valueset-search-modifier-code.html>.
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

    /// The filter as the text of an extension. An unknown type is left out.
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

    /// The filter as an element of R5's `filterBy`, where the type is optional.
    ///
    /// A prefix stays in the value: by the specification, the value is "as is legal in search, such as
    /// `le1950`".
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

    /// Its type, or the type that is assumed for it.
    pub(crate) fn resource_type(&self) -> Option<&str> {
        self.written.resource_type.or(self.assumed.as_deref())
    }

    /// The parameter as written, with its modifier.
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

    /// The type of the parameter: `Unknown` if FHIR defines none, or if the text is unchecked.
    pub(crate) fn kind(&self) -> ParameterType {
        self.of
    }

    /// Its decoded values; a resource must have one of them.
    pub(crate) fn values(&self) -> impl Iterator<Item = String> {
        self.parameter.iter().flat_map(|parameter| parameter.values.iter().map(Text::to_string))
    }

    pub(crate) fn modifier(&self) -> Option<Modifier> {
        self.parameter.as_ref().and_then(Parameter::modifier)
    }

    /// Whether it asks about another resource: `subject.name`, `_has:…`.
    pub(crate) fn is_chained(&self) -> bool {
        self.parameter.as_ref().is_some_and(Parameter::is_chained)
    }

    /// Whether it asks for anything other than one value: a modifier, a prefix, or one of several values.
    pub(crate) fn is_more_than_equal(&self) -> bool {
        self.parameter.as_ref().is_none_or(|parameter| parameter.is_more_than_equal(self.of))
    }
}

/// The filter as written.
impl std::fmt::Display for Filter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.written.fmt(formatter)
    }
}

/// JSON is not a URL: there, `%7C` would be three characters. The escapes stay, because they are FHIR's own.
fn decoded(text: &str) -> String {
    Text::decode(text, 0..text.len()).map_or_else(|_| text.to_owned(), |text| text.to_string())
}

#[cfg(test)]
mod tests;
