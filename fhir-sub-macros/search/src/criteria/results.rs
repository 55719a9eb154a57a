//! Parameters for results: <https://hl7.org/fhir/R4/search.html#return>. A search that a program sends may
//! have them, but a subscription may not.

use super::{Check, is_parameter_name, listed, not_but};
use crate::definitions::{Kind, ResourceType};
use crate::mistake::Mistake;
use crate::nearest::did_you_mean;
use crate::search::{Modifier, Parameter, RESULT_PARAMETERS, Step, Text};

/// The codes of parameters that accept only a fixed list.
const CODES: [(&str, &[&str]); 7] = [
    ("_summary", &["true", "text", "data", "count", "false"]),
    ("_total", &["none", "estimate", "accurate"]),
    ("_contained", &["true", "false", "both"]),
    ("_containedType", &["container", "contained"]),
    ("_pretty", &["true", "false"]),
    ("_score", &["true", "false"]),
    // FhirClient reads only these formats.
    ("_format", &["json", "application/json", "application/fhir+json"]),
];

/// The mistakes in a parameter for results; `None` if it is another parameter.
pub(super) fn check(check: &Check<'_>, on: ResourceType, parameter: &Parameter) -> Option<Vec<Mistake>> {
    let [Step::Code { code, .. }] = &parameter.name[..] else { return None };
    let written = code.to_string();
    if !RESULT_PARAMETERS.contains(&&*written) {
        return None;
    }
    let results = Results { check, on, code: written, parameter };
    if let Err(mistake) = results.modifier() {
        return Some(vec![mistake]);
    }
    if let Err(mistake) = results.one_value() {
        return Some(vec![mistake]);
    }
    let values = parameter.values.iter().filter(|value| !value.has_hole());
    Some(values.filter_map(|value| results.value(value).err()).collect())
}

struct Results<'a> {
    check: &'a Check<'a>,
    on: ResourceType,
    code: String,
    parameter: &'a Parameter,
}

