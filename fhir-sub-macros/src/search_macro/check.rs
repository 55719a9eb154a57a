//! Checks the arguments. Each mistake is reported, and a query has none.

use std::ops::Range;

use fhir_sub_search::criteria::{self, Capture, Purpose, is_parameter_name};
use fhir_sub_search::definitions::{Definitions, FhirVersion};
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::search::{self, Search, Step, Subject, Text};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::{LitStr, Path, parse_quote};

use super::arguments::Arguments;
use crate::key::Key;
use crate::report::Errors;

/// A search without mistakes.
pub(super) struct Query {
    pub(super) fhir_sub: Path,
    pub(super) resource_type: String,
    pub(super) parameters: Vec<Parameter>,
    /// The values of the captures, in the order of the text.
    pub(super) values: Vec<TokenStream>,
}

/// A parameter: its name with the modifier, and its values as one text.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
}

/// A part of a parameter's values.
pub(super) enum Piece {
    Written(String),
    /// The place of the value, and its form.
    Captured(usize, Capture),
}

const CAPTURES: &str = "https://docs.rs/fhir-sub/latest/fhir_sub/macro.search.html#values";

/// `None` if there is a mistake.
pub(super) fn check(arguments: Arguments, errors: &mut Errors) -> Option<Query> {
    let versions = versions(arguments.fhir.as_ref(), errors);
    let also = also(&arguments, errors);
    let text = arguments.text.value();
    let (search, mut mistakes) = search::parse_with_holes(&text);
    let mut captures = Vec::new();
    if let Some(search) = &search {
        mistakes.extend(form(search, &text));
        if mistakes.is_empty() && !arguments.is_unchecked {
            match criteria::check(search, Purpose::Search, &versions, &also) {
                Ok(right) => captures = criteria::captures(search, right[0], &also),
                Err(more) => mistakes.extend(more),
            }
        }
        also_is_needed(search, &arguments, &versions, errors);
    }
    let mut values = Values::new(&arguments);
    let made = search.as_ref().map(|search| {
        let parameters = search.parameters.iter();
        parameters.map(|parameter| made(parameter, &text, &captures, &mut values)).collect::<Vec<_>>()
    });
    mistakes.append(&mut values.mistakes);
    mistakes.sort_by_key(|mistake| mistake.place.start);
    for mistake in &mistakes {
        errors.push(&arguments.text, mistake.within(&text));
    }
    if !mistakes.is_empty() {
        return None;
    }
    values.are_used(errors);
    let Subject::Type(resource_type) = search?.subject else { return None };
    Some(Query {
        fhir_sub: arguments.fhir_sub.clone().unwrap_or_else(|| parse_quote!(::fhir_sub)),
        resource_type: resource_type.to_string(),
        parameters: made?,
        values: values.taken,
    })
}

fn versions(fhir: Option<&LitStr>, errors: &mut Errors) -> Vec<FhirVersion> {
    let Some(fhir) = fhir else { return FhirVersion::ALL.to_vec() };
    match FhirVersion::ALL.into_iter().find(|version| version.to_string() == fhir.value()) {
        Some(version) => vec![version],
        None => {
            errors.push(
                fhir,
                format!("`fhir` is {:?}: it takes `\"R4\"`, `\"R4B\"` or `\"R5\"`", fhir.value()),
            );
            FhirVersion::ALL.to_vec()
        }
    }
}

fn also(arguments: &Arguments, errors: &mut Errors) -> Vec<String> {
    for name in arguments.also.iter().filter(|name| !is_parameter_name(&name.value())) {
        errors.push(
            name,
            "a parameter's name has letters, digits, `-` and `_`: write it without modifier and value",
        );
    }
    if arguments.is_unchecked
        && let Some(first) = arguments.also.first()
    {
        errors.push(first, "nothing of the search is checked with `unchecked = true`: take `also` out");
    }
    arguments.also.iter().map(LitStr::value).collect()
}

/// Every name in `also` must be used in the search, and must not be in the specification.
fn also_is_needed(search: &Search, arguments: &Arguments, versions: &[FhirVersion], errors: &mut Errors) {
    for literal in &arguments.also {
        let name = literal.value();
        let is_step = |step: &Step| match step {
            Step::Code { code, .. } => code.to_string() == name,
            Step::Has { reference, .. } => reference.to_string() == name,
        };
        // `_sort` and `_include` have it in their values.
        let is_value = |value: &Text| {
            value.to_string().split([':', '-', '.']).any(|word| word == name)
                || value.to_string().trim_start_matches('-') == name
        };
        let is_named = search.parameters.iter().any(|parameter| {
            parameter.name.iter().any(is_step)
                || parameter.code().starts_with('_') && parameter.values.iter().any(is_value)
        });
        if !is_named {
            errors.push(literal, format!("`{name}` is not a parameter of the search: take it out of `also`"));
            continue;
        }
        let Subject::Type(of) = &search.subject else { continue };
        let is_defined = |version: &FhirVersion| {
            let found = Definitions::of(*version).resource_type(&of.to_string());
            found.is_some_and(|found| found.parameter(&name).is_some())
        };
        // `also` may also allow a system that the data has in another form.
        if versions.iter().all(is_defined) && criteria::check(search, Purpose::Search, versions, &[]).is_ok()
        {
            errors.push(
                literal,
                format!(
                    "`{name}` is a search parameter of `{of}` in the specification, and would not be checked: take it out \
                     of `also`"
                ),
            );
        }
    }
}

