//! Resources on another server than the app's own: they are read there if `setup` says so, else nowhere.

use super::*;
use crate::app::AppBuilder;
use crate::client::{Authorization, ClientConfig, ClientCredentials};
use crate::declaration::Trust;

/// Several servers, each with its own resources and credentials, which record the requests.
#[derive(Default)]
struct Servers {
    asked: Mutex<Vec<String>>,
    answers: Answers,
}

/// How the servers answer.
#[derive(Clone, Copy, Default)]
pub(super) enum Answers {
    #[default]
    Found,
    /// With this status, and the URL of another host.
    Redirects(u16),
}

impl Transport for Servers {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let token = request.headers().get("authorization").map_or("-", |token| token.to_str().unwrap());
        self.asked.lock().unwrap().push(format!("{} {token}", request.uri()));
        let (path, host) = (request.uri().path(), request.uri().host().unwrap());
        if let Answers::Redirects(status) = self.answers {
            let location = "https://evil.test/fhir/Encounter/1";
            let answer = http::Response::builder().status(status).header("location", location);
            return Box::pin(async move { Ok(answer.body(Bytes::new()).unwrap()) });
        }
        let meta = json!({ "lastUpdated": "2026-01-01T00:00:00Z" });
        let encounter =
            |id: &str| json!({ "resourceType": "Encounter", "id": id, "meta": meta, "text": host });
        let (status, body) = match path.rsplit('/').next().unwrap() {
            "gone" => (410, Value::Null),
            "Encounter" => {
                let entries: Vec<_> =
                    ["1", "2"].map(|id| json!({ "resource": encounter(id) })).into_iter().collect();
                (200, json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries }))
            }
            id => (200, encounter(id)),
        };
        let answer = http::Response::builder().status(status).body(body.to_string().into()).unwrap();
        Box::pin(async move { Ok(answer) })
    }
}

/// Checks that the resource comes from the server that the event names.
struct ItIsOfItsServer;

impl Handler<Both> for ItIsOfItsServer {
    async fn handle(Both { event, resource }: Both) -> Outcome {
        let host = resource.map(|resource| resource["text"].as_str().unwrap().to_owned());
        let named = event.reference().unwrap().to_lowercase();
        assert!(host.is_none_or(|host| named.contains(&host) == event.focus().is_none()), "{named}");
        Outcome::Handled
    }
}

fn bearer(token: &str) -> Authorization {
    Authorization::Bearer(token.into())
}

pub(super) fn with_source(app: AppBuilder) -> AppBuilder {
    let url = "https://hospital.example.org/fhir".parse().unwrap();
    app.source("https://hospital.example.org/fhir", ClientConfig::new(url).authorization(bearer("theirs")))
}

/// How each event ends, and what the servers were asked for.
fn outcomes(
    declaration: Declaration,
    setup: impl FnOnce(AppBuilder) -> AppBuilder,
    body: &Value,
) -> (u16, Vec<&'static str>, Vec<String>) {
    outcomes_of(Answers::Found, declaration, setup, body)
}

/// The same with servers that answer so.
pub(super) fn outcomes_of(
    answers: Answers,
    declaration: Declaration,
    setup: impl FnOnce(AppBuilder) -> AppBuilder,
    body: &Value,
) -> (u16, Vec<&'static str>, Vec<String>) {
    crate::command::block_on(async {
        let servers = Arc::new(Servers { answers, ..Servers::default() });
        let builder = TestApp::builder(Behaviour::Hapi, leak([declaration])).transport(servers.clone());
        let app = setup(builder.set("FHIR_AUTH_BEARER", "ours")).build().unwrap();
        let (headers, body) = (http::HeaderMap::new(), body.to_string());
        let head = crate::request::Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
        let declaration = app.registry().find("e").unwrap();
        let route = crate::service::Route::Endpoint {
            declaration,
            reference: None,
            owes: crate::service::Owed::Nothing,
        };
        let answered = app.answer(&head, route, body.as_bytes(), app.deadline(None)).await;
        let outcomes = answered.records().map(crate::delivery::record::Record::outcome).collect();
        let asked = std::mem::take(&mut *servers.asked.lock().unwrap());
        (answered.answer.status.as_u16(), outcomes, asked)
    })
}

#[track_caller]
fn check(
    declaration: Declaration,
    setup: impl FnOnce(AppBuilder) -> AppBuilder,
    references: &[&str],
    (status, ended, asked): (u16, &[&str], &[&str]),
) {
    let found = outcomes(declaration, setup, &notification(references));
    assert_eq!((found.0, &*found.1), (status, ended), "{references:?}");
    assert_eq!(found.2, asked, "{references:?}");
}