impl Results<'_> {
    fn is_include(&self) -> bool {
        ["_include", "_revinclude"].contains(&&*self.code)
    }

    fn modifier(&self) -> Result<(), Mistake> {
        let (Some(written), Some(modifier)) = (self.parameter.qualifier(), self.parameter.modifier()) else {
            return Ok(());
        };
        let code = &self.code;
        let message = match modifier {
            Modifier::Iterate if self.is_include() => return Ok(()),
            _ if self.is_include() => {
                let meant = did_you_mean(&written.to_string(), ["iterate"]);
                format!("`{code}` takes `:iterate`, and no modifier `:{written}`{meant}")
            }
            _ if code == "_sort" && written.to_string() == "desc" => {
                let value = &self.parameter.values[0];
                format!("`_sort` takes no modifier: write `_sort=-{value}`")
            }
            _ => format!("`{code}` takes no modifier: take `:{written}` out"),
        };
        Err(Mistake::new(written.place.clone(), message, self.check.chapter("return")))
    }

    /// Only sorting and choosing elements take a list. Servers use the first value of any other list, or refuse it.
    fn one_value(&self) -> Result<(), Mistake> {
        let (code, Some(second)) = (&self.code, self.parameter.values.get(1)) else { return Ok(()) };
        if ["_sort", "_elements"].contains(&&**code) {
            return Ok(());
        }
        let message = if self.is_include() {
            format!("`{code}` takes one value: write `&{code}={second}` beside it")
        } else {
            format!("`{code}` takes one value: take the others out")
        };
        Err(self.mistake(second, message))
    }

    fn value(&self, value: &Text) -> Result<(), Mistake> {
        match &*self.code {
            "_sort" => self.sort(value),
            "_include" | "_revinclude" => self.include(value),
            "_count" | "_maxresults" | "_offset" => self.number(value),
            "_elements" => self.element(value),
            _ => self.one_of(value),
        }
    }

    fn one_of(&self, value: &Text) -> Result<(), Mistake> {
        let Some((code, codes)) = CODES.into_iter().find(|(code, _)| *code == self.code) else {
            return Ok(());
        };
        let written = value.to_string();
        if codes.contains(&&*written) {
            return Ok(());
        }
        let meant = did_you_mean(&written, codes.iter().copied());
        let codes = if meant.is_empty() {
            format!(": it is one of {}", listed(codes.iter().copied()))
        } else {
            meant
        };
        Err(self.mistake(value, format!("`{code}` is never `{written}`{codes}")))
    }

    fn number(&self, value: &Text) -> Result<(), Mistake> {
        let written = value.to_string();
        if !written.is_empty() && written.len() < 10 && written.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(());
        }
        Err(self.mistake(value, format!("`{}` takes a whole number, and `{written}` is not one", self.code)))
    }

    fn element(&self, value: &Text) -> Result<(), Mistake> {
        let written = value.to_string();
        let is_name = written.starts_with(|letter: char| letter.is_ascii_lowercase())
            && written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".[]".contains(&byte));
        if !is_name {
            let message = format!(
                "`_elements` takes the names of elements, as in `_elements=id,status`, and `{written}` is not one"
            );
            return Err(self.mistake(value, message));
        }
        // Some servers also choose elements within an element: `name.family`.
        let first = written.split('.').next().unwrap_or_default();
        if self.on.has_element(first) || self.check.also.iter().any(|also| also == first) {
            return Ok(());
        }
        let name = self.on.name;
        let cure = if self.on.parameter(first).is_some() {
            format!(". `{first}` is a search parameter: write the element that it searches")
        } else {
            did_you_mean(first, self.on.elements())
        };
        Err(self.mistake(value, format!("`{name}` has no element `{first}`{cure}")))
    }

    /// `-date`: a search parameter of the type.
    fn sort(&self, value: &Text) -> Result<(), Mistake> {
        let written = value.to_string();
        let (code, place) = match written.strip_prefix('-') {
            Some(code) => (code, value.split_at(1).1),
            None => (&*written, value.clone()),
        };
        if code.is_empty() {
            return Err(self.mistake(value, "a search parameter is missing after the `-`".to_owned()));
        }
        // HAPI can also sort by an element of another resource.
        let code = code.split_once('.').map_or(code, |(first, _)| first);
        let code = code.split_once(':').map_or(code, |(first, _)| first);
        if code == "_score" || self.check.also.iter().any(|also| also == code) {
            return Ok(());
        }
        if self.on.parameter(code).is_some() {
            return Ok(());
        }
        let name = self.on.name;
        let message = match code.strip_prefix('+') {
            Some(rest) => format!("the ascending order has no sign: write `_sort={rest}`"),
            None if code.starts_with(' ') => {
                format!("the ascending order has no sign: write `_sort={}`", code.trim_start())
            }
            None => {
                let meant = did_you_mean(code, self.on.codes());
                format!("`_sort` takes search parameters, and `{name}` has none called `{code}`{meant}")
            }
        };
        let mut mistake = Mistake::new(place.place, message, self.on.page());
        if is_parameter_name(code) {
            mistake =
                mistake.with_hint(format!("A parameter that only your server has: `also = [\"{code}\"]`"));
        }
        Err(mistake)
    }

    /// `Encounter:subject`, `Encounter:subject:Patient`, `*`
    fn include(&self, value: &Text) -> Result<(), Mistake> {
        let (code, name) = (&self.code, self.on.name);
        if value.to_string() == "*" {
            return Ok(());
        }
        let parts = value.split(':');
        let (source, parameter, target) = match &parts[..] {
            [source, parameter] => (source, parameter, None),
            [source, parameter, target] => (source, parameter, Some(target)),
            _ => {
                let message = format!(
                    "`{code}` takes a type and its parameter that refers to others: write it as in `{code}=Encounter:subject`"
                );
                return Err(self.mistake(value, message));
            }
        };
        let is_iterated = self.parameter.modifier() == Some(Modifier::Iterate);
        let source_type = self.check.resource_type(source)?;
        if code == "_include" && !is_iterated && source_type.name != name {
            let message = format!(
                "`_include` begins at what is found, `{name}`: write `_include={name}:…`, or `_include:iterate={source}:…` \
                 for what is included"
            );
            return Err(self.mistake(source, message));
        }
        let written = parameter.to_string();
        if written == "*" || self.check.also.contains(&written) {
            return Ok(());
        }
        let found = self.check.look_up(&[source_type], parameter)?;
        let (_, found) = &found[0];
        let targets = match &found.kind {
            Kind::Reference(targets) => targets,
            Kind::Uri => return Ok(()),
            _ => {
                let message = format!(
                    "`{written}` of `{source}` is not a reference, and nothing can be included by it"
                );
                return Err(self.mistake(parameter, message));
            }
        };
        if let Some(target) = target.filter(|target| !target.is_empty()) {
            self.check.target(source_type, found.code, targets, target)?;
        }
        if code == "_revinclude" && !is_iterated && !targets.contain(name) {
            let message = format!("`{written}` of `{source}` never refers to {}", not_but(name, targets));
            return Err(self.mistake(parameter, message));
        }
        Ok(())
    }

    fn mistake(&self, value: &Text, message: String) -> Mistake {
        Mistake::new(value.place.clone(), message, self.check.chapter("return"))
    }
}
