//! The sandbox fires as HAPI does: each criteria with a resource that it matches and one that it does not.
//!
//! Both servers get the same Subscriptions and then the same resources. Every criteria is held against every resource, not
//! only against its own two.
//!
//! `:contains` and `:missing` are not among them. HAPI's default settings switch both off, and a stored Subscription that has
//! one makes the matching of every change fail, so that HAPI tells no Subscription at all of that change.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fhir_sub::sandbox::{Behaviour, DeliveryError, Sandbox};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{World, listen, say};

/// A criteria with what it is to match: the elements of a resource that it finds, and of one that it does not.
struct Case {
    criteria: &'static str,
    found: Value,
    missed: Value,
}

/// Where the two differ, or HAPI refuses the Subscription, and why.
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

/// What was told: the criteria's number and the resource.
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
        // A pair that tells nothing apart shows nothing.
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

/// The resource of a case, with what FHIR requires of its type.
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
    // HAPI takes changes in their order: once the last case is told, and all is quiet for a while, all are told.
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

/// What the resources of the cases refer to.
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

fn case(criteria: &'static str, found: Value, missed: Value) -> Case {
    Case { criteria, found, missed }
}

fn concept(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn to(reference: &str) -> Value {
    json!({ "reference": reference })
}

fn quantity(value: f64, code: &str) -> Value {
    json!({ "value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code })
}

fn cases() -> Vec<Case> {
    const LOINC: &str = "http://loinc.org";
    const SNOMED: &str = "http://snomed.info/sct";
    let code = |code: &str| json!({ "code": concept(LOINC, code) });
    let of = |code: &str, value: Value| json!({ "code": concept(LOINC, code), "valueQuantity": value });
    let about = |reference: &str| json!({ "subject": to(reference) });
    let component = |code: &str, value: f64| json!({ "component": [{ "code": concept(LOINC, code), "valueQuantity": quantity(value, "mm[Hg]") }] });
    let born = |date: &str| json!({ "birthDate": date });
    let at = |start: &str, end: &str| json!({ "period": { "start": start, "end": end } });
    let effective = |at: &str| json!({ "effectiveDateTime": at });
    let named = |family: &str| json!({ "name": [{ "family": family, "given": ["Ann"] }] });
    let tagged = |code: &str| json!({ "meta": { "tag": [{ "system": "urn:tags", "code": code }] } });
    let identified =
        |system: &str, value: &str| json!({ "identifier": [{ "system": system, "value": value }] });
    let telecom = |system: &str, value: &str| json!({ "telecom": [{ "system": system, "value": value }] });
    vec![
        // Tokens.
        case("Appointment?status=arrived", json!({ "status": "arrived" }), json!({ "status": "booked" })),
        case(
            "Appointment?status=arrived,fulfilled",
            json!({ "status": "fulfilled" }),
            json!({ "status": "booked" }),
        ),
        case("Appointment?status:not=booked", json!({ "status": "arrived" }), json!({ "status": "booked" })),
        case("Observation?code=http://loinc.org|1975-2", code("1975-2"), code("1975-3")),
        case("Observation?code=http%3A%2F%2Floinc.org%7C1975-4", code("1975-4"), code("1975-5")),
        case("Observation?code=1975-6", code("1975-6"), code("1975-7")),
        case("Observation?code=http://loinc.org|", code("1"), json!({ "code": concept(SNOMED, "1") })),
        case(
            "Observation?category=|lab",
            json!({ "category": [{ "coding": [{ "code": "lab" }] }] }),
            json!({ "category": [concept("urn:c", "lab")] }),
        ),
        case(
            "Observation?category=urn:c|a&category=urn:c|b",
            json!({ "category": [concept("urn:c", "a"), concept("urn:c", "b")] }),
            json!({ "category": [concept("urn:c", "a")] }),
        ),
        case("Patient?active=true", json!({ "active": true }), json!({ "active": false })),
        case("Patient?gender=female", json!({ "gender": "female" }), json!({ "gender": "male" })),
        case(
            "Patient?deceased=true",
            json!({ "deceasedBoolean": true }),
            json!({ "deceasedBoolean": false }),
        ),
        case(
            "Patient?deceased=true&active=true",
            json!({ "deceasedDateTime": "2026-01-01", "active": true }),
            json!({ "active": true }),
        ),
        case("Patient?identifier=urn:mrn|7", identified("urn:mrn", "7"), identified("urn:other", "7")),
        case("Patient?identifier=urn:a|", identified("urn:a", "1"), identified("urn:b", "1")),
        case("Patient?identifier=x-8", identified("urn:mrn", "x-8"), identified("urn:mrn", "x-9")),
        case(
            "Patient?email=a%2Bb@example.org",
            telecom("email", "a+b@example.org"),
            telecom("phone", "a+b@example.org"),
        ),
        case(
            "Patient?phone=%2B15555550100",
            telecom("phone", "+15555550100"),
            telecom("phone", "15555550100"),
        ),
        case(
            "Patient?telecom=t1@example.org",
            telecom("email", "t1@example.org"),
            telecom("email", "t2@example.org"),
        ),
        case("Patient?_tag=urn:tags|x", tagged("x"), tagged("y")),
        case("Patient?_tag=only-a-code", tagged("only-a-code"), tagged("other")),
        case("Patient?_id=c21-found", json!({}), json!({})),
        case("Encounter?class=IMP", json!({ "class": { "code": "IMP" } }), json!({})),
        case("Encounter?status=finished&class=AMB", json!({ "status": "finished" }), json!({})),
        // Strings.
        case("Patient?family=mull", named("Müller"), named("Meier")),
        case("Patient?name=ann&family:exact=Exact", named("Exact"), named("exact")),
        case(
            "Patient?given=ann&family=Given",
            named("Given"),
            json!({ "name": [{ "family": "Given", "given": ["Joanne"] }] }),
        ),
        case(
            "Patient?address-city=Bern",
            json!({ "address": [{ "city": "Bern" }] }),
            json!({ "address": [{ "city": "Basel" }] }),
        ),
        case(
            "Patient?address=High%20Street",
            json!({ "address": [{ "line": ["High Street 1"] }] }),
            json!({ "address": [{ "line": ["Low Street"] }] }),
        ),
        // References.
        case("Observation?subject=Patient/p1", about("Patient/p1"), about("Patient/p2")),
        case(
            "Observation?subject:Patient=p1&code=r1",
            {
                let mut it = about("Patient/p1");
                it["code"] = concept("urn:c", "r1");
                it
            },
            {
                let mut it = about("Patient/p2");
                it["code"] = concept("urn:c", "r1");
                it
            },
        ),
        case("Observation?patient=p2", about("Patient/p2"), about("Patient/p1")),
        case(
            "Observation?performer=Practitioner/d1,Practitioner/d2",
            json!({ "performer": [to("Practitioner/d2")] }),
            json!({ "performer": [to("Organization/o1")] }),
        ),
        case(
            "Appointment?actor=Practitioner/d1",
            json!({ "participant": [{ "actor": to("Practitioner/d1"), "status": "accepted" }] }),
            json!({ "participant": [{ "actor": to("Practitioner/d2"), "status": "accepted" }] }),
        ),
        case(
            "Encounter?location=Location/l1",
            json!({ "location": [{ "location": to("Location/l1") }] }),
            json!({ "location": [{ "location": to("Location/l2") }] }),
        ),
        case(
            "MedicationRequest?requester=Practitioner/d1",
            json!({ "requester": to("Practitioner/d1") }),
            json!({ "requester": to("Practitioner/d2") }),
        ),
        case(
            "Task?owner=Organization/o1",
            json!({ "owner": to("Organization/o1") }),
            json!({ "owner": to("Organization/o2") }),
        ),
        // Chains and `_has`.
        case(
            "Observation?subject:Patient.gender=male&code=ch1",
            {
                let mut it = about("Patient/p2");
                it["code"] = concept("urn:c", "ch1");
                it
            },
            {
                let mut it = about("Patient/p1");
                it["code"] = concept("urn:c", "ch1");
                it
            },
        ),
        case(
            "Observation?patient.name=meier&code=ch2",
            {
                let mut it = about("Patient/p2");
                it["code"] = concept("urn:c", "ch2");
                it
            },
            {
                let mut it = about("Patient/p1");
                it["code"] = concept("urn:c", "ch2");
                it
            },
        ),
        case(
            "Observation?patient.organization.name=ward&code=ch3",
            {
                let mut it = about("Patient/p1");
                it["code"] = concept("urn:c", "ch3");
                it
            },
            {
                let mut it = about("Patient/p2");
                it["code"] = concept("urn:c", "ch3");
                it
            },
        ),
        case(
            "Encounter?service-provider.name=house",
            json!({ "serviceProvider": to("Organization/o2") }),
            json!({ "serviceProvider": to("Organization/o1") }),
        ),
        // Dates.
        case("Patient?birthdate=1990", born("1990-05-01"), born("1991-05-01")),
        case("Patient?birthdate=1980-02", born("1980-02-29"), born("1980-03-01")),
        case("Patient?birthdate=ge2100-01-01", born("2100-01-01"), born("2099-12-31")),
        case("Patient?birthdate=gt2200-06", born("2200-07-01"), born("2200-06-30")),
        case("Patient?birthdate=lt1800-01-01", born("1799-12-31"), born("1800-01-01")),
        case("Patient?birthdate=le1700-01-01&birthdate=gt1600", born("1700-01-01"), born("1700-01-02")),
        case(
            "Observation?date=2030-01-31T12:00:00Z",
            effective("2030-01-31T12:00:00Z"),
            effective("2030-01-31T12:00:01Z"),
        ),
        case(
            "Observation?date=ge2031-01-31T12:00:00%2B02:00&date=lt2031-02",
            effective("2031-01-31T10:00:00Z"),
            effective("2031-01-31T09:59:59Z"),
        ),
        case("Observation?date=sa2040-01-01", effective("2040-01-02"), effective("2040-01-01")),
        case("Observation?date=eb1950-01-01", effective("1949-12-31"), effective("1950-01-01")),
        case(
            "Encounter?date=2035-06-15",
            at("2035-06-15T08:00:00Z", "2035-06-15T09:00:00Z"),
            at("2035-06-16T08:00:00Z", "2035-06-16T09:00:00Z"),
        ),
        case(
            "Encounter?date=ge2050-01-01",
            at("2049-12-31T08:00:00Z", "2050-01-02T09:00:00Z"),
            at("2049-12-30T08:00:00Z", "2049-12-31T09:00:00Z"),
        ),
        // Numbers and quantities.
        case(
            "RiskAssessment?probability=gt0.8",
            json!({ "prediction": [{ "probabilityDecimal": 0.9 }] }),
            json!({ "prediction": [{ "probabilityDecimal": 0.7 }] }),
        ),
        case(
            "RiskAssessment?probability=0.25",
            json!({ "prediction": [{ "probabilityDecimal": 0.25 }] }),
            json!({ "prediction": [{ "probabilityDecimal": 0.3 }] }),
        ),
        case(
            "Observation?value-quantity=gt500|http://unitsofmeasure.org|mg",
            of("q", quantity(501.0, "mg")),
            of("q", quantity(501.0, "g")),
        ),
        case(
            "Observation?value-quantity=5.4|http://unitsofmeasure.org|mg",
            of("q", quantity(5.4, "mg")),
            of("q", quantity(5.6, "mg")),
        ),
        case(
            "Observation?value-quantity=le-40||Cel",
            of("q", quantity(-41.0, "Cel")),
            of("q", quantity(-39.0, "Cel")),
        ),
        case(
            "Observation?value-quantity=lt-1000",
            of("q", quantity(-1001.0, "mg")),
            of("q", quantity(-999.0, "mg")),
        ),
        // Composites.
        case(
            "Observation?code-value-quantity=http://loinc.org|8867-4$gt100",
            of("8867-4", quantity(120.0, "/min")),
            of("8867-4", quantity(80.0, "/min")),
        ),
        case(
            "Observation?component-code-value-quantity=http://loinc.org|8480-6$ge140",
            component("8480-6", 150.0),
            component("8462-4", 150.0),
        ),
        // Of every type, and URIs.
        case(
            "Patient?_profile=http://example.org/StructureDefinition/x",
            json!({ "meta": { "profile": ["http://example.org/StructureDefinition/x"] } }),
            json!({ "meta": { "profile": ["http://example.org/StructureDefinition/y"] } }),
        ),
        case(
            "ValueSet?url=http://example.org/fhir/ValueSet/a",
            json!({ "url": "http://example.org/fhir/ValueSet/a" }),
            json!({ "url": "http://example.org/fhir/ValueSet/b" }),
        ),
        case(
            "Patient?_security=urn:s|R",
            json!({ "meta": { "security": [{ "system": "urn:s", "code": "R" }] } }),
            json!({ "meta": { "security": [{ "system": "urn:s", "code": "N" }] } }),
        ),
    ]
}
