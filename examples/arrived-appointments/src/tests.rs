//! The handler alone, and the whole program with the sandbox.

use fhir_sub::testing::{TestApp, TestRequest};
use serde_json::json;

#[tokio::test]
async fn an_arrival_begins_one_encounter() {
    let test = TestApp::new();
    test.register().await;

    let appointment = json!({
        "resourceType": "Appointment",
        "status": "booked",
        "participant": [{ "actor": { "reference": "Patient/7" }, "status": "accepted" }],
    });
    let mut appointment = test.sandbox().create(&appointment).await.unwrap();
    test.sandbox().idle().await;
    assert!(test.sandbox().all("Encounter").is_empty());

    appointment["status"] = json!("arrived");
    let appointment = test.sandbox().update(&appointment).await.unwrap();
    test.sandbox().idle().await;
    let encounters = test.sandbox().all("Encounter");
    assert_eq!(encounters.len(), 1);
    assert_eq!(encounters[0]["subject"]["reference"], "Patient/7");

    // The server may send it again: it was handled.
    let answer = test.send(TestRequest::hapi_update("arrived-appointments", &appointment)).await;
    assert_eq!((answer.status(), answer.handler(), answer.outcome()), (204, None, "handled before"));
    assert_eq!(test.sandbox().all("Encounter").len(), 1);
}
