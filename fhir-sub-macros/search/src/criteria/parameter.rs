//! The name of a parameter: its steps lead from the watched resource to the resource with the parameter.

use super::{Check, Purpose, SHORT_LIST, is_parameter_name, listed, not_but, results, value};
use crate::definitions::{DateForm, FhirVersion, Kind, ResourceType, SearchParameter, Targets};
use crate::mistake::Mistake;
use crate::nearest::nearest;
use crate::search::{Parameter, RESULT_PARAMETERS, Step, Text};

/// Parameters of every type that have no SearchParameter: <https://hl7.org/fhir/R4/search.html#all>.
const OF_ALL_TYPES: [&str; 5] = ["_text", "_content", "_list", "_filter", "_query"];

impl Check<'_> {
    /// The mistakes in a parameter of the watched type.
    pub(super) fn parameter(&self, on: ResourceType, parameter: &Parameter) -> Vec<Mistake> {
        if self.purpose == Purpose::Search
            && let Some(mistakes) = results::check(self, on, parameter)
        {
            return mistakes;
        }
        self.steps(&[on], &parameter.name, &parameter.values)
    }

    /// The mistakes in `steps`, which begin at a resource of one of the types `on`.
    fn steps(&self, on: &[ResourceType], steps: &[Step], values: &[Text]) -> Vec<Mistake> {
        let rest = match steps {
            [Step::Code { code, qualifier }] => return self.last(on, code, qualifier.as_ref(), values),
            [Step::Code { code, .. }, ..] if self.is_also(code) => return Vec::new(),
            [Step::Code { code, qualifier }, rest @ ..] => {
                self.chained(on, code, qualifier.as_ref()).map(|targets| (targets, rest))
            }
            [Step::Has { resource, reference }, rest @ ..] => {
                self.has(on, resource, reference).map(|resource_type| (vec![resource_type], rest))
            }
            [] => return Vec::new(),
        };
        match rest {
            Ok((targets, rest)) => self.steps(&targets, rest, values),
            Err(mistake) => vec![mistake],
        }
    }

    /// The kind of the parameter at the end of `steps`. If a chain may lead to several types, it is the first
    /// one's. `None` if only the server knows the parameter.
    pub(super) fn kind(&self, on: &[ResourceType], steps: &[Step]) -> Option<Kind> {
        let (targets, rest) = match steps {
            [Step::Code { code, .. }, ..] if self.is_also(code) => return None,
            [Step::Code { code, .. }] => {
                let mut found = self.look_up(on, code).ok()?;
                return Some(found.swap_remove(0).1.kind);
            }
            [Step::Code { code, qualifier }, rest @ ..] => (self.chained(on, code, qualifier.as_ref()), rest),
            [Step::Has { resource, reference }, rest @ ..] => {
                (self.has(on, resource, reference).map(|resource_type| vec![resource_type]), rest)
            }
            [] => return None,
        };
        self.kind(&targets.ok()?, rest)
    }

    fn is_also(&self, code: &Text) -> bool {
        let code = code.to_string();
        self.also.contains(&code) && !means_nothing(&code)
    }

    /// The last step of a name, with the values.
    fn last(
        &self,
        on: &[ResourceType],
        code: &Text,
        qualifier: Option<&Text>,
        values: &[Text],
    ) -> Vec<Mistake> {
        if self.is_also(code) {
            return Vec::new();
        }
        let found = match self.look_up(on, code) {
            Ok(found) => found,
            Err(mistake) => return vec![mistake],
        };
        // A reference may point to several types: it is enough that one of them accepts the values.
        let mut least: Option<Vec<Mistake>> = None;
        for (resource_type, parameter) in found {
            let mistakes = value::check(self, resource_type, &parameter, qualifier, values);
            if mistakes.is_empty() {
                return mistakes;
            }
            if least.as_ref().is_none_or(|least| mistakes.len() < least.len()) {
                least = Some(mistakes);
            }
        }
        least.unwrap_or_default()
    }

    /// The types that a reference leads to: `subject.` or `subject:Patient.`
    fn chained(
        &self,
        on: &[ResourceType],
        code: &Text,
        qualifier: Option<&Text>,
    ) -> Result<Vec<ResourceType>, Mistake> {
        let found = self.look_up(on, code)?;
        let mut targets: Vec<ResourceType> = Vec::new();
        let mut references = Vec::new();
        for (resource_type, parameter) in &found {
            if let Kind::Reference(of) = &parameter.kind {
                references.push((*resource_type, of));
                for target in self.definitions.targets(of) {
                    if targets.iter().all(|other| other.name != target.name) {
                        targets.push(target);
                    }
                }
            }
        }
        if references.is_empty() {
            let (resource_type, parameter) = &found[0];
            let message = format!(
                "`{code}` of `{}` is not a reference but a {}, so a chain cannot follow it",
                resource_type.name,
                value::kind_name(&parameter.kind)
            );
            return Err(Mistake::new(code.place.clone(), message, self.chapter("chaining")));
        }
        let Some(qualifier) = qualifier else { return Ok(targets) };
        // The chain may have led to several types: it is enough that one of them refers to such a type.
        let name = qualifier.to_string();
        let suitable = references.iter().find(|(_, of)| of.contain(&name));
        let (resource_type, of) = suitable.unwrap_or(&references[0]);
        let target = self.target(*resource_type, &code.to_string(), of, qualifier)?;
        self.stored_type(qualifier)?;
        Ok(vec![target])
    }

    /// The type in `:Patient`, which narrows a reference.
    pub(super) fn target(
        &self,
        on: ResourceType,
        code: &str,
        targets: &Targets,
        name: &Text,
    ) -> Result<ResourceType, Mistake> {
        let target = self.resource_type(name)?;
        if targets.contain(target.name) {
            return Ok(target);
        }
        let message = format!("`{code}` of `{}` never refers to {}", on.name, not_but(target.name, targets));
        Err(Mistake::new(name.place.clone(), message, on.page()))
    }

    /// The type that `_has:Observation:patient:` leads to.
    fn has(&self, on: &[ResourceType], resource: &Text, reference: &Text) -> Result<ResourceType, Mistake> {
        let resource_type = self.stored_type(resource)?;
        if self.is_also(reference) {
            return Ok(resource_type);
        }
        let found = self.look_up(&[resource_type], reference)?;
        let (_, parameter) = &found[0];
        let Kind::Reference(targets) = &parameter.kind else {
            let message = format!(
                "`{reference}` of `{}` is not a reference but a {}: `_has` takes the parameter that refers to `{}`",
                resource_type.name,
                value::kind_name(&parameter.kind),
                on[0].name
            );
            return Err(Mistake::new(reference.place.clone(), message, self.chapter("has")));
        };
        if on.iter().any(|on| targets.contain(on.name)) {
            return Ok(resource_type);
        }
        let message = format!(
            "`{reference}` of `{}` never refers to {}",
            resource_type.name,
            not_but(on[0].name, targets)
        );
        Err(Mistake::new(reference.place.clone(), message, resource_type.page()))
    }

    /// The parameter with this code, in each type that has it. There is at least one.
    pub(super) fn look_up(
        &self,
        on: &[ResourceType],
        code: &Text,
    ) -> Result<Vec<(ResourceType, SearchParameter)>, Mistake> {
        let written = code.to_string();
        if means_nothing(&written) {
            return Err(self.unknown(on, code));
        }
        let found: Vec<_> = on
            .iter()
            .filter_map(|resource_type| Some((*resource_type, of_type(*resource_type, &written)?)))
            .collect();
        if found.is_empty() { Err(self.unknown(on, code)) } else { Ok(found) }
    }

    fn unknown(&self, on: &[ResourceType], code: &Text) -> Mistake {
        let written = code.to_string();
        if RESULT_PARAMETERS.contains(&&*written) {
            let message = match self.purpose {
                Purpose::Subscription => {
                    format!(
                        "`{written}` says how results are returned, and a subscription has none: take it out"
                    )
                }
                Purpose::Search => {
                    format!(
                        "`{written}` says how results are returned, and cannot stand in a chain or in `_has`"
                    )
                }
            };
            return Mistake::new(code.place.clone(), message, self.chapter("return"));
        }
        if written == "_type" {
            let message = "`_type` is for a search over all types, and this one names its type: take it out";
            return Mistake::new(code.place.clone(), message, self.chapter("all"));
        }
        let message = match on {
            [on] => self.unknown_in(*on, &written),
            _ => self.unknown_in_all(on, &written),
        };
        let page = if let [on] = on { on.page() } else { self.chapter("chaining") };
        let mistake = Mistake::new(code.place.clone(), message, page);
        if !is_parameter_name(&written) {
            return mistake;
        }
        mistake.with_hint(format!("A parameter that only your server has: `also = [\"{written}\"]`"))
    }

    fn unknown_in(&self, on: ResourceType, written: &str) -> String {
        let (name, version) = (on.name, self.definitions.version);
        let elsewhere = self.elsewhere(|definitions| {
            definitions.resource_type(name).is_some_and(|other| of_type(other, written).is_some())
        });
        if let Some(elsewhere) = elsewhere {
            return format!(
                "`{name}` has no search parameter `{written}` in FHIR {version}, it has in {elsewhere}"
            );
        }
        let longer: Vec<_> = on
            .own_codes()
            .filter(|code| {
                code.strip_prefix(written).is_some_and(|rest| rest.starts_with('-'))
                    || code.strip_suffix(written).is_some_and(|rest| rest.ends_with('-'))
            })
            .collect();
        if !longer.is_empty() {
            return format!("`{name}` has no search parameter `{written}`, but {}", listed(longer));
        }
        if let Some(nearest) = nearest(written, on.codes()) {
            return format!("`{name}` has no search parameter `{written}`: did you mean `{nearest}`?");
        }
        let own: Vec<_> = on.own_codes().collect();
        if own.is_empty() || own.len() > SHORT_LIST || written.starts_with('_') {
            return format!("`{name}` has no search parameter `{written}`");
        }
        format!(
            "`{name}` has no search parameter `{written}`: it has {}, and the parameters of all types",
            listed(own)
        )
    }

    fn unknown_in_all(&self, on: &[ResourceType], written: &str) -> String {
        let codes = on.iter().flat_map(ResourceType::codes);
        if let Some(nearest) = nearest(written, codes) {
            return format!(
                "none of the types that this may refer to has a search parameter `{written}`: did you mean `{nearest}`?"
            );
        }
        if on.len() > SHORT_LIST {
            return format!("no type has a search parameter `{written}`");
        }
        format!(
            "none of the types that this may refer to has a search parameter `{written}`: they are {}",
            listed(on.iter().map(|on| on.name))
        )
    }

    /// A section of the specification's chapter on search.
    pub(super) fn chapter(&self, section: &str) -> String {
        // R5 has another name for this section.
        let section = match (self.definitions.version, section) {
            (FhirVersion::R5, "return") => "modifyingresults",
            (_, section) => section,
        };
        self.definitions.version.page(&format!("search.html#{section}"))
    }
}

/// The parameter with this code, of this type or of every type.
pub(super) fn of_type(on: ResourceType, code: &str) -> Option<SearchParameter> {
    // Some versions define some of them as tokens or strings, with the same meaning.
    if let Some(code) = OF_ALL_TYPES.into_iter().find(|other| *other == code) {
        return Some(SearchParameter { code, kind: Kind::Special, is_single: false, date: DateForm::Date });
    }
    on.parameter(code)
}

/// Whether a parameter says nothing about the content of a resource.
fn means_nothing(code: &str) -> bool {
    RESULT_PARAMETERS.contains(&code) || code == "_type"
}
