//! A sandbox that validates refuses nonsense in each behaviour, but it accepts some odd resources.

use super::*;
use crate::fhir::FhirVersion;

fn validating(behaviour: Behaviour) -> Sandbox {
    Sandbox::builder().behaviour(behaviour).validates(true).build(Program::default())
}

const BEHAVIOURS: [Behaviour; 3] = [Behaviour::Hapi, Behaviour::Generic, Behaviour::Medplum];

/// A sound Task with other members.
fn task(more: Value) -> Value {
    with(json!({ "resourceType": "Task", "status": "requested", "intent": "order" }), more)
}

fn patient(more: Value) -> Value {
    with(json!({ "resourceType": "Patient", "gender": "female", "birthDate": "1970-01-01" }), more)
}

fn with(mut resource: Value, more: Value) -> Value {
    for (member, value) in more.as_object().unwrap() {
        resource[member] = value.clone();
    }
    resource
}

/// Bodies that no server takes, the type to which each is sent, and a part of the text of the refusal.
fn nonsense() -> Vec<(&'static str, Value, &'static str)> {
    let mut all = vec![
        // Not a resource of the type.
        ("Task", json!({}), "not a resource of type Task"),
        ("Task", json!([]), "not a JSON object"),
        ("Task", json!(7), "not a JSON object"),
        ("Task", json!(true), "not a JSON object"),
        ("Task", json!("Task"), "not a JSON object"),
        ("Task", json!([task(json!({}))]), "not a JSON object"),
        ("Task", json!({ "resourceType": "task" }), "not a resource of type Task"),
        ("Task", json!({ "resourceType": "Nonsense" }), "not a resource of type Task"),
        ("Task", json!({ "resourceType": ["Task"] }), "not a resource of type Task"),
        ("Task", json!({ "resourceType": null }), "not a resource of type Task"),
        ("Task", json!({ "resourceType": " Task" }), "not a resource of type Task"),
        ("Task", patient(json!({})), "not a resource of type Task"),
        ("Nonsense", json!({ "resourceType": "Nonsense" }), "not a resource type"),
        ("nonsense", task(json!({})), "not a resource type"),
        ("task", task(json!({})), "not a resource type"),
        ("Resource", json!({ "resourceType": "Resource" }), "not a resource type"),
        ("DomainResource", json!({ "resourceType": "DomainResource" }), "not a resource type"),
        // Required elements.
        ("Task", json!({ "resourceType": "Task", "intent": "order" }), "Task.status is required"),
        ("Task", json!({ "resourceType": "Task", "status": "requested" }), "Task.intent is required"),
        ("Task", task(json!({ "status": null })), "Task.status is required"),
        ("Task", task(json!({ "status": 7 })), "Task.status must be a string"),
        ("Task", task(json!({ "status": ["requested"] })), "Task.status must not be a list"),
        ("Task", task(json!({ "status": { "coding": [] } })), "Task.status must be a string"),
        ("Task", task(json!({ "input": [{ "type": { "text": "x" } }] })), "Task.input.value[x] is required"),
        ("Task", task(json!({ "input": [{ "valueString": "x" }] })), "Task.input.type is required"),
        (
            "Task",
            task(json!({ "output": [{ "value": "x", "type": { "text": "x" } }] })),
            "Task.output.value[x] is required",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked" }),
            "Appointment.participant is required",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked", "participant": [] }),
            "an empty list",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked", "participant": {} }),
            "Appointment.participant must be a list",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked", "participant": ["x"] }),
            "Appointment.participant must be an object",
        ),
        (
            "Appointment",
            json!({ "resourceType": "Appointment", "status": "booked", "participant": [{}] }),
            "Appointment.participant.status is required",
        ),
        (
            "Observation",
            json!({ "resourceType": "Observation", "status": "final" }),
            "Observation.code is required",
        ),
        (
            "Observation",
            json!({ "resourceType": "Observation", "status": "final", "code": "x" }),
            "Observation.code must be an object",
        ),
        (
            "Encounter",
            json!({ "resourceType": "Encounter", "status": "planned" }),
            "Encounter.class is required",
        ),
        ("Condition", json!({ "resourceType": "Condition" }), "Condition.subject is required"),
        (
            "MedicationRequest",
            json!({ "resourceType": "MedicationRequest", "status": "active", "intent": "order" }),
            "is required",
        ),
        ("Consent", json!({ "resourceType": "Consent", "status": "active" }), "is required"),
        ("Bundle", json!({ "resourceType": "Bundle" }), "Bundle.type is required"),
        (
            "DiagnosticReport",
            json!({ "resourceType": "DiagnosticReport", "status": "final" }),
            "DiagnosticReport.code is required",
        ),
        (
            "ServiceRequest",
            json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order" }),
            "ServiceRequest.subject is required",
        ),
        ("Communication", json!({ "resourceType": "Communication" }), "Communication.status is required"),
        ("Slot", json!({ "resourceType": "Slot", "status": "free" }), "is required"),
        (
            "AllergyIntolerance",
            json!({ "resourceType": "AllergyIntolerance" }),
            "AllergyIntolerance.patient is required",
        ),
        ("Immunization", json!({ "resourceType": "Immunization", "status": "completed" }), "is required"),
        ("Patient", patient(json!({ "link": [{ "type": "seealso" }] })), "Patient.link.other is required"),
        (
            "Patient",
            patient(json!({ "communication": [{ "preferred": true }] })),
            "Patient.communication.language is required",
        ),
        // Codes of required bindings.
        ("Patient", patient(json!({ "gender": "w" })), "Patient.gender has no code `w`: it is one of `"),
        (
            "Observation",
            json!({ "resourceType": "Observation", "status": "Final", "code": { "text": "x" } }),
            "did you mean `final`?",
        ),
        (
            "Encounter",
            json!({ "resourceType": "Encounter", "status": "arived", "class": { "code": "AMB" } }),
            "did you mean `arrived`?",
        ),
    ];
    all.push((
        "Bundle",
        json!({ "resourceType": "Bundle", "type": "collections" }),
        "did you mean `collection`?",
    ));
    all.push((
        "Location",
        json!({ "resourceType": "Location", "status": "open" }),
        "Location.status has no code `open`",
    ));
    all.push(("Composition", json!({ "resourceType": "Composition", "status": "final" }), "is required"));
    all.push((
        "Subscription",
        json!({ "resourceType": "Subscription", "status": "requested" }),
        "Subscription.reason is required",
    ));
    for wrong in [
        "arrived",
        "Requested",
        "requested ",
        "nonsense",
        "requested,accepted",
        "http://hl7.org/fhir/task-status|requested",
        "\u{1F480}",
    ] {
        all.push(("Task", task(json!({ "status": wrong })), "Task.status has no code `"));
    }
    // Elements that the type does not have.
    for wrong in [
        "stauts",
        "Status",
        "participant",
        "name",
        "resource_type",
        "",
        "status.x",
        "_nonsense",
        "id_",
        "constructor",
        "__proto__",
    ] {
        all.push(("Task", task(json!({ wrong: "x" })), "has no element with this name"));
    }
    all.push(("Task", task(json!({ "desciption": "x" })), "did you mean `description`?"));
    all.push(("Observation", json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "valuequantity": 1 }), "has no element"));
    all.push(("Patient", patient(json!({ "x".repeat(100_000): "x" })), "has no element"));
    // Values that are empty.
    for (empty, said) in [
        (json!(""), "an empty text"),
        (json!("  \t"), "an empty text"),
        (json!([]), "an empty list"),
        (json!({}), "an empty object"),
    ] {
        for member in ["description", "reasonCode", "owner", "meta", "language"] {
            all.push(("Task", task(json!({ member: empty })), said));
        }
        all.push(("Patient", patient(json!({ "name": [{ "family": empty }] })), said));
        let said = if empty.is_array() { "a list within its list" } else { said };
        all.push(("Patient", patient(json!({ "name": [{ "given": ["Ada", empty] }] })), said));
    }
    all.push(("Patient", patient(json!({ "name": [[{ "family": "Meer" }]] })), "a list within its list"));
    all
}

