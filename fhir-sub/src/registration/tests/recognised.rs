//! `FHIR_SERVER=auto`: the server is recognised by its CapabilityStatement.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};

use super::topics::server::Server;
use super::*;
use crate::client::transport::{Limits, Transport, TransportError};
use crate::interaction::Interactions;
use crate::registration::tests::fixtures::{BARE, SECRET, admissions};
use crate::settings::Variables;

/// A server with Subscriptions and a CapabilityStatement.
struct Saying {
    status: StatusCode,
    statement: Value,
    server: Server,
    /// Method, path, `Accept` and `Content-Type`.
    asked: Mutex<Vec<[String; 4]>>,
}

impl Saying {
    fn asked(&self) -> Vec<[String; 4]> {
        self.asked.lock().unwrap().clone()
    }

    fn asked_for_metadata(&self) -> usize {
        self.asked().iter().filter(|[_, path, ..]| path == "/metadata").count()
    }
}

impl Transport for Saying {
    fn send<'a>(
        &'a self,
        mut request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        let path = request.uri().path().to_owned();
        let header =
            |name| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let line = [request.method().to_string(), path.clone(), header("accept"), header("content-type")];
        self.asked.lock().unwrap().push(line);
        if path == "/metadata" {
            let answer = Response::builder().status(self.status).body(self.statement.to_string().into());
            return Box::pin(async move { Ok(answer.unwrap()) });
        }
        let below = request.uri().to_string().replace("/administration/", "/");
        *request.uri_mut() = below.parse().unwrap();
        self.server.send(request, limits)
    }
}

fn says(software: &str) -> Value {
    json!({ "resourceType": "CapabilityStatement", "software": { "name": software }, "fhirVersion": "4.0.1" })
}

