//! Whole registrations with servers that we know only from their documentation: the requests to each.

mod healthlake;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};

use super::topics::server::Server;
use super::*;
use crate::client::transport::{Limits, Transport, TransportError};
use crate::declaration::{Content, Topic};
use crate::interaction::Interactions;
use crate::registration::tests::fixtures::{BARE, SECRET, admissions};
use crate::settings::Variables;

const SIGNING: &str = "a-canary-to-sign-notifications-with";
const TOKEN_SECRET: &str = "a-canary-to-fetch-tokens-with";

/// A server with Subscriptions, and the requests to it.
struct Told {
    server: Server,
    /// Method, path with its query, `Content-Type` and `X-Hub-Secret`.
    asked: Mutex<Vec<[String; 4]>>,
}

impl Told {
    /// The writes since the last call.
    fn writes(&self) -> Vec<[String; 4]> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.retain(|[method, ..]| method != "GET");
        asked
    }
}

impl Transport for Told {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        let path = request.uri().path_and_query().unwrap().to_string();
        let header =
            |name| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert!(request.headers().get("x-hub-secret").is_none_or(http::HeaderValue::is_sensitive));
        let line = [request.method().to_string(), path, header("content-type"), header("x-hub-secret")];
        self.asked.lock().unwrap().push(line);
        self.server.send(request, limits)
    }
}

fn app(server: &str, version: &str, declaration: Declaration) -> (App, Arc<Told>) {
    let told = Arc::new(Told { server: Server::new(version), asked: Mutex::default() });
    let mut builder = crate::app::AppBuilder::new(Variables::default(), leak([declaration]))
        .set("APP_BASE_URL", "https://app.example.org/hooks")
        .set("FHIR_BASE_URL", "https://fhir.example.org")
        .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
        .set("FHIR_SERVER", server)
        .set("FHIR_VERSION", version)
        .transport(told.clone());
    if server == "athenahealth" {
        builder = builder.set("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING);
    }
    if server == "healthlake" {
        builder = TOKEN.into_iter().fold(builder, |builder, (name, value)| builder.set(name, value));
    }
    (builder.build().unwrap(), told)
}

const HEALTHLAKES: &str =
    "https://healthlake.eu-west-2.amazonaws.com/datastore/0d1e2f/r4/SubscriptionTopic/7c2a";
const ATHENAHEALTHS: &str = "https://api.platform.athenahealth.com/fhir/r4/SubscriptionTopic/Patient.update";

fn of_topic(url: &'static str, filters: &'static [&'static str]) -> Declaration {
    admissions(Topic { url, filters, ..BARE })
}

async fn stored(server: &str, version: &str, declaration: Declaration) -> Value {
    let (app, told) = app(server, version, declaration);
    let report = app.register(Options::default()).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(!format!("{report:?}{}", report.to_json()).contains("canary"), "{report:?}");
    let report = app.register(Options::default()).await;
    assert_eq!(report.rows()[0].result, RowResult::Unchanged, "{server}: {report:?}");
    let mut stored = told.server.all().remove(0);
    for element in ["id", "meta", "text", "status"] {
        stored.as_object_mut().unwrap().remove(element);
    }
    stored
}

fn guide(name: &str, element: &str, value: &str) -> Value {
    let url = format!("http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/{name}");
    json!({ "url": url, element: value })
}

#[tokio::test(start_paused = true)]
async fn athenahealth_is_told_its_secret_by_the_request_and_shown_no_header() {
    let filters = &["ah-practice=Organization/a-1.Practice-4321"];
    assert_eq!(
        stored("athenahealth", "R4", of_topic(ATHENAHEALTHS, filters)).await,
        json!({
            "resourceType": "Subscription",
            "reason": "a test",
            "criteria": ATHENAHEALTHS,
            "_criteria": { "extension": [
                guide("backport-filter-criteria", "valueString", "ah-practice=Organization/a-1.Practice-4321"),
            ] },
            "channel": {
                "type": "rest-hook",
                "endpoint": "https://app.example.org/hooks/admissions",
                "payload": "application/fhir+json",
                "_payload": { "extension": [guide("backport-payload-content", "valueCode", "id-only")] },
            },
        })
    );

    let (app, told) = app("athenahealth", "R4", of_topic(ATHENAHEALTHS, filters));
    app.register(Options::default()).await;
    // The server cannot search: all Subscriptions are read.
    let asked = told.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|[_, path, ..]| !path.contains('?')), "{asked:?}");
    let created = || ["POST", "/Subscription", "application/json", SIGNING].map(str::to_owned);
    assert_eq!(told.writes(), [created()]);
    // The server cannot change a Subscription.
    told.server.change("1", |subscription| subscription["reason"] = json!("another"));
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("admissions", RowResult::Updated)], "{report:?}");
    let deleted = ["DELETE", "/Subscription/1", "", ""].map(str::to_owned);
    assert_eq!(told.writes(), [deleted, created()]);
}

#[tokio::test(start_paused = true)]
async fn oystehr_is_asked_for_one_event_or_for_both() {
    let of = |create, update| Declaration {
        interactions: Interactions { create, update, delete: false },
        ..patients("a")
    };
    let event = |value: &str| json!([{ "url": "http://zapehr.com/fhir/extension/SubscriptionTriggerEvent", "valueString": value }]);
    for (create, update, expected) in
        [(true, true, Value::Null), (true, false, event("create")), (false, true, event("update"))]
    {
        let stored = stored("oystehr", "R4B", of(create, update)).await;
        assert_eq!(stored["extension"], expected);
        assert_eq!(stored["channel"]["header"], json!([format!("X-Subscription-Auth: {SECRET}")]));
    }
}

