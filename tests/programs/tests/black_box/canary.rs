//! A word in every secret, in the resource and wherever else a caller can put one. It must not appear in any
//! output.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::door::Door;
use crate::support::event::Sender;
use crate::support::launch::{APP, HEADER, Launch};
use crate::support::runtime_api::USUAL_TIME;
use crate::support::wire::{Answer, Request};

/// Not a valid id, because ids are logged: an id contains no underscore.
const CANARY: &str = "canary_BIRD_7391";

const SECRET: &str = "shared-canary_BIRD_7391-of-the-tests";
const ADMIN: &str = "admin-canary_BIRD_7391-of-the-tests";

/// A FHIR server that refuses every request with a text that quotes a patient.
async fn indiscreet_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}/fhir", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let outcome = json!({
                    "resourceType": "OperationOutcome",
                    "issue": [{ "severity": "error", "code": CANARY, "diagnostics": CANARY, "details": { "text": CANARY } }],
                });
                let outcome = outcome.to_string();
                let _ = stream.read(&mut [0; 16_384]).await;
                let answer = format!(
                    "HTTP/1.1 422 {CANARY}\r\ncontent-type: application/fhir+json\r\nx-{CANARY}: {CANARY}\r\n\
                     location: /{CANARY}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{outcome}",
                    outcome.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

/// A patient with the canary in every possible element.
fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "1",
        "meta": { "versionId": CANARY, "source": CANARY, "tag": [{ "system": CANARY, "code": CANARY }] },
        "text": { "status": "generated", "div": format!("<div>{CANARY}</div>") },
        "extension": [{ "url": CANARY, "valueString": CANARY }],
        "identifier": [{ "system": CANARY, "value": CANARY }],
        "active": true,
        "name": [{ "family": CANARY, "given": [CANARY] }],
        "birthDate": CANARY,
        CANARY: CANARY,
    })
}

fn signed(method: &str, path: &str) -> Request {
    Request::of_a_stranger(method, path).header(HEADER, SECRET)
}

/// Requests with the canary in all places.
fn requests() -> Vec<Request> {
    let resource = patient().to_string();
    let with = |member: &str, value: Value| {
        let mut patient = patient();
        patient[member] = value;
        patient.to_string()
    };
    let endpoints = [
        "succeeds",
        "fails",
        "fails-for-good",
        "fails-its-own-way",
        "panics",
        "panics-oddly",
        "takes-its-own-type",
        "takes-deletions",
        "takes-nothing",
        "takes-state",
        "takes-the-client",
        "run",
    ];
    let posts = endpoints
        .map(|endpoint| signed("POST", &format!("/{endpoint}?_token={CANARY}&{CANARY}=x")).json(&resource));
    let puts =
        endpoints.map(|endpoint| signed("PUT", &format!("/{CANARY}/{endpoint}/Patient/1")).json(&resource));
    let noisy = |request: Request| {
        let headers = [
            "x-request-id",
            "traceparent",
            "user-agent",
            "cookie",
            "authorization",
            "if-match",
            "x-medplum-subscription",
            "x-medplum-interaction",
            "x-forwarded-for",
            "referer",
            "accept",
            "x-amzn-trace-id",
        ];
        headers
            .iter()
            .fold(request, |request, name| request.header(name, CANARY))
            .header(&format!("x-{CANARY}"), CANARY)
    };
    let bodies = [
        with("active", json!(CANARY)),
        with("id", json!(CANARY)),
        with("resourceType", json!(CANARY)),
        with("meta", json!(CANARY)),
        with("birthDate", json!([CANARY])),
        with("name", json!(CANARY)),
        format!("\"{CANARY}\""),
        format!("{{\"{CANARY}\":"),
        format!("{{\"resourceType\":\"Patient\",\"id\":\"{CANARY}"),
        CANARY.to_owned(),
        format!("{resource}{CANARY}"),
    ];
    let bodies = bodies.map(|body| signed("POST", "/takes-its-own-type").json(body));
    let refused = [
        signed("POST", &format!("/{CANARY}")).json(&resource),
        signed("PUT", &format!("/succeeds/Patient/{CANARY}")).json(&resource),
        signed("PUT", &format!("/succeeds/{CANARY}/1")).json(&resource),
        signed("DELETE", &format!("/takes-deletions/Patient/{CANARY}")),
        signed("POST", "/takes-deletions")
            .header("x-medplum-interaction", "delete")
            .header("x-medplum-deleted-resource", CANARY),
        signed(CANARY, "/succeeds").json(&resource),
        signed("GET", &format!("/succeeds?{CANARY}")),
        signed("POST", "/succeeds").header("content-type", CANARY).body(&resource),
        signed("POST", "/succeeds").json([resource.as_bytes(), b"\xff"].concat()),
        Request::of_a_stranger("POST", "/succeeds").header(HEADER, CANARY).json(&resource),
        Request::of_a_stranger("POST", &format!("/register?prune=true&x={CANARY}")).header(HEADER, ADMIN),
        Request::of_a_stranger("GET", &format!("/health?{CANARY}")),
    ];
    let noise = posts.clone().map(noisy);
    posts.into_iter().chain(puts).chain(noise).chain(bodies).chain(refused).collect()
}