fn app_of(statement: Value, status: u16, version: &str, declaration: Declaration) -> (App, Arc<Saying>) {
    let status = StatusCode::from_u16(status).unwrap();
    let server = Server::new(version);
    let saying = Arc::new(Saying { status, statement, server, asked: Mutex::default() });
    let builder = crate::app::AppBuilder::new(Variables::default(), leak([declaration]))
        .set("APP_BASE_URL", "https://app.example.org/hooks")
        .set("FHIR_BASE_URL", "https://fhir.example.org")
        .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
        .set("FHIR_SERVER", "auto")
        .set("FHIR_VERSION", version)
        .transport(saying.clone());
    (builder.build().unwrap(), saying)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

#[tokio::test(start_paused = true)]
async fn a_server_is_recognised_by_what_it_says_of_itself() {
    let described = |software: Value, description: &str, publisher: &str| {
        json!({
            "resourceType": "CapabilityStatement", "software": software, "publisher": publisher,
            "implementation": { "description": description }, "fhirVersion": "4.0.1",
        })
    };
    let renamed = json!({ "name": "The server of ward 7" });
    for (statement, expected) in [
        (says("HAPI FHIR Server"), "hapi"),
        (says("Smile CDR"), "hapi"),
        (says("medplum"), "medplum"),
        (says("Helios FHIR Server"), "helios"),
        (says("aidbox"), "aidbox"),
        (says("Firely Server"), "firely"),
        (says("Vonk"), "firely"),
        (described(renamed.clone(), "HAPI FHIR R4 Server", "Not provided"), "hapi"),
        (described(renamed.clone(), "", "Medplum"), "medplum"),
        (described(renamed.clone(), "It is not Aidbox", "Ward 7"), "generic"),
        (described(renamed, "", ""), "generic"),
        (says("fhir-sub sandbox"), "generic"),
        (says(""), "generic"),
        (json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1" }), "generic"),
    ] {
        let (app, server) = app_of(statement.clone(), 200, "R4", patients("a"));
        let report = app.register(Options { dry_run: true, prune: false, ..Options::default() }).await;
        assert_eq!(report.server(), Some(expected), "{statement}");
        let json: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["server"], expected);
        assert_eq!(server.asked_for_metadata(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_registered_with_as_the_server_that_it_is() {
    let deletions = || Declaration {
        interactions: Interactions { delete: true, ..Interactions::DEFAULT },
        ..declaration::<Option<Resource<Value>>, Succeed>("Patient?", "a")
    };
    let (app, server) = app_of(says("HAPI FHIR Server"), 200, "R4", deletions());
    let report = app.register(Options::default()).await;
    assert_eq!(results(&report), [("a", RowResult::Created)], "{report:?}");
    assert!(server.server.all()[0]["extension"][0]["url"].as_str().unwrap().contains("hapifhir"));
    assert_eq!(server.asked_for_metadata(), 1);
    assert!(status(&app, soon()).await.iter().all(StatusRow::is_sound));
    // Once the server is recognised, its limits are known, and nothing is written that it cannot do.
    for (name, declaration, expected) in [
        ("The server of ward 7", deletions(), "it wants deletions"),
        ("Helios FHIR Server", patients("a"), "evaluates topics, not criteria"),
        ("medplum", admissions(BARE), "over websockets only"),
    ] {
        let (app, server) = app_of(says(name), 200, "R4", declaration);
        assert!(check(&app).is_ok());
        let report = app.register(Options::default()).await;
        assert!(report.rows()[0].message.as_ref().unwrap().contains(expected), "{report:?}");
        assert!(!report.is_complete() && server.server.all().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_no_guess() {
    let canary = json!({ "resourceType": "OperationOutcome", "issue": [{ "diagnostics": "canary" }] });
    for (statement, status_code) in [
        (canary.clone(), 500),
        (canary.clone(), 401),
        (canary.clone(), 404),
        (canary, 200),
        (json!("x"), 200),
    ] {
        let (app, server) = app_of(statement, status_code, "R4", patients("a"));
        let report = app.register(Options { dry_run: false, prune: true, ..Options::default() }).await;
        assert_eq!((report.server(), report.is_complete()), (None, false));
        let message = report.rows()[0].message.as_deref().unwrap();
        assert!(
            message.starts_with("FHIR_SERVER is auto, and the server's CapabilityStatement"),
            "{message}"
        );
        assert!(message.contains("name the server in FHIR_SERVER"), "{message}");
        assert!(!report.to_json().contains("canary"));
        assert!(server.asked().iter().all(|[_, path, ..]| path == "/metadata"), "{:?}", server.asked());
        let rows = status(&app, soon()).await;
        assert_eq!((rows[0].status.as_str(), rows[0].message.as_deref()), ("unknown", Some(message)));
    }
}

#[tokio::test(start_paused = true)]
async fn another_version_than_the_servers_is_told() {
    let of = |release: &str| json!({ "resourceType": "CapabilityStatement", "software": { "name": "HAPI FHIR Server" }, "fhirVersion": release });
    for (release, version, expected) in [
        ("4.0.1", "R4", ""),
        ("4.0.0", "R4", ""),
        ("4.3.0", "R4B", ""),
        (
            "5.0.0",
            "R4B",
            "FHIR_VERSION is R4B, and the server says that it is of FHIR R5: set FHIR_VERSION=R5, or",
        ),
        (
            "4.3.0",
            "R4",
            "FHIR_VERSION is R4, and the server says that it is of FHIR R4B: set FHIR_VERSION=R4B",
        ),
        ("3.0.2", "R4", "it is of none of R4, R4B and R5"),
        ("canary", "R4", "it is of none of R4, R4B and R5"),
    ] {
        let (app, server) = app_of(of(release), 200, version, patients("a"));
        let report = app.register(Options::default()).await;
        let message = report.rows()[0].message.clone().unwrap_or_default();
        assert!(message.contains(expected) && !message.contains("canary"), "{release} {version}: {message}");
        assert_eq!(
            (report.is_complete(), server.server.all().len()),
            (expected.is_empty(), usize::from(expected.is_empty()))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_several_versions_is_told_which_one_is_meant() {
    const PLAIN: &str = "application/fhir+json";
    for (name, version, parameter, path) in [
        ("Helios FHIR Server", "R4", "4.0", "/Subscription"),
        ("Helios FHIR Server", "R5", "5.0", "/Subscription"),
        ("HAPI FHIR Server", "R4", "", "/Subscription"),
        ("Firely Server", "R4", "4.0", "/administration/Subscription"),
    ] {
        let declaration = if name.starts_with("Helios") { admissions(BARE) } else { patients("a") };
        let mut statement = says(name);
        statement["fhirVersion"] = json!(if version == "R5" { "5.0.0" } else { "4.0.1" });
        let (app, server) = app_of(statement, 200, version, declaration);
        let report = app.register(Options::default()).await;
        assert!(report.is_complete(), "{report:?}");
        let expected =
            if parameter.is_empty() { PLAIN.to_owned() } else { format!("{PLAIN}; fhirVersion={parameter}") };
        let mut asked = server.asked();
        let [method, first, accept, _] = asked.remove(0);
        assert_eq!((method.as_str(), first.as_str(), accept.as_str()), ("GET", "/metadata", PLAIN));
        assert!(
            asked.iter().any(|[method, asked_for, ..]| method == "POST" && asked_for == path),
            "{asked:?}"
        );
        for [method, _, accept, content_type] in asked {
            assert_eq!(accept, expected, "{name} {version}");
            assert_eq!(content_type, if method == "GET" { "" } else { &expected }, "{name} {version}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_several_versions_that_takes_another_where_none_is_said_is_to_be_named() {
    for (name, version, release, cure) in [
        ("Helios FHIR Server", "R5", "4.0.1", "set FHIR_SERVER=helios"),
        ("Helios FHIR Server", "R4", "6.0.0-ballot4", "set FHIR_SERVER=helios"),
        ("Firely Server", "R4", "3.0.2", "set FHIR_SERVER=firely"),
    ] {
        let mut statement = says(name);
        statement["fhirVersion"] = json!(release);
        let declaration = if name.starts_with("Helios") { admissions(BARE) } else { patients("a") };
        let (app, server) = app_of(statement, 200, version, declaration);
        let report = app.register(Options::default()).await;
        let message = report.rows()[0].message.as_deref().unwrap();
        assert!(message.starts_with(&format!("FHIR_VERSION is {version}, and")), "{message}");
        assert!(message.ends_with(cure), "{message}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handlers_client_says_the_version_where_the_server_is_named() {
    for (named, expected) in [
        ("helios", "application/fhir+json; fhirVersion=4.0"),
        ("firely", "application/fhir+json; fhirVersion=4.0"),
        ("hapi", "application/fhir+json"),
        // No notification waits until the server is recognised.
        ("auto", "application/fhir+json"),
    ] {
        let server = Server::new("R4");
        let (status, statement) = (StatusCode::OK, json!({}));
        let saying = Arc::new(Saying { status, statement, server, asked: Mutex::default() });
        let builder = crate::app::AppBuilder::new(Variables::default(), leak([patients("a")]))
            .set("APP_BASE_URL", "https://app.example.org/hooks")
            .set("FHIR_BASE_URL", "https://fhir.example.org")
            .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
            .set("FHIR_SERVER", named)
            .transport(saying.clone());
        let app = builder.build().unwrap();
        assert!(app.provided().fhir_client().read::<Value>("Patient", "1").await.unwrap_err().is_not_found());
        let [_, path, accept, _] = saying.asked().remove(0);
        assert_eq!((path.as_str(), accept.as_str()), ("/Patient/1", expected), "{named}");
    }
}
