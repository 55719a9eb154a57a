//! A caller without the right secret is a stranger, however similar its secret is.

use crate::support::door::Door;
use crate::support::event::Sender;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{APP, HEADER, Launch, SECRET};
use crate::support::patient;
use crate::support::wire::Request;

const PREVIOUS: &str = "the-secret-before-the-rotation-45678";
const ADMIN: &str = "the-secret-of-the-administrator-9012";

fn notification() -> Request {
    Request::of_a_stranger("POST", "/succeeds").json(patient::text())
}

fn showing(secret: impl AsRef<[u8]>) -> Request {
    notification().header(HEADER, secret)
}

/// Texts that are similar to the secret.
fn similar() -> Vec<Vec<u8>> {
    let texts = [
        String::new(),
        " ".into(),
        "wrong".into(),
        SECRET[1..].into(),
        SECRET[..SECRET.len() - 1].into(),
        SECRET[..16].into(),
        format!("{SECRET}x"),
        format!("x{SECRET}"),
        SECRET.to_ascii_uppercase(),
        SECRET.replacen('t', "T", 1),
        format!("{SECRET}{SECRET}"),
        format!("{SECRET},{SECRET}"),
        format!("{SECRET}, {SECRET}"),
        format!("{SECRET},"),
        format!(",{SECRET}"),
        format!("{SECRET};"),
        format!("\"{SECRET}\""),
        format!("Bearer {SECRET}"),
        format!("{HEADER}: {SECRET}"),
        format!("{SECRET} x"),
        SECRET.replace('-', "_"),
        SECRET.replace('-', "%2D"),
        "*".repeat(SECRET.len()),
        "null".into(),
        "undefined".into(),
        PREVIOUS.into(),
        ADMIN.into(),
    ];
    let not_text = [SECRET.as_bytes(), b"\xff"].concat();
    texts.into_iter().map(String::into_bytes).chain([not_text]).collect()
}

/// The secret in wrong places.
fn misplaced() -> Vec<Request> {
    vec![
        notification(),
        notification().header("Authorization", format!("Bearer {SECRET}")),
        notification().header("Authorization", SECRET),
        notification().header("X-Subscription-Auth-", SECRET),
        notification().header("X_Subscription_Auth", SECRET),
        notification().header("Cookie", format!("{HEADER}={SECRET}")),
        Request { query: format!("{HEADER}={SECRET}"), ..notification() },
        Request { path: format!("/{SECRET}/succeeds"), ..notification() },
        notification().body(SECRET),
    ]
}

#[tokio::test]
async fn what_is_not_the_secret_lets_nobody_in_by_any_way() {
    for door in Door::all(|| Launch::new(APP)).await {
        for request in similar().into_iter().map(showing).chain(misplaced()) {
            let answer = door.send(&request).await;
            assert_eq!(answer.status, 401, "{}: {request:?}", door.name());
            assert!(!answer.text().contains(SECRET));
        }
        // Finally the secret itself: only its holder ran anything.
        assert_eq!(door.send(&showing(SECRET)).await.status, 204, "{}", door.name());
        door.program.output.line("the call", |line| line == "called succeeds").await;
        assert_eq!(door.program.output.calls(), ["succeeds"], "{}", door.name());
    }
}

#[tokio::test]
async fn a_header_that_is_there_twice_is_nobodys() {
    for door in Door::all(|| Launch::new(APP)).await {
        for (first, second) in [(SECRET, SECRET), (SECRET, "wrong"), ("wrong", SECRET), ("", SECRET)] {
            // A load balancer without multi-value headers passes on only the last one, so earlier ones are
            // unknown.
            if door.sender() == Some(Sender::LoadBalancer) && second == SECRET {
                continue;
            }
            let answer = door.send(&showing(first).header(HEADER, second)).await;
            assert_eq!(answer.status, 401, "{}: {first:?} and {second:?}", door.name());
            let answer = door.send(&showing(first).header("X-Subscription-AUTH", second)).await;
            assert_eq!(answer.status, 401, "{}: {first:?} and {second:?} in another case", door.name());
        }
    }
}

#[tokio::test]
async fn spaces_around_the_secret_are_part_of_it_in_an_event() {
    // On the port, HTTP removes the spaces before we see them.
    for sender in Sender::ALL {
        let door = Door::lambda(sender, Launch::new(APP)).await;
        for secret in
            [format!("{SECRET} "), format!(" {SECRET}"), format!("{SECRET}\t"), format!("{SECRET}\n")]
        {
            assert_eq!(door.send(&showing(&secret)).await.status, 401, "{sender:?}: {secret:?}");
        }
    }
}

#[tokio::test]
async fn the_previous_secret_notifies_and_does_not_register() {
    for door in Door::all(|| Launch::new(APP).set("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", PREVIOUS)).await {
        assert_eq!(door.send(&showing(PREVIOUS)).await.status, 204, "{}", door.name());
        assert_eq!(door.send(&showing(SECRET)).await.status, 204, "{}", door.name());
        let register = Request::of_a_stranger("POST", "/register?dry-run=true").header(HEADER, PREVIOUS);
        assert_eq!(door.send(&register).await.status, 401, "{}", door.name());
    }
}

#[tokio::test]
async fn with_an_admin_secret_each_secret_opens_its_own_routes() {
    let fhir = FhirServer::start().await;
    let launch =
        || Launch::new(APP).set("FHIR_BASE_URL", &fhir.url).set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN);
    for door in Door::all(launch).await {
        let name = door.name();
        assert_eq!(door.send(&showing(ADMIN)).await.status, 401, "{name}: the administrator notifies");
        let deletion = Request::of_a_stranger("DELETE", "/takes-deletions/Patient/1").header(HEADER, ADMIN);
        assert_eq!(door.send(&deletion).await.status, 401, "{name}: the administrator notifies");
        assert_eq!(door.send(&showing(SECRET)).await.status, 204, "{name}");
        for method in ["POST", "GET"] {
            let register = Request::of_a_stranger(method, "/register").header(HEADER, SECRET);
            assert_eq!(door.send(&register).await.status, 401, "{name}: the server registers");
        }
        let register = Request::of_a_stranger("POST", "/register?dry-run=true").header(HEADER, ADMIN);
        assert_eq!(door.send(&register).await.status, 200, "{name}");
    }
    assert_eq!(fhir.writes(), 0);
}

#[tokio::test]
async fn another_header_may_carry_the_secret_and_then_it_alone_does() {
    for door in Door::all(|| Launch::new(APP).set("FHIR_SUBSCRIPTION_HEADER", "X-Ward-Key")).await {
        assert_eq!(door.send(&showing(SECRET)).await.status, 401, "{}", door.name());
        assert_eq!(
            door.send(&notification().header("x-ward-key", SECRET)).await.status,
            204,
            "{}",
            door.name()
        );
        assert_eq!(
            door.send(&notification().header("X-WARD-KEY", SECRET)).await.status,
            204,
            "{}",
            door.name()
        );
    }
}
