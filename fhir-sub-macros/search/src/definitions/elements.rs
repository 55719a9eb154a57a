//! The top-level elements of a type, by which a search may ask for parts of a resource.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::ResourceType;
use super::table::mask;

static TEXT: &str = include_str!("elements.txt");

/// The elements that a type adds to its base: the versions, and the names.
type Lines = Vec<(u8, &'static str)>;

/// Parsed once in a run of the compiler.
fn table() -> &'static BTreeMap<&'static str, Lines> {
    static READ: OnceLock<BTreeMap<&'static str, Lines>> = OnceLock::new();
    READ.get_or_init(|| {
        let mut table: BTreeMap<_, Lines> = BTreeMap::new();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.splitn(3, ' ');
            if let (Some(name), Some(versions), Some(elements)) = (words.next(), words.next(), words.next()) {
                table.entry(name).or_default().push((mask(versions), elements));
            }
        }
        table
    })
}

impl ResourceType {
    /// Whether its resources have the top-level element `name`: `status`; and `value`, `value[x]` or
    /// `valueQuantity` for an element of several types.
    #[must_use]
    pub fn has_element(&self, name: &str) -> bool {
        self.written().any(|element| match element.strip_suffix('*') {
            None => element == name,
            Some(choice) => name.strip_prefix(choice).is_some_and(|rest| {
                rest.is_empty() || rest == "[x]" || rest.starts_with(|first: char| first.is_ascii_uppercase())
            }),
        })
    }

    /// The names of its top-level elements, its own first.
    pub fn elements(&self) -> impl Iterator<Item = &'static str> {
        self.written().map(|element| element.trim_end_matches('*'))
    }

    fn written(&self) -> impl Iterator<Item = &'static str> {
        let bit = self.version.bit();
        let bases = [self.name, "Resource", if self.is_domain_resource { "DomainResource" } else { "" }];
        bases
            .into_iter()
            .filter_map(|name| table().get(name))
            .flatten()
            .filter(move |(versions, _)| versions & bit != 0)
            .flat_map(|(_, names)| names.split(' '))
    }
}

#[cfg(test)]
mod tests {
    use crate::definitions::{Definitions, FhirVersion};

    #[test]
    fn the_elements_of_each_version() {
        let has = |version, name: &str, element: &str| {
            Definitions::of(version).resource_type(name).unwrap().has_element(element)
        };
        let (r4, r5) = (FhirVersion::R4, FhirVersion::R5);
        for element in
            ["id", "meta", "text", "contained", "status", "class", "hospitalization", "classHistory"]
        {
            assert!(has(r4, "Encounter", element), "{element}");
        }
        assert!(!has(r5, "Encounter", "hospitalization") && has(r5, "Encounter", "admission"));
        for element in ["value", "value[x]", "valueQuantity", "effectiveDateTime"] {
            assert!(has(r4, "Observation", element), "{element}");
        }
        for element in ["valuequantity", "Status", "patient", "value[y]", "", "subject.reference"] {
            assert!(!has(r4, "Observation", element), "{element}");
        }
        // A type without a narrative.
        assert!(has(r4, "Binary", "data") && has(r4, "Binary", "id") && !has(r4, "Binary", "text"));
    }

    /// Each type of the definitions has elements of its own in each version.
    #[test]
    fn no_type_is_without_elements() {
        for version in FhirVersion::ALL {
            let definitions = Definitions::of(version);
            for name in definitions.resource_types() {
                let found = definitions.resource_type(name).unwrap();
                let own = found.elements().take_while(|element| *element != "id").count();
                assert!(
                    own > 0 || ["Parameters", "SubstanceSpecification"].contains(&name),
                    "{name} {version}"
                );
                assert!(found.has_element("id") && found.has_element("meta"), "{name} {version}");
            }
        }
    }
}