#[test]
fn what_is_on_a_server_that_is_not_named_is_read_nowhere() {
    for reference in [
        "https://hospital.example.org/fhir/Encounter/1",
        "https://hospital.example.org/fhir/Encounter/1/_history/2",
        "https://hospital.example.org/fhir/Encounter/gone",
        "https://fhir.example.org/r5/Encounter/1",
        "https://fhir.example.org:8443/r4/Encounter/1",
        "https://user@fhir.example.org/r4/Encounter/1",
        "http://169.254.169.254/Encounter/1",
    ] {
        let refused: (u16, &[&str], &[&str]) = (422, &["on another server"], &[]);
        check(topic::<Resource<Value>, Succeed>(), |app| app, &[reference], refused);
        check(topic::<Both, ThereIsNone>(), |app| app, &[reference], refused);
        let doubtful = Declaration { trust: Trust::Reference, ..topic::<Resource<Value>, Succeed>() };
        check(doubtful, |app| app, &[reference], refused);
        check(topic::<Event, Succeed>(), |app| app, &[reference], (204, &["handled"], &[]));
    }
    // An event of another server does not stop the others.
    let two = ["https://hospital.example.org/fhir/Encounter/1", "Encounter/1"];
    let asked = ["https://fhir.example.org/r4/Encounter/1 Bearer ours"];
    check(
        topic::<Resource<Value>, Succeed>(),
        |app| app,
        &two,
        (422, &["on another server", "handled"], &asked),
    );
}

#[test]
fn what_is_on_a_source_is_read_there_with_its_own_sign_in() {
    let theirs = ["https://hospital.example.org/fhir/Encounter/1 Bearer theirs"];
    for reference in [
        "https://hospital.example.org/fhir/Encounter/1",
        "http://Hospital.example.org:80/fhir/Encounter/1",
        "HTTPS://hospital.example.org:443/fhir/Encounter/1",
    ] {
        check(topic::<Both, ItIsOfItsServer>(), with_source, &[reference], (204, &["handled"], &theirs));
    }
    // Each server is asked for its own resources, several in one search.
    let references = [
        "https://hospital.example.org/fhir/Encounter/1",
        "Encounter/1",
        "https://hospital.example.org/fhir/Encounter/2",
        "Encounter/2",
        "https://hospital.example.org/fhir/Encounter/gone",
        "https://other.example.org/fhir/Encounter/1",
    ];
    let found = outcomes(topic::<Resource<Value>, Succeed>(), with_source, &timed(&references));
    let ended = ["handled", "handled", "handled", "handled", "gone", "on another server"];
    assert_eq!((found.0, &*found.1), (422, &ended[..]));
    let of = |host: &str, token: &str| {
        found.2.iter().filter(|asked| asked.starts_with(host) && asked.ends_with(token)).count()
    };
    let (ours, theirs) =
        (of("https://fhir.example.org/r4/", "ours"), of("https://hospital.example.org/fhir/", "theirs"));
    assert_eq!((ours, theirs), (1, found.2.len() - 1), "{:?}", found.2);
}

/// An id on one server says nothing about the same id on another: both events are handled.
#[test]
fn one_id_on_two_servers_is_two_events() {
    let encounter = |host: &str| {
        let url = format!("https://{host}.example.org/fhir/Encounter/1");
        let resource =
            json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "1" }, "text": host });
        json!({ "fullUrl": url, "resource": resource })
    };
    let urls = ["hospital", "clinic"].map(|host| format!("https://{host}.example.org/fhir/Encounter/1"));
    let mut body = notification(&[&urls[0], &urls[1], &urls[0]]);
    // In another order than the events.
    let entries = body["entry"].as_array_mut().unwrap();
    entries.extend([encounter("broker"), encounter("clinic"), encounter("hospital")]);
    let (status, ended, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), |app| app, &body);
    assert_eq!((status, &*ended), (204, &["handled", "handled", "handled before"][..]));
    assert!(asked.is_empty());
}

