//! The sandbox must fire like HAPI: each criteria has a resource that matches it, and one that does not.
//!
//! Both servers get the same Subscriptions and then the same resources. Every criteria is compared with every
//! resource, not only with its own two.
//!
//! `:contains` and `:missing` are left out. HAPI's default settings disable both. A stored Subscription with
//! one of them makes the matching of every change fail, so HAPI sends no notifications of that change at all.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fhir_sub::sandbox::{Behaviour, DeliveryError, Sandbox};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{World, listen, say};

/// The elements of a resource that the criteria finds, and of one that it does not find.
///
/// The cases are in `tests/real/criteria.json`, which the comparison with Medplum's matcher uses too.
#[derive(Deserialize)]
struct Case {
    criteria: String,
    found: Value,
    missed: Value,
}

/// The criteria that the two servers treat differently, or that HAPI refuses, and why.
const DIFFERENCES: [Difference; 5] = [
    Difference { criteria: "Observation?category=|lab", reason: "HAPI takes `|code` for `code`" },
    Difference {
        criteria: "Patient?birthdate=1990",
        reason: "HAPI finds no date by one that is less precise: write `ge1990&…=lt1991`",
    },
    Difference { criteria: "Patient?birthdate=1980-02", reason: "the same" },
    Difference {
        criteria: "Encounter?date=ge2050-01-01",
        reason: "HAPI asks that the whole period is later, and the specification that a part of it is",
    },
    Difference {
        criteria: "Observation?value-quantity=5.4|http://unitsofmeasure.org|mg",
        reason: "HAPI finds no quantity by equality: write `ge` and `le`",
    },
];

struct Difference {
    criteria: &'static str,
    reason: &'static str,
}

/// The notifications: the number of the criteria, and the resource.
type Told = BTreeSet<(usize, String)>;

pub(crate) async fn the_sandbox_fires_as_hapi_does(world: &mut World) {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let told: Arc<Mutex<Told>> = Arc::default();
    let keep = Arc::clone(&told);
    let port = listen(move |request| {
        keep.lock().unwrap_or_else(PoisonError::into_inner).extend(read(request.uri().path()));
        async {
            let mut response = Response::new(Full::new(Bytes::new()));
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok::<_, Infallible>(response)
        }
    })
    .await;
    let (in_hapi, refused) = on_hapi(world, &cases, port, &told).await;
    let in_sandbox = in_sandbox(&cases).await;

    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let of = |told: &Told| -> BTreeSet<String> {
            told.iter().filter(|(criteria, _)| *criteria == number).map(|(_, id)| id.clone()).collect()
        };
        let (hapi, sandbox) = (of(&in_hapi), of(&in_sandbox));
        let is_known = DIFFERENCES.iter().any(|known| known.criteria == case.criteria);
        if refused.contains(&number) {
            if !is_known {
                wrong.push(format!("{}: HAPI refuses it", case.criteria));
            }
            continue;
        }
        if (hapi == sandbox) == is_known {
            wrong.push(format!("{}: HAPI {hapi:?}, sandbox {sandbox:?}", case.criteria));
        }
        // A pair with equal results shows nothing.
        let (found, missed) = (reference(number, case, true), reference(number, case, false));
        let tells_apart = hapi.contains(&found) && !hapi.contains(&missed);
        if !(is_known || tells_apart) {
            wrong.push(format!("{}: HAPI tells its two resources not apart: {hapi:?}", case.criteria));
        }
    }
    for Difference { criteria, reason } in &DIFFERENCES {
        say(&format!("hapi: {criteria} differs: {reason}"));
    }
    say(&format!(
        "hapi: {} criteria held against {} resources: {} differences",
        cases.len(),
        cases.len() * 2,
        DIFFERENCES.len()
    ));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `/17/Patient/c17-found`
fn read(path: &str) -> Option<(usize, String)> {
    let (number, reference) = path.strip_prefix('/')?.split_once('/')?;
    Some((number.parse().ok()?, reference.to_owned()))
}

fn reference(number: usize, case: &Case, is_found: bool) -> String {
    let kind = case.criteria.split('?').next().unwrap_or_default();
    format!("{kind}/c{number}-{}", if is_found { "found" } else { "missed" })
}

