//! A parameter's values: what form they have goes by the parameter's type and its modifier.

use super::{Check, capture, modifier, ordered, reference, token};
use crate::definitions::{Kind, ResourceType, SearchParameter, Token};
use crate::mistake::Mistake;
use crate::search::{Modifier, Text};

/// The mistakes in the modifier and in the values.
pub(super) fn check(
    check: &Check<'_>,
    on: ResourceType,
    parameter: &SearchParameter,
    modifier: Option<&Text>,
    values: &[Text],
) -> Vec<Mistake> {
    let modifier = modifier.map(|modifier| modifier::check(check, on, parameter, modifier)).transpose();
    let modifier = match modifier {
        Ok(modifier) => modifier,
        Err(mistake) => return vec![mistake],
    };
    let asked = Asked { check, on, code: parameter.code };
    if matches!(parameter.kind, Kind::Number | Kind::Quantity)
        && modifier.is_none()
        && let Err(mistake) = ordered::decimal_comma(&asked, values)
    {
        return vec![mistake];
    }
    values.iter().filter_map(|value| asked.value(&parameter.kind, modifier.as_ref(), value).err()).collect()
}

/// The type of a parameter, in a sentence.
pub(super) fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::Date => "date",
        Kind::String => "string",
        Kind::Uri => "uri",
        Kind::Quantity => "quantity",
        Kind::Special => "special parameter",
        Kind::Token(_) => "token",
        Kind::Reference(_) => "reference",
        Kind::Composite(_) => "composite",
    }
}

/// The parameter whose values are looked at.
pub(super) struct Asked<'a> {
    pub(super) check: &'a Check<'a>,
    pub(super) on: ResourceType,
    pub(super) code: &'static str,
}

impl Asked<'_> {
    pub(super) fn value(
        &self,
        kind: &Kind,
        modifier: Option<&Modifier>,
        value: &Text,
    ) -> Result<(), Mistake> {
        match modifier {
            _ if value.has_hole() => capture::check(self, kind, modifier, value),
            Some(Modifier::Missing) => self.missing(value),
            Some(
                Modifier::Exact
                | Modifier::Contains
                | Modifier::Text
                | Modifier::CodeText
                | Modifier::TextAdvanced
                | Modifier::Nickname,
            ) => Ok(()),
            Some(Modifier::In | Modifier::NotIn) => reference::value_set(self, value),
            Some(Modifier::OfType) => token::identifier_of_type(self, value),
            Some(Modifier::Identifier) => token::check(self, &Token::Identifier, value),
            Some(Modifier::Type(resource_type)) => reference::of_type(self, resource_type, value),
            Some(
                Modifier::Not
                | Modifier::Above
                | Modifier::Below
                | Modifier::Mdm
                | Modifier::Iterate
                | Modifier::Other(_),
            )
            | None => self.plain(kind, value),
        }
    }

    fn plain(&self, kind: &Kind, value: &Text) -> Result<(), Mistake> {
        match kind {
            Kind::Number => ordered::number(self, value),
            Kind::Date => ordered::date(self, value),
            Kind::Quantity => ordered::quantity(self, value),
            Kind::Token(token) => token::check(self, token, value),
            Kind::Reference(targets) => reference::check(self, targets, value),
            Kind::Uri => reference::uri(self, value),
            Kind::Composite(components) => self.composite(components, value),
            Kind::Special if self.code == "near" => ordered::position(self, value),
            Kind::String | Kind::Special => Ok(()),
        }
    }

    fn missing(&self, value: &Text) -> Result<(), Mistake> {
        match &*value.to_string() {
            "true" | "false" => Ok(()),
            other => {
                let message = format!("`:missing` takes `true` or `false`, and `{other}` is neither of them");
                Err(self.mistake(value, message, "modifiers"))
            }
        }
    }

    /// Checks a value with a sample of what the program fills in.
    pub(super) fn with_sample(
        &self,
        value: &Text,
        sample: &str,
        check: impl FnOnce(&Text) -> Result<(), Mistake>,
    ) -> Result<(), Mistake> {
        check(&value.with_sample(sample))
    }

    pub(super) fn composite(&self, components: &[Kind], value: &Text) -> Result<(), Mistake> {
        let parts = value.split('$');
        if parts.len() != components.len() || parts.iter().any(Text::is_empty) {
            let kinds: Vec<_> = components.iter().map(kind_name).collect();
            let message = format!(
                "`{}` joins {} values with `$`: write it as `{}`",
                self.code,
                components.len(),
                kinds.join("$")
            );
            return Err(self.mistake(value, message, "composite"));
        }
        components.iter().zip(&parts).try_for_each(|(component, part)| self.plain(component, part))
    }

    /// A mistake in a value, and the section of the chapter on search that says so.
    pub(super) fn mistake(&self, value: &Text, message: impl Into<String>, section: &str) -> Mistake {
        Mistake::new(value.place.clone(), message, self.check.chapter(section))
    }
}
