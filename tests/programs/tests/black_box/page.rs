//! The page of a program beside a FHIR server, with one tenant and with several.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::directory::Directory;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{ADMISSIONS, APP, ARRIVALS, DESK, Launch, SECRET, TENANTS};
use crate::support::page::page;
use crate::support::patient;
use crate::support::program::Program;
use crate::support::wire::Request;

#[tokio::test]
async fn the_page_beside_a_fhir_server_is_asked_for() {
    let fhir = FhirServer::start().await;
    let launch = || Launch::new(APP).set("FHIR_BASE_URL", &fhir.url);
    let program = launch().start();
    program.address().await;
    assert!(!program.output.text().contains("send it again"), "{}", program.output.text());

    let program = launch().set("HOST", "0.0.0.0").arguments(&["serve", "--inspector"]).start();
    let (address, path) = page(&program).await;
    assert!(address.ip().is_loopback(), "{address}");
    let get = |path: &str| Request::of_a_stranger("GET", path).header("host", address.to_string());
    let html = get(&path).send(address).await;
    assert_eq!(html.status, 200);
    let policy = html.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    // A URL that was copied without its last slash leads to the page too.
    let bare = get(path.trim_end_matches('/')).send(address).await;
    assert_eq!((bare.status, bare.header("location")), (308, Some(&*path)), "{bare:?}");
    assert_eq!(bare.header("cache-control"), Some("no-store"), "{bare:?}");
    let wrong = get(&format!("/{}", "0".repeat(32))).send(address).await;
    assert_eq!((wrong.status, wrong.header("location")), (401, None), "{wrong:?}");
    // The URL has the token in it: no cache keeps the page, and no other site is told where a link was followed.
    for (name, value) in
        [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY")]
    {
        assert_eq!(html.header(name), Some(value), "{html:?}");
    }
    let port = address.port();
    for host in [
        format!("localhost.:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("127.0.0.1:{}", port ^ 1),
        format!("LOCALHOST:{port}"),
        format!("0.0.0.0:{port}"),
        format!("127.1:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("user@127.0.0.1:{port}"),
        "[::1]".into(),
    ] {
        assert_eq!(
            Request::of_a_stranger("GET", &path).header("host", &host).send(address).await.status,
            421,
            "{host}"
        );
    }
    for origin in [
        format!("http://localhost.:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/"),
        "null".into(),
    ] {
        assert_eq!(get(&path).header("origin", &origin).send(address).await.status, 403, "{origin}");
    }
    for other in
        ["../../api/program", "%2e%2e/api/program", "api/../api/program", "send/../api/program", "", "./"]
    {
        let wrong = format!("/{}/{other}", "0".repeat(32));
        assert_eq!(get(&wrong).send(address).await.status, 401, "{other}");
    }
    let about = get(&format!("{path}api/program")).send(address).await.json();
    assert_eq!((&about["hasSandbox"], &about["fhirUrl"]), (&json!(false), &json!(fhir.url)));
    assert_eq!(get(&format!("{path}api/fhir/Patient")).send(address).await.status, 404);
    assert_eq!(get("/api/program").send(address).await.status, 401);
    assert!(!about.to_string().contains(SECRET) && !html.text().contains(SECRET));

    // A notification of the server, with a canary in it, is on the page and in no log.
    let notified = Request::new("PUT", "/succeeds/Patient/1").json(patient::text());
    let served = SocketAddr::from(([127, 0, 0, 1], program_port(&about)));
    assert_eq!(notified.send(served).await.status, 204);
    let delivery = get(&format!("{path}api/deliveries/1")).send(address).await.json();
    assert_eq!(delivery["events"][0]["outcome"], "handled", "{delivery}");
    assert!(delivery["curl"].as_str().unwrap().contains("$FHIR_SUBSCRIPTION_SECRET"), "{delivery}");
    assert!(!delivery.to_string().contains(SECRET), "{delivery}");
    let family = patient::patient()["name"][0]["family"].as_str().unwrap().to_owned();
    assert!(delivery["body"].as_str().unwrap().contains(&family), "{delivery}");
    assert!(!program.output.text().contains(&family), "{}", program.output.text());
    // Nobody but the sender has made the handler run a second time.
    let refused = Request::of_a_stranger("PUT", "/succeeds/Patient/1").json(patient::text());
    assert_eq!(refused.send(served).await.status, 401);
}

/// A stranger chooses the path of a refused request, and a browser changes some paths.
#[tokio::test]
async fn a_request_is_not_sent_again_to_a_path_that_leads_elsewhere() {
    let program = Launch::new(APP).arguments(&["serve", "--inspector"]).start();
    let (address, path) = page(&program).await;
    let ask = async |method: &str, rest: &str| {
        let request = Request::of_a_stranger(method, &format!("{path}{rest}"));
        request.header("host", address.to_string()).send(address).await
    };
    let about = ask("GET", "api/program").await.json();
    let served = SocketAddr::from(([127, 0, 0, 1], program_port(&about)));
    assert_eq!(Request::of_a_stranger("POST", "/../api/register").send(served).await.status, 401);
    let delivery = ask("GET", "api/deliveries/1").await.json();
    assert_eq!(
        (&delivery["path"], &delivery["status"], &delivery["curl"]),
        (&json!("/../api/register"), &json!(401), &Value::Null)
    );
    for odd in ["../api/register", "%2e%2E/api/register", "succeeds/./Patient/1", "/succeeds", "a/.%2e"] {
        let refused = ask("POST", &format!("send/{odd}?again=1")).await;
        assert_eq!((refused.status, refused.header("x-delivery")), (400, None), "{odd}: {refused:?}");
        assert!(refused.text().contains("another address"), "{odd}: {refused:?}");
    }
    // A plain path is sent, whatever the program answers.
    let sent = ask("POST", "send/api/register").await;
    assert_eq!((sent.status, sent.header("x-delivery")), (401, Some("2")), "{sent:?}");
}

#[tokio::test]
async fn a_sample_is_a_notification_that_its_handler_takes() {
    for (program, server, version, endpoint, method, part) in [
        (ADMISSIONS, "generic", "R4", "admissions", "POST", "\"history\""),
        (ADMISSIONS, "hapi", "R4", "admissions", "POST", "\"history\""),
        (ADMISSIONS, "generic", "R5", "admissions", "POST", "\"subscription-notification\""),
        (ADMISSIONS, "generic", "R4", "cancellations", "POST", "\"DELETE\""),
        (ARRIVALS, "hapi", "R4", "arrived-appointments", "PUT", "\"arrived\""),
        (ARRIVALS, "medplum", "R4", "arrived-appointments", "POST", "\"arrived\""),
    ] {
        let program = Launch::bare(program)
            .set("PORT", "0")
            .set("FHIR_SERVER", server)
            .set("FHIR_VERSION", version)
            .start();
        let (address, path) = page(&program).await;
        let ask = async |method: &str, rest: &str, headers: &Value, body: &str| {
            let mut request = Request::of_a_stranger(method, &format!("{path}{rest}"));
            for (name, value) in headers.as_object().into_iter().flatten() {
                request = request.header(name, value.as_str().expect("a text"));
            }
            request.header("host", address.to_string()).body(body).send(address).await
        };
        let sample = ask("GET", &format!("api/samples/{endpoint}"), &Value::Null, "").await.json();
        let body = sample["body"].as_str().expect("a text");
        assert_eq!((&sample["method"], body.contains(part)), (&json!(method), true), "{server}: {sample}");
        let is_told = sample["headers"]["x-medplum-interaction"] == "create";
        assert_eq!(is_told, server == "medplum", "{server}: {sample}");
        let way = format!("send{}", sample["path"].as_str().expect("a path"));
        let sent = ask(method, &way, &sample["headers"], body).await;
        assert_eq!(sent.status, 204, "{server} {version} {endpoint}: {sent:?}");
        let id = sent.header("x-delivery").expect("the number of the delivery");
        let delivery = ask("GET", &format!("api/deliveries/{id}"), &Value::Null, "").await.json();
        assert_eq!(delivery["events"][0]["outcome"], "handled", "{server} {version} {endpoint}: {delivery}");
    }
}

/// A copied test has the resources that the handler read, beside a sandbox and beside a FHIR server.
#[tokio::test]
async fn a_copied_test_has_what_its_handler_read() {
    let fhir = FhirServer::start().await;
    let ward = json!({ "resourceType": "Organization", "id": "ward", "name": "The ward" });
    fhir.sandbox.update(&ward).await.expect("the sandbox takes it");
    let beside_server =
        Launch::new(DESK).set("FHIR_BASE_URL", &fhir.url).arguments(&["serve", "--inspector"]);
    for launch in [Launch::bare(DESK).set("PORT", "0"), beside_server] {
        let program = launch.start();
        let (address, path) = page(&program).await;
        let ask = async |method: &str, rest: &str, body: String| {
            let request = Request::of_a_stranger(method, &format!("{path}{rest}"));
            let request = request.header("content-type", "application/fhir+json").body(body);
            request.header("host", address.to_string()).send(address).await
        };
        let about = ask("GET", "api/program", String::new()).await.json();
        if about["hasSandbox"] == true {
            let created = ask("PUT", "api/fhir/Organization/ward", ward.to_string()).await;
            assert_eq!(created.status, 201, "{created:?}");
        }
        let task = json!({ "resourceType": "Task", "id": "1", "status": "requested", "intent": "order" });
        let sent = ask("PUT", "send/requested-tasks/Task/1", task.to_string()).await;
        assert_eq!(sent.status, 204, "{sent:?}");
        let id = sent.header("x-delivery").expect("the number of the delivery");
        let delivery = ask("GET", &format!("api/deliveries/{id}"), String::new()).await.json();
        let test = delivery["test"].as_str().expect("a test");
        let (created, _) = test.split_once("TestRequest::recorded").expect("a request");
        assert!(
            created.contains("The handler read this resource.") && created.contains("The ward"),
            "{test}"
        );
        assert!(!program.output.text().contains("The ward"), "{}", program.output.text());
    }
}

/// A program with two tenants, each with a FHIR server, a secret and a patient of its own.
async fn tenants() -> ([FhirServer; 2], impl Fn() -> Launch) {
    let servers = [FhirServer::start().await, FhirServer::start().await];
    for server in &servers {
        server.sandbox.update(&patient::patient()).await.expect("the sandbox takes it");
    }
    let [north, south] = servers.each_ref().map(|server| server.url.clone());
    let launch = move || {
        Launch::bare(TENANTS)
            .set("APP_BASE_URL", "https://app.example.org")
            .set("FHIR_SERVER", "hapi")
            .set("HOST", "127.0.0.1")
            .set("PORT", "0")
            .set("NORTH_FHIR_BASE_URL", &north)
            .set("NORTH_FHIR_SUBSCRIPTION_SECRET", SECRET)
            .set("NORTH_FHIR_SUBSCRIPTION_ADMIN_SECRET", NORTH_ADMIN)
            .set("SOUTH_FHIR_BASE_URL", &south)
            .set("SOUTH_FHIR_SUBSCRIPTION_SECRET", SOUTH_SECRET)
            .set("SOUTH_FHIR_SUBSCRIPTION_ADMIN_SECRET", SOUTH_ADMIN)
    };
    (servers, launch)
}

const SOUTH_SECRET: &str = "the-secret-that-the-south-shows-0123456";
const NORTH_ADMIN: &str = "the-administrator-of-the-north-0123456";
const SOUTH_ADMIN: &str = "the-administrator-of-the-south-0123456";

/// The patient, as the server of one tenant reports it.
fn notified(path: &str, secret: &str) -> Request {
    Request::of_a_stranger("PUT", path).header("x-subscription-auth", secret).json(patient::text())
}

#[tokio::test]
async fn the_page_shows_every_tenant_and_sends_again_to_the_right_one() {
    let (_servers, launch) = tenants().await;
    let program = launch().arguments(&["serve", "--inspector"]).start();
    let (address, path) = page(&program).await;
    let ask = async |method: &str, rest: &str, body: &str| {
        let request =
            Request::of_a_stranger(method, &format!("{path}{rest}")).header("host", address.to_string());
        if body.is_empty() { request } else { request.json(body) }.send(address).await
    };
    let about = ask("GET", "api/program", "").await.json();
    let served = SocketAddr::from(([127, 0, 0, 1], program_port(&about)));
    // Every handler once, though each tenant has it.
    assert_eq!(about["handlers"].as_array().map(Vec::len), Some(2), "{about}");

    let rows = ask("POST", "api/register", "").await;
    assert_eq!(rows.status, 200, "{rows:?}");
    let rows = ask("GET", "api/subscriptions", "").await.json();
    let names = |rows: &Value, list: &str| -> Vec<String> {
        let name = |row: &Value| {
            format!("{}/{}", row["tenant"].as_str().unwrap_or("?"), row["endpoint"].as_str().unwrap())
        };
        rows[list].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(
        names(&rows, "subscriptions"),
        ["north/patients", "north/refuses", "south/patients", "south/refuses"]
    );
    assert!(rows["subscriptions"].as_array().unwrap().iter().all(|row| row["status"] == "active"), "{rows}");

    // Each tenant's server reaches its own tenant alone.
    assert_eq!(notified("/north/patients/Patient/1", SOUTH_SECRET).send(served).await.status, 401);
    assert_eq!(notified("/south/patients/Patient/1", SOUTH_SECRET).send(served).await.status, 204);
    program.output.line("the handler of the south", |line| line == "called patients of south").await;
    let delivery = ask("GET", "api/deliveries/2", "").await.json();
    assert_eq!(
        (&delivery["path"], &delivery["events"][0]["outcome"]),
        (&json!("/south/patients/Patient/1"), &json!("handled"))
    );
    let again = ask("PUT", "send/south/patients/Patient/1?again=2", &patient::text()).await;
    assert_eq!((again.status, again.header("x-delivery")), (204, Some("3")), "{again:?}");
    let again = ask("GET", "api/deliveries/3", "").await.json();
    assert_eq!((&again["again"], &again["path"]), (&json!(2), &delivery["path"]), "{again}");
    called(&program, "called patients of south", 2).await;
    assert!(!program.output.text().contains("called patients of north"), "{}", program.output.text());

    // The dead letter of one tenant is shown with its name, and retried at its own server.
    assert_eq!(notified("/north/refuses/Patient/1", SECRET).send(served).await.status, 422);
    let letters = ask("GET", "api/dead-letters", "").await.json();
    assert_eq!(names(&letters, "deadLetters"), ["north/refuses"], "{letters}");
    let key = letters["deadLetters"][0]["key"].as_str().expect("a key").to_owned();
    let retried = ask("POST", &format!("api/dead-letters/{key}"), "").await.json();
    assert_eq!(
        (&retried["outcome"], &retried["isSettled"]),
        (&json!("failed for good"), &json!(false)),
        "{retried}"
    );
    called(&program, "called refuses of north", 2).await;
    assert_eq!(ask("DELETE", &format!("api/dead-letters/{key}"), "").await.status, 200);
    assert_eq!(ask("GET", "api/dead-letters", "").await.json()["deadLetters"], json!([]));
    assert_eq!(ask("DELETE", &format!("api/dead-letters/{key}"), "").await.status, 404);
    for secret in [SECRET, SOUTH_SECRET, NORTH_ADMIN, SOUTH_ADMIN] {
        assert!(!program.output.text().contains(secret) && !rows.to_string().contains(secret));
    }
}

#[tokio::test]
async fn a_dead_letter_is_pulled_from_the_tenant_that_owns_it() {
    let (servers, launch) = tenants().await;
    let deployed = launch().start();
    let address = deployed.address().await;
    assert_eq!(notified("/south/refuses/Patient/1", SOUTH_SECRET).send(address).await.status, 422);
    let letters =
        Request::of_a_stranger("GET", "/south/dead-letters").header("x-subscription-auth", SOUTH_ADMIN);
    let letters = letters.send(address).await.json();
    let key = letters["deadLetters"][0]["key"].as_str().expect("a dead letter").to_owned();
    let pull = |arguments: &[&str]| {
        launch()
            .set("APP_BASE_URL", format!("http://{address}"))
            .arguments(&[&["pull", &key[..16]], arguments].concat())
    };
    let reads = || {
        servers.each_ref().map(|server| {
            server.sandbox.requests().iter().filter(|(_, path)| path.starts_with("Patient/1")).count()
        })
    };

    let before = reads();
    let run = pull(&[]).run().await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("called refuses of south\n"), "{run:?}");
    assert!(run.stdout.contains("refuses: Patient/1 was given up (failed for good)"), "{run:?}");
    // The resource is read at the server of the tenant, and the other server is not asked for it.
    let after = reads();
    assert_eq!((after[0], after[1] > before[1]), (before[0], true), "{before:?} {after:?}");

    let run = pull(&["--tenant", "south", "--json"]).run().await;
    assert_eq!(run.code, Some(1), "{run:?}");
    let told: Value =
        run.stdout.lines().rev().find_map(|line| serde_json::from_str(line).ok()).expect("JSON");
    assert_eq!((&told["tenant"], &told["outcome"]), (&json!("south"), &json!("failed for good")), "{run:?}");
    for (arguments, said) in
        [(&["--tenant", "north"][..], "there is no dead letter"), (&["--tenant", "east"], "east")]
    {
        let run = pull(arguments).run().await;
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(said) && !run.stdout.contains("called"), "{run:?}");
    }
    // A tenant that cannot be asked does not hide the letter of another.
    let run = pull(&[])
        .set("NORTH_FHIR_SUBSCRIPTION_ADMIN_SECRET", "of-somebody-else-altogether-012345")
        .run()
        .await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("tenant north:") && run.stdout.contains("called refuses of south\n"),
        "{run:?}"
    );
    assert!(!run.text().contains(SOUTH_ADMIN), "{run:?}");
}

#[tokio::test]
async fn a_recorded_delivery_is_replayed_in_the_tenant_of_its_path() {
    let (_servers, launch) = tenants().await;
    let directory = Directory::new("replay-tenant");
    for (path, code, status) in [
        ("/south/patients/Patient/1", Some(0), "204"),
        // No tenant has this name, and a request without a tenant has no handler.
        ("/east/patients/Patient/1", Some(1), "404"),
    ] {
        let file = directory.0.join("delivery.json");
        let recorded = json!({
            "method": "PUT", "path": path, "headers": { "content-type": "application/fhir+json" },
            "body": patient::patient(),
        });
        std::fs::write(&file, recorded.to_string()).unwrap();
        let file = file.to_str().expect("it is UTF-8");
        let run = launch().arguments(&["replay", file]).run().await;
        assert_eq!(run.code, code, "{path}: {run:?}");
        assert_eq!(run.row(file)[1], status, "{path}: {run:?}");
        assert_eq!(run.stdout.contains("called patients of south\n"), status == "204", "{path}: {run:?}");
        assert!(!run.stdout.contains("of north") && !run.stdout.contains("of nobody"), "{path}: {run:?}");
    }
}

fn program_port(about: &Value) -> u16 {
    let url = about["url"].as_str().expect("a URL");
    url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// Waits for the calls of a handler: a line may come later than the answer. There must be no more of them.
async fn called(program: &Program, call: &str, count: usize) {
    let calls = |lines: &[String]| lines.iter().filter(|line| *line == call).count();
    program.output.until(call, |lines| calls(lines) >= count).await;
    assert_eq!(calls(&program.output.lines()), count);
}
