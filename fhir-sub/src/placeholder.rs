//! `{NAME}` in a criteria or a filter: a value that is known at deployment only, put in when the program starts.

use std::ops::Range;

use fhir_sub_search::search::{ParameterType, placeholders};

use crate::declaration::{Declaration, Topic, Trigger};
use crate::fhir::{Instant, is_id, is_type_name};
use crate::problems::Problems;
use crate::settings::Variables;

/// Puts the values of `variables` into all criteria and filters.
///
/// # Errors
/// All values that are missing, or are of the wrong form, at once. What is wrong is told without the value.
pub(crate) fn resolve(
    declarations: &mut [&'static Declaration],
    variables: &mut Variables,
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for declaration in declarations.iter_mut().filter(|it| it.has_placeholders) {
        let resolved = match declaration.trigger {
            Trigger::Criteria(criteria) => {
                let mut filling = Filling { declaration, variables, problems: &mut problems, parameter: 0 };
                filling.text("criteria", criteria).map(Trigger::Criteria)
            }
            Trigger::Topic(topic) => {
                let mut filling = Filling { declaration, variables, problems: &mut problems, parameter: 0 };
                let filters =
                    topic.filters.iter().map(|filter| filling.text("filter", filter).unwrap_or(filter));
                let filters: Vec<_> = filters.collect();
                // As long-lived as the declaration itself.
                Some(Trigger::Topic(Topic { filters: filters.leak(), ..topic }))
            }
        };
        if let Some(trigger) = resolved {
            *declaration = Box::leak(Box::new(with_trigger(declaration, trigger)));
        }
    }
    problems.or(())
}

/// The values are put into the texts of one declaration.
struct Filling<'a> {
    declaration: &'static Declaration,
    variables: &'a mut Variables,
    problems: &'a mut Problems,
    /// How many parameters the texts before this one have.
    parameter: usize,
}

impl Filling<'_> {
    /// The text with its values; `None` where it has no placeholder, or one without a value.
    fn text(&mut self, kind: &str, text: &'static str) -> Option<&'static str> {
        let (mut resolved, mut end, mut is_whole) = (String::new(), 0, true);
        for place in placeholders(text) {
            let name = &text[place.start + 1..place.end - 1];
            let value = self.value(name).and_then(|value| {
                let types = self.declaration.parameter_types;
                let kind = types.get(self.parameter + parameter_at(text, place.start)).copied();
                let slot = Slot::of(text, &place, kind.unwrap_or(ParameterType::Unknown));
                slot.check(&value).map(|()| value)
            });
            match value {
                Ok(value) => {
                    resolved.push_str(&text[end..place.start]);
                    resolved.push_str(&value);
                    end = place.end;
                }
                Err(why) => {
                    is_whole = false;
                    let Declaration { handler, source, .. } = self.declaration;
                    self.problems.add(format!("`{{{name}}}` in the {kind} of `{handler}` ({source}) {why}"));
                }
            }
        }
        self.parameter += fhir_sub_search::search::split_filter(text).count();
        resolved.push_str(&text[end..]);
        (is_whole && end > 0).then(|| &*resolved.leak())
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        if Variables::is_setting(name) {
            return Err("is a setting of the program, which may be secret: name another variable".into());
        }
        self.variables.placeholder(name).ok_or_else(|| {
            format!("has no value: set {name} in the environment, or with app.set({name:?}, …) in setup")
        })
    }
}

/// Where a value is put.
struct Slot<'t> {
    /// The parameter, with its modifier.
    parameter: &'t str,
    kind: ParameterType,
    /// What stands before and after it in the same piece of a value.
    before: &'t str,
    after: &'t str,
    /// Whether a `|` stands before it: it is a code or a unit.
    is_after_system: bool,
}

impl<'t> Slot<'t> {
    fn of(text: &'t str, place: &Range<usize>, kind: ParameterType) -> Self {
        const SEPARATORS: [char; 6] = ['=', ',', '|', '$', '&', '?'];
        let (before, after) = (&text[..place.start], &text[place.end..]);
        let piece_start = before.rfind(SEPARATORS).map_or(0, |at| at + 1);
        let piece_end = after.find(SEPARATORS).unwrap_or(after.len());
        let whole = before.rfind(['&', '?']).map_or(before, |at| &before[at + 1..]);
        Self {
            parameter: whole.split_once('=').map_or(whole, |(name, _)| name),
            kind,
            before: &before[piece_start..],
            after: &after[..piece_end],
            is_after_system: before[..piece_start].ends_with('|'),
        }
    }

