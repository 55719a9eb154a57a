//! References and URIs. <https://hl7.org/fhir/R4/search.html#reference>

use super::value::Asked;
use super::{SHORT_LIST, listed, ordered};
use crate::definitions::Targets;
use crate::mistake::Mistake;
use crate::nearest::did_you_mean;
use crate::search::Text;

/// `1`, `Patient/1`, `https://example.org/fhir/Patient/1`, `urn:uuid:…`
pub(super) fn check(asked: &Asked<'_>, targets: &Targets, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    if written.starts_with("urn:") {
        return Ok(());
    }
    if written.contains("://") {
        uri(asked, value)?;
        return of_url(asked, targets, value, &written);
    }
    if let Some((system, _)) = written.split_once('|') {
        let message = format!(
            "a reference is found by the resource that it points to: write `{code}:identifier={written}` to find it by \
             the identifier of the system `{system}`",
            code = asked.code
        );
        return Err(asked.mistake(value, message, "reference"));
    }
    let Some((resource_type, rest)) = written.split_once('/') else {
        if asked.check.definitions.resource_type(&written).is_some() {
            let message =
                format!("`{written}` is a type, and a reference names one resource: write `{written}/1`");
            return Err(asked.mistake(value, message, "reference"));
        }
        return if is_id(&written) { Ok(()) } else { Err(no_reference(asked, targets, value)) };
    };
    let id = rest.split_once("/_history/").map_or(rest, |(id, _)| id);
    if !is_id(id) {
        return Err(no_reference(asked, targets, value));
    }
    type_of_reference(asked, targets, value, resource_type)
}

/// Checks the resource type in a URL of a FHIR server, such as `https://example.org/fhir/Patient/1`.
fn of_url(asked: &Asked<'_>, targets: &Targets, value: &Text, written: &str) -> Result<(), Mistake> {
    let Some((Some(_), Some(resource_type), _)) = base_type_and_id(written) else { return Ok(()) };
    if asked.check.definitions.resource_type(resource_type).is_none() || targets.contain(resource_type) {
        return Ok(());
    }
    let message = type_of_reference(asked, targets, value, resource_type).map_err(|mistake| mistake.message);
    message.map_err(|message| asked.mistake(value, message, "reference"))
}

/// The server's URL and the type, if given, and the id of a reference's target. `None` for a reference
/// without an id, such as `urn:uuid:…`.
pub(super) fn base_type_and_id(written: &str) -> Option<(Option<&str>, Option<&str>, &str)> {
    if written.starts_with("urn:") || written.contains(['|', '#']) {
        return None;
    }
    let current = written.split_once("/_history/").map_or(written, |(current, _)| current);
    let (before, id) = match current.rsplit_once('/') {
        Some((before, id)) => (Some(before), id),
        None => (None, current),
    };
    let (base, resource_type) = match before.map(|before| before.rsplit_once('/').ok_or(before)) {
        None => (None, None),
        Some(Err(resource_type)) => (None, Some(resource_type)),
        Some(Ok((base, resource_type))) => (Some(base), Some(resource_type)),
    };
    is_id(id).then_some((base, resource_type, id))
}

fn type_of_reference(
    asked: &Asked<'_>,
    targets: &Targets,
    value: &Text,
    resource_type: &str,
) -> Result<(), Mistake> {
    let definitions = asked.check.definitions;
    let (code, on) = (asked.code, asked.on.name);
    let message = match (definitions.resource_type(resource_type), targets) {
        (Some(_), targets) if targets.contain(resource_type) => return Ok(()),
        (Some(_), Targets::Types(types)) if types.len() <= SHORT_LIST => {
            format!(
                "`{code}` of `{on}` never refers to `{resource_type}`, but to {}",
                listed(types.iter().copied())
            )
        }
        (Some(_), _) => format!("`{code}` of `{on}` never refers to `{resource_type}`"),
        (None, _) => {
            let meant = did_you_mean(resource_type, definitions.resource_types());
            format!("there is no resource type `{resource_type}`{meant}")
        }
    };
    let place = value.split_at(resource_type.chars().count()).0.place;
    Err(Mistake::new(place, message, asked.on.page()))
}

/// `subject:Patient=1`
pub(super) fn of_type(asked: &Asked<'_>, resource_type: &str, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    // Servers also accept the type before the id.
    let id = written.strip_prefix(&format!("{resource_type}/")).unwrap_or(&written);
    if is_id(id) {
        return Ok(());
    }
    let message = format!(
        "`:{resource_type}` takes the id of a {resource_type}, and `{written}` is not one: write it as in `{}:{resource_type}=1`",
        asked.code
    );
    Err(asked.mistake(value, message, "reference"))
}

/// `:in` and `:not-in`: the canonical URL of a value set, or `ValueSet/1`.
pub(super) fn value_set(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    if written.strip_prefix("ValueSet/").is_some_and(is_id) || is_uri(&written) && has_host(&written) {
        return Ok(());
    }
    let message = format!(
        "`:in` and `:not-in` take a value set, by its URL or as `ValueSet/id`, and `{written}` is neither: write it as in \
         `http://hl7.org/fhir/ValueSet/observation-status`"
    );
    Err(asked.mistake(value, message, "token"))
}

/// `https://example.org/fhir/ValueSet/1`, `urn:oid:1.2.3`
pub(super) fn uri(asked: &Asked<'_>, value: &Text) -> Result<(), Mistake> {
    let written = value.to_string();
    if ordered::has_prefix_and_date(&written) {
        let message = format!(
            "`{}` is a uri, which takes no prefix: dates, numbers and quantities take them",
            asked.code
        );
        return Err(asked.mistake(value, message, "prefix"));
    }
    let is_part = |character: char| !character.is_whitespace() && !"<>\"{}\\^`".contains(character);
    let is_right =
        written.chars().all(is_part) && (!written.contains(':') || is_uri(&written) && has_host(&written));
    if is_right {
        return Ok(());
    }
    if let Some(plus) = value.plus() {
        let message = "a URI has no space, and a `+` in a URL stands for a space: write the `+` as `%2B`";
        return Err(Mistake::new(plus, message, asked.check.chapter("uri")));
    }
    let message = format!(
        "`{}` takes a URI, and `{written}` is not one: write it as in `https://example.org/fhir/1` or `urn:oid:1.2.3`",
        asked.code
    );
    Err(asked.mistake(value, message, "uri"))
}

/// Whether a host follows the scheme, if the scheme needs one. `http:/example.org` and `http:///example.org` have none.
pub(super) fn has_host(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return true };
    !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        || rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Whether the text starts with a scheme: RFC 3986, section 3.1.
pub(super) fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
    };
    text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty())
}

/// <https://hl7.org/fhir/R4/datatypes.html#id>
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn no_reference(asked: &Asked<'_>, targets: &Targets, value: &Text) -> Mistake {
    let example = match targets {
        Targets::Types(types) if !types.contains(&"Patient") => types[0],
        _ => "Patient",
    };
    let message = format!(
        "`{}` takes a reference, and `{value}` is not one: write an id, `{example}/1`, or an absolute URL",
        asked.code
    );
    asked.mistake(value, message, "reference")
}
