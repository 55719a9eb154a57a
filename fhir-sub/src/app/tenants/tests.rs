//! Two tenants, each with a FHIR server of its own.

use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};

use crate::adapter::in_process::{LateSandbox, WeakApp};
use crate::app::{App, AppBuilder};
use crate::declaration::{Declaration, Trigger};
use crate::error::Error;
use crate::extract::{FromNotification, ResourceUse};
use crate::fixtures::{Handler, OldStore, SeveredStore, Way, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::registration::Options;
use crate::rejection::Rejection;
use crate::sandbox::{Behaviour, Sandbox};
use crate::settings::Variables;
use crate::store::MemoryStore;
use crate::testing::{TestAnswer, TestRequest, send};

const NORTH: &str = "north-secret-0123456789abcdef0123456789";
const SOUTH: &str = "south-secret-0123456789abcdef0123456789";

type Lines = Arc<Mutex<Vec<String>>>;

/// The tenant and the resource; both are added to the lines.
struct Seen(String, Lines);

impl FromNotification for Seen {
    const RESOURCE: ResourceUse = ResourceUse::Required;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let tenant = notification.tenant().unwrap_or("-");
        let focus = notification.event().focus().unwrap_or("-");
        let lines = notification.state::<Lines>().expect("it is given below");
        Ok(Self(format!("{tenant} {focus}"), Lines::clone(&lines)))
    }
}

struct Keep;

impl Handler<Seen> for Keep {
    async fn handle(Seen(line, lines): Seen) -> Outcome {
        let fails = line.contains("fails");
        lines.lock().unwrap().push(line);
        if fails { Error::permanent("canary").into() } else { Outcome::Handled }
    }
}

fn declarations() -> Vec<&'static Declaration> {
    leak([declaration::<Seen, Keep>("Patient?", "patients")])
}

fn builder(lines: &Lines) -> AppBuilder {
    AppBuilder::new(Variables::default(), declarations())
        .set("APP_BASE_URL", "https://app.example.org/hooks/")
        .set("FHIR_SERVER", "hapi")
        .state(Lines::clone(lines))
}

fn north(north: AppBuilder) -> AppBuilder {
    north.set("FHIR_BASE_URL", "https://north.example.org/fhir").set("FHIR_SUBSCRIPTION_SECRET", NORTH)
}

fn south(south: AppBuilder) -> AppBuilder {
    south.set("FHIR_BASE_URL", "https://south.example.org/fhir").set("FHIR_SUBSCRIPTION_SECRET", SOUTH)
}

/// The program, both servers, and the lines of the handler.
struct Two {
    app: App,
    north: Sandbox,
    south: Sandbox,
    lines: Lines,
}

impl Two {
    fn new() -> Self {
        Self::with(|app| app)
    }

    fn with(change: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        let (lines, to_north, to_south) =
            (Lines::default(), Arc::<LateSandbox>::default(), Arc::<LateSandbox>::default());
        let (north_way, south_way) = (to_north.clone(), to_south.clone());
        let app = change(builder(&lines))
            .tenant("north", move |it| north(it).transport(north_way))
            .tenant("south", move |it| south(it).transport(south_way))
            .build()
            .unwrap();
        let sandbox = |base_url: &str, way: &LateSandbox| {
            let sandbox = Sandbox::builder().behaviour(Behaviour::Hapi).base_url(base_url);
            let sandbox = sandbox.build(WeakApp::of(&app));
            way.set(sandbox.clone());
            sandbox
        };
        let north = sandbox("https://north.example.org/fhir", &to_north);
        let south = sandbox("https://south.example.org/fhir", &to_south);
        Self { app, north, south, lines }
    }

    async fn register(&self) {
        for app in self.app.apps() {
            assert!(app.register(Options::default()).await.is_complete());
        }
    }

    async fn send(&self, path: &str, secret: &str) -> TestAnswer {
        let request = TestRequest::post("patients").prefix(path).secret(secret);
        send(&self.app, request.body(patient("1").to_string())).await
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "meta": { "versionId": "1" } })
}

