//! Searches and conditions by `search!`, as the client sends them.

use fhir_sub::search;
use serde_json::{Value, json};

use super::support::{Script, answer, json};

fn bundle() -> Value {
    json!({ "resourceType": "Bundle", "type": "searchset" })
}

#[tokio::test]
async fn a_checked_search_is_sent_as_one_by_hand_is() {
    let id = "1";
    let script = Script::new((0..3).map(|_| json(&bundle())));
    let fhir = script.client();
    fhir.search::<Value>(search!("Encounter?appointment=Appointment/{id}&_sort=-date")).all().await.unwrap();
    let name = "O'Hara, & Söhne|x";
    fhir.search::<Value>(search!("Patient?name={name}")).all().await.unwrap();
    fhir.search_by_post::<Value>(search!("Patient?name={name}")).all().await.unwrap();
    assert_eq!(
        script.lines(),
        [
            "GET /r4/Encounter?appointment=Appointment/1&_sort=-date",
            "GET /r4/Patient?name=O%27Hara%5C,%20%26%20S%C3%B6hne%5C%7Cx",
            "POST /r4/Patient/_search",
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_one_value_is_not_sent() {
    let script = Script::new([]);
    let fhir = script.client();
    let id = "1/../../Patient/2";
    let query = || search!("Encounter?appointment=Appointment/{id}");
    let encounter = json!({ "resourceType": "Encounter" });
    let errors = [
        fhir.search::<Value>(query()).all().await.unwrap_err(),
        fhir.search_by_post::<Value>(query()).all().await.unwrap_err(),
        fhir.create("Encounter", &encounter).if_none_exist(query()).await.unwrap_err(),
        fhir.update_where("Encounter", query(), &encounter).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("needs a FHIR id, and is not one"), "{error}");
        assert!(!error.to_string().contains(id), "{error}");
    }
    assert_eq!(script.sent(), 0);
}

#[tokio::test]
async fn conditions_may_be_checked_or_by_hand() {
    let created = || answer(201, &[("location", "https://fhir.example.org/r4/Encounter/1")], "");
    let script = Script::new([created(), created(), created(), created()]);
    let fhir = script.client();
    let (encounter, id) = (json!({ "resourceType": "Encounter" }), 7);
    let query = search!("Encounter?appointment=Appointment/{id}");
    fhir.create("Encounter", &encounter).if_none_exist(&query).await.unwrap();
    fhir.create("Encounter", &encounter).if_none_exist(&[("appointment", "Appointment/7")]).await.unwrap();
    fhir.update_where("Encounter", query, &encounter).await.unwrap();
    fhir.update_where("Encounter", &vec![("appointment", "Appointment/7")], &encounter).await.unwrap();
    for request in [0, 1] {
        assert_eq!(script.header(request, "if-none-exist").unwrap(), "appointment=Appointment/7");
    }
    for request in [2, 3] {
        assert_eq!(script.lines()[request], "PUT /r4/Encounter?appointment=Appointment/7");
    }
}
