//! One `parameter:modifier=value,value` of a search.

use fhir_sub_search::search::{Modifier, Parameter as Written, Step, Text};
use serde_json::Value;

use super::{
    Context, Path,
    operand::Operand,
    parameter::{self, Kind, Parameter, is_type},
    reference::{local, resolve, text_of},
    text::Comparison,
};
use crate::fhir::FhirVersion;
use crate::refusal::Refusal;

/// A condition on a resource.
#[derive(Debug)]
pub(crate) enum Clause {
    /// `name:missing=true`
    Missing { parameter: &'static Parameter, wanted: bool },
    /// The resource has one of the values, or none of them if negated.
    Any { parameter: &'static Parameter, is_negated: bool, any_of: Vec<Operand> },
    /// One element has all values of one of the lists.
    Composite { parameter: &'static Parameter, any_of: Vec<Vec<Operand>> },
    /// `subject:Patient.name=…`: the target of a reference matches.
    Chain { reference: &'static Parameter, of_type: Option<String>, rest: Rest },
    /// `_has:Observation:patient:…`: a resource that refers to this one matches.
    Has { kind: String, reference: &'static Parameter, clause: Box<Self> },
    /// `_text` searches the narrative; `_content` searches everything.
    Words { element: Option<&'static str>, any_of: Vec<String> },
    /// `_list` and `_in`: another resource refers to this one.
    Listed { in_types: &'static [&'static str], any_of: Vec<String> },
}

/// The rest of a chain. Its parameter is known only when the type is known.
#[derive(Debug)]
pub(crate) struct Rest {
    steps: Vec<Step>,
    written: Written,
    version: FhirVersion,
}

impl Clause {
    /// Reads a parameter of the type.
    pub(crate) fn read(kind: &str, written: &Written, version: FhirVersion) -> Result<Self, Refusal> {
        Self::of_steps(kind, &written.name, written, version)
    }

    fn of_steps(
        kind: &str,
        steps: &[Step],
        written: &Written,
        version: FhirVersion,
    ) -> Result<Self, Refusal> {
        let key = || written.code();
        match steps {
            [Step::Has { resource, reference }, rest @ ..] => {
                let of = resource.to_string();
                if !is_type(&of, version) {
                    return Err(refuse(&key(), &format!("`{of}` is not a resource type")));
                }
                let reference = find(&of, reference, &key(), version)?;
                let clause = Box::new(Self::of_steps(&of, rest, written, version)?);
                Ok(Self::Has { kind: of, reference, clause })
            }
            [Step::Code { code, qualifier }] => Self::last(kind, code, qualifier.as_ref(), written, version),
            [Step::Code { code, qualifier }, rest @ ..] => {
                let reference = find(kind, code, &key(), version)?;
                if reference.kind != Kind::Reference {
                    return Err(refuse(&key(), &format!("`{code}` is not a reference")));
                }
                let of_type = qualifier.as_ref().map(Text::to_string);
                let rest = Rest { steps: rest.to_vec(), written: written.clone(), version };
                rest.check(of_type.as_deref())?;
                Ok(Self::Chain { reference, of_type, rest })
            }
            [] => Err(refuse(&key(), "a parameter has a name")),
        }
    }

    fn last(
        kind: &str,
        code: &Text,
        qualifier: Option<&Text>,
        written: &Written,
        version: FhirVersion,
    ) -> Result<Self, Refusal> {
        let values = &written.values;
        if let Some(empty) = values.iter().find(|value| value.is_empty()) {
            let _ = empty;
            return Err(Refusal::bad_request(format!(
                "the parameter `{}` has an empty value",
                written.code()
            )));
        }
        let texts = || values.iter().map(Text::to_string).collect::<Vec<_>>();
        match code.to_string().as_str() {
            "_text" => return Ok(Self::Words { element: Some("text"), any_of: texts() }),
            "_content" => return Ok(Self::Words { element: None, any_of: texts() }),
            "_list" => return Ok(Self::Listed { in_types: &["List"], any_of: texts() }),
            "_in" => return Ok(Self::Listed { in_types: &["CareTeam", "Group", "List"], any_of: texts() }),
            _ => {}
        }
        let parameter = find(kind, code, &written.code(), version)?;
        let modifier = qualifier.map(|qualifier| Modifier::read(&qualifier.to_string()));
        if modifier == Some(Modifier::Missing) {
            return match texts().as_slice() {
                [text] if text == "true" => Ok(Self::Missing { parameter, wanted: true }),
                [text] if text == "false" => Ok(Self::Missing { parameter, wanted: false }),
                _ => Err(Refusal::bad_request(format!(
                    "the parameter `{}:missing` is `true` or `false`",
                    written.code()
                ))),
            };
        }
        let read = |parameter: &'static Parameter, value: &Text, modifier: Option<&Modifier>| {
            let is_text = |path: &Path| path.types().contains(&"Narrative");
            if parameter.kind == Kind::Special && parameter.paths.iter().any(is_text) {
                return Ok(Operand::Text(Comparison::Contains, value.to_string()));
            }
            Operand::read(parameter.kind, modifier, value).map_err(|problem| {
                let modifier = modifier.map(|it| format!(":{}", it.code())).unwrap_or_default();
                refuse(&format!("{}{modifier}", written.code()), &problem)
            })
        };
        if parameter.kind == Kind::Composite {
            let any_of = values.iter().map(|value| {
                let parts = value.split('$');
                if parts.len() != parameter.components.len() {
                    return Err(refuse(
                        &written.code(),
                        &format!("it joins {} values with `$`", parameter.components.len()),
                    ));
                }
                let components = parameter.components.iter().zip(&parts);
                components.map(|(component, part)| read(component, part, None)).collect()
            });
            return Ok(Self::Composite { parameter, any_of: any_of.collect::<Result<_, _>>()? });
        }
        let any_of = values.iter().map(|value| read(parameter, value, modifier.as_ref()));
        Ok(Self::Any {
            parameter,
            is_negated: matches!(modifier, Some(Modifier::Not | Modifier::NotIn)),
            any_of: any_of.collect::<Result<_, _>>()?,
        })
    }

    /// Whether the resource matches.
    pub(crate) fn holds(&self, resource: &Value, context: Context<'_>) -> bool {
        match self {
            Self::Missing { parameter, wanted } => {
                // A parameter for an element's presence always has a value: whether the element is there.
                let is_there = parameter.any(resource, |value, _| *value != Value::Bool(false));
                is_there != *wanted
            }
            Self::Any { parameter, is_negated, any_of } => {
                let holds = parameter
                    .any(resource, |value, path| any_of.iter().any(|it| it.matches(value, path, context)));
                holds != *is_negated
            }
            Self::Composite { parameter, any_of } => parameter.any(resource, |element, _| {
                any_of.iter().any(|operands| {
                    parameter.components.iter().zip(operands).all(|(component, operand)| {
                        component
                            .any_below(resource, element, |value, path| operand.matches(value, path, context))
                    })
                })
            }),
            Self::Chain { reference, of_type, rest } => reference.any(resource, |value, path| {
                let found = text_of(value).and_then(|text| resolve(text, context));
                found.is_some_and(|found| {
                    let kind = found["resourceType"].as_str().unwrap_or_default();
                    path.target().is_none_or(|target| target == kind)
                        && of_type.as_deref().is_none_or(|of_type| of_type == kind)
                        && rest.of(kind).is_ok_and(|clause| clause.holds(found, context))
                })
            }),
            Self::Has { kind, reference, clause } => {
                let own = own_reference(resource);
                context.resources.all(kind).into_iter().any(|other| {
                    reference.any(other, |value, path| {
                        path.target().is_none_or(|target| resource["resourceType"] == target)
                            && text_of(value).is_some_and(|text| local(text, context.base) == own)
                    }) && clause.holds(other, context)
                })
            }
            Self::Words { element, any_of } => {
                let within = element.map_or(resource, |element| &resource[element]);
                any_of.iter().any(|wanted| Comparison::Contains.matches(within, wanted))
            }
            Self::Listed { in_types, any_of } => {
                let own = own_reference(resource);
                let lists = any_of.iter().flat_map(|wanted| {
                    in_types.iter().filter_map(|kind| {
                        let id = wanted.strip_prefix(kind).and_then(|id| id.strip_prefix('/'));
                        context.resources.read(kind, id.unwrap_or(wanted))
                    })
                });
                lists.into_iter().any(|list| refers_to(list, &own, context.base))
            }
        }
    }
}

impl Rest {
    /// The clause for a resource of this type.
    fn of(&self, kind: &str) -> Result<Clause, Refusal> {
        Clause::of_steps(kind, &self.steps, &self.written, self.version)
    }

    /// Checks that a type has this parameter: the type that the chain names, or any.
    fn check(&self, of_type: Option<&str>) -> Result<(), Refusal> {
        if let Some(of_type) = of_type {
            return self.of(of_type).map(drop);
        }
        let mut refusals = parameter::types(self.version).into_iter().map(|kind| self.of(kind).map(drop));
        let first = refusals.next().unwrap_or(Ok(()));
        if first.is_ok() || refusals.any(|refusal| refusal.is_ok()) { Ok(()) } else { first }
    }
}

fn find(kind: &str, code: &Text, key: &str, version: FhirVersion) -> Result<&'static Parameter, Refusal> {
    let code = code.to_string();
    parameter::find(kind, &code, version).ok_or_else(|| {
        refuse(key, &format!("{kind} has no parameter `{code}` that it knows in FHIR {version}"))
    })
}

fn refuse(key: &str, problem: &str) -> Refusal {
    Refusal::unsupported(format!("the sandbox cannot evaluate the parameter `{key}`: {problem}"))
}

/// `Type/id`
fn own_reference(resource: &Value) -> String {
    let text = |member: &str| resource[member].as_str().unwrap_or_default();
    format!("{}/{}", text("resourceType"), text("id"))
}

/// Whether `value` contains a reference to `reference`.
fn refers_to(value: &Value, reference: &str, base: &str) -> bool {
    match value {
        Value::Object(members) => {
            members.get("reference").and_then(Value::as_str).is_some_and(|it| local(it, base) == reference)
                || members.values().any(|value| refers_to(value, reference, base))
        }
        Value::Array(items) => items.iter().any(|item| refers_to(item, reference, base)),
        _ => false,
    }
}
