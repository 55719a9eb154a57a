//! No error's text and no `Debug` shows anything secret or personal.

use std::error::Error as _;

use serde_json::{Value, json};

use super::support::{Reply, Script, answer, json};
use crate::transport::TransportErrorKind;
use crate::{AccessToken, Authorization, ClientConfig, ClientCredentials, Error, FhirClient, Patch};

const CANARY: &str = "canary";
const TOKEN_URL: &str = "https://sign-in.example.org/token?x=canary";

fn assert_clean(text: &str) {
    assert!(!text.to_lowercase().contains(CANARY), "{text}");
}

fn assert_error_clean(error: &Error) {
    assert_clean(&format!("{error} {error:?} {error:#?}"));
    let mut source = error.source();
    while let Some(error) = source {
        assert_clean(&format!("{error} {error:?}"));
        source = error.source();
    }
}

fn outcome() -> String {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "invalid", "diagnostics": CANARY, "details": {"text": CANARY}},
            {"severity": CANARY, "code": CANARY, "expression": [CANARY]},
            {"severity": "error", "code": "business-rule"},
        ],
    })
    .to_string()
}

#[tokio::test]
async fn an_error_tells_the_status_and_the_known_codes() {
    let script = Script::new([answer(422, &[("x", CANARY)], outcome())]);
    let error = script.client().update("Encounter", CANARY, &json!({"x": CANARY})).await.unwrap_err();
    assert_eq!(error.to_string(), "PUT Encounter/… answered 422 (invalid, business-rule)");
    assert_error_clean(&error);
    let outcome = error.operation_outcome().unwrap();
    assert_eq!(outcome.issue[0].diagnostics.as_deref(), Some(CANARY));
}

