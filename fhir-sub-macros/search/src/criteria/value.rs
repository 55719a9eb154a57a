//! The values of a parameter: the parameter's type and its modifier decide their form.

use super::{Check, Purpose, capture, is_parameter_name, modifier, ordered, reference, token};
use crate::definitions::{Kind, ResourceType, SearchParameter, Token};
use crate::mistake::Mistake;
use crate::search::{Modifier, Text};

/// The system of UCUM's codes, before a code.
const UCUM: &str = "http://unitsofmeasure.org|";

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
    if matches!(parameter.kind, Kind::Composite(_))
        && modifier.is_none()
        && let Err(mistake) = ordered::decimal_comma_of_composite(&asked, values)
    {
        return vec![mistake];
    }
    values.iter().filter_map(|value| asked.value(&parameter.kind, modifier.as_ref(), value).err()).collect()
}

/// The name of a parameter's type in a sentence.
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

/// Whether the value may be any text, such as `multipart/related;type=application/dicom`, or a URI, such as
/// `https://example.org/a;version=1`.
fn may_have_equals(kind: &Kind, modifier: Option<&Modifier>, value: &Text) -> bool {
    let is_text = matches!(
        modifier,
        Some(
            Modifier::Text
                | Modifier::CodeText
                | Modifier::TextAdvanced
                | Modifier::Identifier
                | Modifier::OfType
                | Modifier::In
                | Modifier::NotIn
        )
    );
    is_text
        || match kind {
            Kind::String
            | Kind::Special
            | Kind::Token(Token::Any | Token::Identifier | Token::ContactPoint) => true,
            Kind::Uri => reference::is_uri(&value.to_string()),
            Kind::Composite(components) => components.iter().any(|kind| may_have_equals(kind, None, value)),
            Kind::Number | Kind::Date | Kind::Quantity | Kind::Token(_) | Kind::Reference(_) => false,
        }
}

/// `F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4`, which Windows writes within braces. Also without hyphens.
fn is_guid(name: &str) -> bool {
    let lengths: Vec<_> = name.split('-').map(str::len).collect();
    [&[8, 4, 4, 4, 12][..], &[32]].contains(&&*lengths)
        && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The parameter of the checked values.
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
        self.braces(kind, value)?;
        self.joined(kind, modifier, value)?;
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

    /// A name in braces that is not a placeholder would be sent as it is. Only UCUM has such codes, and only quantities
    /// have such units.
    fn braces(&self, kind: &Kind, value: &Text) -> Result<(), Mistake> {
        let written = value.to_string();
        let is_unit = matches!(kind, Kind::Quantity | Kind::Composite(_)) || written.starts_with(UCUM);
        if self.check.purpose == Purpose::Search || is_unit {
            return Ok(());
        }
        // `ge{from}`: a date and a number may have a prefix.
        let has_prefix = matches!(kind, Kind::Date | Kind::Number);
        let bare = written.get(2..).filter(|rest| has_prefix && rest.starts_with('{')).unwrap_or(&written);
        let in_braces = |piece: &str| Some(piece.strip_prefix('{')?.strip_suffix('}')?.to_owned());
        let Some(name) = bare.split(['|', '/']).find_map(in_braces) else { return Ok(()) };
        if !is_parameter_name(&name) || !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Ok(());
        }
        let capitals = name.to_uppercase().replace('-', "_");
        if name == capitals || is_guid(&name) {
            return Ok(());
        }
        let message = format!(
            "`{{{name}}}` is not a placeholder, and would be searched for as it stands: write `{{{capitals}}}` for a value \
             that the environment or `setup` gives"
        );
        Err(self.mistake(value, message, "token"))
    }

    /// Only an `&` joins parameters: `status=final;code=1234-5` asks for the status `final;code=1234-5`.
    fn joined(&self, kind: &Kind, modifier: Option<&Modifier>, value: &Text) -> Result<(), Mistake> {
        // `%3D` is meant as a part of the value.
        let equals = value.places().position(|(letter, place)| letter == '=' && place.len() == 1);
        let Some(at) = equals.filter(|_| !may_have_equals(kind, modifier, value)) else { return Ok(()) };
        let (before, after) = value.split_at(at);
        let (before, after) = (before.to_string(), after.to_string());
        let name = before.rsplit([';', '&', ' ']).next().unwrap_or_default();
        let code = name.split([':', '.']).next().unwrap_or_default();
        if self.on.parameter(code).is_none() {
            return Ok(());
        }
        let message = format!(
            "an `&` joins parameters: write `&{name}{after}`, or a `=` that belongs to the value as `%3D`"
        );
        Err(self.mistake(value, message, "combining"))
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

    /// Checks a value with a sample in place of the program's value.
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
            return Err(self.mistake(value, message, "composite").of_separators());
        }
        components.iter().zip(&parts).try_for_each(|(component, part)| self.plain(component, part))
    }

    /// A mistake in a value, with the section of the chapter on search.
    pub(super) fn mistake(&self, value: &Text, message: impl Into<String>, section: &str) -> Mistake {
        Mistake::new(value.place.clone(), message, self.check.chapter(section))
    }
}
