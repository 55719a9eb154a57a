//! `{NAME}` in a criteria, a topic or a filter: a value of the deployment, which is filled in when the program starts.

mod value;

use std::ops::Range;

use fhir_sub_search::canonical;
use fhir_sub_search::search::{self, Form, Parameter, ParameterType, Prefix, placeholders};

use crate::declaration::{Declaration, Topic, Trigger};
use crate::fhir::{FhirVersions, Instant, is_id, is_type_name};
use crate::problems::Problems;
use crate::settings::Variables;

/// Fills the values of `variables` into all criteria, topics and filters.
///
/// # Errors
/// All values that are missing or malformed, together. The messages do not contain the values.
pub(crate) fn resolve(
    declarations: &mut [&'static Declaration],
    variables: &mut Variables,
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for declaration in declarations.iter_mut().filter(|it| it.has_placeholders) {
        let versions = declaration.versions;
        let mut filling = Filling { declaration, variables, problems: &mut problems, parameter: 0, versions };
        let resolved = match declaration.trigger {
            Trigger::Criteria(criteria) => filling.text("criteria", criteria).map(Trigger::Criteria),
            Trigger::Topic(topic) => {
                let filters =
                    topic.filters.iter().map(|filter| filling.text("filter", filter).unwrap_or(filter));
                let filters: Vec<_> = filters.collect();
                let url = filling.url(topic.url);
                // It lives as long as the declaration itself.
                Some(Trigger::Topic(Topic { url, filters: filters.leak(), ..topic }))
            }
        };
        let versions = filling.versions;
        if let Some(trigger) = resolved {
            *declaration = Box::leak(Box::new(Declaration { trigger, versions, ..**declaration }));
        }
    }
    problems.or(())
}

/// Whether a value suits its placeholder.
type Check<'c> = dyn Fn(&Range<usize>, &str) -> Result<(), String> + 'c;

/// Fills the values into the texts of one declaration.
struct Filling<'a> {
    declaration: &'static Declaration,
    variables: &'a mut Variables,
    problems: &'a mut Problems,
    /// How many parameters the texts before this one have.
    parameter: usize,
    /// The versions of FHIR that accept everything so far.
    versions: FhirVersions,
}

