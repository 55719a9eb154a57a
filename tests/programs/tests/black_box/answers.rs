//! The contract's answer to each request, by every way into the program.

use serde_json::json;

use crate::support::door::Door;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{APP, Launch};
use crate::support::patient;
use crate::support::wire::Request;

/// A request, its expected answer, and the handler that must run.
struct Case {
    request: Request,
    status: u16,
    call: Option<&'static str>,
    header: Option<(&'static str, &'static str)>,
}

fn case(request: Request, status: u16) -> Case {
    Case { request, status, call: None, header: None }
}

impl Case {
    fn calls(self, call: &'static str) -> Self {
        Self { call: Some(call), ..self }
    }

    fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

/// The body limit of the program under test, in bytes.
const BODY_LIMIT: usize = 100_000;

fn request(method: &str, path: &str) -> Request {
    Request::new(method, path)
}

fn patient_to(method: &str, path: &str) -> Request {
    request(method, path).json(patient::text())
}

fn handled() -> Vec<Case> {
    let medplum = |interaction: &str| {
        request("POST", "/takes-deletions")
            .header("X-Medplum-Subscription", "d5d8ef5a-6a4f-4a0c-9b0e-5d0f8f6a7a11")
            .header("X-Medplum-Interaction", interaction)
    };
    let unversioned = json!({ "resourceType": "Patient", "id": "7" }).to_string();
    vec![
        case(patient_to("POST", "/succeeds"), 204).calls("succeeds"),
        case(patient_to("POST", "/succeeds/"), 204).calls("succeeds"),
        case(patient_to("PUT", "/succeeds/Patient/1"), 204).calls("succeeds"),
        case(patient_to("PUT", "/succeeds/Patient/1/"), 204).calls("succeeds"),
        case(patient_to("POST", "/succeeds?prune=true&x=%00"), 204).calls("succeeds"),
        case(patient_to("POST", "/run"), 204).calls("run"),
        case(patient_to("POST", "/takes-its-own-type"), 204).calls("takes-its-own-type"),
        case(patient_to("POST", "/takes-state"), 204).calls("takes-state: north with time"),
        case(patient_to("POST", "/takes-the-client"), 204).calls("takes-the-client"),
        // Any JSON type counts as FHIR's, and so does an absent content type.
        case(
            request("POST", "/succeeds").header("Content-Type", "application/json").body(patient::text()),
            204,
        )
        .calls("succeeds"),
        case(
            request("POST", "/succeeds")
                .header("content-type", "APPLICATION/FHIR+JSON; charset=UTF-8")
                .body(patient::text()),
            204,
        )
        .calls("succeeds"),
        case(request("POST", "/succeeds").body(patient::text()), 204).calls("succeeds"),
        // HAPI.
        case(
            request("PUT", "/takes-deletions/Patient/7").json(&unversioned).header("If-Match", "W/\"12\""),
            204,
        )
        .calls("takes-deletions: unknown of Patient/7 in version 12 with resource"),
        case(patient_to("PUT", "/takes-deletions/Patient/1"), 204)
            .calls("takes-deletions: unknown of Patient/1 in version 3 with resource"),
        case(request("DELETE", "/takes-deletions/Patient/1"), 204)
            .calls("takes-deletions: delete of Patient/1 in version unknown without resource"),
        case(request("POST", "/takes-nothing"), 204).calls("takes-nothing: unknown of nothing"),
        // Medplum.
        case(medplum("create").json(patient::text()), 204)
            .calls("takes-deletions: create of Patient/1 in version 3 with resource"),
        case(medplum("update").json(patient::text()), 204)
            .calls("takes-deletions: update of Patient/1 in version 3 with resource"),
        case(medplum("delete").header("X-Medplum-Deleted-Resource", "Patient/9").json("{}"), 204)
            .calls("takes-deletions: delete of Patient/9 in version unknown without resource"),
        // An id may look like a route.
        case(request("DELETE", "/takes-deletions/Patient/health"), 204)
            .calls("takes-deletions: delete of Patient/health in version unknown without resource"),
        case(request("DELETE", "/takes-deletions/Patient/register"), 204)
            .calls("takes-deletions: delete of Patient/register in version unknown without resource"),
        case(request("DELETE", "/takes-deletions/Patient/succeeds"), 204)
            .calls("takes-deletions: delete of Patient/succeeds in version unknown without resource"),
        // Nobody asked for this event: there is nothing to handle, and nothing to send again.
        case(request("DELETE", "/succeeds/Patient/1"), 204),
    ]
}

fn refused() -> Vec<Case> {
    let other_type = json!({ "resourceType": "Group", "id": "1" }).to_string();
    let other_shape = json!({ "resourceType": "Patient", "id": "1", "active": "yes" }).to_string();
    let inactive = json!({ "resourceType": "Patient", "id": "1", "active": false }).to_string();
    let huge = format!("{{\"resourceType\":\"Patient\",\"id\":\"1\",\"x\":\"{}\"}}", "x".repeat(BODY_LIMIT));
    vec![
        case(patient_to("POST", "/unknown"), 404),
        case(patient_to("POST", "/"), 404),
        case(patient_to("POST", "/Succeeds"), 404),
        case(patient_to("POST", "/succeeds/Patient/1"), 405),
        case(request("GET", "/succeeds"), 405).with("allow", "POST"),
        case(patient_to("PUT", "/succeeds"), 405).with("allow", "POST"),
        case(request("DELETE", "/succeeds"), 405).with("allow", "POST"),
        case(patient_to("PATCH", "/succeeds"), 405).with("allow", "POST"),
        case(request("GET", "/register"), 405).with("allow", "POST"),
        case(request("POST", "/health"), 405).with("allow", "GET, HEAD"),
        case(patient_to("POST", "/succeeds").json(&huge), 413),
        case(request("POST", "/succeeds").json(&huge), 413),
        case(
            request("POST", "/succeeds").header("content-type", "application/fhir+xml").body("<Patient/>"),
            415,
        ),
        case(request("POST", "/succeeds").header("content-type", "text/plain").body(patient::text()), 415),
        case(request("POST", "/succeeds").json("{\"resourceType\":\"Patient\","), 400),
        case(request("POST", "/succeeds").json([b'{', 0xff, 0xfe, b'}']), 400),
        case(request("POST", "/succeeds"), 422),
        case(request("POST", "/succeeds").json("[]"), 422),
        case(request("POST", "/succeeds").json("{}"), 422),
        case(request("POST", "/succeeds").json(&other_type), 422),
        case(request("PUT", "/succeeds/Group/1").json(&other_type), 422),
        case(patient_to("PUT", "/succeeds/Patient/2"), 422),
        case(request("DELETE", "/takes-deletions/Group/1"), 422),
        case(request("POST", "/takes-its-own-type").json(&other_shape), 422),
        case(request("POST", "/run").json(&inactive), 422),
        case(request("POST", "/takes-deletions").header("x-medplum-interaction", "delete").json("{}"), 422),
    ]
}

fn failed() -> Vec<Case> {
    vec![
        case(patient_to("POST", "/fails"), 500).calls("fails"),
        case(patient_to("POST", "/fails-its-own-way"), 500).calls("fails-its-own-way"),
        case(patient_to("POST", "/panics"), 500).calls("panics"),
        case(patient_to("POST", "/panics-oddly"), 500).calls("panics-oddly"),
        case(patient_to("PUT", "/fails-for-good/Patient/1"), 422).calls("fails-for-good"),
    ]
}

fn strangers() -> Vec<Case> {
    let stranger = |method, path| case(Request::of_a_stranger(method, path).json(patient::text()), 401);
    let huge = "x".repeat(BODY_LIMIT + 1);
    vec![
        stranger("POST", "/succeeds"),
        stranger("PUT", "/succeeds/Patient/1"),
        stranger("DELETE", "/takes-deletions/Patient/1"),
        stranger("POST", "/register"),
        // A stranger does not even learn that there is no such route.
        stranger("POST", "/unknown"),
        stranger("GET", "/succeeds"),
        stranger("POST", "/health"),
        case(Request::of_a_stranger("POST", "/succeeds").json("{"), 401),
        case(Request::of_a_stranger("POST", "/succeeds").json(&huge), 401),
        case(Request::of_a_stranger("POST", "/succeeds").header("content-type", "text/plain").body("x"), 401),
    ]
}

#[tokio::test]
async fn every_request_is_answered_as_the_contract_says_by_every_way_in() {
    let fhir = FhirServer::start().await;
    // The same events arrive by each way, and must run again.
    let launch = || {
        let launch = Launch::new(APP).set("FHIR_BASE_URL", &fhir.url);
        launch.set("BODY_LIMIT", BODY_LIMIT.to_string()).set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off")
    };
    for mut door in Door::all(launch).await {
        let mut calls = Vec::new();
        for Case { request, status, call, header } in
            [handled(), refused(), failed(), strangers()].into_iter().flatten()
        {
            let answer = door.send(&request).await;
            let what = || {
                let body = String::from_utf8_lossy(&request.body[..request.body.len().min(100)]).into_owned();
                format!("{}: {} {} {body}", door.name(), request.method, request.path)
            };
            assert_eq!(answer.status, status, "{}: {}", what(), answer.text());
            if status == 204 {
                assert!(answer.body.is_empty(), "{}: a body", what());
            } else {
                assert!(answer.is_outcome(), "{}: {answer:?}", what());
            }
            if let Some((name, value)) = header {
                assert_eq!(answer.header(name), Some(value), "{}", what());
            }
            calls.extend(call);
        }
        let health = door.send(&Request::of_a_stranger("GET", "/health")).await;
        assert_eq!((health.status, health.text().as_str()), (200, r#"{"status":"ok"}"#), "{}", door.name());

        // A last call, so that the calls before it have been read.
        let last = door.send(&request("POST", "/takes-nothing")).await;
        assert_eq!(last.status, 204);
        calls.push("takes-nothing: unknown of nothing");
        let all_are_there =
            |lines: &[String]| lines.iter().filter(|line| line.starts_with("called ")).count() >= calls.len();
        door.program.output.until("every call", all_are_there).await;
        assert_eq!(door.program.output.calls(), calls, "{}", door.name());
        assert!(door.program.is_alive());
    }
    // One flag for each way into the program.
    assert_eq!(fhir.sandbox.all("Flag").len(), 6);
}