#[test]
fn a_notification_of_the_apps_own_server_may_call_it_otherwise() {
    for (subscription, reference) in [
        (
            "https://internal.example.org:8080/fhir/Subscription/1",
            "https://internal.example.org:8080/fhir/Encounter/1",
        ),
        ("https://internal.example.org/Subscription/1", "http://internal.example.org/r4/Encounter/1"),
        ("Subscription/1", "HTTP://fhir.example.org:80/r4/Encounter/1"),
    ] {
        let mut body = notification(&[reference]);
        body["entry"][0]["resource"]["subscription"] = json!({ "reference": subscription });
        let (status, _, asked) = outcomes(topic::<Resource<Value>, Succeed>(), |app| app, &body);
        assert_eq!(
            (status, &*asked),
            (204, &["https://fhir.example.org/r4/Encounter/1 Bearer ours".to_owned()][..])
        );
    }
}

/// A broker forwards the notification of a hospital unchanged. The hospital's ids say nothing about the broker's resources.
#[test]
fn a_forwarded_notification_of_a_source_is_read_at_the_source() {
    let references = ["1", "2"].map(|id| format!("https://hospital.example.org/fhir/Encounter/{id}"));
    for subscription in [
        "https://hospital.example.org/fhir/Subscription/1",
        "http://Hospital.example.org:80/fhir/Subscription/1",
    ] {
        let mut body = timed(&references.each_ref().map(String::as_str));
        let status = &mut body["entry"][0]["resource"];
        status["subscription"] = json!({ "reference": subscription });
        // An event between them is missing.
        status["notificationEvent"][1]["eventNumber"] = json!(3);
        let (status, ended, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), with_source, &body);
        assert_eq!((status, &*ended), (204, &["handled", "handled"][..]), "{subscription}");
        let is_theirs = |asked: &String| {
            asked.starts_with("https://hospital.example.org/fhir/") && asked.ends_with(" Bearer theirs")
        };
        assert!(!asked.is_empty() && asked.iter().all(is_theirs), "{asked:?}");
        assert!(!asked.iter().any(|asked| asked.contains("$events")), "{asked:?}");
    }
    // Relative references mean the server of the Subscription: in the focus, and in the URL of an entry.
    let mut body = notification(&["Encounter/1"]);
    let status = &mut body["entry"][0]["resource"];
    status["subscription"] = json!({ "reference": "https://hospital.example.org/fhir/Subscription/1" });
    let (status, _, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), with_source, &body);
    assert_eq!((status, asked), (204, vec![format!("{} Bearer theirs", references[0])]));
    let event = &mut body["entry"][0]["resource"]["notificationEvent"][0];
    event.as_object_mut().unwrap().remove("focus");
    let entry = json!({ "fullUrl": "Encounter/1", "request": { "method": "PUT", "url": "Encounter/1" } });
    body["entry"].as_array_mut().unwrap().push(entry);
    let (status, _, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), with_source, &body);
    assert_eq!((status, asked), (204, vec![format!("{} Bearer theirs", references[0])]));
    // The event of an entry, if the status names none.
    let mut body = notification(&[""]);
    body["entry"][0]["resource"]["subscription"] =
        json!({ "reference": "https://hospital.example.org/fhir/Subscription/1" });
    let event = &mut body["entry"][0]["resource"]["notificationEvent"][0];
    event.as_object_mut().unwrap().remove("focus");
    let entry = json!({ "fullUrl": references[0], "request": { "method": "PUT", "url": "Encounter/1" } });
    body["entry"].as_array_mut().unwrap().push(entry);
    let (status, _, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), with_source, &body);
    assert_eq!((status, asked), (204, vec![format!("{} Bearer theirs", references[0])]));
}

/// The own server may have a resource with the same id, and would be read under it.
#[test]
fn a_source_is_recognised_by_whatever_the_notification_has() {
    let hospital = "https://hospital.example.org/fhir";
    let named = |subscription: &str| {
        let mut body = notification(&["Encounter/1"]);
        body["entry"][0]["resource"]["subscription"] = json!({ "reference": subscription });
        body
    };
    let asked = |url: &str| {
        let mut body = notification(&["Encounter/1"]);
        body["entry"][0]["request"] = json!({ "method": "GET", "url": url });
        body
    };
    for body in [
        named(&format!("{hospital}/Subscription/sub_1")),
        named(&format!("{hospital}/Subscription/{}", "1".repeat(80))),
        asked(&format!("{hospital}/Subscription/1/$status")),
        asked(&format!("{hospital}/Subscription/sub_1/$status")),
        asked(&format!("{hospital}/Subscription/1/$status?_format=json")),
    ] {
        let (status, ended, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), with_source, &body);
        assert_eq!((status, &*ended), (204, &["handled"][..]), "{body}");
        assert_eq!(asked, [format!("{hospital}/Encounter/1 Bearer theirs")], "{body}");
        // An event that names nothing is looked up nowhere.
        let mut empty = body;
        empty["entry"][0]["resource"]["notificationEvent"][0].as_object_mut().unwrap().remove("focus");
        let (status, _, asked) = outcomes(topic::<Resource<Value>, Succeed>(), with_source, &empty);
        assert_eq!((status, asked), (422, vec![]), "{empty}");
    }
}