impl Filling<'_> {
    /// The text with its values; `None` if it has no placeholder, or a placeholder without a value.
    fn text(&mut self, kind: &str, text: &'static str) -> Option<&'static str> {
        let (types, parameter) = (self.declaration.parameter_types, self.parameter);
        let resolved = self.fill(kind, text, &|place, value| {
            let kind = types.get(parameter + parameter_at(text, place.start)).copied();
            Slot::of(text, place, kind.unwrap_or(ParameterType::Unknown)).check(value)
        });
        if let Some(resolved) = &resolved {
            self.joined(kind, text, resolved);
            self.listed(kind, text, resolved);
        }
        self.parameter += search::split_filter(text).count();
        resolved.filter(|_| placeholders(text).next().is_some()).map(|resolved| &*resolved.leak())
    }

    /// The URL of a topic with its values; as written if it has no placeholder, or a mistake.
    fn url(&mut self, url: &'static str) -> &'static str {
        let Some(resolved) = self.fill("topic", url, &|_, value| part_of_url(value)) else { return url };
        if resolved == url {
            return url;
        }
        if canonical::mistake(&resolved).is_some() {
            self.problem(
                &names(placeholders(url).map(|place| &url[place])),
                "topic",
                "does not make it a canonical URL: with its value, the topic must be an absolute URI, such as \
                 `https://example.org/topics/admission`",
            );
            return url;
        }
        resolved.leak()
    }

    /// The text with its values. Each value must pass `check` for its place. `None` if a value is missing or wrong.
    fn fill(&mut self, kind: &str, text: &str, check: &Check<'_>) -> Option<String> {
        let (mut resolved, mut end, mut is_whole) = (String::new(), 0, true);
        for place in placeholders(text) {
            let name = &text[place.start + 1..place.end - 1];
            match self.value(name).and_then(|value| check(&place, &value).map(|()| value)) {
                Ok(value) => {
                    resolved.push_str(&text[end..place.start]);
                    resolved.push_str(&value);
                    end = place.end;
                }
                Err(why) => {
                    is_whole = false;
                    self.problem(&names([&text[place]]), kind, &why);
                }
            }
        }
        resolved.push_str(&text[end..]);
        is_whole.then_some(resolved)
    }

    fn problem(&mut self, names: &str, kind: &str, why: &str) {
        let Declaration { handler, source, .. } = self.declaration;
        self.problems.add(format!("{names} in the {kind} of `{handler}` ({source}) {why}"));
    }

    /// Checks the values that several placeholders make together, as in `Organization/{SITE}-{NUMBER}`.
    fn joined(&mut self, kind: &str, text: &str, resolved: &str) {
        let parameters = parameters(resolved);
        let is_joined = |place: &Range<usize>| !Slot::of(text, place, ParameterType::Unknown).stands_alone();
        let places = placeholders(text).filter(is_joined);
        let mut indexes: Vec<_> = places.map(|place| parameter_at(text, place.start)).collect();
        indexes.dedup();
        for index in indexes {
            let Some(parameter) = parameters.get(index) else { continue };
            let of = self.declaration.parameter_types.get(self.parameter + index).copied();
            if let Err(why) = check_form(of.unwrap_or(ParameterType::Unknown), parameter) {
                let of_it = placeholders(text).filter(|place| parameter_at(text, place.start) == index);
                self.problem(&names(of_it.map(|place| &text[place])), kind, &why);
            }
        }
    }

    /// Compares the finished text with the values that FHIR lists.
    fn listed(&mut self, kind: &str, text: &str, resolved: &str) {
        let (parameters, Declaration { allowed, .. }) = (parameters(resolved), self.declaration);
        for (index, parameter) in parameters.iter().enumerate() {
            let number = self.parameter + index;
            let of = || allowed.unwrap_or_default().iter().filter(|allowed| allowed.parameter == number);
            let (mut left, mut first) = (self.versions, None);
            for allowed in of() {
                if let Err(why) = value::check(&allowed.values, parameter) {
                    left = left.without(allowed.versions);
                    first.get_or_insert(why);
                }
            }
            match first {
                Some(why) if left.is_empty() => {
                    let of_it = placeholders(text).filter(|place| parameter_at(text, place.start) == index);
                    self.problem(&names(of_it.map(|place| &text[place])), kind, &why);
                }
                _ => self.versions = left,
            }
        }
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        if self.variables.may_be_setting(name) {
            return Err("is a setting of the program, which may be secret: name another variable".into());
        }
        self.variables.placeholder(name).ok_or_else(|| {
            format!("has no value: set {name} in the environment, or with app.set({name:?}, …) in setup")
        })
    }
}

/// The place of a value.
struct Slot<'t> {
    /// The parameter, with its modifier.
    parameter: &'t str,
    kind: ParameterType,
    /// The text before and after it in the same piece of a value.
    before: &'t str,
    after: &'t str,
    /// Whether it follows a `|`: then it is a code or a unit.
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

    /// Whether there is no other placeholder in the same piece of a value.
    fn stands_alone(&self) -> bool {
        placeholders(self.before).chain(placeholders(self.after)).next().is_none()
    }

    /// Whether the compiler would accept the search with this value, and whether the value keeps its shape.
    fn check(&self, value: &str) -> Result<(), String> {
        harmless(value, "which would change what is searched for")?;
        if !self.stands_alone() {
            // Together with the other placeholders of the piece, once all have their values.
            return Ok(());
        }
        let piece = format!("{}{value}{}", self.before, self.after);
        let (name, modifier) = self.parameter.split_once(':').unwrap_or((self.parameter, ""));
        let of_type = self.before.strip_suffix('/').is_some_and(is_type_name);
        if modifier != "missing" && (of_type && self.after.is_empty() || name == "_id") {
            return if is_id(value) { Ok(()) } else { Err(takes(AN_ID)) };
        }
        let kind = match self.kind {
            ParameterType::Quantity if self.is_after_system => ParameterType::Unknown,
            kind => kind,
        };
        form(kind, modifier, &piece).map_err(takes)
    }
}