/// The resource of a case, with the elements that FHIR requires for its type.
fn resource(number: usize, case: &Case, is_found: bool) -> Value {
    let reference = reference(number, case, is_found);
    let (kind, id) = reference.split_once('/').expect("a type and an id");
    let mut resource = match kind {
        "Appointment" => json!({ "status": "booked", "participant": [{ "status": "accepted" }] }),
        "Encounter" => json!({ "status": "planned", "class": { "code": "AMB" } }),
        "Observation" => json!({ "status": "final", "code": { "text": "a test" } }),
        "MedicationRequest" => json!({
            "status": "active", "intent": "order", "subject": { "reference": "Patient/p1" },
            "medicationCodeableConcept": { "text": "a test" },
        }),
        "RiskAssessment" => json!({ "status": "final", "subject": { "reference": "Patient/p1" } }),
        "Task" => json!({ "status": "requested", "intent": "order" }),
        "ValueSet" => json!({ "status": "active" }),
        _ => json!({}),
    };
    let elements = if is_found { &case.found } else { &case.missed };
    let (target, elements) =
        (resource.as_object_mut().unwrap(), elements.as_object().expect("elements by name"));
    target.extend(elements.iter().map(|(name, value)| (name.clone(), value.clone())));
    target.insert("resourceType".into(), kind.into());
    target.insert("id".into(), id.into());
    resource
}

fn subscription(case: &Case, endpoint: &str) -> Value {
    json!({
        "resourceType": "Subscription", "status": "requested", "reason": "a test", "criteria": case.criteria,
        "channel": { "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json" },
    })
}

async fn on_hapi(world: &World, cases: &[Case], port: u16, told: &Mutex<Told>) -> (Told, BTreeSet<usize>) {
    let fhir = world.fhir();
    for resource in there() {
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        fhir.update(kind, id, &resource).await.unwrap();
    }
    let (mut subscriptions, mut refused) = (Vec::new(), BTreeSet::new());
    for (number, case) in cases.iter().enumerate() {
        let subscription = subscription(case, &format!("http://127.0.0.1:{port}/{number}"));
        let created: Result<Value, _> = fhir.create("Subscription", &subscription).returning().await;
        match created {
            Ok(created) => subscriptions.push(created["id"].as_str().unwrap().to_owned()),
            Err(_) => drop(refused.insert(number)),
        }
    }
    for id in &subscriptions {
        loop {
            let subscription: Value = fhir.read("Subscription", id).await.unwrap();
            if subscription["status"] == "active" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    for (number, case) in cases.iter().enumerate() {
        for is_found in [false, true] {
            let resource = resource(number, case, is_found);
            let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
            fhir.update(kind, id, &resource)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", case.criteria));
        }
    }
    // HAPI handles changes in order: after the last case and a quiet time, all notifications have arrived.
    let last = (cases.len() - 1, reference(cases.len() - 1, &cases[cases.len() - 1], true));
    let (mut count, mut quiet) = (0, 0);
    for _ in 0..480 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        quiet = if told.len() == count && told.contains(&last) { quiet + 1 } else { 0 };
        count = told.len();
        if quiet == 20 {
            break;
        }
    }
    for id in subscriptions {
        fhir.delete("Subscription", &id).await.unwrap();
    }
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (told, refused)
}

async fn in_sandbox(cases: &[Case]) -> Told {
    let told: Arc<Mutex<Told>> = Arc::default();
    let keep = Arc::clone(&told);
    let sandbox =
        Sandbox::builder().behaviour(Behaviour::Hapi).build(move |request: http::Request<Bytes>| {
            keep.lock().unwrap_or_else(PoisonError::into_inner).extend(read(request.uri().path()));
            async { Ok::<_, DeliveryError>(StatusCode::NO_CONTENT) }
        });
    for resource in there() {
        sandbox.update(&resource).await.unwrap();
    }
    for (number, case) in cases.iter().enumerate() {
        let subscription = subscription(case, &format!("http://app/{number}"));
        sandbox.create(&subscription).await.unwrap_or_else(|error| panic!("{}: {error}", case.criteria));
    }
    sandbox.idle().await;
    for (number, case) in cases.iter().enumerate() {
        for is_found in [false, true] {
            sandbox.update(&resource(number, case, is_found)).await.unwrap();
        }
    }
    sandbox.idle().await;
    told.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The resources that those of the cases refer to.
fn there() -> Vec<Value> {
    vec![
        json!({ "resourceType": "Organization", "id": "o1", "name": "Ward Seven" }),
        json!({ "resourceType": "Organization", "id": "o2", "name": "House" }),
        json!({ "resourceType": "Practitioner", "id": "d1", "name": [{ "family": "House" }] }),
        json!({ "resourceType": "Practitioner", "id": "d2", "name": [{ "family": "Wilson" }] }),
        json!({ "resourceType": "Patient", "id": "p1", "gender": "female", "name": [{ "family": "Müller" }],
                "managingOrganization": { "reference": "Organization/o1" } }),
        json!({ "resourceType": "Patient", "id": "p2", "gender": "male", "name": [{ "family": "Meier" }],
                "managingOrganization": { "reference": "Organization/o2" } }),
        json!({ "resourceType": "Location", "id": "l1", "name": "Room 1" }),
        json!({ "resourceType": "Location", "id": "l2", "name": "Room 2" }),
    ]
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../criteria.json")).expect("criteria with their resources")
}