/// The broker adds its own resources to a hospital's notification. One has the same id.
#[test]
fn a_resource_of_the_own_server_is_not_taken_for_the_sources() {
    let entry = |base: &str, text: &str| {
        let resource =
            json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "1" }, "text": text });
        json!({ "fullUrl": format!("{base}/Encounter/1"), "resource": resource })
    };
    let (own, hospital) = ("https://fhir.example.org/r4", "https://hospital.example.org/fhir");
    for focus in ["Encounter/1".to_owned(), format!("{hospital}/Encounter/1")] {
        for entries in [
            vec![entry(own, "broker"), entry(hospital, "hospital")],
            vec![entry(hospital, "hospital"), entry(own, "broker")],
        ] {
            let mut body = notification(&[&focus]);
            body["entry"][0]["resource"]["subscription"] =
                json!({ "reference": format!("{hospital}/Subscription/1") });
            body["entry"].as_array_mut().unwrap().extend(entries);
            let (status, ended, asked) = outcomes(topic::<Both, ItIsOfItsServer>(), with_source, &body);
            assert_eq!((status, &*ended, asked.len()), (204, &["handled"][..], 0), "{body}");
        }
    }
}

/// An event, and Patient 9 of its notification.
struct WithPatient(Event, Option<Value>);

impl FromNotification for WithPatient {
    const RESOURCE: ResourceUse = ResourceUse::Unused;
    const INCLUDED: bool = true;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let included = crate::included::Included::from_notification(notification).await?;
        Ok(Self(Event::from_notification(notification).await?, included.get("Patient/9")))
    }
}

struct ThePatientIsOfTheServer;

impl Handler<WithPatient> for ThePatientIsOfTheServer {
    async fn handle(WithPatient(event, patient): WithPatient) -> Outcome {
        let host = patient.unwrap()["text"].as_str().unwrap().to_owned();
        assert!(event.reference().unwrap().contains(&host), "{host}");
        Outcome::Handled
    }
}

#[test]
fn a_relative_reference_to_what_is_included_means_the_events_server() {
    let patient = |base: &str, text: &str| {
        let resource = json!({ "resourceType": "Patient", "id": "9", "text": text });
        json!({ "fullUrl": format!("{base}/Patient/9"), "resource": resource })
    };
    let (own, hospital) = ("https://fhir.example.org/r4", "https://hospital.example.org/fhir");
    // The notification may be the broker's, or the hospital's.
    for (focus, subscription) in [
        (format!("{hospital}/Encounter/1"), format!("{own}/Subscription/1")),
        ("Encounter/1".to_owned(), format!("{hospital}/Subscription/1")),
    ] {
        let mut body = notification(&[&focus]);
        body["entry"][0]["resource"]["subscription"] = json!({ "reference": subscription });
        let entries = body["entry"].as_array_mut().unwrap();
        entries.extend([patient(own, "broker"), patient(hospital, "hospital")]);
        let (status, ended, _) =
            outcomes(topic::<WithPatient, ThePatientIsOfTheServer>(), with_source, &body);
        assert_eq!((status, &*ended), (204, &["handled"][..]), "{body}");
    }
}

/// Only the history of the resource says it, and the own server may have another resource with its id.
#[test]
fn a_source_is_asked_whether_its_version_is_a_creation() {
    let created = Interactions { create: true, update: false, delete: false };
    let declaration = Declaration { interactions: created, ..topic::<Both, ItIsOfItsServer>() };
    let version = "https://hospital.example.org/fhir/Encounter/1/_history/2";
    let (status, _, asked) = outcomes(declaration, with_source, &notification(&[version]));
    let history = "https://hospital.example.org/fhir/Encounter/1/_history?";
    assert_eq!((status, asked.len()), (204, 2), "{asked:?}");
    assert!(asked[1].starts_with(history) && asked[1].ends_with(" Bearer theirs"), "{asked:?}");
}