fn harmless(value: &str, why: &str) -> Result<(), String> {
    match value.chars().find(|character| !is_harmless(*character)) {
        Some(character) => Err(format!(
            "has a value with the character {character:?} in it, {why}: percent-encode nothing, and write letters, digits \
             and `-._~/:@`"
        )),
        None => Ok(()),
    }
}

fn part_of_url(value: &str) -> Result<(), String> {
    harmless(value, "which would change the form of the URL")
}

/// Placeholders, for people.
fn names<'t>(placeholders: impl IntoIterator<Item = &'t str>) -> String {
    let names: Vec<_> = placeholders.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(" and ")
}

const AN_ID: &str = "an id: 1 to 64 letters, digits, `-` and `.`";

/// The expected form of a piece of a value, if it has another form.
fn form(kind: ParameterType, modifier: &str, piece: &str) -> Result<(), &'static str> {
    let (is_right, expected) = match kind {
        _ if modifier == "missing" => (matches!(piece, "true" | "false"), "true or false"),
        ParameterType::Reference if modifier != "identifier" => {
            (is_reference(piece), "a reference: an id, `Type/id` or a URL")
        }
        ParameterType::Date => (is_date(without_prefix(piece)), "a date, as 2026-01-31"),
        ParameterType::Number | ParameterType::Quantity => (is_number(without_prefix(piece)), "a number"),
        _ => (true, ""),
    };
    if is_right { Ok(()) } else { Err(expected) }
}

/// Whether each value of a parameter with that type has the right form, as far as that is known without
/// FHIR's definitions.
pub(crate) fn check_form(kind: ParameterType, parameter: &Parameter) -> Result<(), String> {
    let modifier = parameter.modifier().map(|modifier| modifier.code().to_owned()).unwrap_or_default();
    for value in &parameter.values {
        let value = value.to_string();
        // HAPI's words for moments.
        if kind == ParameterType::Date && without_prefix(&value).starts_with('%') {
            continue;
        }
        // The number of a quantity, before its unit.
        let piece = if kind == ParameterType::Quantity {
            value.split('|').next().unwrap_or_default()
        } else {
            &value
        };
        let is_no_id = parameter.code() == "_id" && modifier != "missing" && !is_id(&value);
        let right = if is_no_id { Err(AN_ID) } else { form(kind, &modifier, piece) };
        right.map_err(takes)?;
    }
    Ok(())
}

/// The parameters of a criteria or of a filter.
fn parameters(text: &str) -> Vec<Parameter> {
    match Form::of(text) {
        Form::Search => search::parse(text).0.map(|search| search.parameters).unwrap_or_default(),
        _ => search::parse_filter(text).0.map(|filter| filter.parameters).unwrap_or_default(),
    }
}

fn takes(expected: &str) -> String {
    format!("has a value of the wrong form: this place takes {expected}")
}

/// How many parameters begin before `place`.
fn parameter_at(text: &str, place: usize) -> usize {
    let before = &text[..place];
    let query = before.split_once('?').map_or(before, |(_, query)| query);
    query.split('&').filter(|piece| !piece.is_empty()).count().saturating_sub(1)
}

/// Whether a character stands for itself anywhere in a search: it separates nothing, and needs no encoding.
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
    Prefix::ALL.into_iter().find_map(|prefix| text.strip_prefix(prefix.code())).unwrap_or(text)
}

/// A date in a search: a year, a month, a day, or an instant with or without seconds.
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

#[cfg(test)]
mod tests;
