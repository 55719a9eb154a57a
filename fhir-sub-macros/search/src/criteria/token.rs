//! Tokens: a code, or a system and a code. <https://hl7.org/fhir/R4/search.html#token>

use super::value::Asked;
use super::{listed, ordered, reference, system};
use crate::definitions::{Codes, Definitions, Kind, Token};
use crate::mistake::Mistake;
use crate::nearest::nearest;
use crate::search::Text;

/// A list of codes up to this length is printed in full.
const SHORT_LIST: usize = 25;

/// `code`, `system|code`, `|code`, `system|`
pub(super) fn check(asked: &Asked<'_>, token: &Token, value: &Text) -> Result<(), Mistake> {
    let (system, code) = match &value.split('|')[..] {
        [code] => (None, code.clone()),
        [system, code] if !(system.is_empty() && code.is_empty()) => (Some(system.clone()), code.clone()),
        [_, _] => {
            let message = "a code is missing beside the `|`: write `system|code`, `|code` or `system|`";
            return Err(asked.mistake(value, message, "token"));
        }
        _ => {
            let message = "a token is a code or `system|code`: write a `|` that belongs to the code as `\\|`";
            return Err(asked.mistake(value, message, "token").of_separators());
        }
    };
    match token {
        Token::Boolean => boolean(asked, value),
        Token::Id => id(asked, value),
        Token::ResourceType => resource_type(asked, &code),
        Token::Codes(codes) => coded(asked, codes, system.as_ref(), &code),
        Token::ContactPoint => without_plus(asked, &code),
        Token::Identifier => {
            without_prefix(asked, value)?;
            without_edges_of_plus(asked, &code)?;
            of_identifier(asked, system.as_ref(), &code)
        }
        Token::Any => {
            without_prefix(asked, value)?;
            media_type(asked, &code)?;
            // The value was `A+`: no code begins or ends with a space,
            // <https://hl7.org/fhir/R4/datatypes.html#code>.
            if code.to_string().trim() != code.to_string() {
                without_plus(asked, &code)?;
                let message =
                    format!("no code begins or ends with a space: write `{}`", code.to_string().trim());
                return Err(asked.mistake(&code, message, "token"));
            }
            match system.filter(|system| !system.is_empty()) {
                Some(system) => system::check(asked, &system, &code.to_string(), []),
                None => system::check_code(asked, &code),
            }
        }
    }
}

/// `system|code|value`: <https://hl7.org/fhir/R4/search.html#token>, on `:of-type`.
pub(super) fn identifier_of_type(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let parts = value.split('|');
    if parts.len() == 3 && parts.iter().all(|part| !part.is_empty()) {
        without_edges_of_plus(asked, &parts[2])?;
        let rest = Text::plain(&format!("{}|{}", parts[1], parts[2]));
        return of_identifier(asked, Some(&parts[0]), &rest);
    }
    let message = "`:of-type` takes the identifier's type, by system and code, and its value: write it as in \
                   `http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053`";
    Err(asked.mistake(value, message, "token").of_separators())
}

/// The system of an identifier may be any text that a server has stored. Only a wrong spelling of a known
/// system is refused, and a space in a URI.
pub(super) fn of_identifier(asked: &Asked<'_>, system: Option<&Text>, code: &Text) -> Result<(), Mistake> {
    let Some(system) = system else { return Ok(()) };
    let (written, code) = (system.to_string(), code.to_string());
    match reference::is_uri(&written) {
        true if reference::has_host(&written) => system::check(asked, system, &code, []),
        true => system::check_spelling(asked, system, &code, []),
        false => Ok(()),
    }
}

/// A telephone number or an address may contain a `+`. A space should be written `%20`.
fn without_plus(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let Some(plus) = value.plus() else { return Ok(()) };
    let message = format!(
        "a `+` in a URL stands for a space, and this finds `{value}`: write the `+` as `%2B`, or a space as `%20`"
    );
    Err(Mistake::new(plus, message, asked.check.chapter("token")))
}

/// No identifier begins or ends with a space: the value was `+15555550100`.
fn without_edges_of_plus(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    if written.trim() == written { Ok(()) } else { without_plus(asked, value) }
}

/// `application/fhir+json`: a media type contains no space.
fn media_type(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|it| it.is_ascii_alphanumeric() || "-._ ".contains(it))
    };
    let is_media_type = written.split_once('/').is_some_and(|(kind, rest)| {
        ["application", "audio", "image", "model", "text", "video"].contains(&kind) && is_part(rest)
    });
    if is_media_type { without_plus(asked, value) } else { Ok(()) }
}

fn boolean(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    match &*value.to_string() {
        "true" | "false" => Ok(()),
        other => {
            let message = format!("`{}` is `true` or `false`, and `{other}` is neither of them", asked.code);
            Err(asked.mistake(value, message, "token"))
        }
    }
}

