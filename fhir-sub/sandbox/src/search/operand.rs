//! [`Operand`]: one value of a parameter, and how it is compared.

use fhir_sub_search::search::{Modifier, Prefix, Text};
use serde_json::Value;

use super::{
    Context,
    date::DateOperand,
    near::Position,
    number::NumberOperand,
    parameter::Kind,
    path::Path,
    quantity::QuantityOperand,
    reference::{By, ReferenceOperand},
    text::{Comparison, folded, is_called},
    token::TokenOperand,
    uri::UriComparison,
    value_set,
};

/// A value of a search.
#[derive(Debug)]
pub(crate) enum Operand {
    Token(TokenOperand),
    /// `:text` and similar modifiers: the display text of a code or a reference.
    Called(Comparison, String),
    /// `:code-text`: the beginning of a code.
    CodeBegins(String),
    /// `:of-type`: the type of an identifier, and its value.
    Identifier {
        of_type: TokenOperand,
        value: String,
    },
    /// `:identifier`: the identifier in a reference without an address.
    ReferredTo(TokenOperand),
    /// `:in` and `:not-in`: the codes of a ValueSet on the server.
    InValueSet(String),
    /// `:below` and `:above`: by the hierarchy of a CodeSystem on the server.
    Below(TokenOperand),
    Above(TokenOperand),
    Reference(ReferenceOperand),
    Text(Comparison, String),
    Uri(UriComparison, String),
    Date(DateOperand),
    Number(NumberOperand),
    Quantity(QuantityOperand),
    Near(Position),
}

impl Operand {
    /// Reads a value of a parameter of this kind; the error says what is wrong with the value or the
    /// modifier.
    pub(crate) fn read(kind: Kind, modifier: Option<&Modifier>, value: &Text) -> Result<Self, String> {
        let text = value.to_string();
        Ok(match (kind, modifier) {
            (Kind::Token, None | Some(Modifier::Not)) => Self::Token(TokenOperand::read(value)),
            (Kind::Token | Kind::Reference, Some(Modifier::Text)) => {
                Self::Called(Comparison::StartsWith, text)
            }
            (Kind::Token | Kind::Reference, Some(Modifier::TextAdvanced)) => {
                Self::Called(Comparison::Contains, text)
            }
            (Kind::Token | Kind::Reference, Some(Modifier::CodeText)) => Self::CodeBegins(folded(&text)),
            (Kind::Token, Some(Modifier::In | Modifier::NotIn)) => Self::InValueSet(text),
            (Kind::Token, Some(Modifier::Below)) => Self::Below(TokenOperand::read(value)),
            (Kind::Token, Some(Modifier::Above)) => Self::Above(TokenOperand::read(value)),
            (Kind::Token, Some(Modifier::OfType)) => {
                let parts = value.split('|');
                let [system, code, value] = parts.as_slice() else {
                    return Err(
                        "`:of-type` takes `system|code|value`: the identifier's type as system and code, then its value".into(),
                    );
                };
                let of_type = TokenOperand::new(&system.to_string(), &code.to_string());
                Self::Identifier { of_type, value: value.to_string() }
            }
            // A nickname is another name of the same person. Only HAPI knows nicknames, so the sandbox
            // compares the name itself.
            (Kind::String, None | Some(Modifier::Nickname)) => Self::Text(Comparison::StartsWith, text),
            (Kind::String, Some(Modifier::Exact)) => Self::Text(Comparison::Exact, text),
            (Kind::String, Some(Modifier::Contains | Modifier::Text)) => {
                Self::Text(Comparison::Contains, text)
            }
            // The sandbox does not know which resources belong to one person, so `:mdm` compares the
            // reference itself.
            (Kind::Reference, None | Some(Modifier::Mdm)) => {
                Self::Reference(ReferenceOperand::new(text, None, By::Itself))
            }
            (Kind::Reference, Some(Modifier::Type(of_type))) => {
                Self::Reference(ReferenceOperand::new(text, Some(of_type.clone()), By::Itself))
            }
            (Kind::Reference, Some(Modifier::Below)) => {
                Self::Reference(ReferenceOperand::new(text, None, By::Below))
            }
            (Kind::Reference, Some(Modifier::Above)) => {
                Self::Reference(ReferenceOperand::new(text, None, By::Above))
            }
            (Kind::Reference, Some(Modifier::Identifier)) => Self::ReferredTo(TokenOperand::read(value)),
            (Kind::Uri, None) => Self::Uri(UriComparison::Is, text),
            (Kind::Uri, Some(Modifier::Below)) => Self::Uri(UriComparison::Below, text),
            (Kind::Uri, Some(Modifier::Above)) => Self::Uri(UriComparison::Above, text),
            (Kind::Uri, Some(Modifier::Contains)) => Self::Uri(UriComparison::Contains, text),
            (Kind::Date, None) => Self::Date(DateOperand::read(value).ok_or(
                "it is a date such as `ge2026-01-31` or `lt2026-01-31T12:00:00Z` (a `+` in a URL is written `%2B`)",
            )?),
            (Kind::Number, None) => {
                let (prefix, number) = Prefix::split(value);
                let number = NumberOperand::parse(prefix, &number.to_string());
                Self::Number(number.ok_or("it is a number such as `5` or `ge0.8`")?)
            }
            (Kind::Quantity, None) => Self::Quantity(
                QuantityOperand::read(value).ok_or("it is a number, or `number|system|unit`")?,
            ),
            (Kind::Special, None) => Self::Near(
                Position::parse(&text).ok_or("it is `latitude|longitude`, or that with `|distance|unit`")?,
            ),
            (kind, Some(modifier)) => {
                return Err(format!("a {} has no modifier `:{}`", kind.name(), modifier.code()));
            }
            (Kind::Composite, None) => return Err("a composite has no composites".into()),
        })
    }

