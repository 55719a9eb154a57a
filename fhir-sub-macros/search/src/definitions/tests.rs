#![allow(clippy::print_stderr)] // What is skipped is said.

use std::collections::BTreeMap;
use std::path::Path;

use super::table::{lines_of, table};
use super::{Definitions, FhirVersion, Kind, ResourceType, Targets};

type Pairs = BTreeMap<String, BTreeMap<String, String>>;

/// Every parameter of the table in one version, also of the abstract types.
fn pairs(version: FhirVersion) -> Pairs {
    let mut pairs = Pairs::new();
    for (name, block) in &table().types {
        let own: BTreeMap<_, _> = lines_of(block.parameters, version)
            .map(|line| (line.code.to_owned(), line.kind.to_owned()))
            .collect();
        if !own.is_empty() {
            pairs.insert((*name).to_owned(), own);
        }
    }
    pairs
}

#[test]
fn no_parameter_is_missing_and_none_is_added() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/search-parameters");
    for (version, count) in [(FhirVersion::R4, 1706), (FhirVersion::R4B, 1745), (FhirVersion::R5, 1988)] {
        let pairs = pairs(version);
        assert_eq!(pairs.values().map(BTreeMap::len).sum::<usize>(), count, "{version}");
        let file = folder.join(format!("sp-table-{version}.json"));
        let Ok(expected) = std::fs::read_to_string(&file) else {
            eprintln!("skipped: {} is not there to hold {version} against", file.display());
            continue;
        };
        let expected: Pairs = serde_json::from_str(&expected).expect("the file is a map of maps");
        assert_eq!(pairs, expected, "{version}");
    }
}

fn types(version: FhirVersion) -> Vec<ResourceType> {
    let definitions = Definitions::of(version);
    definitions.resource_types().filter_map(|name| definitions.resource_type(name)).collect()
}

#[test]
fn there_are_as_many_types_as_the_specification_has() {
    assert_eq!(types(FhirVersion::R4).len(), 146);
    assert_eq!(types(FhirVersion::R4B).len(), 141);
    assert_eq!(types(FhirVersion::R5).len(), 158);
}

/// Parsing panics if a line has another form.
#[test]
fn every_line_can_be_read() {
    for version in FhirVersion::ALL {
        let definitions = Definitions::of(version);
        for resource_type in types(version) {
            for code in resource_type.codes() {
                let parameter = resource_type.parameter(code).expect("it is one of its codes");
                match parameter.kind {
                    Kind::Reference(Targets::Types(targets)) => {
                        for target in targets {
                            assert!(definitions.resource_type(target).is_some(), "{target} in {version}");
                        }
                    }
                    Kind::Composite(components) => assert!(components.len() >= 2, "{code} in {version}"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_version_has_its_own_codes() {
    let codes = |version| {
        let encounter = Definitions::of(version).resource_type("Encounter").expect("every version has it");
        let Kind::Token(super::Token::Codes(codes)) = encounter.parameter("status").expect("it has one").kind
        else {
            panic!("the status has codes")
        };
        assert!(codes.is_single);
        codes.systems.into_iter().flat_map(|(_, codes)| codes).collect::<Vec<_>>()
    };
    assert!(codes(FhirVersion::R4).contains(&"finished") && !codes(FhirVersion::R4).contains(&"completed"));
    assert!(codes(FhirVersion::R5).contains(&"completed") && !codes(FhirVersion::R5).contains(&"finished"));
}

#[test]
fn a_type_has_the_parameters_of_all_types() {
    let r4 = Definitions::of(FhirVersion::R4);
    let has = |name: &str, code: &str| r4.resource_type(name).and_then(|name| name.parameter(code)).is_some();
    assert!(has("Encounter", "_id") && has("Encounter", "_text"));
    assert!(has("Binary", "_id") && !has("Binary", "_text"));
    assert!(r4.resource_type("DomainResource").is_none());
}
