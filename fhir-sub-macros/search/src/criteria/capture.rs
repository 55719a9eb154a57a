//! Values that a program fills in, `{id}`: what can be checked when the search is compiled.

use std::ops::Range;

use super::value::Asked;
use super::{ordered, system, token};
use crate::definitions::{Kind, Token};
use crate::mistake::Mistake;
use crate::search::{Modifier, Parameter, Text};

/// How a captured value is written, so that it stays one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// `,`, `|`, `$` and `\` are escaped.
    Value,
    /// A URI or a reference, where a `|` may stand before a version: `,`, `$` and `\` are escaped.
    Uri,
    /// The id in a reference. Any text that is not an id is refused.
    Id,
}

/// The mistakes in a value with captured parts, as far as the text shows them.
pub(super) fn check(
    asked: &Asked<'_>,
    kind: &Kind,
    modifier: Option<&Modifier>,
    value: &Text,
) -> Result<(), Mistake> {
    match (kind, modifier) {
        (_, Some(Modifier::OfType)) => {
            asked.with_sample(value, "1", |value| asked.value(kind, modifier, value))
        }
        (Kind::Composite(components), None | Some(Modifier::Not | Modifier::Above | Modifier::Below)) => {
            let parts = value.split('$');
            if parts.len() != components.len() {
                return asked.composite(components, value);
            }
            let mut pairs = components.iter().zip(&parts);
            pairs.try_for_each(|(kind, part)| asked.value(kind, None, part))
        }
        (Kind::Token(token), None | Some(Modifier::Not)) => token_with(asked, token, value),
        (Kind::Reference(_), None) if !value.pieces()[0].is_empty() => {
            asked.with_sample(value, "1", |value| asked.value(kind, modifier, value))
        }
        (Kind::Number, None) => asked.with_sample(value, "5", |value| ordered::number(asked, value)),
        (Kind::Quantity, None) => {
            let parts = value.split('|');
            if parts.len() == 2 || parts.len() > 3 {
                return asked.with_sample(value, "5", |value| ordered::quantity(asked, value));
            }
            asked.with_sample(&parts[0], "5", |number| ordered::number(asked, number))?;
            match parts.get(1).filter(|system| !system.has_hole()) {
                Some(system) => system::check(asked, system, &parts[2].to_string(), []),
                None => Ok(()),
            }
        }
        (Kind::Date, None) => {
            // The form of a date is known only if the date is captured whole, with or without a prefix.
            let is_prefix = |before: &String| before.chars().all(|letter| letter.is_ascii_alphabetic());
            match &value.pieces()[..] {
                [before, after] if is_prefix(before) && after.is_empty() => {
                    asked.with_sample(value, "2030-12-31", |value| ordered::date(asked, value))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn token_with(asked: &Asked<'_>, token: &Token, value: &Text) -> Result<(), Mistake> {
    let parts = value.split('|');
    match &parts[..] {
        [_] => Ok(()),
        [system, code] if !system.has_hole() => match token {
            Token::Codes(codes) => {
                let of = codes.systems.iter().map(|(system, _)| *system);
                system::check(asked, system, &code.to_string(), of)
            }
            Token::Any => system::check(asked, system, &code.to_string(), []),
            _ => token::of_identifier(asked, Some(system), code),
        },
        [_, _] => Ok(()),
        _ => {
            let message = "a token is a code or `system|code`: write a `|` that belongs to the code as `\\|`";
            Err(asked.mistake(value, message, "token"))
        }
    }
}

/// The places of a parameter's captured values, and how each is written. `kind` is `None` for a parameter
/// that only the server knows.
pub(super) fn captures(kind: Option<&Kind>, parameter: &Parameter) -> Vec<(Range<usize>, Capture)> {
    let modifier = parameter.modifier();
    let of_value = |value: &Text| -> Vec<(Range<usize>, Capture)> {
        let parts = match kind {
            Some(Kind::Composite(kinds)) => {
                let parts = value.split('$');
                parts.into_iter().enumerate().map(|(index, part)| (kinds.get(index), part)).collect()
            }
            kind => vec![(kind, value.clone())],
        };
        parts.iter().flat_map(|(kind, part)| of_part(*kind, modifier.as_ref(), part)).collect()
    };
    parameter.values.iter().flat_map(of_value).collect()
}

fn of_part(kind: Option<&Kind>, modifier: Option<&Modifier>, value: &Text) -> Vec<(Range<usize>, Capture)> {
    let capture = match (kind, modifier) {
        (_, Some(Modifier::In | Modifier::NotIn)) => Capture::Uri,
        (Some(Kind::Reference(_)), Some(Modifier::Type(_))) => Capture::Id,
        (Some(Kind::Reference(_)), None | Some(Modifier::Above | Modifier::Below | Modifier::Mdm)) => {
            if value.is_hole() { Capture::Uri } else { Capture::Id }
        }
        (Some(Kind::Uri), None | Some(Modifier::Above | Modifier::Below | Modifier::Contains)) => {
            Capture::Uri
        }
        _ => Capture::Value,
    };
    value.holes().map(|place| (place, capture)).collect()
}
