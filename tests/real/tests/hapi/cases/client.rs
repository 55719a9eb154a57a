//! `FhirClient` against a real server.

use fhir_sub::client::{Error, Patch};
use fhir_sub::fhir::{Bundle, OperationOutcome};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Proxy, World, client, id, resource, version_id};

/// A type of the caller, with the elements that it needs.
#[derive(Debug, Deserialize, PartialEq)]
struct Organization {
    id: String,
    name: String,
}

fn organization(name: &str) -> Value {
    resource("Organization", &json!({ "name": name }))
}

pub(crate) async fn reading_and_writing(world: &mut World) {
    let fhir = world.fhir();
    let created = fhir.create("Organization", &organization("North")).await.unwrap();
    let stored = (created.id.as_deref().unwrap(), created.version_id.as_deref());
    assert!(created.was_created() && stored.1 == Some("1"), "{created:?}");

    let read: Organization = fhir.read("Organization", stored.0).await.unwrap();
    assert_eq!(read, Organization { id: stored.0.to_owned(), name: "North".to_owned() });
    // HAPI counts the versions once a minute, so it would show only one of them later.
    assert_eq!(fhir.history::<Organization>("Organization", stored.0).all().await.unwrap().len(), 1);
    let operations = json!([{ "op": "replace", "path": "/name", "value": "South" }]);
    let patched = fhir.patch("Organization", stored.0, &Patch::json(&operations).unwrap()).await.unwrap();
    assert_eq!((patched.status, patched.version_id.as_deref()), (200, Some("2")));
    let updated =
        fhir.update("Organization", stored.0, &with_id(organization("East"), stored.0)).await.unwrap();
    let written = (updated.status, updated.id.as_deref(), updated.version_id.as_deref());
    assert_eq!(written, (200, Some(stored.0), Some("3")));
    let old: Organization = fhir.vread("Organization", stored.0, "2").await.unwrap();
    assert_eq!(old.name, "South");

    fhir.delete("Organization", stored.0).await.unwrap();
    let gone = fhir.read::<Value>("Organization", stored.0).await.unwrap_err();
    assert!(gone.is_gone() && gone.attempts() == 1, "{gone}");
    fhir.delete("Organization", stored.0).await.unwrap();
    let unknown = fhir.read::<Value>("Organization", "no-such-organization").await.unwrap_err();
    assert!(unknown.is_not_found(), "{unknown}");

    let versions = fhir.history::<Organization>("Organization", stored.0).all().await.unwrap();
    let names: Vec<_> =
        versions.iter().map(|version| version.resource.as_ref().map(|found| found.name.as_str())).collect();
    assert_eq!(names, [None, Some("East"), Some("South"), Some("North")]);
    assert_eq!(versions[0].request.as_ref().map(|request| request.method.as_str()), Some("DELETE"));
}

pub(crate) async fn conditions_and_conflicts(world: &mut World) {
    let fhir = world.fhir();
    let condition = [("name", "West")];
    let first = fhir.create("Organization", &organization("West")).if_none_exist(&condition).await.unwrap();
    let second = fhir.create("Organization", &organization("West")).if_none_exist(&condition).await.unwrap();
    assert_eq!((first.was_created(), second.was_created(), &first.id), (true, false, &second.id));
    let organization_id = first.id.as_deref().unwrap();

    let changed = |name: &str| with_id(organization(name), organization_id);
    let update =
        fhir.update("Organization", organization_id, &changed("North-West")).if_match("1").await.unwrap();
    assert_eq!(update.version_id.as_deref(), Some("2"));
    let conflict = fhir.update("Organization", organization_id, &changed("Far West")).if_match("1").await;
    let conflict = conflict.unwrap_err();
    assert_eq!(
        (conflict.is_conflict(), conflict.status(), conflict.attempts()),
        (true, Some(409), 1),
        "{conflict}"
    );

    // Two resources match: the condition is ambiguous.
    fhir.create("Organization", &organization("North-West")).await.unwrap();
    let double =
        fhir.create("Organization", &organization("x")).if_none_exist(&[("name", "North-West")]).await;
    let double = double.unwrap_err();
    assert_eq!((double.is_conflict(), double.status()), (true, Some(412)), "{double}");

    let refused: Error = fhir
        .create("Organization", &resource("Organization", &json!({ "active": "canary" })))
        .await
        .unwrap_err();
    let outcome = refused.operation_outcome().expect("HAPI says what is wrong");
    assert!(
        outcome
            .issue
            .iter()
            .any(|issue| issue.diagnostics.as_deref().is_some_and(|text| text.contains("canary")))
    );
    assert!(
        !refused.to_string().contains("canary") && !format!("{refused:?}").contains("canary"),
        "{refused}"
    );
}

