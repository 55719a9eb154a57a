//! The modifiers of a parameter: <https://hl7.org/fhir/R4/search.html#modifiers>.

use super::{Check, value};
use crate::definitions::{FhirVersion, Kind, ResourceType, SearchParameter, Token};
use crate::mistake::Mistake;
use crate::nearest::nearest;
use crate::search::{Modifier, Text};

/// The modifier with the name `written`, if the parameter accepts it.
pub(super) fn check(
    check: &Check<'_>,
    on: ResourceType,
    parameter: &SearchParameter,
    written: &Text,
) -> Result<Modifier, Mistake> {
    let name = written.to_string();
    if let Kind::Reference(targets) = &parameter.kind
        && name.starts_with(|letter: char| letter.is_ascii_uppercase())
    {
        return check
            .target(on, parameter.code, targets, written)
            .map(|target| Modifier::Type(target.name.to_owned()));
    }
    let modifier = Modifier::read(&name);
    if is_taken(&modifier, &parameter.kind, check.definitions.version) {
        return Ok(modifier);
    }
    let taken =
        |version| Modifier::NAMED.iter().filter(move |modifier| is_taken(modifier, &parameter.kind, version));
    let names = || taken(check.definitions.version).map(Modifier::code);
    let (code, kind) = (parameter.code, value::kind_name(&parameter.kind));
    let mut takes = names().map(|name| format!("`:{name}`")).collect::<Vec<_>>().join(", ");
    if takes.is_empty() {
        takes = "none".to_owned();
    }
    if matches!(parameter.kind, Kind::Reference(_)) {
        takes.push_str(", and the types that it refers to");
    }
    let takes = format!("it takes {takes}");
    let later = FhirVersion::ALL.into_iter().find(|version| taken(*version).any(|other| *other == modifier));
    let types = match &parameter.kind {
        Kind::Reference(targets) => check.definitions.targets(targets),
        _ => Vec::new(),
    };
    let types = types.iter().map(|target| target.name);
    let is_known = Modifier::NAMED.contains(&modifier) && modifier != Modifier::Iterate;
    let message = match (is_known, nearest(&name, names().chain(types))) {
        (true, _) if name == "of-type" && matches!(parameter.kind, Kind::Token(_)) => {
            format!("`{code}` is not an identifier, and `:of-type` is for identifiers: {takes}")
        }
        (true, _) => match later {
            Some(later) => format!(
                "a {kind} such as `{code}` takes `:{name}` in FHIR {later}, and not in FHIR {}: {takes}",
                check.definitions.version
            ),
            None => format!("`{code}` is a {kind}, which does not take the modifier `:{name}`: {takes}"),
        },
        (false, Some(nearest)) => format!("there is no modifier `:{name}`: did you mean `:{nearest}`?"),
        (false, None) => format!("`{code}` is a {kind} and has no modifier `:{name}`: {takes}"),
    };
    Err(Mistake::new(written.place.clone(), message, check.chapter("modifiers"))
        .with_hint("A modifier that only your server has: `unchecked = true`"))
}

/// Whether a type of parameter accepts a modifier.
fn is_taken(modifier: &Modifier, kind: &Kind, version: FhirVersion) -> bool {
    let is_later = version == FhirVersion::R5;
    match modifier {
        Modifier::Missing => !matches!(kind, Kind::Composite(_)),
        Modifier::Exact => matches!(kind, Kind::String),
        Modifier::Contains => matches!(kind, Kind::String) || is_later && matches!(kind, Kind::Uri),
        Modifier::Text => {
            matches!(kind, Kind::Token(_) | Kind::String) || is_later && matches!(kind, Kind::Reference(_))
        }
        Modifier::CodeText | Modifier::TextAdvanced => {
            is_later && matches!(kind, Kind::Token(_) | Kind::Reference(_))
        }
        Modifier::Not | Modifier::In | Modifier::NotIn => matches!(kind, Kind::Token(_)),
        Modifier::Above | Modifier::Below => {
            matches!(kind, Kind::Token(_) | Kind::Reference(_) | Kind::Uri)
        }
        Modifier::OfType => matches!(kind, Kind::Token(Token::Identifier | Token::Any)),
        Modifier::Nickname => matches!(kind, Kind::String),
        Modifier::Identifier | Modifier::Mdm => matches!(kind, Kind::Reference(_)),
        // `:iterate` belongs to `_include`. The types of a reference are checked elsewhere.
        Modifier::Iterate | Modifier::Type(_) | Modifier::Other(_) => false,
    }
}
