//! The whole program against the sandbox: no port is opened.

use fhir_sub::testing::{TestApp, TestRequest};
use serde_json::json;

#[tokio::test]
async fn a_finished_encounter_gets_one_task() {
    let test = TestApp::new();
    test.register().await;

    let encounter = json!({
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
        "subject": { "reference": "Patient/7" },
    });
    let mut encounter = test.sandbox().create(&encounter).await.unwrap();
    test.sandbox().idle().await;
    assert!(test.sandbox().all("Task").is_empty());

    encounter["status"] = json!("finished");
    let encounter = test.sandbox().update(&encounter).await.unwrap();
    test.sandbox().idle().await;
    let tasks = test.sandbox().all("Task");
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["for"]["reference"], "Patient/7");

    // The server may send the same change again.
    let answer = test
        .send(TestRequest::hapi_update("finished-encounters", &encounter))
        .await;
    assert_eq!((answer.status(), answer.outcome()), (204, "handled before"));
    assert_eq!(test.sandbox().all("Task").len(), 1);
}