#[tokio::test]
async fn no_behaviour_takes_nonsense() {
    let all = nonsense();
    assert!(all.len() >= 100, "{}", all.len());
    for behaviour in BEHAVIOURS {
        let sandbox = validating(behaviour);
        for (kind, body, said) in &all {
            let reply = post(&sandbox, &format!("/{kind}"), body.clone()).await;
            let shown = body.to_string().chars().take(200).collect::<String>();
            let expected = if said.contains("resource type") { 404 } else { 422 };
            assert_eq!(reply.status, expected, "{behaviour:?} {kind} {shown}: {}", reply.body);
            assert!(reply.problem().contains(said), "{behaviour:?} {kind} {shown}: {}", reply.problem());
            // A refusal quotes nothing of the body but the beginning of a code: the body may be long.
            assert!(reply.problem().len() < 300, "{}", reply.problem().len());
        }
        assert!(sandbox.requests().len() >= all.len());
        for kind in ["Task", "Patient", "Appointment", "Observation", "Encounter", "Bundle"] {
            assert_eq!(sandbox.all(kind), Vec::<Value>::new(), "{behaviour:?} {kind}");
        }
    }
}

#[tokio::test]
async fn no_behaviour_takes_what_is_no_json_or_no_request() {
    for behaviour in BEHAVIOURS {
        let sandbox = validating(behaviour);
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        for body in
            [&b""[..], b"{", b"<Task/>", b"\xff\xfe", b"{} {}", b"{\"a\":1,}", b"'Task'", b"NaN", &deep]
        {
            let request = Request::post("/Task").body(Bytes::copy_from_slice(body)).unwrap();
            assert_eq!(
                send(&sandbox, request).await.status,
                400,
                "{behaviour:?} {:?}",
                String::from_utf8_lossy(body)
            );
        }
        for (method, url, headers, status) in [
            (Method::POST, "/Task", &["content-type: application/fhir+xml"][..], 415),
            (Method::POST, "/Task", &["content-type: text/html"], 415),
            (Method::PUT, "/Task/a_b", &[], 400),
            (Method::PUT, "/Task/", &[], 400),
            (Method::PATCH, "/Task/1", &["content-type: application/json-patch+json"], 404),
            (Method::DELETE, "/Nonsense/1", &[], 404),
            (Method::POST, "/Task/1", &[], 404),
            (Method::POST, "/Task/1/$nonsense", &[], 404),
            (Method::PUT, "/", &[], 404),
            (Method::TRACE, "/Task", &[], 405),
        ] {
            let body = if method == Method::PATCH { json!([]) } else { with_id(task(json!({})), "a_b") };
            let reply = call(&sandbox, method.clone(), url, headers, body).await;
            assert_eq!(reply.status, status, "{behaviour:?} {method} {url}: {}", reply.body);
        }
        assert_eq!(sandbox.all("Task"), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn what_is_sound_is_taken() {
    for behaviour in BEHAVIOURS {
        let sandbox = validating(behaviour);
        for (kind, body) in [
            ("Task", task(json!({}))),
            (
                "Task",
                task(
                    json!({ "description": "x", "meta": { "tag": [{ "code": "x" }] }, "text": { "status": "generated", "div": "<div/>" } }),
                ),
            ),
            (
                "Task",
                task(
                    json!({ "contained": [{ "resourceType": "Patient", "id": "p" }], "for": { "reference": "#p" } }),
                ),
            ),
            (
                "Task",
                task(
                    json!({ "extension": [{ "url": "http://example.org/x", "valueBoolean": false }], "implicitRules": "http://example.org/r" }),
                ),
            ),
            (
                "Patient",
                patient(
                    json!({ "name": [{ "given": ["Ada", null], "_given": [null, { "extension": [{ "url": "http://example.org/x", "valueCode": "y" }] }] }] }),
                ),
            ),
            (
                "Patient",
                patient(
                    json!({ "_birthDate": { "extension": [{ "url": "http://example.org/x", "valueDateTime": "1970-01-01" }] } }),
                ),
            ),
            ("Patient", patient(json!({ "deceasedBoolean": false, "multipleBirthInteger": 0 }))),
            (
                "Observation",
                json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "valueQuantity": { "value": 0 } }),
            ),
        ] {
            let reply = post(&sandbox, &format!("/{kind}"), body.clone()).await;
            assert_eq!(reply.status, 201, "{behaviour:?} {body}: {}", reply.body);
        }
        // HAPI takes a null for an element that is not there; the others refuse it, as FHIR says.
        let reply = post(&sandbox, "/Task", task(json!({ "description": null }))).await;
        assert_eq!(
            reply.status,
            if behaviour == Behaviour::Hapi { 201 } else { 422 },
            "{behaviour:?}: {}",
            reply.body
        );
        // By the test itself, anything goes.
        sandbox.create(&json!({ "resourceType": "Task", "nonsense": [] })).await.unwrap();
    }
}

#[tokio::test]
async fn a_check_refuses_in_the_same_words_whether_or_not_the_sandbox_validates() {
    for behaviour in BEHAVIOURS {
        let sandbox = Sandbox::builder().behaviour(behaviour).build(Program::default());
        assert!(sandbox.check(&task(json!({}))).is_ok(), "{behaviour:?}");
        for (more, said) in [
            (
                json!({ "status": "requestd" }),
                "Task.status has no code `requestd`: did you mean `requested`?",
            ),
            (json!({ "intent": null }), "Task.intent is required"),
            (json!({ "nonsense": 1 }), "Task has no element with this name"),
        ] {
            let refusal = sandbox.check(&task(more)).unwrap_err();
            assert!(refusal.text().contains(said), "{behaviour:?}: {refusal}");
        }
        assert!(sandbox.check(&json!({})).is_err() && sandbox.check(&json!([])).is_err());
    }
}

/// The version decides the elements and the codes.
#[tokio::test]
async fn a_version_has_its_own_elements() {
    for (version, status) in [(FhirVersion::R4, 201), (FhirVersion::R5, 422)] {
        let sandbox = Sandbox::builder().behaviour(Behaviour::Generic).fhir_version(version).validates(true);
        let sandbox = sandbox.build(Program::default());
        let encounter = json!({
            "resourceType": "Encounter", "status": "arrived", "class": if version == FhirVersion::R4 { json!({ "code": "AMB" }) } else { json!([{ "text": "x" }]) },
        });
        assert_eq!(post(&sandbox, "/Encounter", encounter).await.status, status, "{version}");
    }
}
