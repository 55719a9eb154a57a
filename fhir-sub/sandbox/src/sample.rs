//! [`Sample`]: a resource that a search finds, to try a handler with it.

pub(super) mod elements;
mod placing;
mod value;

use fhir_sub_search::search::{self as grammar, Modifier, Parameter as Written, Step, Subject, Text};
use serde_json::{Map, Value, json};

use super::search::{Context, Kind, Parameter, Resources, Search, find, is_type, types};
use crate::fhir::{FhirVersion, Instant};

/// A resource that a search finds, and the resources that must exist before it.
#[derive(Debug)]
#[doc(hidden)]
pub struct Sample {
    /// It has an `id` only if the search needs one.
    #[doc(hidden)]
    pub resource: Value,
    /// The resources that it refers to, or that refer to it, each with an `id`.
    #[doc(hidden)]
    pub others: Vec<Value>,
}

/// The `id` of a resource that is referred to.
const ID: &str = "example";

/// A resource that `criteria` finds. It has the required elements of its type, and for each parameter an
/// element that FHIR defines for the parameter. `None` if no matching resource is found.
#[doc(hidden)]
pub fn sample(criteria: &str, version: FhirVersion) -> Option<Sample> {
    let (search, mistakes) = grammar::parse(criteria);
    let search = search.filter(|_| mistakes.is_empty())?;
    let Subject::Type(kind) = &search.subject else {
        return list_of_types(&search.subject, version);
    };
    let mut draft = Draft::new(&kind.to_string(), version)?;
    for (index, parameter) in search.parameters.iter().enumerate() {
        draft = draft.with(parameter, &search.parameters[..=index])?;
    }
    Some(Sample { resource: Value::Object(draft.resource), others: draft.others })
}

/// For `[Patient,Encounter]`, a sample of the first type; for `[*]`, a Patient.
fn list_of_types(subject: &Subject, version: FhirVersion) -> Option<Sample> {
    let kind = match subject {
        Subject::Types(kinds) => kinds.first()?.to_string(),
        _ => "Patient".to_owned(),
    };
    let draft = Draft::new(&kind, version)?;
    Some(Sample { resource: Value::Object(draft.resource), others: Vec::new() })
}

/// An unfinished sample.
#[derive(Clone)]
struct Draft {
    kind: String,
    version: FhirVersion,
    resource: Map<String, Value>,
    others: Vec<Value>,
}

impl Draft {
    /// A draft with the elements that FHIR requires of the type.
    fn new(kind: &str, version: FhirVersion) -> Option<Self> {
        if !is_type(kind, version) {
            return None;
        }
        let mut resource = elements::required(kind, version);
        resource.insert("resourceType".into(), kind.into());
        Some(Self { kind: kind.to_owned(), version, resource, others: Vec::new() })
    }

    /// The draft with an element for the parameter, so that all of `parameters` find it.
    fn with(self, parameter: &Written, parameters: &[Written]) -> Option<Self> {
        // The draft may already match, as most do for `:not` and `:missing=true`.
        let drafts = std::iter::once(self.clone()).chain(self.candidates(&parameter.name, parameter));
        drafts.into_iter().find(|draft| draft.is_found(parameters))
    }

    /// Drafts that may match the parameter.
    fn candidates(&self, steps: &[Step], written: &Written) -> Vec<Self> {
        match steps {
            [Step::Has { resource, reference }, rest @ ..] => {
                self.referred_to(&resource.to_string(), &reference.to_string(), rest, written)
            }
            [Step::Code { code, qualifier }] => {
                let modifier = qualifier.as_ref().map(|qualifier| Modifier::read(&qualifier.to_string()));
                self.own(&code.to_string(), modifier.as_ref(), &written.values)
            }
            [Step::Code { code, qualifier }, rest @ ..] => {
                self.referring_to(&code.to_string(), qualifier.as_ref(), rest, written)
            }
            [] => Vec::new(),
        }
    }