    /// Whether the value matches.
    pub(crate) fn matches(&self, value: &Value, path: &Path, context: Context<'_>) -> bool {
        match self {
            Self::Token(token) => token.matches(value),
            Self::Called(comparison, wanted) => is_called(value, *comparison, wanted),
            Self::CodeBegins(wanted) => {
                TokenOperand::codes(value).iter().any(|(_, code)| folded(code).starts_with(wanted.as_str()))
            }
            Self::Identifier { of_type, value: wanted } => {
                of_type.matches(&value["type"]) && value["value"] == *wanted
            }
            Self::ReferredTo(token) => {
                let identifier = &value["identifier"];
                token.matches(if identifier.is_object() {
                    identifier
                } else {
                    &value["reference"]["identifier"]
                })
            }
            Self::InValueSet(url) => TokenOperand::codes(value)
                .iter()
                .any(|(system, code)| value_set::has(url, *system, code, context.resources)),
            Self::Below(token) => TokenOperand::codes(value).iter().any(|(system, code)| {
                value_set::and_above(*system, code, context.resources).iter().any(|it| token.is(*system, it))
            }),
            Self::Above(token) => {
                let (system, code) = token.system_and_code();
                let above = value_set::and_above(system, code.unwrap_or_default(), context.resources);
                TokenOperand::codes(value).iter().any(|(of, code)| {
                    (system.is_none() || *of == system) && above.iter().any(|it| it == code)
                })
            }
            Self::Reference(reference) => reference.matches(value, path, context),
            Self::Text(comparison, wanted) => comparison.matches(value, wanted),
            Self::Uri(comparison, wanted) => comparison.matches(value, wanted),
            Self::Date(date) => date.matches(value, context.now),
            Self::Number(number) => number.matches(value),
            Self::Quantity(quantity) => quantity.matches(value),
            Self::Near(position) => position.is_near(value),
        }
    }
}