#[tokio::test]
async fn each_server_reaches_its_own_tenant() {
    let two = Two::new();
    two.register().await;
    let subscriptions = [&two.north, &two.south].map(|server| server.all("Subscription"));
    let endpoint = |at: usize| subscriptions[at][0]["channel"]["endpoint"].clone();
    assert_eq!(endpoint(0), "https://app.example.org/hooks/north/patients");
    assert_eq!(endpoint(1), "https://app.example.org/hooks/south/patients");
    two.north.update(&patient("1")).await.unwrap();
    two.north.idle().await;
    assert_eq!(two.seen(), ["north Patient/1"]);
    // The same id on the other server is another resource.
    two.south.update(&patient("1")).await.unwrap();
    two.south.idle().await;
    assert_eq!(two.seen(), ["south Patient/1"]);
}

#[tokio::test]
async fn a_secret_of_one_opens_nothing_of_another() {
    let two = Two::new();
    for (path, secret, status) in [
        ("/hooks/north", NORTH, 204),
        ("/hooks/south", SOUTH, 204),
        ("/prod/north", NORTH, 204),
        ("/hooks/north", SOUTH, 401),
        ("/hooks/south", NORTH, 401),
        ("/hooks", NORTH, 401),
        ("/hooks", SOUTH, 401),
        ("", NORTH, 401),
        ("/hooks/west", NORTH, 401),
        ("/hooks/northern", NORTH, 401),
        ("/hooks/North", NORTH, 401),
        // The first name in the path counts.
        ("/hooks/north/south", SOUTH, 401),
        ("/hooks/south/north", NORTH, 401),
    ] {
        assert_eq!(two.send(path, secret).await.status(), status, "{path} {secret}");
    }
    for route in ["register", "status", "sweep", "dead-letters"] {
        for secret in [NORTH, SOUTH] {
            for method in [TestRequest::post(route), TestRequest::new(Method::GET, route)] {
                let request = method.prefix("/hooks").secret(secret);
                assert_eq!(send(&two.app, request).await.status(), 401, "{route}");
            }
        }
    }
    assert_eq!(send(&two.app, TestRequest::new(Method::GET, "health")).await.status(), 200);
}

/// A caller that signs with all secrets of one tenant is a stranger to the other, however the path is written.
#[tokio::test]
async fn all_secrets_of_one_open_nothing_of_another() {
    const KINDS: [&str; 3] = ["ADMIN_SECRET", "SIGNING_SECRET", "HUB_SECRET"];
    let secret = |tenant: &str, kind: &str| format!("{kind}-of-{tenant}-0123456789abcdef0123456789");
    let two = Two::with(|app| {
        let both = ["NORTH", "SOUTH"].into_iter().flat_map(|tenant| KINDS.map(|kind| (tenant, kind)));
        both.fold(app.set("FHIR_SERVER", "medplum"), |app, (tenant, kind)| {
            let name = format!("{tenant}_FHIR_SUBSCRIPTION_{kind}");
            app.set(&name, secret(&tenant.to_lowercase(), kind))
        })
    });
    let body = patient("1").to_string();
    let routes = || {
        let post = |path| TestRequest::post(path);
        let get = |path| TestRequest::new(Method::GET, path);
        let put = TestRequest::new(Method::PUT, "patients/Patient/1");
        [post("patients"), put, post("register"), post("register?prune=true"), post("sweep")]
            .into_iter()
            .chain([get("status"), get("dead-letters"), get("metrics")])
    };
    let signed = |request: TestRequest, key: &str| {
        let signature = crate::signature::sign(key, body.as_bytes());
        request.header("x-signature", &signature).header("x-hub-signature", &format!("sha256={signature}"))
    };
    for (own, other, others_shared) in [("north", "south", SOUTH), ("south", "north", NORTH)] {
        let mut keys = KINDS.map(|kind| secret(other, kind)).to_vec();
        keys.push(others_shared.to_owned());
        let paths = [
            format!("/hooks/{own}"),
            format!("//hooks//{own}/"),
            format!("/{own}"),
            format!("/hooks/{own}/{other}"),
            format!("/hooks/{own}/../{other}"),
            format!("/hooks/{own};/{own}"),
            // These name no tenant.
            format!("/hooks/%{:x}{}", own.as_bytes()[0], &own[1..]),
            format!("/hooks/{}", own.to_uppercase()),
            format!("/hooks/%2e/{own}%2f"),
            "/hooks".to_owned(),
        ];
        for (path, route) in paths.iter().flat_map(|path| routes().map(move |route| (path, route))) {
            for shown in keys.iter().map(Some).chain([None]) {
                for key in keys.iter().map(Some).chain([None]) {
                    let request = route.clone().prefix(path).body(body.clone());
                    let request = match shown {
                        Some(secret) => request.secret(secret),
                        None => request.without_secret(),
                    };
                    let request = key.map_or_else(|| request.clone(), |key| signed(request.clone(), key));
                    let told = format!("{request:?} with {shown:?}, signed with {key:?}");
                    assert_eq!(send(&two.app, request).await.status(), 401, "{told}");
                }
            }
        }
        assert!(two.seen().is_empty());
        // The same requests are let in where they belong.
        let request = TestRequest::post("patients").prefix(&format!("/hooks/{other}")).body(body.clone());
        let request = signed(request.secret(others_shared), &secret(other, "SIGNING_SECRET"));
        assert_eq!(send(&two.app, request).await.status(), 204);
        assert_eq!(two.seen(), [format!("{other} Patient/1")]);
    }
}