    /// `_has:Observation:patient:…`: another resource refers to the sample.
    fn referred_to(&self, kind: &str, reference: &str, rest: &[Step], written: &Written) -> Vec<Self> {
        let (Some(parameter), Some(other)) =
            (find(kind, reference, self.version), Draft::new(kind, self.version))
        else {
            return Vec::new();
        };
        let mut draft = self.clone();
        draft.resource.insert("id".into(), ID.into());
        let own = format!("{}/{ID}", self.kind);
        let others = self.there(kind).into_iter().chain([other]);
        let others = others.flat_map(|other| other.candidates(rest, written).into_iter().chain([other]));
        let others = others.flat_map(|other| other.put(parameter, |of| value::reference(of, &own)));
        others.map(|other| draft.clone().beside(other)).collect()
    }

    /// `subject:Patient.name=…`: the sample refers to another resource.
    fn referring_to(
        &self,
        code: &str,
        of_type: Option<&Text>,
        rest: &[Step],
        written: &Written,
    ) -> Vec<Self> {
        let Some(parameter) = find(&self.kind, code, self.version) else { return Vec::new() };
        let only = parameter.paths.iter().find_map(|path| path.target()).map(str::to_owned);
        let kinds = match of_type.map(Text::to_string).or(only) {
            Some(kind) => vec![kind],
            None => likely_targets(code, self.version),
        };
        let others =
            kinds.iter().flat_map(|kind| self.there(kind).into_iter().chain(Draft::new(kind, self.version)));
        let others = others.flat_map(|other| other.candidates(rest, written));
        let drafts = others.flat_map(|other| {
            let reference =
                format!("{}/{}", other.kind, other.resource.get("id").and_then(Value::as_str).unwrap_or(ID));
            let drafts = self.put(parameter, |of| value::reference(of, &reference));
            drafts.into_iter().map(move |draft| draft.beside(other.clone())).collect::<Vec<_>>()
        });
        drafts.collect()
    }

    /// A resource of this type that the draft already has beside it. The resource can match another
    /// parameter, too.
    fn there(&self, kind: &str) -> Option<Self> {
        let resource = self.others.iter().find(|it| it["resourceType"] == kind)?.as_object()?.clone();
        Some(Self { kind: kind.to_owned(), version: self.version, resource, others: Vec::new() })
    }

    /// A parameter of the resource itself.
    fn own(&self, code: &str, modifier: Option<&Modifier>, values: &[Text]) -> Vec<Self> {
        match code {
            "_id" => return values.first().map(|id| self.identified(&id.to_string())).into_iter().collect(),
            "_text" | "_content" => {
                let words = values.first().map(Text::to_string).unwrap_or_default();
                let narrative = json!({ "status": "generated", "div": narrative(&words) });
                let mut draft = self.clone();
                draft.resource.insert("text".into(), narrative);
                return vec![draft];
            }
            // The server makes `$current-allergies` itself; nobody can store this list.
            "_list" | "_in" => {
                let id = values.first().map(Text::to_string).filter(|id| !id.starts_with('$'));
                return id.map(|id| self.listed(&id)).into_iter().collect();
            }
            _ => {}
        }
        let Some(parameter) = find(&self.kind, code, self.version) else { return Vec::new() };
        if modifier == Some(&Modifier::Missing) {
            return self.put(parameter, value::any).into_iter().chain(self.without(parameter)).collect();
        }
        if let Some(Modifier::In) = modifier {
            let url = values.first().map(Text::to_string).unwrap_or_default();
            let coding = ("http://example.org/codes", "example");
            let drafts = self.put(parameter, |of| value::coding(of, coding.0, coding.1));
            return drafts.into_iter().map(|draft| draft.beside_value(value_set(&url, coding))).collect();
        }
        if parameter.kind == Kind::Composite {
            return values.iter().flat_map(|value| self.composite(parameter, value)).collect();
        }
        values
            .iter()
            .flat_map(|value| value::values(parameter.kind, modifier, value))
            .flat_map(|wanted| self.put(parameter, |of| wanted.of_type(of, code, self.version)))
            .collect()
    }

    /// All components of a composite, within one element.
    fn composite(&self, parameter: &Parameter, value: &Text) -> Vec<Self> {
        let parts = value.split('$');
        let mut drafts = Vec::new();
        for path in &parameter.paths {
            let mut found = vec![self.clone()];
            for (component, part) in parameter.components.iter().zip(&parts) {
                let values = value::values(component.kind, None, part);
                found = found
                    .iter()
                    .flat_map(|draft| {
                        values.iter().flat_map(|wanted| {
                            placing::put_within(draft, path, component, |of| {
                                wanted.of_type(of, "", self.version)
                            })
                        })
                    })
                    .collect();
            }
            drafts.extend(found);
        }
        drafts
    }

