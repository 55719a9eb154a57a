//! The search parameters of FHIR R4 that the sandbox evaluates.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use super::path::Path;

/// One line per resource type: `Type | kind name name=path … | kind …`.
///
/// Derived by `fhir-sub-macros/search/tools/definitions.py` from the definitions that HL7 publishes. A path is element names
/// with dots; `effective[x]` is an element of several types, `telecom(system=email)` a condition,
/// `subject>Patient` a reference to one type only, `a+b` a union. Without a path the parameter is the element
/// of its own name, in camel case. The line `Resource` holds for every type.
const TABLE: &str = include_str!("parameters.txt");

/// What later versions have for topics: a type, which the sandbox stores in every version, and the parameters of a
/// Subscription that has its elements at the top.
const TOPICS: [&str; 2] = [
    "SubscriptionTopic | token identifier status version | string title trigger-description=resourceTrigger.description \
     | date date effective=effectivePeriod | uri derived-or-self=url+derivedFrom resource=resourceTrigger.resource url",
    "Subscription | token content-level=content identifier payload=channel.payload+contentType \
     type=channel.type+channelType | string filter-value=filterBy.value name \
     | uri topic url=channel.endpoint+endpoint",
];

static PARAMETERS: LazyLock<HashMap<&'static str, HashMap<&'static str, Parameter>>> = LazyLock::new(|| {
    let mut parameters: HashMap<_, HashMap<_, _>> = TABLE.lines().map(read_line).collect();
    for (kind, of_topics) in TOPICS.map(read_line) {
        parameters.entry(kind).or_default().extend(of_topics);
    }
    parameters
});

/// How the values of a parameter are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Token,
    String,
    Reference,
    Date,
    Uri,
}

/// A search parameter of one type.
#[derive(Debug)]
pub(crate) struct Parameter {
    kind: Kind,
    paths: Vec<Path>,
    target: Option<&'static str>,
}

impl Parameter {
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The only type that a reference may be to, where the definition says so.
    pub(crate) fn target(&self) -> Option<&'static str> {
        self.target
    }

    /// Whether a value that the resource has under this parameter passes the test.
    pub(crate) fn any(&self, resource: &Value, mut test: impl FnMut(&Value) -> bool) -> bool {
        self.paths.iter().any(|path| path.any(resource, &mut test))
    }

    fn read(word: &'static str, kind: Kind) -> (&'static str, Self) {
        let (name, path) = match word.split_once('=') {
            Some((name, path)) => (name, path.to_owned()),
            None => (word, camel_case(word)),
        };
        let target = word.split_once('>').map(|(_, target)| target);
        let path = path.split('>').next().unwrap_or_default();
        (name, Self { kind, paths: path.split('+').map(Path::read).collect(), target })
    }
}

/// The parameter of the type, or the one that every resource has.
pub(crate) fn find(kind: &str, name: &str) -> Option<&'static Parameter> {
    let of = |kind: &str| PARAMETERS.get(kind)?.get(name);
    of(kind).or_else(|| of("Resource"))
}

/// Whether FHIR R4 has such a resource type, or it is SubscriptionTopic.
pub(crate) fn is_type(kind: &str) -> bool {
    kind != "Resource" && PARAMETERS.contains_key(kind)
}

/// All resource types, those of R4 in alphabetical order.
pub(crate) fn types() -> impl Iterator<Item = &'static str> {
    TABLE.lines().skip(1).filter_map(|line| line.split(' ').next()).chain(["SubscriptionTopic"])
}

/// The parameters of a type and their kinds, in alphabetical order; those of every resource under `Resource`.
pub(crate) fn names(kind: &str) -> Vec<(&'static str, &'static str)> {
    let parameters = PARAMETERS.get(kind).into_iter().flatten();
    let mut names: Vec<_> = parameters.map(|(name, parameter)| (*name, parameter.kind.name())).collect();
    names.sort_unstable();
    names
}

impl Kind {
    const ALL: [Self; 5] = [Self::Token, Self::String, Self::Reference, Self::Date, Self::Uri];

    fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::String => "string",
            Self::Reference => "reference",
            Self::Date => "date",
            Self::Uri => "uri",
        }
    }
}

fn read_line(line: &'static str) -> (&'static str, HashMap<&'static str, Parameter>) {
    let mut groups = line.split(" | ");
    let resource = groups.next().unwrap_or_default();
    let parameters = groups.flat_map(|group| {
        let (name, words) = group.split_once(' ').unwrap_or((group, ""));
        let kind =
            Kind::ALL.into_iter().find(|kind| kind.name() == name).expect("the table names a known kind");
        words.split(' ').map(move |word| Parameter::read(word, kind))
    });
    (resource, parameters.collect())
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for character in name.chars() {
        match character {
            '-' => upper = true,
            character if upper => {
                camel.push(character.to_ascii_uppercase());
                upper = false;
            }
            character => camel.push(character),
        }
    }
    camel
}