/// Each tenant has a store of its own.
#[tokio::test(start_paused = true)]
async fn the_program_is_ready_if_the_stores_of_all_tenants_are() {
    let store = || Arc::new(SeveredStore::new(MemoryStore::new(10), Way::Open));
    let (of_north, of_south, lines) = (store(), store(), Lines::default());
    let (given_to_north, given_to_south) = (of_north.clone(), of_south.clone());
    let app = builder(&lines)
        .tenant("north", |it| north(it).store(given_to_north))
        .tenant("south", |it| south(it).store(given_to_south))
        .build()
        .unwrap();
    let ready = async |path: &str| {
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        send(&app, TestRequest::new(Method::GET, path).without_secret()).await.status()
    };
    for (north_is_there, south_is_there) in [(true, true), (true, false), (false, true), (false, false)] {
        let way = |is_there| if is_there { Way::Open } else { Way::Refused };
        of_north.set(way(north_is_there));
        of_south.set(way(south_is_there));
        let expected = |is_ready: bool| if is_ready { 200 } else { 503 };
        assert_eq!(ready("/ready").await, expected(north_is_there && south_is_there));
        assert_eq!(ready("/hooks/north/ready").await, expected(north_is_there));
        assert_eq!(ready("/hooks/south/ready").await, expected(south_is_there));
        assert_eq!(ready("/health").await, 200);
    }
}

/// A criteria is sent to the FHIR server, and must not carry a secret there: of the program, or of any tenant.
#[test]
fn no_placeholder_takes_a_tenants_secret() {
    let of = |criteria: &'static str| Declaration {
        trigger: Trigger::Criteria(criteria),
        has_placeholders: true,
        ..declaration::<Seen, Keep>("Patient?", "e")
    };
    for (tenant, criteria) in [
        ("north", "Patient?name={NORTH_FHIR_SUBSCRIPTION_SECRET}"),
        ("north", "Patient?name={SOUTH_FHIR_SUBSCRIPTION_SECRET}"),
        ("north", "Patient?name={WEST_FHIR_AUTH_BEARER}"),
        ("north", "Patient?name={NORTH_FHIR_SUBSCRIPTION_STORE_KEY}"),
        ("north", "Patient?name={FHIR_SUBSCRIPTION_SECRET}"),
        // With the tenant's prefix, this is the name of a secret.
        ("fhir", "Patient?name={SUBSCRIPTION_SECRET}"),
        ("north-fhir", "Patient?name={SUBSCRIPTION_SECRET}"),
    ] {
        let lines = Lines::default();
        let app = AppBuilder::new(Variables::default(), leak([of(criteria)]))
            .set("APP_BASE_URL", "https://app.example.org")
            .state(lines)
            .tenant(tenant, north)
            .tenant("south", south);
        let problems = app.build().unwrap_err().to_string();
        assert!(
            problems.contains("is a setting of the program, which may be secret"),
            "{criteria}: {problems}"
        );
        assert!(!problems.contains(NORTH) && !problems.contains(SOUTH), "{problems}");
    }
    let harmless = AppBuilder::new(Variables::default(), leak([of("Patient?name={WARD_HOST}")]))
        .set("APP_BASE_URL", "https://app.example.org")
        .set("FHIR_SERVER", "hapi")
        .set("WARD_HOST", "ward-1")
        .state(Lines::default())
        .tenant("north", north);
    assert!(harmless.build().is_ok());
}

