//! The tests of docs/test.md and docs/desk.md that need a handler of arrivals.

use fhir_sub::prelude::*;

#[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
async fn arrived_appointments(_: Event, fhir: FhirClient) -> Result<()> {
    let encounter = serde_json::json!({
        "resourceType": "Encounter",
        "status": "arrived",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
    });
    fhir.create("Encounter", &encounter).await?;
    Ok(())
}

mod against_the_sandbox {
    use fhir_sub::testing::TestApp;
    use serde_json::json;

    #[tokio::test]
    async fn an_arrival_begins_one_encounter() {
        let test = TestApp::new(); // every handler of the program, and a sandbox of its own
        test.register().await;

        test.sandbox().create(&json!({ "resourceType": "Appointment", "status": "arrived" })).await.unwrap();
        test.sandbox().idle().await; // until every notification is answered

        assert_eq!(test.sandbox().all("Encounter").len(), 1);
    }
}

mod recorded {
    use fhir_sub::testing::{TestApp, TestRequest};

    #[tokio::test]
    async fn the_appointment_of_last_tuesday_is_handled() {
        let delivery = include_str!("deliveries/0001-arrived-appointments-handled.json");
        let answer = TestApp::new().send(TestRequest::recorded(delivery)).await;
        assert_eq!((answer.status(), answer.outcome()), (204, "handled"));
    }
}
