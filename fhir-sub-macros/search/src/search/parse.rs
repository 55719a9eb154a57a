//! Parses a text into a [`Search`].

mod name;
mod subject;

use std::ops::Range;

use super::{Parameter, Search, Text, comparison};
use crate::mistake::Mistake;

/// `https://hl7.org/fhir/R4/search.html`: later versions have the same grammar.
const SEARCH: &str = "https://hl7.org/fhir/R4/search.html";

/// The part of `source` that could be parsed, and all mistakes in the rest.
#[must_use]
pub fn parse(source: &str) -> (Option<Search>, Vec<Mistake>) {
    Parser::new(source).search()
}

/// The same, but a value may be left to the program: `{}`, `{name}`. A literal brace is written twice.
#[must_use]
pub fn parse_with_holes(source: &str) -> (Option<Search>, Vec<Mistake>) {
    Parser { has_holes: true, ..Parser::new(source) }.search()
}

/// Parses one parameter `name=value,value`, with nothing before or after it.
///
/// # Errors
/// All mistakes in it.
pub fn parse_parameter(source: &str) -> Result<Parameter, Vec<Mistake>> {
    let mut parser = Parser::new(source);
    if !parser.characters() {
        return Err(parser.mistakes);
    }
    match parser.parameter(0..source.len()) {
        Some(parameter) if parser.mistakes.is_empty() => Ok(parameter),
        _ => Err(parser.mistakes),
    }
}

pub(super) struct Parser<'a> {
    source: &'a str,
    /// Whether a value may be left to the program.
    has_holes: bool,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, has_holes: false, mistakes: Vec::new() }
    }

    fn search(mut self) -> (Option<Search>, Vec<Mistake>) {
        if !self.characters() {
            return (None, self.mistakes);
        }
        let (subject, query) = match self.source.find('?') {
            Some(at) => (0..at, Some(at + 1..self.source.len())),
            None => (0..self.source.len(), None),
        };
        let subject = self.subject(subject, query.is_some());
        let parameters = match query {
            Some(query) if !query.is_empty() && subject.is_some() => self.parameters(query),
            _ => Vec::new(),
        };
        (subject.map(|subject| Search { subject, parameters }), self.mistakes)
    }
}

impl Parser<'_> {
    fn mistake(&mut self, place: Range<usize>, message: impl Into<String>, page: &str) {
        self.mistakes.push(Mistake::new(place, message, page));
    }

    pub(super) fn text(&mut self, place: Range<usize>) -> Option<Text> {
        let text = if self.has_holes {
            Text::decode_with_holes(self.source, place)
        } else {
            Text::decode(self.source, place)
        };
        text.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// Checks that a search, which is part of a URL, may contain all characters. The consequences of a stray
    /// space or a `#` need no message of their own.
    pub(super) fn characters(&mut self) -> bool {
        if self.source.is_empty() {
            let message =
                "a search is not empty: it starts with a resource type, such as `Encounter?status=finished`";
            self.mistake(0..0, message, SEARCH);
        }
        if self.source.trim() != self.source {
            let start = self.source.len() - self.source.trim_start().len();
            let space = if start > 0 { 0..start } else { self.source.trim_end().len()..self.source.len() };
            self.mistake(space, "there is white space around the search: take it out", SEARCH);
            return false;
        }
        // HAPI's list of types may contain characters that a URL may not.
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
        self.mistakes.is_empty()
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

    pub(super) fn parameter(&mut self, place: Range<usize>) -> Option<Parameter> {
        if place.is_empty() {
            // The superfluous `&`: there is another one before or after it.
            let at = if place.end == self.source.len() { place.start - 1 } else { place.start };
            self.mistake(at..at + 1, "there is no parameter beside this `&`: take it out", SEARCH);
            return None;
        }
        let written = &self.source[place.clone()];
        let equals = written.find('=');
        if let Some(comparison) = comparison(&written[..equals.map_or(written.len(), |at| at + 1)]) {
            let (name, rest) = written.split_at(comparison.at);
            let value = &rest[comparison.length..];
            let message = if value.starts_with(|letter: char| letter.is_ascii_digit()) {
                format!("a comparison is a prefix of the value: write `{name}={}{value}`", comparison.prefix)
            } else if comparison.prefix == "ne" {
                format!("a search has no `!=`: write `{}:not={value}` for a code", name.trim_end_matches(':'))
            } else {
                "only dates, numbers and quantities can be compared, by a prefix of the value, such as `ge2030`"
                    .to_owned()
            };
            let place = place.start + comparison.at..place.start + comparison.at + comparison.length;
            self.mistake(place, message, &format!("{SEARCH}#prefix"));
            return None;
        }
        if let Some(mistake) = second_question_mark(written, equals, place.start) {
            self.mistakes.push(mistake);
            return None;
        }
        let Some(equals) = equals else {
            let message = format!("`{written}` has no value: write `{written}=…`{}", or_any(written));
            self.mistake(place, message, SEARCH);
            return None;
        };
        let name = self.text(place.start..place.start + equals)?;
        let name = self.name(&name);
        let values = self.values(place.start + equals + 1..place.end, &written[..equals]);
        Some(Parameter { name: name?, values: values?, place })
    }

    fn values(&mut self, place: Range<usize>, name: &str) -> Option<Vec<Text>> {
        let value = self.text(place.clone())?;
        let value = value.unescape().map_err(|mistake| self.mistakes.push(mistake)).ok()?;
        let values = value.split(',');
        if value.is_empty() {
            let any = or_any(name);
            let message =
                format!("`{name}` has no value, and servers ignore such a parameter: write a value{any}");
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

/// Finds a second `?`, as in `Encounter?status=finished?class=AMB` and `Encounter??status=finished`. A URI
/// may contain one: `url=http://example.org/a?b=c`.
fn second_question_mark(written: &str, equals: Option<usize>, start: usize) -> Option<Mistake> {
    let name_end = equals.unwrap_or(written.len());
    let (at, message) = match written[..name_end].find('?') {
        Some(0) => (0, "one `?` stands between the type and the parameters: take this one out".to_owned()),
        Some(at) => (at, format!("one `?` stands before all parameters: write `&{}`", &written[at + 1..])),
        None => {
            let value = &written[name_end..];
            let at = value.find('?')?;
            let (before, after) = (&value[1..at], &value[at + 1..]);
            let name = after.split_once('=').map_or("", |(name, _)| name);
            let is_name = name.starts_with(|it: char| it.is_ascii_lowercase() || it == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
            let last = before.rsplit([',', '|', '$']).next().unwrap_or(before);
            let is_of_uri = last.contains("://") || last.starts_with("urn:") || last.contains("%3A%2F%2F");
            if !is_name || is_of_uri {
                return None;
            }
            let message = format!(
                "one `?` stands before all parameters: write `&{after}`, or a `?` that belongs to the value as `%3F`"
            );
            (name_end + at, message)
        }
    };
    Some(Mistake::new(start + at..start + at + 1, message, SEARCH))
}

/// The hint how to ask for any value of a parameter, if the parameter has no modifier and is not chained.
fn or_any(name: &str) -> String {
    if name.contains([':', '.']) || name.starts_with('_') {
        return String::new();
    }
    format!(", or ask whether there is one with `{name}:missing=false`")
}

/// The place, or the character beside it if the place is empty.
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