/// Through a proxy: the server's page links have another host than `FHIR_BASE_URL`.
pub(crate) async fn pages_of_a_search(world: &mut World) {
    let proxy = Proxy::start(world.server.port()).await;
    let fhir = client(&proxy.base_url());
    let names: Vec<_> = (1..=7).map(|number| format!("Branch {number}")).collect();
    for name in &names {
        fhir.create("Organization", &organization(name)).await.unwrap();
    }
    let asked = proxy.passed().len();

    let query = [("name", "Branch"), ("_count", "3"), ("_sort", "name")];
    let mut found = fhir.search_type::<Organization>("Organization", &query);
    let mut read = Vec::new();
    let mut requests = Vec::new();
    while let Some(organization) = found.next().await {
        read.push(organization.unwrap().name);
        requests.push(proxy.passed().len() - asked);
    }
    assert_eq!(read, names);
    // A page is requested when the one before is used up.
    assert_eq!(requests, [1, 1, 1, 2, 2, 2, 3]);
    let pages = &proxy.passed()[asked..];
    assert!(pages[1..].iter().all(|page| page.path_and_query.contains("_getpages=")), "{pages:?}");

    // For a minute, HAPI would give the same answer to the same search.
    fhir.create("Organization", &organization("Branch 8")).await.unwrap();
    assert_eq!(fhir.search_type::<Organization>("Organization", &query).all().await.unwrap().len(), 8);
    let posted = fhir.search_type_by_post::<Organization>("Organization", &query).all().await.unwrap();
    assert_eq!(posted.len(), 8);
}

pub(crate) async fn transactions_and_operations(world: &mut World) {
    let fhir = world.fhir();
    let kept: Value = fhir.create("Organization", &organization("Kept")).returning().await.unwrap();
    let left: Value = fhir.create("Organization", &organization("Left")).returning().await.unwrap();

    let parent = "urn:uuid:5e1a7a52-5b7e-4d0e-8f3c-6f6a1a0c9d11";
    let child = resource("Organization", &json!({ "name": "Child", "partOf": { "reference": parent } }));
    let bundle = Bundle::transaction()
        .create("Organization", &organization("Parent"))
        .full_url(parent)
        .create("Organization", &child)
        .update("Organization", id(&kept), &with_id(organization("Kept and changed"), id(&kept)))
        .if_match(version_id(&kept))
        .delete("Organization", id(&left))
        .build()
        .unwrap();
    let answer = fhir.transaction(&bundle).await.unwrap();
    let statuses: Vec<_> = answer.entry.iter().filter_map(|entry| entry.response.as_ref()).collect();
    let codes: Vec<_> =
        statuses.iter().map(|response| response.status.split(' ').next().unwrap_or_default()).collect();
    assert_eq!((codes.len(), &codes[..3]), (4, &["201", "201", "200"][..]), "{codes:?}");
    let child: Value = fhir.search_type("Organization", &[("name", "Child")]).first().await.unwrap().unwrap();
    let parent: Value = fhir.read_reference(child["partOf"]["reference"].as_str().unwrap()).await.unwrap();
    assert_eq!(parent["name"], "Parent");
    assert!(fhir.read::<Value>("Organization", id(&left)).await.unwrap_err().is_gone());
    // The version has changed: nothing of the transaction is done.
    let conflict = fhir.transaction(&bundle).await.unwrap_err();
    assert!(conflict.is_conflict(), "{conflict}");
    let parents = fhir.search_type::<Value>("Organization", &[("name", "Parent")]).all().await.unwrap();
    assert_eq!(parents.len(), 1);

    let meta: Value = fhir.operation("$meta").on_instance("Organization", id(&kept)).get(&[]).await.unwrap();
    assert_eq!(meta["parameter"][0]["valueMeta"]["versionId"], "2", "{meta}");
    let parameters = json!({
        "resourceType": "Parameters",
        "parameter": [{ "name": "resource", "resource": organization("Valid") }],
    });
    let validate = fhir.operation("validate").on_type("Organization").repeatable();
    let outcome: OperationOutcome = validate.post(&parameters).await.unwrap();
    assert!(
        outcome.issue.iter().all(|issue| !["error", "fatal"].contains(&issue.severity.as_str())),
        "{outcome:?}"
    );
}

fn with_id(mut resource: Value, id: &str) -> Value {
    resource["id"] = json!(id);
    resource
}
