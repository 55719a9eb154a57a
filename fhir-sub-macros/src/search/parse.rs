//! From text to [`Search`].

use std::ops::Range;

use super::{Parameter, Search, Step, Subject, Text};
use crate::mistake::Mistake;

/// `https://hl7.org/fhir/R4/search.html`, which later versions do not change as far as the grammar goes.
const SEARCH: &str = "https://hl7.org/fhir/R4/search.html";
const CRITERIA: &str = "https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.criteria";
const HAPI_CRITERIA: &str = "https://github.com/hapifhir/hapi-fhir/blob/v8.8.0/hapi-fhir-jpaserver-subscription/src/main/java/ca/uhn/fhir/jpa/subscription/match/matcher/subscriber/SubscriptionCriteriaParser.java";

/// What could be read of `source`, and every mistake in the rest.
pub(crate) fn parse(source: &str) -> (Option<Search>, Vec<Mistake>) {
    let mut parser = Parser { source, mistakes: Vec::new() };
    parser.characters();
    if !parser.mistakes.is_empty() {
        // What follows from a stray space or a `#` is not worth a message of its own.
        return (None, parser.mistakes);
    }
    let (subject, query) = match source.find('?') {
        Some(at) => (0..at, Some(at + 1..source.len())),
        None => (0..source.len(), None),
    };
    let subject = parser.subject(subject, query.is_some());
    let parameters = match query {
        Some(query) if !query.is_empty() && subject.is_some() => parser.parameters(query),
        _ => Vec::new(),
    };
    (subject.map(|subject| Search { subject, parameters }), parser.mistakes)
}

struct Parser<'a> {
    source: &'a str,
    mistakes: Vec<Mistake>,
}

