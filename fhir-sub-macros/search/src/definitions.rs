//! [`Definitions`]: the definitions of a version of FHIR: resource types, their search parameters, and the
//! codes of required bindings.
//!
//! The table is a text, so that it costs the compiler nothing, and only the requested parts are parsed. The
//! top of the table describes its lines; `tools/definitions.py` makes it, and a second one with the elements
//! of each type.

mod elements;
mod table;

use std::fmt;

use self::table::{Block, Line, lines_of, table};
use crate::search::ParameterType;

/// A release of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FhirVersion {
    /// 4.0.1
    R4,
    /// 4.3.0
    R4B,
    /// 5.0.0
    R5,
}

/// The versions with a search in `Subscription.criteria`.
pub const WITH_CRITERIA: [FhirVersion; 2] = [FhirVersion::R4, FhirVersion::R4B];

impl FhirVersion {
    /// All known versions.
    pub const ALL: [Self; 3] = [Self::R4, Self::R4B, Self::R5];

    /// Its bit in the table.
    fn bit(self) -> u8 {
        match self {
            Self::R4 => 1,
            Self::R4B => 2,
            Self::R5 => 4,
        }
    }

    /// A page of its specification.
    #[must_use]
    pub fn page(self, page: &str) -> String {
        format!("https://hl7.org/fhir/{self}/{page}")
    }
}

impl fmt::Display for FhirVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::R4 => "R4",
            Self::R4B => "R4B",
            Self::R5 => "R5",
        })
    }
}

/// The definitions of one version.
#[derive(Clone, Copy, Debug)]
pub struct Definitions {
    /// The version.
    pub version: FhirVersion,
}

/// A type of resource in one version.
#[derive(Clone, Copy, Debug)]
pub struct ResourceType {
    /// The version.
    pub version: FhirVersion,
    /// The type's name, `Encounter`.
    pub name: &'static str,
    /// Its own parameters, a line each.
    own: &'static str,
    /// Whether it has a narrative, and so the parameters of a DomainResource.
    is_domain_resource: bool,
}

/// A search parameter of a type.
#[derive(Clone, Debug)]
pub struct SearchParameter {
    /// The name by which it is searched, `status`.
    pub code: &'static str,
    /// Its type, and the known facts about its values.
    pub kind: Kind,
    /// Whether a resource has at most one value of it.
    pub is_single: bool,
    /// The form of this value, if it is a date.
    pub date: DateForm,
}

/// The precision that a date may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateForm {
    /// A year, a month, a day or a moment.
    Date,
    /// A moment.
    Instant,
    /// Any of these, or a stretch of time between two of them.
    Period,
}

/// The type of a search parameter, with the facts that its elements give about its values.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `gt0.8`
    Number,
    /// `ge2030-12-31`
    Date,
    /// The start of a text.
    String,
    /// `http://example.org/fhir/ValueSet/1`
    Uri,
    /// `5.4|http://unitsofmeasure.org|mg`
    Quantity,
    /// A special form, such as `near`.
    Special,
    /// `system|code`
    Token(Token),
    /// `Patient/1`, with the types that it may point to.
    Reference(Targets),
    /// The parameters that it joins. If one of them is not a parameter of the type, only its kind is known.
    Composite(Vec<Kind>),
}

/// The element of a token parameter.
#[derive(Clone, Debug)]
pub enum Token {
    /// Nothing is known of its codes.
    Any,
    /// `true` or `false`.
    Boolean,
    /// An identifier.
    Identifier,
    /// A telephone number, an e-mail address or the like.
    ContactPoint,
    /// The resource's id.
    Id,
    /// The name of a resource type.
    ResourceType,
    /// One of these.
    Codes(Codes),
}

/// The codes of a required binding.
#[derive(Clone, Debug)]
pub struct Codes {
    /// The value set's id.
    pub value_set: &'static str,
    /// Each code system with its codes.
    pub systems: Vec<(&'static str, Vec<&'static str>)>,
    /// Whether a resource has at most one of them.
    pub is_single: bool,
}

/// The types that a reference may point to.
#[derive(Clone, Debug)]
pub enum Targets {
    /// All.
    Any,
    /// These.
    Types(Vec<&'static str>),
}

impl Definitions {
    /// The definitions of `version`.
    #[must_use]
    pub fn of(version: FhirVersion) -> Self {
        Self { version }
    }

    /// The concrete type with this name.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<ResourceType> {
        let (name, block) = table().types.get_key_value(name)?;
        if block.is_abstract || !self.has(block.versions) {
            return None;
        }
        Some(ResourceType {
            version: self.version,
            name,
            own: block.parameters,
            is_domain_resource: !block.is_plain,
        })
    }