#[tokio::test]
async fn an_id_that_is_a_tenants_name_is_an_id() {
    let two = Two::new();
    let put = |id: &str| {
        let path = format!("patients/Patient/{id}");
        let request = TestRequest::new(Method::PUT, &path).prefix("/hooks/north").secret(NORTH);
        request.body(patient(id).to_string())
    };
    assert_eq!(send(&two.app, put("south")).await.status(), 204);
    assert_eq!(two.seen(), ["north Patient/south"]);
}

#[tokio::test]
async fn tenants_that_share_a_store_see_nothing_of_each_other() {
    let store = MemoryStore::shared(Arc::new(std::time::SystemTime::now));
    let two = Two::with(|app| app.store(store).set("FHIR_SUBSCRIPTION_TRIES", "1"));
    two.register().await;
    for server in [&two.north, &two.south] {
        server.update(&patient("fails")).await.unwrap();
        server.idle().await;
    }
    assert_eq!(two.seen(), ["north Patient/fails", "south Patient/fails"]);
    let [north, south] = ["north", "south"].map(|name| two.app.tenant(name).unwrap());
    let letters = |app: &App| {
        let app = app.clone();
        async move { app.store().unwrap().dead_letters().await.unwrap() }
    };
    let (of_north, of_south) = (letters(north).await, letters(south).await);
    assert_eq!((of_north.len(), of_south.len()), (1, 1));
    assert_eq!(of_north[0].tenant.as_deref(), Some("north"));
    // With the key of another tenant's dead letter, a tenant can do nothing.
    let store = south.store().unwrap();
    assert!(!store.has_dead_letter(&of_north[0].key).await.unwrap());
    assert!(!store.remove_dead_letter(&of_north[0].key).await.unwrap());
    assert_eq!(letters(north).await, of_north);
    assert!(north.store().unwrap().remove_dead_letter(&of_north[0].key).await.unwrap());
}

#[tokio::test]
async fn tenants_handle_events_beside_records_of_an_earlier_version() {
    let table = OldStore(MemoryStore::shared(Arc::new(std::time::SystemTime::now)));
    let two = Two::with(|app| app.store(table));
    for (path, secret) in [("/hooks/north", NORTH), ("/hooks/south", SOUTH)] {
        for outcome in ["handled", "handled before"] {
            let answer = two.send(path, secret).await;
            assert_eq!((answer.status(), answer.outcome()), (204, outcome), "{path}");
        }
    }
    assert_eq!(two.seen(), ["north Patient/1", "south Patient/1"]);
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let lines = Lines::default();
    let problems = |builder: AppBuilder| builder.build().unwrap_err().to_string();
    let mistakes: [(AppBuilder, &[&str]); 8] = [
        (
            builder(&lines)
                .tenant("north", north)
                .tenant("south", |it| south(it).set("FHIR_SUBSCRIPTION_SECRET", NORTH)),
            &["the tenants `north` and `south` have the same FHIR_SUBSCRIPTION_SECRET"],
        ),
        (
            builder(&lines).set("FHIR_SUBSCRIPTION_SECRET", NORTH).tenant("north", north),
            &["FHIR_SUBSCRIPTION_SECRET is set for all tenants", "set NORTH_FHIR_SUBSCRIPTION_SECRET"],
        ),
        (
            builder(&lines).tenant("north", |it| it).tenant("south", |it| it.set("FHIR_SERVER", "nonsense")),
            &[
                "tenant `north`, whose settings begin with NORTH_: FHIR_BASE_URL is not set",
                "tenant `south`, whose settings begin with SOUTH_: FHIR_SERVER",
            ],
        ),
        (builder(&lines).tenant("patients", north), &["an endpoint has this name"]),
        (builder(&lines).tenant("register", north), &["a route of fhir-sub has this name"]),
        (builder(&lines).tenant("hooks", north), &["the path of APP_BASE_URL has this segment"]),
        (
            builder(&lines)
                .tenant("a/b", north)
                .tenant("a-b", south)
                .tenant("a.b", |it| it.tenant("x", south)),
            &["the name is a segment of the path", "begin with the same prefix", "has no tenants of its own"],
        ),
        (
            builder(&lines).set("SOUTH_FHIR_SERVR", "x").tenant("north", north).tenant("south", south),
            &["tenant `south`, whose settings begin with SOUTH_: `set(\"SOUTH_FHIR_SERVR\", …)`"],
        ),
    ];
    for (builder, wanted) in mistakes {
        let told = problems(builder);
        for text in wanted {
            assert!(told.contains(text), "{text:?} is not in:\n{told}");
        }
        assert!(!told.contains(NORTH) && !told.contains(SOUTH));
    }
}