    /// Drafts with a value in the element of the parameter, for each of its paths and types.
    fn put(&self, parameter: &Parameter, value: impl Fn(value::Spot<'_>) -> Option<Value>) -> Vec<Self> {
        parameter.paths.iter().flat_map(|path| placing::put(self, path, &value)).collect()
    }

    /// The draft without the parameter's elements.
    fn without(&self, parameter: &Parameter) -> Vec<Self> {
        let mut draft = self.clone();
        for path in &parameter.paths {
            if let Some((places, _)) = path.places()
                && let Some(first) = places.first()
            {
                draft.resource.retain(|member, _| !member.starts_with(first.name));
            }
        }
        vec![draft]
    }

    fn identified(&self, id: &str) -> Self {
        let mut draft = self.clone();
        draft.resource.insert("id".into(), id.into());
        draft
    }

    /// The draft as an entry of a List.
    fn listed(&self, list: &str) -> Self {
        let own = json!({ "item": { "reference": format!("{}/{ID}", self.kind) } });
        let mut other = elements::required("List", self.version);
        other.insert("resourceType".into(), "List".into());
        other.insert("id".into(), list.strip_prefix("List/").unwrap_or(list).into());
        other.insert("entry".into(), json!([own]));
        self.identified(ID).beside_value(Value::Object(other))
    }

    /// The draft, with `other` and its other resources added.
    fn beside(mut self, other: Self) -> Self {
        self.others.extend(other.others);
        let mut resource = other.resource;
        resource.entry("id").or_insert_with(|| ID.into());
        self.beside_value(Value::Object(resource))
    }

    fn beside_value(mut self, other: Value) -> Self {
        // One resource can match several parameters; the later version has the elements for all of them.
        self.others.retain(|it| (&it["resourceType"], &it["id"]) != (&other["resourceType"], &other["id"]));
        self.others.push(other);
        self
    }

    fn is_found(&self, parameters: &[Written]) -> bool {
        let text: Vec<_> = parameters.iter().map(ToString::to_string).collect();
        let Ok(search) = Search::of_text(&format!("{}?{}", self.kind, text.join("&")), self.version) else {
            return false;
        };
        let now = Instant::from(std::time::SystemTime::now());
        let mut resource = Value::Object(self.resource.clone());
        if resource["id"].is_null() {
            resource["id"] = "0".into();
        }
        resource["meta"]["lastUpdated"] = now.to_string().into();
        search.matches(
            &resource,
            Context { base: "", now, version: self.version, resources: &Others(&self.others) },
        )
    }
}

/// The other resources of a draft, for the search.
struct Others<'a>(&'a [Value]);

impl Resources for Others<'_> {
    fn read(&self, kind: &str, id: &str) -> Option<&Value> {
        self.0.iter().find(|it| it["resourceType"] == kind && it["id"] == id)
    }

    fn all(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|it| it["resourceType"] == kind).collect()
    }
}

/// The likely target types of a reference, in this order: the type that the parameter is named after,
/// Patient, all others.
fn likely_targets(code: &str, version: FhirVersion) -> Vec<String> {
    let named = value::type_named(code, version);
    let all = types(version);
    named.into_iter().chain(["Patient"]).chain(all).map(str::to_owned).collect()
}

fn narrative(words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{words}</div>")
}

/// A ValueSet with this URL, or of this reference `ValueSet/id`, with one code.
fn value_set(url: &str, (system, code): (&str, &str)) -> Value {
    let include = json!([{ "system": system, "concept": [{ "code": code }] }]);
    let plain = url.split('|').next().unwrap_or(url);
    let mut value_set = json!({
        "resourceType": "ValueSet", "id": ID, "status": "active", "compose": { "include": include },
    });
    match plain.strip_prefix("ValueSet/") {
        Some(id) => value_set["id"] = id.into(),
        None => value_set["url"] = plain.into(),
    }
    value_set
}

#[cfg(test)]
mod tests;