fn id(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    if reference::is_id(&written) {
        return Ok(());
    }
    let name = asked.on.name;
    let message = match written.strip_prefix(&format!("{name}/")) {
        Some(id) => format!("an id is written without the type: `{id}`"),
        None => format!("`{written}` is not an id: an id has 1 to 64 letters, digits, `-` and `.`"),
    };
    Err(Mistake::new(value.place.clone(), message, asked.check.definitions.version.page("datatypes.html#id")))
}

/// Abstract types are valid codes too.
fn resource_type(asked: &Asked<'_>, code: &Text) -> Result<(), Mistake> {
    if ["", "Resource", "DomainResource"].contains(&&*code.to_string()) {
        return Ok(());
    }
    asked.check.resource_type(code).map(|_| ())
}

/// Only types with an order have prefixes: `identifier=ge2030-12-31` searches for exactly this text.
fn without_prefix(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    if ordered::has_prefix_and_date(&value.to_string()) {
        let message = format!(
            "`{}` is a token, which takes no prefix: dates, numbers and quantities take them",
            asked.code
        );
        return Err(asked.mistake(value, message, "prefix"));
    }
    Ok(())
}

/// A code of a required binding, alone or with its system.
fn coded(asked: &Asked<'_>, codes: &Codes, system: Option<&Text>, code: &Text) -> Result<(), Mistake> {
    let version = asked.check.definitions.version;
    if let Some(system) = system.filter(|system| reference::is_uri(&system.to_string())) {
        system::check(asked, system, &code.to_string(), codes.systems.iter().map(|(system, _)| *system))?;
    }
    let page = || version.page(&format!("valueset-{}.html", codes.value_set));
    let of_system: Vec<&str> = match system.filter(|system| !system.is_empty()) {
        None => codes.systems.iter().flat_map(|(_, codes)| codes.iter().copied()).collect(),
        Some(system) => {
            let written = system.to_string();
            let known = codes.systems.iter().find(|(system, _)| *system == written);
            // In addition to the required code, a CodeableConcept may have codes of other systems. Then only
            // another URL of the same system, such as an earlier version's, is a mistake.
            let last = |system: &str| system.rsplit('/').next().unwrap_or_default().to_owned();
            let is_other = || codes.systems.iter().all(|(system, _)| last(system) != last(&written));
            if known.is_none() && !codes.is_single && is_other() {
                return Ok(());
            }
            let Some((_, codes)) = known else {
                let message = format!(
                    "the codes of `{}` are of {}, and never of `{written}`",
                    asked.code,
                    listed(codes.systems.iter().map(|(system, _)| *system))
                );
                return Err(Mistake::new(system.place.clone(), message, page()));
            };
            codes.clone()
        }
    };
    let written = code.to_string();
    if code.is_empty() || of_system.contains(&&*written) {
        return Ok(());
    }
    let (of, name) = (asked.code, asked.on.name);
    let elsewhere = asked.check.elsewhere(|definitions| has_code(definitions, name, of, &written));
    let message = if let Some(rest) = negated(&written).filter(|rest| of_system.contains(rest)) {
        let parameter = system.map_or_else(String::new, |system| format!("{system}|"));
        format!("a token takes no prefix: write `{of}:not={parameter}{rest}` for all that is not `{rest}`")
    } else if let Some(rest) = written.strip_prefix("eq").filter(|rest| of_system.contains(rest)) {
        format!("a token takes no prefix, and is compared for equality: write `{of}={rest}`")
    } else if let Some(elsewhere) = elsewhere {
        let list = short_list(&of_system);
        format!("`{of}` of `{name}` has no code `{written}` in FHIR {version}, it has in {elsewhere}{list}")
    } else if let Some(nearest) = nearest(&written, of_system.iter().copied()) {
        format!("`{of}` of `{name}` is never `{written}`: did you mean `{nearest}`?")
    } else {
        format!("`{of}` of `{name}` is never `{written}`{}", short_list(&of_system))
    };
    Err(Mistake::new(code.place.clone(), message, page()))
}

/// The excluded code in `nemale`, `!male` and `not male`.
fn negated(written: &str) -> Option<&str> {
    ["ne:", "ne", "!=", "!", "not:", "not-", "not ", "not", "<>", "-"]
        .iter()
        .find_map(|sign| written.strip_prefix(sign))
}

fn short_list(codes: &[&str]) -> String {
    if codes.len() > SHORT_LIST {
        return String::new();
    }
    format!(": it is one of {}", listed(codes.iter().copied()))
}

fn has_code(definitions: Definitions, resource_type: &str, parameter: &str, code: &str) -> bool {
    let parameter =
        definitions.resource_type(resource_type).and_then(|resource_type| resource_type.parameter(parameter));
    match parameter.map(|parameter| parameter.kind) {
        Some(Kind::Token(Token::Codes(codes))) => {
            codes.systems.iter().any(|(_, codes)| codes.contains(&code))
        }
        _ => false,
    }
}
