//! The search parameters that the sandbox evaluates: all of FHIR R4, R4B and R5 that have a path.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use super::path::Path;
use crate::fhir::FhirVersion;

/// Written by `fhir-sub-macros/search/tools/sandbox_tables.py`, which documents the form of a line. The line
/// `Resource` applies to every type.
const TABLE: &str = include_str!("parameters.txt");

/// The additions of later versions for topics: a type, which the sandbox stores in every version, and the
/// parameters of a Subscription whose elements are at the top.
const TOPICS: [&str; 2] = [
    "SubscriptionTopic | token identifier=identifier*:Identifier status=status:code version=version:string \
     | string title=title trigger-description=resourceTrigger*.description | date date=date \
     effective=effectivePeriod:Period | uri derived-or-self=url+derivedFrom* resource=resourceTrigger*.resource url=url",
    "Subscription | token content-level=content:code identifier=identifier*:Identifier payload=channel.payload:code+contentType:code \
     type=channel.type:code+channelType:Coding | string filter-value=filterBy*.value name=name \
     | uri topic=topic url=channel.endpoint+endpoint",
];

type Parameters = HashMap<&'static str, HashMap<&'static str, Parameter>>;

static R4: LazyLock<Parameters> = LazyLock::new(|| read(1));
static R4B: LazyLock<Parameters> = LazyLock::new(|| read(2));
static R5: LazyLock<Parameters> = LazyLock::new(|| read(4));

/// How the values of a parameter are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Token,
    String,
    Reference,
    Date,
    Uri,
    Number,
    Quantity,
    Composite,
    Special,
}

/// A search parameter of one type.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) kind: Kind,
    pub(crate) paths: Vec<Path>,
    /// The components of a composite, below one of its paths. Each has a value of its own.
    pub(crate) components: Vec<Parameter>,
}

impl Parameter {
    /// Whether a value of the parameter in the resource passes the test.
    pub(crate) fn any(&self, resource: &Value, test: impl FnMut(&Value, &Path) -> bool) -> bool {
        self.any_below(resource, resource, test)
    }

    /// The same for the values below `value`, which is a part of the resource.
    pub(crate) fn any_below(
        &self,
        resource: &Value,
        value: &Value,
        mut test: impl FnMut(&Value, &Path) -> bool,
    ) -> bool {
        self.paths.iter().any(|path| path.any(resource, value, &mut |value| test(value, path)))
    }

    fn read(kind: Kind, text: &'static str, mask: u8) -> Option<Self> {
        let mut parts = components(text);
        let paths: Vec<_> = parts.next()?.split('+').filter_map(|path| of_version(path, mask)).collect();
        if paths.is_empty() {
            return None;
        }
        let paths = paths.into_iter().map(|path| Path::read(path, kind.usual_type())).collect();
        let components = parts.filter_map(|part| {
            let (kind, paths) = part.split_once(';')?;
            Self::read(Kind::named(kind)?, paths, mask)
        });
        Some(Self { kind, paths, components: components.collect() })
    }
}

/// The parts between `~`, except a `~` within parentheses, as in `item*(~is-subject)`.
fn components(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut is_within = false;
    text.split(move |letter| {
        match letter {
            '(' => is_within = true,
            ')' => is_within = false,
            _ => {}
        }
        letter == '~' && !is_within
    })
}

/// The text without its mask, if it applies in this version.
fn of_version(text: &'static str, mask: u8) -> Option<&'static str> {
    match text.rsplit_once('@') {
        Some((text, versions)) => {
            versions.parse().is_ok_and(|versions: u8| versions & mask != 0).then_some(text)
        }
        None => Some(text),
    }
}

fn parameters(version: FhirVersion) -> &'static Parameters {
    match version {
        FhirVersion::R4 => &R4,
        FhirVersion::R4B => &R4B,
        FhirVersion::R5 => &R5,
    }
}

/// The parameter of the type, or of every resource.
pub(crate) fn find(kind: &str, name: &str, version: FhirVersion) -> Option<&'static Parameter> {
    let of = |kind: &str| parameters(version).get(kind)?.get(name);
    of(kind).or_else(|| of("Resource"))
}

/// Whether the version has this resource type, or the type is SubscriptionTopic.
pub(crate) fn is_type(kind: &str, version: FhirVersion) -> bool {
    kind != "Resource" && parameters(version).contains_key(kind)
}

/// All resource types, in alphabetical order.
pub(crate) fn types(version: FhirVersion) -> Vec<&'static str> {
    let mut types: Vec<_> = parameters(version).keys().copied().filter(|kind| *kind != "Resource").collect();
    types.sort_unstable();
    types
}

/// The parameters of a type and their kinds, in alphabetical order; the parameters of every resource are
/// under `Resource`.
pub(crate) fn names(kind: &str, version: FhirVersion) -> Vec<(&'static str, &'static str)> {
    let parameters = parameters(version).get(kind).into_iter().flatten();
    let mut names: Vec<_> = parameters.map(|(name, parameter)| (*name, parameter.kind.name())).collect();
    names.sort_unstable();
    names
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Token,
        Self::String,
        Self::Reference,
        Self::Date,
        Self::Uri,
        Self::Number,
        Self::Quantity,
        Self::Composite,
        Self::Special,
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::String => "string",
            Self::Reference => "reference",
            Self::Date => "date",
            Self::Uri => "uri",
            Self::Number => "number",
            Self::Quantity => "quantity",
            Self::Composite => "composite",
            Self::Special => "special",
        }
    }

    /// The type of an element if the table names none.
    fn usual_type(self) -> &'static str {
        match self {
            Self::Token => "CodeableConcept",
            Self::String => "string",
            Self::Reference => "Reference",
            Self::Date => "dateTime",
            Self::Uri => "uri",
            Self::Number => "decimal",
            Self::Quantity => "Quantity",
            Self::Composite | Self::Special => "BackboneElement",
        }
    }
}

fn read(mask: u8) -> Parameters {
    let mut parameters = Parameters::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')).chain(TOPICS) {
        let mut groups = line.split(" | ");
        let (resource, mask_of_type) = match groups.next().unwrap_or_default().split_once('@') {
            Some((resource, versions)) => (resource, versions.parse().unwrap_or(0)),
            None => (line.split(' ').next().unwrap_or_default(), 7),
        };
        if mask_of_type & mask == 0 {
            continue;
        }
        let of_type = parameters.entry(resource).or_default();
        for group in groups {
            let (kind, words) = group.split_once(' ').unwrap_or((group, ""));
            let Some(kind) = Kind::named(kind) else { continue };
            let words = words.split(' ').filter_map(|word| word.split_once('='));
            of_type.extend(words.filter_map(|(name, text)| Some((name, Parameter::read(kind, text, mask)?))));
        }
    }
    parameters
}