    /// The names of all concrete types.
    pub fn resource_types(&self) -> impl Iterator<Item = &'static str> {
        let is_there = |block: &Block| !block.is_abstract && self.has(block.versions);
        table().types.iter().filter(move |(_, block)| is_there(block)).map(|(name, _)| *name)
    }

    /// The types that `targets` names.
    #[must_use]
    pub fn targets(&self, targets: &Targets) -> Vec<ResourceType> {
        match targets {
            Targets::Any => self.resource_types().filter_map(|name| self.resource_type(name)).collect(),
            Targets::Types(names) => names.iter().filter_map(|name| self.resource_type(name)).collect(),
        }
    }

    fn has(&self, versions: u8) -> bool {
        versions & self.version.bit() != 0
    }
}

impl ResourceType {
    /// Its parameter with this code: its own, or one of all types.
    #[must_use]
    pub fn parameter(&self, code: &str) -> Option<SearchParameter> {
        let line = self.lines().find(|line| line.code == code)?;
        let kind = self.kind(&line);
        let is_single = line.is_single || matches!(kind, Kind::Token(Token::Id));
        let date = match line.detail {
            "instant" => DateForm::Instant,
            "period" => DateForm::Period,
            _ => DateForm::Date,
        };
        Some(SearchParameter { code: line.code, kind, is_single, date })
    }

    /// The codes of all its parameters, its own first.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.lines().map(|line| line.code)
    }

    /// The codes of its own parameters.
    pub fn own_codes(&self) -> impl Iterator<Item = &'static str> {
        lines_of(self.own, self.version).map(|line| line.code)
    }

    /// The page that lists its parameters.
    #[must_use]
    pub fn page(&self) -> String {
        let name = self.name.to_lowercase();
        match self.version {
            FhirVersion::R4 | FhirVersion::R4B => self.version.page(&format!("{name}.html#search")),
            FhirVersion::R5 => self.version.page(&format!("{name}-search.html")),
        }
    }

    fn lines(&self) -> impl Iterator<Item = Line> {
        let version = self.version;
        let inherited = |name: &str| table().types.get(name).map_or("", |block| block.parameters);
        let domain_resource = if self.is_domain_resource { inherited("DomainResource") } else { "" };
        [self.own, inherited("Resource"), domain_resource]
            .into_iter()
            .flat_map(move |parameters| lines_of(parameters, version))
    }

    fn kind(&self, line: &Line) -> Kind {
        let Line { kind, detail, is_single, .. } = *line;
        match kind {
            "number" => Kind::Number,
            "date" => Kind::Date,
            "string" => Kind::String,
            "uri" => Kind::Uri,
            "quantity" => Kind::Quantity,
            "special" => Kind::Special,
            "token" => Kind::Token(self.token(detail, is_single)),
            "reference" => Kind::Reference(targets(detail)),
            "composite" => {
                Kind::Composite(detail.split(',').map(|component| self.component(component)).collect())
            }
            other => unreachable!("the table has no parameters of the type `{other}`"),
        }
    }

    fn component(&self, component: &'static str) -> Kind {
        match component.strip_prefix(':') {
            Some(kind) => self.kind(&Line { code: "", kind, is_single: false, detail: "" }),
            None => self.parameter(component).expect("a component is a parameter of the type").kind,
        }
    }

    fn token(&self, detail: &'static str, is_single: bool) -> Token {
        match detail {
            "boolean" => Token::Boolean,
            "identifier" => Token::Identifier,
            "contact" => Token::ContactPoint,
            "id" => Token::Id,
            "types" => Token::ResourceType,
            _ => match detail.strip_prefix("codes:") {
                Some(value_set) => codes(value_set, self.version, is_single).map_or(Token::Any, Token::Codes),
                None => Token::Any,
            },
        }
    }
}

impl Kind {
    /// The type of the parameter, without details.
    #[must_use]
    pub fn parameter_type(&self) -> ParameterType {
        match self {
            Self::Number => ParameterType::Number,
            Self::Date => ParameterType::Date,
            Self::String => ParameterType::String,
            Self::Uri => ParameterType::Uri,
            Self::Quantity => ParameterType::Quantity,
            Self::Special => ParameterType::Special,
            Self::Token(_) => ParameterType::Token,
            Self::Reference(_) => ParameterType::Reference,
            Self::Composite(_) => ParameterType::Composite,
        }
    }
}

impl Targets {
    /// Whether `resource_type` is among them.
    #[must_use]
    pub fn contain(&self, resource_type: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Types(names) => names.contains(&resource_type),
        }
    }
}

fn targets(detail: &'static str) -> Targets {
    match detail.trim_start_matches('!') {
        "*" | "" => Targets::Any,
        types => match types.strip_prefix('@') {
            Some(name) => targets(table().targets.get(name).expect("the table has the list")),
            None => Targets::Types(types.split(',').collect()),
        },
    }
}

fn codes(value_set: &'static str, version: FhirVersion, is_single: bool) -> Option<Codes> {
    let lists = table().value_sets.get(value_set)?;
    let (_, list) = lists.iter().find(|(versions, _)| versions & version.bit() != 0)?;
    let mut systems = Vec::new();
    let mut words = list.split(' ');
    while let (Some(system), Some(codes)) = (words.next(), words.next()) {
        systems.push((system, codes.split(',').collect()));
    }
    Some(Codes { value_set, systems, is_single })
}

#[cfg(test)]
mod tests;
