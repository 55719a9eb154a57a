//! The lines of docs/test.md that need a state, a placeholder and a topic.

use fhir_sub::prelude::*;
use fhir_sub::sandbox::Behaviour;
use fhir_sub::testing::{Content, FhirVersion, TestApp, TestEvent, TestNotification, TestRequest};
use serde_json::json;

struct Beds {
    free: u32,
}

#[fhir_subscription(
    criteria = "Encounter?status=planned&service-provider=Organization/{ORGANIZATION_ID}",
    endpoint = "planned-encounters"
)]
async fn planned_encounters(_: Event, beds: State<Beds>) -> Result<()> {
    if beds.free == 0 { Err(Error::transient("no bed is free")) } else { Ok(()) }
}

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?class=IMP",
    endpoint = "admissions",
    on = [create, update, delete]
)]
async fn admissions(_: Event) {}

#[tokio::test]
async fn a_notification_with_a_deletion_is_handled() {
    let encounter = json!({ "resourceType": "Encounter", "id": "1", "status": "in-progress" });

    let test =
        TestApp::with(Behaviour::Hapi, |app| app.state(Beds { free: 24 }).set("ORGANIZATION_ID", "17"));

    let two = [TestEvent::update(&encounter).number(7), TestEvent::delete("Encounter/2").number(8)];
    let two = TestNotification::events(two).version(FhirVersion::R5).content(Content::IdOnly);
    let answer = test.send(TestRequest::notification("admissions", &two)).await;
    assert_eq!((answer.status(), answer.handler()), (204, Some("admissions")));

    let answer = test.send(TestRequest::hapi_update("planned-encounters", &encounter)).await;
    assert_eq!((answer.status(), answer.outcome()), (204, "handled"));
}
