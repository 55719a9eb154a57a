//! Wrong requests, and the answer to each: nothing runs, and the program continues.

use crate::bad_bodies;
use crate::support::door::Door;
use crate::support::event::Sender;
use crate::support::launch::{APP, Launch};
use crate::support::patient;
use crate::support::wire::Request;

/// A wrong request, and the status of its answer.
pub(crate) struct Bad {
    pub(crate) request: Request,
    pub(crate) status: u16,
}

pub(crate) fn bad(request: Request, status: u16) -> Bad {
    Bad { request, status }
}

pub(crate) const BODY_LIMIT: usize = 20_000;

fn paths() -> Vec<Bad> {
    let long = format!("/{}", "a".repeat(8_000));
    let deep = "/a".repeat(4_000);
    let slashes = "/".repeat(5_000);
    let too_long = format!("/succeeds/Patient/{}", "1".repeat(65));
    let posts = [
        "/",
        "//",
        "///",
        "/succeeds//",
        "/succeeds/x",
        "/succeedsx",
        "/xsucceeds",
        "/succeeds.",
        "/.succeeds",
        "/succeeds%20",
        "/succeeds%2F",
        "/%73ucceeds",
        "/succeeds%00",
        "/%00",
        "/succeeds/..",
        "/succeeds/.",
        "/..",
        "/.",
        "/%2e%2e",
        "/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/succeeds/%2e%2e",
        "/..%2fsucceeds",
        "/succeeds;a=1",
        "/succeeds:80",
        "/succeeds*",
        "/SUCCEEDS",
        "/Succeeds",
        "/succeeds'",
        "/succeeds~",
        "/succeeds-",
        "/succeeds_",
        "/fails-for",
        "/takes%2Dstate",
        "/takes_state",
        "/succeeds/Patient",
        "/Patient/1",
        "/succeeds/Patient/1/_history/2",
        "/%C3%A9",
        "/succeeds%E2%80%AE",
        "/succeeds%FF",
        "/index.html",
        "/.env",
        "/$everything",
        "/succeeds,run",
        "/succeeds+run",
        "/succeeds=",
        "/registe",
        "/register/x",
        "/health/x",
        &long,
        &deep,
        &slashes,
    ];
    let puts = ["/unknown/Patient/1", "/Patient/1", "/Patient", "/succeeds/x/Patient/1"];
    // The endpoint is known, but the rest of the path names no resource.
    let unnamed = [
        "/succeeds/Patient/1/2",
        "/succeeds/Patient//1",
        "/succeeds/patient/1",
        "/succeeds/Patient/a_b",
        "/succeeds/Patient/..",
        "/succeeds/Patient/.",
        "/succeeds/Patient/%31",
        "/succeeds//1",
        "/succeeds/Pat1ent/1",
        "/succeeds/Patient/1%2F2",
        "/succeeds/Patient/1:2",
        "/succeeds/Patient/1,2",
        "/succeeds/Patient",
        &too_long,
    ];
    let request = |method: &str, path: &str| Request::new(method, path).json(patient::text());
    let posts = posts.iter().map(|path| bad(request("POST", path), 404));
    let deletes = puts.iter().map(|path| bad(Request::new("DELETE", path), 404));
    let puts = puts.iter().map(|path| bad(request("PUT", path), 404));
    let unnamed = unnamed
        .iter()
        .flat_map(|path| [bad(request("PUT", path), 422), bad(Request::new("DELETE", path), 422)]);
    posts.chain(puts).chain(deletes).chain(unnamed).collect()
}

fn methods() -> Vec<Bad> {
    let methods = [
        "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "post", "Post", "POSTS", "PROPFIND",
        "M-SEARCH", "QUERY",
    ];
    let request = |method: &&str, path: &str| Request::new(method, path).json(patient::text());
    let of = |path: &'static str| methods.iter().map(move |method| bad(request(method, path), 405));
    let healths =
        methods.iter().filter(|method| **method != "GET").map(|method| bad(request(method, "/health"), 405));
    let of_resources = methods.iter().filter(|method| !["PUT", "DELETE"].contains(*method));
    let of_resources = of_resources.map(|method| bad(request(method, "/succeeds/Patient/1"), 405));
    of("/succeeds").chain(of("/register")).chain(healths).chain(of_resources).collect()
}

fn content_types() -> Vec<Bad> {
    let types: [&[u8]; 22] = [
        b"text/plain",
        b"text/html",
        b"text/xml",
        b"application/xml",
        b"application/fhir+xml",
        b"multipart/form-data",
        b"application/x-www-form-urlencoded",
        b"application/octet-stream",
        b"json",
        b"application/",
        b"application",
        b"",
        b";",
        b"application/jsonx",
        b"application/xjson",
        b"application/json, application/json",
        b"application json",
        b"application/fhir+json+xml",
        b"application/fhir +json x",
        b"*/*",
        b"application/fhir+turtle",
        b"\xff\xfe",
    ];
    let request =
        |content_type: &&[u8]| Request::new("POST", "/succeeds").header("content-type", content_type);
    types.iter().map(|content_type| bad(request(content_type).body(patient::text()), 415)).collect()
}