#[tokio::test(start_paused = true)]
async fn no_call_lets_anything_out() {
    let replies: [fn() -> Reply; 8] = [
        || answer(400, &[("location", CANARY)], outcome()),
        || answer(307, &[("location", "https://canary.example/?canary")], CANARY),
        || answer(200, &[], CANARY),
        || json(&json!({"resourceType": CANARY, CANARY: CANARY})),
        || answer(200, &[], r#"{"resourceType": "Encounter", "id": {"canary": 1}}"#),
        || {
            answer(
                200,
                &[],
                r#"{"resourceType": "Bundle", "entry": [{"resource": "canary"}], "link": "canary"}"#,
            )
        },
        || Reply::Fail(TransportErrorKind::TooLarge),
        || answer(401, &[("www-authenticate", CANARY)], CANARY),
    ];
    #[derive(Debug, serde::Deserialize)]
    struct Strict {
        #[allow(dead_code)]
        id: u8,
    }
    for reply in replies {
        let script = Script::new((0..8).map(|_| reply()));
        let fhir = script.client_with(Authorization::Bearer(CANARY.into()));
        let body = json!({CANARY: CANARY});
        let query = [(CANARY, CANARY)];
        let errors = [
            fhir.read::<Strict>("Encounter", CANARY).await.err(),
            fhir.vread::<Strict>("Encounter", CANARY, CANARY).await.err(),
            fhir.search_type::<Strict>("Encounter", &query).all().await.err(),
            fhir.create("Encounter", &body).if_none_exist(&query).returning::<Strict>().await.err(),
            fhir.update_where("Encounter", &query, &body).returning::<Strict>().await.err(),
            fhir.transaction(&body).await.err(),
            fhir.operation("$validate").on_instance("Encounter", CANARY).post::<Strict>(&body).await.err(),
            fhir.history::<Strict>("Encounter", CANARY).all().await.err(),
        ];
        for error in errors.into_iter().flatten() {
            assert_error_clean(&error);
        }
    }
}

#[tokio::test]
async fn what_is_refused_before_it_is_sent_is_not_quoted() {
    let fhir = Script::new([]).client();
    let unwritable = std::collections::BTreeMap::from([((CANARY, 1), CANARY)]);
    for error in [
        fhir.read::<Value>("Encounter", "canary?").await.unwrap_err(),
        fhir.read::<Value>("canary/", "1").await.unwrap_err(),
        fhir.read_reference::<Value>("https://canary.example/Encounter/canary").await.unwrap_err(),
        fhir.operation("$canary!").get::<Value>(&[]).await.unwrap_err(),
        fhir.create("Encounter", &unwritable).await.unwrap_err(),
    ] {
        assert_error_clean(&error);
    }
}

#[test]
fn settings_and_clients_show_no_secret() {
    let credentials = ClientCredentials::new(TOKEN_URL.parse().unwrap(), CANARY, CANARY.into());
    for authorization in [
        Authorization::Bearer(CANARY.into()),
        Authorization::Basic { user: "reader".to_owned(), password: CANARY.into() },
        Authorization::ClientCredentials(credentials),
    ] {
        let config = ClientConfig::new("https://fhir.example.org/r4".parse().unwrap())
            .proxy("http://canary:canary@proxy.example:3128".parse().unwrap())
            .authorization(authorization);
        assert_clean(&format!("{config:?} {config:#?}"));
        let fhir = FhirClient::new(config).unwrap();
        assert_clean(&format!("{fhir:?}"));
        assert_clean(&format!("{:?}", fhir.create("Patient", &CANARY)));
        assert_clean(&format!("{:?}", fhir.search_type::<Value>("Patient", &[(CANARY, CANARY)])));
        assert_clean(&format!("{:?}", fhir.history::<Value>("Patient", CANARY)));
    }
    assert_clean(&format!("{:?}", AccessToken::new(CANARY)));
    assert_clean(&format!("{:?}", Patch::json(CANARY).unwrap()));
    let config = ClientConfig::new("https://canary:canary@fhir.example.org/?canary".parse().unwrap());
    assert_clean(&format!("{config:?}"));
    assert_error_clean(&FhirClient::new(config).unwrap_err());
}

#[test]
fn unfit_urls_are_refused() {
    let refused = |base: &str| FhirClient::new(ClientConfig::new(base.parse().unwrap())).is_err();
    for base in
        ["ftp://a", "https://u@a", "https://u:p@a", "https://a?x", "https://a#x", "file:///a", "data:x"]
    {
        assert!(refused(base), "{base}");
    }
    let config = || ClientConfig::new("https://a".parse().unwrap());
    assert!(FhirClient::new(config().proxy("socks5://a".parse().unwrap())).is_err());
    assert!(FhirClient::new(config().attempt_timeout(std::time::Duration::ZERO)).is_err());
}

#[tokio::test]
async fn the_reasons_of_a_refusal_are_elements_and_no_values() {
    let outcome = json!({
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "invalid", "expression": ["Patient.name.where(family='Canary')"]},
            {"severity": "error", "code": "required", "diagnostics": CANARY, "expression": ["Encounter.class"]},
        ],
    });
    let script = Script::new([answer(422, &[], outcome.to_string())]);
    let error = script.client().create("Encounter", &json!({"x": CANARY})).await.unwrap_err();
    assert_eq!(error.to_string(), "POST Encounter answered 422 (invalid, required at Encounter.class)");
    assert_error_clean(&error);
}

#[tokio::test]
async fn the_failed_entries_of_a_transaction_are_told_without_ids() {
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "PUT", "url": "Patient/canary?canary=canary"}, "resource": {CANARY: CANARY}}]});
    let reply = json!({"resourceType": "Bundle", "type": "batch-response", "entry": [
    {"response": {"status": "422 Canary", "location": "Patient/canary", "outcome": {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "value", "diagnostics": CANARY, "expression": ["Patient.name"]}],
    }}}]});
    let error = Script::new([json(&reply)]).client().transaction(&bundle).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST transaction: 1 of its entries failed, although the answer is 200: \
         entry[0] PUT Patient/… answered 422 (value at Patient.name)"
    );
    assert_error_clean(&error);
    assert_clean(&format!("{:?}", error.failed_entries()));
    assert_eq!(error.failed_entries()[0].path(), "Patient/canary");
}
