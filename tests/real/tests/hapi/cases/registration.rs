//! Registration: what is written, when, and how often.

use std::sync::Mutex;

use fhir_sub::{FhirClient, Subscription};
use futures_util::FutureExt;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Proxy, SECRET, Snapshot, World, subscriptions};

/// The endpoints of the ward.
const ENDPOINTS: [&str; 4] = ["observations", "patients", "slots", "tasks"];

pub(crate) async fn registering_again_writes_nothing(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;

    let planned = deployed.program.run(&["register", "--dry-run"]).await;
    planned.expect(0, &["nothing was written"]);
    ENDPOINTS.iter().for_each(|endpoint| assert_eq!(planned.row(endpoint)[2], "created"));
    assert_eq!(subscriptions(&fhir, &deployed.base_url).await.len(), 0);

    let registered = deployed.register().await;
    // A server that is busy accepts it later than the program waits.
    let is_new = |row: &[&str]| matches!(row, ["created", "active"] | ["pending", "requested"]);
    ENDPOINTS.iter().for_each(|endpoint| assert!(is_new(&registered.row(endpoint)[2..4])));
    let stored = subscriptions(&fhir, &deployed.base_url).await;
    assert_eq!(stored.len(), ENDPOINTS.len());
    check_content(&stored[1], &deployed.base_url);

    let first = Snapshot::take(&fhir, &deployed.base_url).await;
    for arguments in [&["register"][..], &["register"], &["register", "--dry-run"], &["register", "--prune"]]
    {
        let again = deployed.program.run(arguments).await;
        again.expect(0, &[]);
        ENDPOINTS.iter().for_each(|endpoint| assert_eq!(again.row(endpoint)[2..4], ["unchanged", "active"]));
        assert_eq!(Snapshot::take(&fhir, &deployed.base_url).await, first, "{arguments:?}");
    }
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn the_server_is_recognised(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    let auto = deployed.program.with("FHIR_SERVER", "auto");
    auto.run(&["register", "--dry-run"])
        .await
        .expect(0, &["the server was taken for hapi: it says so itself"]);
    let another = auto.with("FHIR_VERSION", "R4B").run(&["register"]).await;
    another
        .expect(1, &["FHIR_VERSION is R4B, and the server says that it is of FHIR R4: set FHIR_VERSION=R4"]);
    assert_eq!(subscriptions(&fhir, &deployed.base_url).await.len(), 0);
    deployed.withdraw(&fhir).await;
}

/// Checks that the server's Subscription of the endpoint `patients` is as the program declares it.
fn check_content(stored: &Subscription, base_url: &str) {
    assert_eq!(stored.text("criteria"), Some("Patient?active=true"));
    assert_eq!(stored.text("reason"), Some("Greet the patients."));
    let channel = json!({
        "type": "rest-hook",
        "endpoint": format!("{base_url}/patients"),
        "payload": "application/fhir+json",
        "header": [format!("X-Subscription-Auth: {SECRET}")],
    });
    // The message of `assert_eq!` would show the secret in the test's log.
    assert!(stored.channel() == channel.as_object(), "the channel is not as registered");
}

pub(crate) async fn what_differs_is_mended_once(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;
    let first = Snapshot::take(&fhir, &deployed.base_url).await;

    let next = deployed.program.with("WARD_REASON", "Greet every patient.");
    let planned = next.run(&["register", "--dry-run"]).await;
    planned.expect(0, &["patients: differed in reason", "nothing was written"]);
    assert_eq!(planned.row("patients")[2], "updated");
    next.run(&["status"]).await.expect(1, &["reason"]);
    assert_eq!(Snapshot::take(&fhir, &deployed.base_url).await, first);

    let updated = next.run(&["register"]).await;
    updated.expect(0, &["patients: differed in reason"]);
    assert_eq!(updated.row("patients")[2..4], ["updated", "active"]);
    let second = Snapshot::take(&fhir, &deployed.base_url).await;
    assert_eq!(second.changed_since(&first), ["patients"]);
    // One version for the update, and one for the activation that follows.
    assert_eq!(second.of("patients").version_id, first.of("patients").version_id + 2);
    next.run(&["register"]).await.expect(0, &["unchanged"]);
    assert_eq!(Snapshot::take(&fhir, &deployed.base_url).await, second);

    // An operator turns one off on the server.
    let id = &second.of("slots").id;
    let mut slots = fhir.read::<Subscription>("Subscription", id).await.unwrap();
    slots.set("status", "off");
    fhir.update("Subscription", id, &slots).await.unwrap();
    let status = next.run(&["status"]).await;
    status.expect(1, &[]);
    assert_eq!(status.row("slots")[2], "off");
    let armed = next.run(&["register"]).await;
    armed.expect(0, &["slots: differed in status (off)"]);
    assert_eq!(armed.row("slots")[2..4], ["updated", "active"]);
    let third = Snapshot::take(&fhir, &deployed.base_url).await;
    assert_eq!(third.changed_since(&second), ["slots"]);
    next.run(&["status"]).await.expect(0, &[]);
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn a_refused_criteria_stops_no_other(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    let mistaken = deployed.program.with("WARD_CRITERIA", "Patient?no-such-parameter=1");

    let registered = mistaken.run(&["register"]).await;
    registered
        .expect(1, &["patients: writing it failed", "patients: the server says: ", "no-such-parameter"]);
    assert_eq!(registered.row("patients")[2], "failed");
    for endpoint in ["observations", "slots", "tasks"] {
        assert_eq!(registered.row(endpoint)[2..4], ["created", "active"]);
    }
    assert_eq!(subscriptions(&fhir, &deployed.base_url).await.len(), 3);
    let status = mistaken.run(&["status"]).await;
    status.expect(1, &[]);
    assert_eq!(status.row("patients")[2], "missing");

    // The mistake is corrected.
    let before = Snapshot::take(&fhir, &deployed.base_url).await;
    let registered = deployed.register().await;
    assert_eq!(registered.row("patients")[2], "created");
    let after = Snapshot::take(&fhir, &deployed.base_url).await;
    assert_eq!(after.changed_since(&before), ["patients"]);
    deployed.withdraw(&fhir).await;
}

/// An operator writes between the read and the write: HAPI answers 409, although the specification says 412.
pub(crate) async fn a_write_in_between_is_planned_anew(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;
    let first = Snapshot::take(&fhir, &deployed.base_url).await;

    let contact = json!([{ "system": "email", "value": "operator@example.org" }]);
    let ambush = write_contact(fhir.clone(), first.of("patients").id.clone(), contact.clone());
    let ambush = Mutex::new(Some(ambush.boxed()));
    let before_the_first_put = move |method: &Method| {
        let ambush = if method == Method::PUT { ambush.lock().unwrap().take() } else { None };
        ambush.unwrap_or_else(|| async {}.boxed())
    };
    let proxy = Proxy::start_with(world.server.port(), Box::new(before_the_first_put)).await;
    let next = deployed.program.with("WARD_REASON", "Greet all.").with("FHIR_BASE_URL", &proxy.base_url());
    let registered = next.run(&["register"]).await;
    registered.expect(0, &["patients: differed in reason"]);
    assert_eq!(registered.row("patients")[2..4], ["updated", "active"]);

    let writes = proxy.passed().into_iter().filter(|passed| passed.method != Method::GET);
    let writes: Vec<_> = writes.map(|passed| (passed.method.to_string(), passed.status)).collect();
    assert_eq!(writes, [("PUT".to_owned(), 409), ("PUT".to_owned(), 200)]);
    let stored = subscriptions(&fhir, &deployed.base_url).await;
    assert_eq!((stored[1].text("reason"), stored[1].get("contact")), (Some("Greet all."), Some(&contact)));
    let second = Snapshot::take(&fhir, &deployed.base_url).await;
    assert_eq!(second.changed_since(&first), ["patients"]);
    deployed.withdraw(&fhir).await;
}

/// What the operator writes.
async fn write_contact(fhir: FhirClient, id: String, contact: Value) {
    let mut subscription = fhir.read::<Subscription>("Subscription", &id).await.unwrap();
    subscription.set("contact", contact);
    fhir.update("Subscription", &id, &subscription).await.unwrap();
}