/// Zapehr's extension, and an extension that asks for one event although both are wanted now.
#[tokio::test(start_paused = true)]
async fn what_oystehr_was_asked_for_before_is_taken_back() {
    let (app, told) = app("oystehr", "R4B", patients("a"));
    app.register(Options::default()).await;
    let old = json!([
        { "url": "http://zapehr.com/fhir/r4/extension/SubscriptionTriggerEvent", "valueString": "create" },
        { "url": "https://example.org/other", "valueString": "x" },
    ]);
    told.server.change("1", |subscription| subscription["extension"] = old);
    let report = app.register(Options::default()).await;
    assert_eq!(report.rows()[0].differences, ["extension"], "{report:?}");
    assert_eq!(told.server.all()[0]["extension"][0]["url"], "https://example.org/other");
    assert!(told.server.all()[0]["extension"][1].is_null());
}

#[tokio::test(start_paused = true)]
async fn fhir_works_is_sent_what_the_specification_has() {
    let stored = stored("fhir-works", "R4", patients("a")).await;
    assert_eq!((&stored["criteria"], &stored["extension"]), (&json!("Patient?"), &Value::Null));
    assert_eq!(stored["channel"]["payload"], "application/fhir+json");
}

#[test]
fn what_they_cannot_do_is_told() {
    use crate::registration::tests::fixtures::{refusal, settings, settings_with};
    let healthlake = |declaration| refusal(declaration, &settings_with("healthlake", "R4", &TOKEN));
    let whole = |url| Declaration { content: Content::FullResource, ..of_topic(url, &[]) };
    let empty = |url| Declaration { content: Content::Empty, ..of_topic(url, &[]) };
    assert_eq!(healthlake(of_topic(HEALTHLAKES, &["Encounter?date=ge2030-01-01"])), "");
    assert_eq!(healthlake(whole(HEALTHLAKES)), "");
    let athenahealth_calls = |url| settings_with("athenahealth", "R4", &[SIGNED[0], ("APP_BASE_URL", url)]);
    for (refused, expected) in [
        (
            healthlake(of_topic("https://example.org/topics/admission", &[])),
            "wants its own address of the topic",
        ),
        (healthlake(empty(HEALTHLAKES)), "write `content = \"id-only\"`"),
        (
            healthlake(of_topic(HEALTHLAKES, &["Encounter?subject.name=a"])),
            "is none that HealthLake's guide lists",
        ),
        (healthlake(of_topic(HEALTHLAKES, &["ward=7"])), "names no type"),
        (healthlake(patients("a")), "evaluates topics, not criteria"),
        (
            refusal(of_topic(HEALTHLAKES, &[]), &settings("healthlake", "R4")),
            "FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID",
        ),
        (
            refusal(of_topic(HEALTHLAKES, &[]), &settings_with("healthlake", "R4B", &TOKEN)),
            "set FHIR_VERSION=R4",
        ),
        (
            refusal(of_topic(ATHENAHEALTHS, &[]), &settings("athenahealth", "R4")),
            "FHIR_SUBSCRIPTION_HUB_SECRET",
        ),
        (
            refusal(whole(ATHENAHEALTHS), &settings_with("athenahealth", "R4", &SIGNED)),
            "write `content = \"id-only\"`",
        ),
        (
            refusal(of_topic(ATHENAHEALTHS, &[]), &athenahealth_calls("https://app.example.org:8443/hooks")),
            "port 443 over https only",
        ),
        (
            refusal(of_topic(ATHENAHEALTHS, &[]), &athenahealth_calls("http://127.0.0.1/hooks")),
            "port 443 over https only",
        ),
        (refusal(patients("a"), &settings("athenahealth", "R4")), "evaluates topics, not criteria"),
        (refusal(patients("a"), &settings("oystehr", "R4")), "set FHIR_VERSION=R4B"),
        (refusal(of_topic(HEALTHLAKES, &[]), &settings("oystehr", "R4B")), "knows criteria, and no topics"),
        (refusal(deletions(), &settings("oystehr", "R4B")), "it wants deletions"),
        (refusal(patients("a"), &settings("fhir-works", "R4B")), "set FHIR_VERSION=R4"),
        (refusal(deletions(), &settings("fhir-works", "R4")), "it wants deletions"),
        (refusal(creates(), &settings("fhir-works", "R4")), "reports both alike"),
    ] {
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
}

/// How HealthLake fetches its token, and how the token lets it in.
const TOKEN: [(&str, &str); 5] = [
    ("FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID", "fs"),
    ("FHIR_SUBSCRIPTION_TOKEN_CLIENT_SECRET", TOKEN_SECRET),
    ("FHIR_SUBSCRIPTION_TOKEN_URL", "https://id.example.org/token"),
    ("FHIR_SUBSCRIPTION_TOKEN_ISSUER", "https://id.example.org"),
    ("FHIR_SUBSCRIPTION_TOKEN_AUDIENCE", "https://app.example.org"),
];
const SIGNED: [(&str, &str); 1] = [("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING)];

fn deletions() -> Declaration {
    let declaration = declaration::<Option<Resource<Value>>, Succeed>("Patient?", "a");
    Declaration { interactions: Interactions { delete: true, ..Interactions::DEFAULT }, ..declaration }
}

fn creates() -> Declaration {
    Declaration { interactions: Interactions { create: true, update: false, delete: false }, ..patients("a") }
}