impl Parser<'_> {
    fn mistake(&mut self, place: Range<usize>, message: impl Into<String>, page: &str) {
        self.mistakes.push(Mistake::new(place, message, page));
    }

    fn text(&mut self, place: Range<usize>) -> Option<Text> {
        Text::decode(self.source, place).map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// Characters that a search cannot have, as it stands in a URL.
    fn characters(&mut self) {
        if self.source.is_empty() {
            let message =
                "a search is not empty: it starts with a resource type, such as `Encounter?status=finished`";
            self.mistake(0..0, message, SEARCH);
        }
        if self.source.trim() != self.source {
            let start = self.source.len() - self.source.trim_start().len();
            let space = if start > 0 { 0..start } else { self.source.trim_end().len()..self.source.len() };
            return self.mistake(space, "there is white space around the search: take it out", CRITERIA);
        }
        // HAPI's list of types is none of a URL.
        let listed = if self.source.starts_with('[') { self.source.find(']').unwrap_or(0) } else { 0 };
        let wrong = |(at, character): &(usize, char)| {
            *at >= listed && (character.is_whitespace() || character.is_control() || *character == '#')
        };
        for (at, character) in self.source.char_indices().filter(wrong) {
            let mut encoded = String::new();
            for byte in self.source[at..at + character.len_utf8()].bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
            let message = match character {
                '#' => "a `#` ends a URL's query: write it as `%23`".to_owned(),
                ' ' => "a space cannot stand in a URL: take it out, or write it as `%20`".to_owned(),
                _ => format!("{character:?} cannot stand in a URL: take it out, or write it as `{encoded}`"),
            };
            self.mistakes.push(Mistake::new(at..at + character.len_utf8(), message, SEARCH));
        }
    }

    fn subject(&mut self, place: Range<usize>, has_query: bool) -> Option<Subject> {
        let written = &self.source[place.clone()];
        if written.starts_with('[') {
            return self.list_of_types(place, has_query);
        }
        if let Some(scheme) = written.find("://") {
            let start = written.rfind('/').filter(|at| *at > scheme + 2).map_or(written.len(), |at| at + 1);
            let message = format!(
                "a search is relative to the server, which `FHIR_BASE_URL` names: write it from the resource type on, {}",
                example(&self.source[start..])
            );
            self.mistake(0..start, message, CRITERIA);
            return None;
        }
        if written.starts_with('/') {
            let message = format!(
                "a search starts with the resource type: take the `/` out, {}",
                example(&self.source[1..])
            );
            self.mistake(0..1, message, CRITERIA);
            return None;
        }
        if let Some((resource_type, rest)) = written.split_once('/') {
            let message = match rest {
                "_search" | "_search/" => {
                    format!("a search is written without `_search`: `{resource_type}?…`")
                }
                rest if rest.starts_with('$') => format!(
                    "`{rest}` is an operation, and no search: write what a resource must have, such as \
                     `{resource_type}?_id=1`"
                ),
                rest if rest.contains('/') => format!(
                    "a search within a compartment watches nothing: write the resource's own type and the \
                     reference to the {resource_type} as a parameter"
                ),
                id => format!(
                    "a search names one resource by its id as a parameter: write `{resource_type}?_id={id}`"
                ),
            };
            let start = resource_type.len();
            self.mistake(start..place.end, message, CRITERIA);
            return None;
        }
        if written.is_empty() {
            let message =
                "the resource type is missing: a search starts with one, such as `Encounter?status=finished`";
            self.mistake(place.start..place.start + 1, message, CRITERIA);
            return None;
        }
        let is_lower = written.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
        if is_lower && written.contains('=') {
            let message = format!(
                "the resource type is missing: a search starts with one, as in `Encounter?{written}`"
            );
            self.mistake(place, message, CRITERIA);
            return None;
        }
        if let Some(at) = written.find(['=', '&']) {
            let letters = written.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(at);
            let message = format!(
                "a `?` stands between the resource type and the parameters: write `{}?{}`",
                &written[..letters],
                written[letters..].trim_start_matches('&')
            );
            self.mistake(letters..letters + 1, message, SEARCH);
            return None;
        }
        Some(Subject::Type(self.text(place)?))
    }

    /// `[*]` or `[Encounter,Patient]`.
    fn list_of_types(&mut self, place: Range<usize>, has_query: bool) -> Option<Subject> {
        let written = &self.source[place.clone()];
        if has_query {
            let query = place.end + 1..self.source.len();
            self.mistake(
                query.start.min(self.source.len() - 1)..query.end,
                "a list of types in brackets takes no parameters, and HAPI FHIR, which alone knows such lists, \
                 refuses them: make a subscription of each type",
                HAPI_CRITERIA,
            );
            return None;
        }
        let Some(list) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            let message = "a list of types ends with `]`: write `[*]`, or types as in `[Encounter,Patient]`";
            self.mistake(place, message, HAPI_CRITERIA);
            return None;
        };
        if list.trim() == "*" {
            return Some(Subject::Any);
        }
        let list = self.text(place.start + 1..place.end - 1)?;
        let types: Vec<_> = list.split(',').iter().map(Text::trim).collect();
        if types.iter().any(Text::is_empty) {
            let message = "a type is missing in the list: write `[*]`, or types as in `[Encounter,Patient]`";
            self.mistake(place, message, HAPI_CRITERIA);
            return None;
        }
        Some(Subject::Types(types))
    }

    fn parameters(&mut self, query: Range<usize>) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut start = query.start;
        for piece in self.source[query].split('&') {
            let place = start..start + piece.len();
            start = place.end + 1;
            parameters.extend(self.parameter(place));
        }
        parameters
    }

    fn parameter(&mut self, place: Range<usize>) -> Option<Parameter> {
        if place.is_empty() {
            // The `&` that stands too much: there is one before, or after.
            let at = if place.end == self.source.len() { place.start - 1 } else { place.start };
            self.mistake(at..at + 1, "there is no parameter beside this `&`: take it out", SEARCH);
            return None;
        }
        let written = &self.source[place.clone()];
        let equals = written.find('=');
        if let Some(comparison) = comparison(&written[..equals.map_or(written.len(), |at| at + 1)]) {
            let (name, rest) = written.split_at(comparison.at);
            let message = format!(
                "a comparison is a prefix of the value: write `{name}={}{}`",
                comparison.prefix,
                &rest[comparison.length..]
            );
            let place = place.start + comparison.at..place.start + comparison.at + comparison.length;
            self.mistake(place, message, &format!("{SEARCH}#prefix"));
            return None;
        }
        let Some(equals) = equals else {
            let message = format!(
                "`{written}` has no value: write `{written}=…`, or ask whether there is one with `{written}:missing=false`"
            );
            self.mistake(place, message, SEARCH);
            return None;
        };
        let name = self.text(place.start..place.start + equals)?;
        let name = self.name(&name);
        let values = self.values(place.start + equals + 1..place.end, &written[..equals]);
        Some(Parameter { name: name?, values: values?, place })
    }

    fn name(&mut self, name: &Text) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        let mut rest = name.clone();
        loop {
            let (step, after) = if rest.to_string().starts_with("_has:") {
                let mut parts = rest.split(':').into_iter().skip(1);
                let (Some(resource), Some(reference), Some(next)) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    return self.wrong_has(&rest);
                };
                if resource.is_empty() || reference.is_empty() || next.is_empty() {
                    return self.wrong_has(&rest);
                }
                let colons = "_has".len()
                    + resource.to_string().chars().count()
                    + reference.to_string().chars().count()
                    + 3;
                (Step::Has { resource, reference }, Some(rest.split_at(colons).1))
            } else {
                let (step, after) = match rest.split_once('.') {
                    Some((step, after)) => (step, Some(after)),
                    None => (rest, None),
                };
                (self.step(&step)?, after)
            };
            steps.push(step);
            match after {
                Some(after) => rest = after,
                None => return Some(steps),
            }
        }
    }

    fn wrong_has(&mut self, name: &Text) -> Option<Vec<Step>> {
        let message = "`_has` names a type, its parameter that refers to this one, and a parameter of that type: \
                       write it as in `_has:Observation:patient:code=1234-5`";
        self.mistake(name.place.clone(), message, &format!("{SEARCH}#has"));
        None
    }

    /// `code` or `code:qualifier`.
    fn step(&mut self, step: &Text) -> Option<Step> {
        let mut parts = step.split(':').into_iter();
        let (code, qualifier) = (parts.next()?, parts.next());
        if let Some(second) = parts.next() {
            let message = format!("a parameter has one modifier: take `:{second}` out");
            self.mistake(second.place.start - 1..second.place.end, message, &format!("{SEARCH}#modifiers"));
            return None;
        }
        if code.is_empty() {
            let message = "a parameter's name is missing here";
            let at = step.place.start;
            let place =
                if self.source[..at].ends_with('.') { at - 1..at } else { widen(&step.place, self.source) };
            self.mistake(place, message, SEARCH);
            return None;
        }
        if let Some(empty) = qualifier.as_ref().filter(|qualifier| qualifier.is_empty()) {
            let message = "a modifier is missing after the `:`: write one, or take the `:` out";
            self.mistake(empty.place.start - 1..empty.place.end, message, &format!("{SEARCH}#modifiers"));
            return None;
        }
        Some(Step::Code { code, qualifier })
    }

    fn values(&mut self, place: Range<usize>, name: &str) -> Option<Vec<Text>> {
        let value = self.text(place.clone())?;
        let value = value.unescape().map_err(|mistake| self.mistakes.push(mistake)).ok()?;
        let values = value.split(',');
        if value.is_empty() {
            let message = format!(
                "`{name}` has no value, and servers leave such a parameter unread: write a value, or ask whether there is \
                 one with `{}:missing=false`",
                name.split(':').next().unwrap_or_default()
            );
            self.mistake(place.start - name.len() - 1..place.end, message, SEARCH);
            return None;
        }
        let mut is_right = true;
        for empty in values.iter().filter(|value| value.is_empty()) {
            let message = "a value is missing beside this `,`: take the `,` out, or write it as `\\,` where it \
                           belongs to the value";
            let comma = widen(&empty.place, &self.source[..place.end]);
            self.mistakes.push(Mistake::new(comma, message, format!("{SEARCH}#escaping")));
            is_right = false;
        }
        is_right.then_some(values)
    }
}