/// The prefix of `north` begins the prefix of `north-west`.
#[test]
fn a_setting_of_the_longer_name_is_not_of_the_shorter_one() {
    let with = |name: &str, value: &str| {
        let both = builder(&Lines::default()).tenant("north", north).tenant("north-west", south);
        both.set(name, value).build()
    };
    let app = with("NORTH_WEST_FHIR_SERVER", "medplum").unwrap();
    let server = |name: &str| app.tenant(name).unwrap().settings().fhir_server.name;
    assert_eq!((server("north"), server("north-west")), ("hapi", "medplum"));
    let app = with("NORTH_FHIR_SERVER", "medplum").unwrap();
    let server = |name: &str| app.tenant(name).unwrap().settings().fhir_server.name;
    assert_eq!((server("north"), server("north-west")), ("medplum", "hapi"));

    for (misspelt, tenant) in [("NORTH_WEST_FHIR_SERVR", "north-west"), ("NORTH_FHIR_SERVR", "north")] {
        let told = with(misspelt, "medplum").unwrap_err().to_string();
        assert_eq!(told.matches(&format!("`set({misspelt:?}, …)`")).count(), 1, "{told}");
        assert!(told.contains(&format!("tenant `{tenant}`, whose settings begin with")), "{told}");
    }
}

#[test]
fn a_tenants_own_settings_and_placeholders_count_before_those_of_all() {
    let criteria = Declaration {
        trigger: Trigger::Criteria("Encounter?service-provider=Organization/{HOSPITAL}"),
        has_placeholders: true,
        ..declaration::<Seen, Keep>("Patient?", "encounters")
    };
    let app = AppBuilder::new(Variables::default(), leak([criteria]))
        .set("APP_BASE_URL", "https://app.example.org")
        .set("FHIR_SERVER", "hapi")
        .set("HOSPITAL", "1")
        .set("SOUTH_HOSPITAL", "2")
        .set("SOUTH_FHIR_SERVER", "medplum")
        .set("SOUTH_APP_BASE_URL", "https://south.example.com/in/south")
        .state(Lines::default())
        .tenant("north", north)
        .tenant("south", south)
        .build()
        .unwrap();
    let told = |name: &str| {
        let app = app.tenant(name).unwrap();
        let Trigger::Criteria(criteria) = app.registry().declarations()[0].trigger else { unreachable!() };
        (criteria, app.settings().fhir_server.name, app.settings().base_url.as_str().to_owned())
    };
    let criteria = ["1", "2"].map(|id| format!("Encounter?service-provider=Organization/{id}"));
    assert_eq!(told("north"), (&*criteria[0], "hapi", "https://app.example.org/north".to_owned()));
    assert_eq!(told("south"), (&*criteria[1], "medplum", "https://south.example.com/in/south".to_owned()));
}