fn launch(fhir_base_url: &str) -> Launch {
    Launch::new(APP)
        .set("RUST_LOG", "trace")
        .set("FHIR_BASE_URL", fhir_base_url)
        .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
        .set("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", format!("previous-{CANARY}-of-the-tests"))
        .set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN)
        .set("FHIR_AUTH_BEARER", format!("bearer-{CANARY}"))
        .set("BODY_LIMIT", "50000")
}

fn is_in(text: &str) -> bool {
    text.to_ascii_lowercase().contains(&CANARY.to_ascii_lowercase())
}

/// Checks that the canary is not in an answer.
fn assert_is_not_in(door: &Door, request: &Request, answer: &Answer) {
    let heads: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    assert!(!is_in(&heads) && !is_in(&answer.text()), "{}: {request:?}: {answer:?}", door.name());
}

/// Sends all requests, and returns the lines of the program.
async fn lines(door: &Door) -> Vec<String> {
    for request in requests() {
        let answer = door.send(&request).await;
        assert_is_not_in(door, &request, &answer);
    }
    assert_eq!(door.send(&signed("DELETE", "/takes-deletions/Patient/the-last-one")).await.status, 204);
    let output = &door.program.output;
    output
        .line("the line of the last request", |line| {
            line.contains("handled") && line.contains("the-last-one")
        })
        .await;
    output.lines()
}

fn quoting(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| is_in(line)).collect()
}

#[tokio::test]
async fn nothing_comes_out_of_the_port_or_its_log() {
    let url = indiscreet_server().await;
    let door = Door::local(launch(&url).set("FHIR_SUBSCRIPTION_LOG_ERRORS", "kind")).await;
    assert_eq!(quoting(lines(&door).await), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_comes_out_of_a_lambda_or_its_log() {
    let url = indiscreet_server().await;
    for sender in Sender::ALL {
        let door = Door::lambda(sender, launch(&url)).await;
        assert_eq!(quoting(lines(&door).await), Vec::<String>::new(), "{sender:?}");
    }
}

#[tokio::test]
async fn odd_events_do_not_come_out_either() {
    let url = indiscreet_server().await;
    let door = Door::lambda(Sender::HttpApi, launch(&url)).await;
    let odd = [
        json!({ CANARY: CANARY }),
        json!(CANARY),
        json!({ "requestContext": CANARY }),
        json!({ "requestContext": { "http": { "method": CANARY } } }),
        json!({ "requestContext": { "http": { "method": format!("{CANARY} {CANARY}") } }, "rawPath": CANARY }),
        json!({ "requestContext": {}, "httpMethod": "POST", "path": format!("/{CANARY}"), "headers": { HEADER: CANARY } }),
        json!({ "requestContext": {}, "httpMethod": "POST", "path": "/succeeds", "headers": { HEADER: SECRET }, "body": CANARY }),
        json!({
            "requestContext": {}, "httpMethod": "POST", "path": "/succeeds", "headers": { HEADER: SECRET },
            "body": CANARY, "isBase64Encoded": true,
        }),
        json!({ "requestContext": {}, "httpMethod": "POST", "path": "/succeeds", "headers": { HEADER: [CANARY] } }),
    ];
    for event in odd {
        let outcome = door.api().invoke(event.to_string(), USUAL_TIME).await;
        assert!(!is_in(&String::from_utf8_lossy(&outcome.body)), "{event}: {outcome:?}");
    }
    assert_eq!(quoting(lines(&door).await), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_handler_says_is_logged_under_serve_unless_told_otherwise_and_nothing_else_is() {
    let url = indiscreet_server().await;
    let door = Door::local(launch(&url)).await;
    let quoting = quoting(lines(&door).await);
    let says = ["the printer refused", "there is no bed for", "the bed is taken by", "is impossible"];
    for text in says {
        assert!(quoting.iter().any(|line| line.contains(text)), "{text:?} is not logged: {quoting:?}");
    }
    let other: Vec<_> = quoting.iter().filter(|line| !says.iter().any(|text| line.contains(text))).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[tokio::test]
async fn references_are_logged_only_where_they_may_be() {
    for (setting, is_logged) in [("plain", true), ("off", false)] {
        let door =
            Door::local(launch("http://127.0.0.1:1/fhir").set("FHIR_SUBSCRIPTION_LOG_REFERENCES", setting))
                .await;
        let patient = json!({ "resourceType": "Patient", "id": "whose-id-it-is" }).to_string();
        assert_eq!(
            door.send(&signed("PUT", "/succeeds/Patient/whose-id-it-is").json(patient)).await.status,
            204
        );
        let line = door.program.output.line("the line of the request", |line| line.contains("handled")).await;
        assert_eq!(line.contains("whose-id-it-is"), is_logged, "{line}");
        assert_eq!(door.program.output.text().contains("whose-id-it-is"), is_logged);
    }
}