/// A search must have one type, and only values may be captured.
fn form(search: &Search, text: &str) -> Vec<Mistake> {
    let Subject::Type(resource_type) = &search.subject else {
        let message = "a search is of one type: write one for each, as in `Encounter?status=finished`";
        return vec![Mistake::new(0..text.len(), message, CAPTURES)];
    };
    let names = search.parameters.iter().flat_map(|parameter| &parameter.name).flat_map(|step| match step {
        Step::Code { code, qualifier } => vec![code].into_iter().chain(qualifier).collect::<Vec<_>>(),
        Step::Has { resource, reference } => vec![resource, reference],
    });
    let holes = names.chain([resource_type]).flat_map(Text::holes);
    let message =
        "a captured value stands in the place of a value: write types, parameters and modifiers out";
    holes.map(|place| Mistake::new(place, message, CAPTURES)).collect()
}

fn made(
    parameter: &search::Parameter,
    text: &str,
    captures: &[(Range<usize>, Capture)],
    values: &mut Values<'_>,
) -> Parameter {
    let mut name = parameter.code();
    if let Some(qualifier) = parameter.qualifier() {
        name.push_str(&format!(":{qualifier}"));
    }
    let mut pieces = vec![Piece::Written(String::new())];
    let write = |pieces: &mut Vec<Piece>, more: &str| match pieces.last_mut() {
        Some(Piece::Written(written)) => written.push_str(more),
        _ => pieces.push(Piece::Written(more.to_owned())),
    };
    for (index, value) in parameter.values.iter().enumerate() {
        write(&mut pieces, if index == 0 { "" } else { "," });
        let mut holes = value.holes();
        for (index, piece) in value.pieces().iter().enumerate() {
            if index > 0
                && let Some(place) = holes.next()
            {
                let capture = captures.iter().find(|(other, _)| *other == place);
                let capture = capture.map_or(Capture::Value, |(_, capture)| *capture);
                if let Some(taken) = values.take(text, place) {
                    pieces.push(Piece::Captured(taken, capture));
                }
            }
            write(&mut pieces, piece);
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Written(written) if written.is_empty()));
    Parameter { name, pieces }
}

/// The values of the text, as in `format!`.
struct Values<'a> {
    arguments: &'a Arguments,
    /// The next value without a name.
    next: usize,
    /// The values without and with a name that the text uses.
    used: (Vec<bool>, Vec<bool>),
    taken: Vec<TokenStream>,
    mistakes: Vec<Mistake>,
}

impl<'a> Values<'a> {
    fn new(arguments: &'a Arguments) -> Self {
        let used = (vec![false; arguments.positional.len()], vec![false; arguments.named.len()]);
        Self { arguments, next: 0, used, taken: Vec::new(), mistakes: Vec::new() }
    }

    /// The index of the value for the hole at `place`.
    fn take(&mut self, text: &str, place: Range<usize>) -> Option<usize> {
        let name = &text[place.start + 1..place.end - 1];
        let value = if name.is_empty() {
            self.next += 1;
            self.positional(self.next - 1, place)?
        } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
            self.positional(name.parse().unwrap_or(usize::MAX), place)?
        } else if let Some(index) = self.arguments.named.iter().position(|(other, _)| other == name) {
            self.used.1[index] = true;
            self.arguments.named[index].1.to_token_stream()
        } else {
            self.captured(name, place)?.to_token_stream()
        };
        self.taken.push(value);
        Some(self.taken.len() - 1)
    }

    fn positional(&mut self, index: usize, place: Range<usize>) -> Option<TokenStream> {
        let Some(value) = self.arguments.positional.get(index) else {
            let count = self.arguments.positional.len();
            let message = match count {
                0 => "there is no value for this: write it after the text, or a name within the braces"
                    .to_owned(),
                1 => "there is one value after the text only".to_owned(),
                _ => format!("there are {count} values after the text only"),
            };
            self.mistakes.push(Mistake::new(place, message, CAPTURES));
            return None;
        };
        self.used.0[index] = true;
        Some(value.to_token_stream())
    }

    /// A variable in the scope of the text.
    fn captured(&mut self, name: &str, place: Range<usize>) -> Option<Ident> {
        match syn::parse_str::<Ident>(name) {
            Ok(mut ident) => {
                ident.set_span(self.arguments.text.span());
                Some(ident)
            }
            Err(_) => {
                let message = if name.contains(':') {
                    "a captured value has no format: write its name only".to_owned()
                } else {
                    format!("`{name}` is not a name: write `{{}}`, and `{name}` after the text")
                };
                self.mistakes.push(Mistake::new(place, message, CAPTURES));
                None
            }
        }
    }

    fn are_used(&self, errors: &mut Errors) {
        let (positional, named) = &self.used;
        for (value, _) in self.arguments.positional.iter().zip(positional).filter(|(_, used)| !**used) {
            errors.push(
                value,
                "the search does not take this value: write `{}` where it stands, or take it out",
            );
        }
        for ((name, _), _) in self.arguments.named.iter().zip(named).filter(|(_, used)| !**used) {
            let keys = [Key::Also, Key::Unchecked, Key::Fhir].map(Key::name);
            let meant = fhir_sub_search::nearest::did_you_mean(&name.to_string(), keys);
            let message = format!("the search does not take `{name}`{meant}");
            errors.push(name, if meant.is_empty() { format!("{message}: take it out") } else { message });
        }
    }
}