#[tokio::test]
async fn a_dead_letter_of_a_sources_event_is_read_at_the_source_again() {
    use crate::delivery::dead_letters;
    let servers = Arc::new(Servers::default());
    let builder =
        TestApp::builder(Behaviour::Hapi, leak([topic::<Both, FailForGood>()])).transport(servers.clone());
    let app = with_source(builder.set("FHIR_AUTH_BEARER", "ours"))
        .store(crate::promises::kit::shared())
        .build()
        .unwrap();
    let url = "https://hospital.example.org/fhir/Encounter/1";
    let body = notification(&[url]).to_string();
    let (headers, declaration) = (http::HeaderMap::new(), app.registry().find("e").unwrap());
    let head = crate::request::Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    let owes = crate::service::Owed::Nothing;
    let route = crate::service::Route::Endpoint { declaration, reference: None, owes };
    app.answer(&head, route, body.as_bytes(), app.deadline(None)).await;
    let letters = dead_letters::list(&app).await.unwrap();
    assert_eq!((letters.len(), letters[0].reference.as_deref()), (1, Some(url)));
    let retried = dead_letters::retry(&app, &letters[0], app.deadline(None)).await.unwrap().unwrap();
    assert!(!retried.is_settled, "{retried:?}");
    assert_eq!(*servers.asked.lock().unwrap(), vec![format!("{url} Bearer theirs"); 2]);
}

/// Fails on the resource of a source, and on nothing else.
struct FailForGood;

impl Handler<Both> for FailForGood {
    async fn handle(Both { event, resource }: Both) -> Outcome {
        match (event.focus(), event.resource_type(), resource) {
            (None, Some("Encounter"), Some(_)) => crate::Error::permanent("x").into(),
            _ => Outcome::Handled,
        }
    }
}

#[test]
fn a_deletion_on_another_server_is_confirmed_there_or_not_at_all() {
    let url = "https://hospital.example.org/fhir/Encounter/gone";
    let mut body = notification(&[url]);
    let entry = json!({ "fullUrl": url, "request": { "method": "DELETE", "url": "Encounter/gone" } });
    body["entry"].as_array_mut().unwrap().push(entry);
    let doubtful = || Declaration { trust: Trust::Reference, ..topic::<Both, ThereIsNone>() };
    assert_eq!(outcomes(doubtful(), |app| app, &body), (422, vec!["on another server"], vec![]));
    let (status, ended, asked) = outcomes(doubtful(), with_source, &body);
    assert_eq!((status, ended), (204, vec!["handled"]));
    assert!(asked[0].starts_with(url) && asked.iter().all(|asked| asked.ends_with("theirs")), "{asked:?}");
    // A handler that trusts notifications trusts this one too.
    let (status, ended, asked) = outcomes(topic::<Both, ThereIsNone>(), |app| app, &body);
    assert_eq!((status, ended, asked), (204, vec!["handled"], vec![]));
}

#[test]
fn a_source_that_is_wrong_is_told_when_the_program_starts() {
    let problems = |setup: fn(AppBuilder) -> AppBuilder| {
        let builder = TestApp::builder(Behaviour::Hapi, leak([topic::<Event, Succeed>()]));
        setup(builder).build().unwrap_err().to_string()
    };
    for (setup, problem) in [
        (
            (|app| app.source("hospital", ClientConfig::new("https://h.example.org".parse().unwrap())))
                as fn(AppBuilder) -> AppBuilder,
            "source 1 of `setup` is not the base URL",
        ),
        (
            |app| {
                app.source(
                    "https://h.example.org",
                    ClientConfig::new("http://h.example.org".parse().unwrap()),
                )
            },
            "FHIR_ALLOW_HTTP=1",
        ),
        (
            |app| {
                let token_url = "http://id.example.org/token".parse().unwrap();
                let credentials = ClientCredentials::new(token_url, "ward", "canary".into());
                let config = ClientConfig::new("https://h.example.org".parse().unwrap());
                let config = config.authorization(Authorization::ClientCredentials(credentials));
                app.source("https://h.example.org", config)
            },
            "source 1 of `setup` has a token endpoint of http",
        ),
        (|app| with_source(with_source(app)), "source 2 of `setup` has the base URL of an earlier source"),
        (
            |app| {
                let url = "https://fhir.example.org/r4".parse().unwrap();
                app.source("http://FHIR.example.org/r4/", ClientConfig::new(url))
            },
            "is the server of FHIR_BASE_URL",
        ),
        (
            |app| {
                let url = "https://user:canary@h.example.org".parse().unwrap();
                app.source("https://user:canary@h.example.org", ClientConfig::new(url))
            },
            "is not the base URL",
        ),
    ] {
        let told = problems(setup);
        assert!(told.contains(problem) && !told.contains("canary"), "{told}");
    }
}