/// `NORTH_WEST_HOSPITAL` is the `HOSPITAL` of `north-west`, and not the `WEST_HOSPITAL` of `north`.
#[test]
fn a_placeholder_of_the_longer_name_is_not_of_the_shorter_one() {
    let criteria = Declaration {
        trigger: Trigger::Criteria("Encounter?service-provider={HOSPITAL},{WEST_HOSPITAL}"),
        has_placeholders: true,
        ..declaration::<Seen, Keep>("Patient?", "encounters")
    };
    let app = AppBuilder::new(Variables::default(), leak([criteria]))
        .set("APP_BASE_URL", "https://app.example.org")
        .set("FHIR_SERVER", "hapi")
        .set("HOSPITAL", "Organization/1")
        .set("WEST_HOSPITAL", "Organization/2")
        .set("NORTH_WEST_HOSPITAL", "Organization/3")
        .state(Lines::default())
        .tenant("north", north)
        .tenant("north-west", south)
        .build()
        .unwrap();
    for (tenant, criteria) in
        [("north", "Organization/1,Organization/2"), ("north-west", "Organization/3,Organization/2")]
    {
        let declared = app.tenant(tenant).unwrap().registry().declarations()[0].trigger;
        let Trigger::Criteria(declared) = declared else { unreachable!() };
        assert_eq!(declared, format!("Encounter?service-provider={criteria}"), "{tenant}");
    }
}

/// A panic does not say whose event it ended, and its message may quote a patient.
#[test]
fn the_message_of_a_panic_is_logged_only_if_each_tenant_allows_it() {
    for (of_north, of_south, is_logged) in
        [("text", "text", true), ("text", "kind", false), ("kind", "text", false)]
    {
        let app = builder(&Lines::default())
            .set("NORTH_FHIR_SUBSCRIPTION_LOG_ERRORS", of_north)
            .set("SOUTH_FHIR_SUBSCRIPTION_LOG_ERRORS", of_south)
            .tenant("north", north)
            .tenant("south", south)
            .build()
            .unwrap();
        assert_eq!(app.quotes_panics(), is_logged, "{of_north} {of_south}");
    }
}

#[cfg(feature = "lambda")]
#[tokio::test]
async fn a_scheduled_sweep_sweeps_each_tenant() {
    let store = MemoryStore::shared(Arc::new(std::time::SystemTime::now));
    let two = Two::with(|app| app.store(store));
    // These writes come before the Subscriptions.
    two.north.update(&patient("1")).await.unwrap();
    two.south.update(&patient("2")).await.unwrap();
    two.register().await;
    assert!(two.seen().is_empty());
    let event = json!({ "fhir-sub": "sweep", "since": "2020-01-01T00:00:00Z" });
    let report = crate::adapter::lambda::reply_to(&two.app, &event).await.unwrap();
    assert_eq!(report["tenants"]["north"]["subscriptions"][0]["handled"], 1, "{report}");
    assert_eq!(report["tenants"]["south"]["subscriptions"][0]["handled"], 1, "{report}");
    assert_eq!(two.seen(), ["north Patient/1", "south Patient/2"]);
}

#[cfg(all(feature = "lambda", feature = "events"))]
#[tokio::test]
async fn a_message_of_a_queue_names_its_tenant() {
    let two = Two::new();
    let record = |id: &str, attributes: Value| {
        json!({ "messageId": id, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:patients",
            "body": patient(id).to_string(), "attributes": {}, "messageAttributes": attributes })
    };
    let attribute = |value: &str| json!({ "stringValue": value, "dataType": "String" });
    let records = json!({ "Records": [
        record("1", json!({ "tenant": attribute("north") })),
        record("2", json!({ "tenant": attribute("south"), "endpoint": attribute("patients") })),
        record("3", json!({})),
        record("4", json!({ "tenant": attribute("west") })),
    ] });
    let answer = crate::adapter::lambda::reply_to(&two.app, &records).await.unwrap();
    let again = json!({ "batchItemFailures": [{ "itemIdentifier": "3" }, { "itemIdentifier": "4" }] });
    assert_eq!(answer, again);
    let mut seen = two.seen();
    seen.sort();
    assert_eq!(seen, ["north Patient/1", "south Patient/2"]);
    let bus = json!({ "source": "ehr", "detail-type": "anything",
        "detail": { "tenant": "south", "endpoint": "patients", "notification": patient("5") } });
    crate::adapter::lambda::reply_to(&two.app, &bus).await.unwrap();
    assert_eq!(two.seen(), ["south Patient/5"]);
}