fn headers() -> Vec<Bad> {
    let deletion = |reference: &str| {
        let request = Request::new("POST", "/takes-deletions").header("x-medplum-interaction", "delete");
        bad(request.header("x-medplum-deleted-resource", reference).json("{}"), 422)
    };
    let references = [
        "",
        "Patient",
        "Patient/",
        "/1",
        "/",
        "Patient/1/2",
        "patient/1",
        "Patient/..",
        "Patient/.",
        "Patient/a_b",
        "Patient/1 ",
        "https://fhir.example.org/Patient/1",
        "Group/1",
        "Patient/1?x=y",
        "Patient/1#x",
        "Pati ent/1",
        "../Patient/1",
        "urn:uuid:6ce5d5e0-0000-0000-0000-000000000000",
    ];
    let references = references.map(str::to_owned).into_iter().chain([format!("Patient/{}", "1".repeat(65))]);
    let interactions = ["DELETE", "Delete", "remove", "", "delete,delete"].map(|interaction| {
        let request = Request::new("POST", "/takes-deletions").header("x-medplum-interaction", interaction);
        bad(request.header("x-medplum-deleted-resource", "Patient/1").json("{}"), 422)
    });
    // HTTP removes a space at the end of a header.
    let references = references.filter(|reference| !reference.ends_with(' '));
    references.map(|reference| deletion(&reference)).chain(interactions).collect()
}

fn sizes() -> Vec<Bad> {
    let body = |length: usize| {
        let frame = r#"{"resourceType":"Patient","id":"1","x":""}"#;
        frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(length - frame.len())))
    };
    assert_eq!(body(BODY_LIMIT).len(), BODY_LIMIT);
    let lengths = [BODY_LIMIT + 1, BODY_LIMIT * 2, BODY_LIMIT * 10, BODY_LIMIT * 50];
    let posts = lengths.map(|length| bad(Request::new("POST", "/succeeds").json(body(length)), 413));
    let noise = lengths.map(|length| bad(Request::new("POST", "/succeeds").json(vec![b'['; length]), 413));
    let puts = lengths.map(|length| bad(Request::new("PUT", "/succeeds/Patient/1").json(body(length)), 413));
    posts.into_iter().chain(noise).chain(puts).collect()
}

/// Sends every bad request through `door`, and checks that none of them had an effect.
async fn refuse_all(mut door: Door) {
    let all: Vec<_> = [paths(), methods(), content_types(), headers(), sizes(), bad_bodies::all()]
        .into_iter()
        .flatten()
        .collect();
    assert!(all.len() > 400, "{}", all.len());
    let mut wrong = Vec::new();
    for Bad { request, status } in all {
        let answer = door.send(&request).await;
        let what = || {
            let body = String::from_utf8_lossy(&request.body[..request.body.len().min(120)]).into_owned();
            let path: String = request.path.chars().take(120).collect();
            let last = request.headers.last().map(|(name, value)| (name, String::from_utf8_lossy(value)));
            format!("{}: {} {path} {last:?} {body}", door.name(), request.method)
        };
        if answer.status != status || !answer.is_outcome() {
            wrong.push(format!("{}: {} instead of {status}: {}", what(), answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(door.send(&Request::of_a_stranger("GET", "/health")).await.status, 200);
    assert!(door.program.is_alive());

    assert_eq!(door.send(&Request::new("POST", "/takes-nothing")).await.status, 204);
    door.program.output.line("the one call that was asked for", |line| line.starts_with("called ")).await;
    assert_eq!(door.program.output.calls(), ["takes-nothing: unknown of nothing"], "{}", door.name());
}

fn launch() -> Launch {
    Launch::new(APP).set("BODY_LIMIT", BODY_LIMIT.to_string())
}

#[tokio::test]
async fn bad_requests_to_the_port_are_answered_and_run_nothing() {
    refuse_all(Door::local(launch()).await).await;
}

#[tokio::test]
async fn bad_requests_through_an_http_api_are_answered_and_run_nothing() {
    refuse_all(Door::lambda(Sender::HttpApi, launch()).await).await;
}

#[tokio::test]
async fn bad_requests_through_a_rest_api_are_answered_and_run_nothing() {
    refuse_all(Door::lambda(Sender::RestApi, launch()).await).await;
}

#[tokio::test]
async fn six_mebibytes_are_the_most_that_is_read_unless_told_otherwise() {
    for door in [Door::local(Launch::new(APP)).await, Door::lambda(Sender::HttpApi, Launch::new(APP)).await] {
        let answer =
            door.send(&Request::new("POST", "/succeeds").json(vec![b' '; 6 * 1024 * 1024 + 1])).await;
        assert_eq!(answer.status, 413, "{}", door.name());
        let answer = door.send(&Request::new("POST", "/succeeds").json(vec![b' '; 6 * 1024 * 1024])).await;
        // White space alone is an empty body, and this handler takes a resource.
        assert_eq!(answer.status, 422, "{}", door.name());
    }
}
