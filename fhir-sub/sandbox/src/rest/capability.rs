//! The sandbox's CapabilityStatement ([FHIR R4 §5.2](https://hl7.org/fhir/R4/capabilitystatement.html)).

use serde_json::{Value, json};

use crate::fhir::FhirVersion;
use crate::{
    builder::Behaviour,
    search::{names, types},
    server::Desk,
};

/// `GET /metadata`.
pub(super) fn statement(desk: &Desk<'_>) -> Value {
    let version = desk.settings.fhir_version;
    let imitated = match desk.settings.behaviour {
        Behaviour::Hapi => "HAPI FHIR",
        Behaviour::Generic => "the specification",
        Behaviour::Medplum => "Medplum",
    };
    let resources: Vec<_> = types(version).into_iter().map(|kind| resource(kind, version)).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": desk.now.to_string(),
        "kind": "instance",
        "software": { "name": "fhir-sub sandbox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": {
            "description": format!(
                "Resources in memory, for local runs and tests; access is not controlled. \
                 Rest-hook notifications follow {imitated}.",
            ),
            "url": desk.settings.base_url,
        },
        "fhirVersion": release(version),
        "format": ["application/fhir+json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [{
            "mode": "server",
            "resource": resources,
            "interaction": [{ "code": "transaction" }, { "code": "batch" }],
            "searchParam": parameters("Resource", version),
        }],
    })
}

fn release(version: FhirVersion) -> &'static str {
    match version {
        FhirVersion::R4 => "4.0.1",
        FhirVersion::R4B => "4.3.0",
        FhirVersion::R5 => "5.0.0",
    }
}

fn resource(kind: &str, version: FhirVersion) -> Value {
    let interactions = [
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    ];
    let mut resource = json!({
        "type": kind,
        "interaction": interactions.map(|code| json!({ "code": code })),
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalUpdate": true,
        "conditionalDelete": "single",
    });
    let parameters = parameters(kind, version);
    if !parameters.is_empty() {
        resource["searchParam"] = parameters.into();
    }
    resource
}

fn parameters(kind: &str, version: FhirVersion) -> Vec<Value> {
    names(kind, version).into_iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect()
}