/// A gateway that lets in callers of `north` sets the attribute, and passes on their bodies.
#[cfg(all(feature = "lambda", feature = "events"))]
#[tokio::test]
async fn the_body_of_a_message_names_no_other_tenant_than_its_attribute() {
    let two = Two::new();
    let of_queue_mode = json!({ "fhir-sub": "notification", "tenant": "south", "endpoint": "patients",
        "method": "POST", "path": "/hooks/south/patients", "notification": patient("1") });
    let record = json!({ "messageId": "1", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:patients",
        "body": of_queue_mode.to_string(), "attributes": {},
        "messageAttributes": { "tenant": { "stringValue": "north", "dataType": "String" } } });
    let answer = crate::adapter::lambda::reply_to(&two.app, &json!({ "Records": [record] })).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
    assert!(two.seen().is_empty());
}

/// Each tenant has a queue of its own, and its writers speak for no other tenant.
#[cfg(feature = "queue")]
#[tokio::test]
async fn a_message_of_queue_mode_comes_from_the_queue_of_its_tenant() {
    let url = |name: &str| format!("https://sqs.eu-west-1.amazonaws.com/1/{name}");
    let two = Two::with(|app| {
        app.set("NORTH_FHIR_SUBSCRIPTION_QUEUE", url("north"))
            .set("SOUTH_FHIR_SUBSCRIPTION_QUEUE", url("south"))
    });
    let of_queue_mode = json!({ "fhir-sub": "notification", "tenant": "south", "endpoint": "patients",
        "method": "POST", "path": "/hooks/south/patients", "notification": patient("1") });
    let record = |queue: &str| {
        json!({ "messageId": queue, "eventSource": "aws:sqs", "eventSourceARN": format!("arn:aws:sqs:eu-west-1:1:{queue}"),
            "body": of_queue_mode.to_string(), "attributes": {}, "messageAttributes": {} })
    };
    let records = json!({ "Records": [record("north"), record("south")] });
    let answer = crate::adapter::lambda::reply_to(&two.app, &records).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "north" }] }));
    assert_eq!(two.seen(), ["south Patient/1"]);
}

/// A notification arrives at the URL that the tenant's server has, or the program does not start.
#[tokio::test]
async fn a_tenant_is_reached_at_the_url_of_its_own() {
    let two = Two::with(|app| app.set("SOUTH_APP_BASE_URL", "https://south.example.org/in/south"));
    let told = two.app.tenant("south").unwrap().settings().base_url.url().path().to_owned();
    assert_eq!(two.send(&told, SOUTH).await.status(), 204, "{told}");
    for url in ["https://south.example.org/in", "https://south.example.org/north/south"] {
        let app = AppBuilder::new(Variables::default(), leak([declaration::<Seen, Keep>("Patient?", "p")]));
        let app = app.set("APP_BASE_URL", "https://app.example.org").set("SOUTH_APP_BASE_URL", url);
        let app = app.state(Lines::default()).tenant("north", north).tenant("south", south);
        let problems = app.build().unwrap_err().to_string();
        assert!(problems.contains("SOUTH_APP_BASE_URL is https://south.example.org/"), "{problems}");
    }
}

/// `check --iam` and `check --cost` read them.
#[test]
fn the_settings_of_tenants_are_among_those_of_all() {
    let mut app = AppBuilder::new(Variables::default(), leak([declaration::<Seen, Keep>("Patient?", "p")]))
        .tenant("north", |it| it.set("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:north"));
    app.expand();
    let all = app.variables_of_all();
    assert!(all.iter().any(|of_one| of_one.references().next().is_some()));
}