/// The place, or the character beside it where it is empty.
fn widen(place: &Range<usize>, source: &str) -> Range<usize> {
    if !place.is_empty() {
        return place.clone();
    }
    match source[place.start..].chars().next() {
        Some(next) => place.start..place.start + next.len_utf8(),
        None => {
            place.start - source[..place.start].chars().next_back().map_or(0, char::len_utf8)..place.start
        }
    }
}

fn example(search: &str) -> String {
    if search.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        format!("as in `{search}`")
    } else {
        "as in `Encounter?status=finished`".to_owned()
    }
}

/// A sign where FHIR has a prefix of the value: `date>=2020` for `date=ge2020`.
pub(crate) struct Comparison {
    pub(crate) at: usize,
    pub(crate) length: usize,
    pub(crate) prefix: &'static str,
}

/// The first sign of comparison in `written`.
pub(crate) fn comparison(written: &str) -> Option<Comparison> {
    let signs = [(">=", "ge"), ("<=", "le"), ("!=", "ne"), ("<>", "ne"), (">", "gt"), ("<", "lt")];
    let at = written.find(['>', '<', '!'])?;
    let (sign, prefix) = signs.into_iter().find(|(sign, _)| written[at..].starts_with(sign))?;
    Some(Comparison { at, length: sign.len(), prefix })
}