    /// Whether the search with this value is one that the compiler takes, and of the same shape.
    fn check(&self, value: &str) -> Result<(), String> {
        if let Some(character) = value.chars().find(|character| !is_harmless(*character)) {
            return Err(format!(
                "has a value with the character {character:?} in it, which would change what is searched for: percent-encode \
                 nothing, and write letters, digits and `-._~/:@`"
            ));
        }
        let piece = format!("{}{value}{}", self.before, self.after);
        let (name, modifier) = self.parameter.split_once(':').unwrap_or((self.parameter, ""));
        let of_type = self.before.strip_suffix('/').is_some_and(is_type_name);
        let is_right = if modifier == "missing" {
            return if matches!(&*piece, "true" | "false") { Ok(()) } else { Err(takes("true or false")) };
        } else if of_type && self.after.is_empty() || name == "_id" {
            is_id(value)
        } else {
            match self.kind {
                ParameterType::Reference if modifier != "identifier" => is_reference(&piece),
                ParameterType::Date => is_date(without_prefix(&piece)),
                ParameterType::Number => is_number(without_prefix(&piece)),
                ParameterType::Quantity if !self.is_after_system => is_number(without_prefix(&piece)),
                _ => true,
            }
        };
        let expected = match self.kind {
            _ if of_type || name == "_id" => "an id: 1 to 64 letters, digits, `-` and `.`",
            ParameterType::Reference => "a reference: an id, `Type/id` or a URL",
            ParameterType::Date => "a date, as 2026-01-31",
            _ => "a number",
        };
        if is_right { Ok(()) } else { Err(takes(expected)) }
    }
}

fn takes(expected: &str) -> String {
    format!("has a value of the wrong form: this place takes {expected}")
}

/// How many parameters begin before the one at `place`.
fn parameter_at(text: &str, place: usize) -> usize {
    let before = &text[..place];
    let query = before.split_once('?').map_or(before, |(_, query)| query);
    query.split('&').filter(|piece| !piece.is_empty()).count().saturating_sub(1)
}

/// Whether a character is itself in a search, wherever it stands: it separates nothing, and needs no encoding.
fn is_harmless(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~/:@!'()*;".contains(character)
}

fn is_reference(text: &str) -> bool {
    match text.split('/').collect::<Vec<_>>()[..] {
        [id] => is_id(id) || id.starts_with("urn:"),
        [kind, id] => is_type_name(kind) && is_id(id),
        _ => url::Url::parse(text).is_ok_and(|url| url.has_host() || url.scheme() == "urn"),
    }
}

fn without_prefix(text: &str) -> &str {
    const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];
    PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// A date as a search has it: a year, a month, a day, or an instant with or without seconds.
fn is_date(text: &str) -> bool {
    let is_day = |day: &str| Instant::parse(&format!("{day}T00:00:00Z")).is_some();
    match text.split_once('T') {
        None => is_day(text) || is_day(&format!("{text}-01")) || is_day(&format!("{text}-01-01")),
        Some((day, time)) => {
            let zone = time.find(['Z', '-']).unwrap_or(time.len());
            let (time, zone) = time.split_at(zone);
            let zone = if zone.is_empty() { "Z" } else { zone };
            [time.to_owned(), format!("{time}:00")]
                .iter()
                .any(|time| Instant::parse(&format!("{day}T{time}{zone}")).is_some())
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|it| it.is_ascii_digit() || ".eE-".contains(it))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// The declaration with another trigger.
fn with_trigger(declaration: &Declaration, trigger: Trigger) -> Declaration {
    let Declaration {
        handler,
        source,
        has_placeholders,
        endpoint,
        reason,
        interactions,
        content,
        trust,
        order,
        end,
        ..
    } = *declaration;
    let Declaration { versions, parameter_types, registration, uses, require, run, .. } = *declaration;
    Declaration {
        handler,
        source,
        trigger,
        has_placeholders,
        endpoint,
        reason,
        interactions,
        content,
        trust,
        order,
        end,
        versions,
        parameter_types,
        registration,
        uses,
        require,
        run,
    }
}

#[cfg(test)]
mod tests;
