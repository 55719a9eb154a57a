//! [`Needed`]: the resources that the sandbox of a copied test must have.

use serde_json::Value;

use super::super::delivery::Delivery;
use super::super::reads::MOST;
use super::raw;
use crate::declaration::{Declaration, Trust};
use crate::extract::ResourceUse;
use crate::fhir::{is_id, is_type_name};
use crate::recorded::pretty;

/// The resources that the sandbox of a copied test must have.
#[derive(Default)]
pub(super) struct Needed {
    pub(super) created: Vec<Created>,
    /// References to the resources that the author of the test must add.
    pub(super) lacking: Vec<String>,
}

/// A resource that the test creates.
pub(super) struct Created {
    reference: String,
    json: String,
    /// The comment above the code that creates the resource.
    note: Option<&'static str>,
}

const READ: &str = "The handler read this resource.";
const OTHER_VERSION: &str = "The sandbox had another version of the resource when this test was copied.";

impl Needed {
    pub(super) fn of(
        declaration: Option<&Declaration>,
        delivery: &Delivery,
        now: impl Fn(&str) -> Option<Value>,
    ) -> Self {
        let reads = delivery.reads.resources().iter().map(|read| Created {
            reference: read.reference.clone(),
            json: read.json.clone(),
            note: Some(READ),
        });
        let mut needed = Self { created: reads.collect(), lacking: Vec::new() };
        let body: Value = serde_json::from_slice(&delivery.sent.body).unwrap_or_default();
        let trusts = declaration.is_none_or(|declaration| declaration.trust == Trust::Notification);
        let uses = declaration.is_some_and(|declaration| declaration.uses.resource != ResourceUse::Unused);
        for event in &delivery.events {
            // For these events, a handler gets no resource.
            if event.interaction == Some("delete") || matches!(event.outcome, "gone" | "not wanted") {
                continue;
            }
            let Some(reference) = event.reference.as_deref() else { continue };
            let is_here = needed.knows(reference) || (trusts && has(&body, reference));
            if is_here || !is_name(reference) {
                continue;
            }
            match now(reference).filter(|_| needed.created.len() < MOST) {
                Some(resource) => needed.created.push(Created {
                    note: is_other_version(&resource, event.version.as_deref()).then_some(OTHER_VERSION),
                    reference: reference.to_owned(),
                    json: resource.to_string(),
                }),
                None if uses => needed.lacking.push(reference.to_owned()),
                None => {}
            }
        }
        for reference in delivery.reads.unseen() {
            if !needed.knows(reference) {
                needed.lacking.push(reference.clone());
            }
        }
        needed
    }

    fn knows(&self, reference: &str) -> bool {
        self.created.iter().any(|created| created.reference == reference)
            || self.lacking.iter().any(|lacking| lacking == reference)
    }
}

impl Created {
    pub(super) fn to_code(&self) -> String {
        let note = self.note.map(|note| format!("    // {note}\n")).unwrap_or_default();
        let json = pretty(&self.json).unwrap_or_else(|| self.json.clone());
        format!(
            "{note}    let resource = serde_json::from_str({}).expect(\"JSON\");\n    \
             test.sandbox().update(&resource).await.expect(\"the sandbox takes it\");\n",
            raw(&json)
        )
    }
}

fn is_other_version(resource: &Value, told: Option<&str>) -> bool {
    let own = resource["meta"]["versionId"].as_str();
    own.zip(told).is_some_and(|(own, told)| own != told)
}

/// Whether the text is `Type/id`.
fn is_name(reference: &str) -> bool {
    reference.split_once('/').is_some_and(|(kind, id)| is_type_name(kind) && is_id(id))
}

/// Whether `json` is the resource, or contains it.
fn has(json: &Value, reference: &str) -> bool {
    match json {
        Value::Object(members) => {
            is_named(json, reference) || members.values().any(|value| has(value, reference))
        }
        Value::Array(items) => items.iter().any(|item| has(item, reference)),
        _ => false,
    }
}

/// Whether the reference names this resource.
fn is_named(resource: &Value, reference: &str) -> bool {
    reference
        .split_once('/')
        .is_some_and(|(kind, id)| resource["resourceType"] == kind && resource["id"] == id)
}
