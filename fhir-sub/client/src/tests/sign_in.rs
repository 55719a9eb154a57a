use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::SecretString;
use serde_json::{Value, json};

use super::support::{Reply, Script, Server, answer, json, response};
use crate::deadline::Deadline;
use crate::transport::TransportErrorKind::Broken;
use crate::{
    AccessToken, Authorization, ClientConfig, ClientCredentials, FhirClient, TokenFuture, TokenProvider,
    TokenRequest,
};

fn secret(text: &str) -> SecretString {
    text.into()
}

fn encounter() -> Reply {
    json(&json!({"resourceType": "Encounter", "id": "1"}))
}

fn token(number: u32) -> Reply {
    json(&json!({"access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": 3600}))
}

fn credentials() -> Authorization {
    let url = "https://sign-in.example.org/token?tenant=1".parse().unwrap();
    let credentials = ClientCredentials::new(url, "my client", secret("s:%&crét"));
    Authorization::ClientCredentials(
        credentials.scope("system/*.rs openid").audience("https://fhir.example.org"),
    )
}

async fn read(fhir: &FhirClient) -> Result<Value, crate::Error> {
    fhir.read("Encounter", "1").await
}

#[tokio::test]
async fn fixed_credentials_are_sent_and_a_401_is_final() {
    let check = async |authorization, header: &str| {
        let script = Script::new([answer(401, &[], "")]);
        let error = read(&script.client_with(authorization)).await.unwrap_err();
        assert_eq!(error.status(), Some(401));
        assert_eq!(script.header(0, "authorization").unwrap(), header);
    };
    check(Authorization::Bearer(secret("abc.def")), "Bearer abc.def").await;
    // RFC 7617 §2.
    let basic = Authorization::Basic { user: "Aladdin".to_owned(), password: secret("open sesame") };
    check(basic, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").await;
}

#[tokio::test]
async fn credentials_that_no_header_carries_are_refused_at_once() {
    let refused = |authorization| {
        let config =
            ClientConfig::new("https://fhir.example.org".parse().unwrap()).authorization(authorization);
        FhirClient::new(config).unwrap_err()
    };
    for error in [
        refused(Authorization::Bearer(secret("canary canary"))),
        refused(Authorization::Bearer(secret("canary\r\nx: y"))),
        refused(Authorization::Bearer(secret(""))),
        refused(Authorization::Basic { user: "canary:x".to_owned(), password: secret("canary") }),
        refused(Authorization::ClientCredentials(ClientCredentials::new(
            "https://canary:canary@a/token".parse().unwrap(),
            "x",
            secret("canary"),
        ))),
    ] {
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn client_credentials_are_exchanged_for_a_token_that_is_kept() {
    let script = Script::new([token(1), encounter(), encounter()]);
    let fhir = script.client_with(credentials());
    read(&fhir).await.unwrap();
    read(&fhir).await.unwrap();
    assert_eq!(script.lines(), ["POST /token?tenant=1", "GET /r4/Encounter/1", "GET /r4/Encounter/1"]);
    assert_eq!(
        script.body(0),
        "grant_type=client_credentials&scope=system%2F*.rs+openid&audience=https%3A%2F%2Ffhir.example.org"
    );
    // "my+client:s%3A%25%26cr%C3%A9t"
    assert_eq!(script.header(0, "authorization").unwrap(), "Basic bXkrY2xpZW50OnMlM0ElMjUlMjZjciVDMyVBOXQ=");
    assert_eq!(script.header(0, "content-type").unwrap(), "application/x-www-form-urlencoded");
    assert_eq!(script.header(0, "accept").unwrap(), "application/json");
    assert_eq!(script.header(2, "authorization").unwrap(), "Bearer token-1");
}

#[tokio::test]
async fn after_a_401_the_token_is_renewed_and_the_request_repeated_once() {
    let script = Script::new([token(1), answer(401, &[], ""), token(2), answer(201, &[], "")]);
    let fhir = script.client_with(credentials());
    fhir.create("Encounter", &json!({})).await.unwrap();
    assert_eq!(script.header(3, "authorization").unwrap(), "Bearer token-2");

    let script = Script::new([token(1), answer(401, &[], ""), token(2), answer(401, &[], "")]);
    let error = read(&script.client_with(credentials())).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert!(script.is_used_up());
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_is_asked_again_where_it_is_busy() {
    let script = Script::new([answer(503, &[], ""), Reply::Fail(Broken), token(1), encounter()]);
    read(&script.client_with(credentials())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_token_endpoint_refuses_is_told_by_its_code_alone() {
    let check = async |reply: Reply, text: &str, transient: bool| {
        let script = Script::new([reply]);
        let error = read(&script.client_with(credentials())).await.unwrap_err();
        assert_eq!(error.to_string(), format!("GET Encounter/…: signing in failed: {text}"));
        assert_eq!((error.is_transient(), error.status(), error.is_not_found()), (transient, None, false));
    };
    let refusal = json!({"error": "invalid_client", "error_description": "canary"});
    check(answer(401, &[], refusal.to_string()), "the token endpoint answered 401 (invalid_client)", false)
        .await;
    check(answer(400, &[], json!({"error": "canary"}).to_string()), "the token endpoint answered 400", false)
        .await;
    check(answer(302, &[("location", "https://evil.example")], ""), "the token endpoint answered 302", false)
        .await;
    check(answer(404, &[], ""), "the token endpoint answered 404", false).await;
    check(answer(500, &[], ""), "the token endpoint answered 500", true).await;
    let no_token = "the token endpoint's answer carries no bearer token";
    check(answer(200, &[], "<html>canary"), no_token, false).await;
    check(json(&json!({"access_token": "canary", "token_type": "mac"})), no_token, false).await;
    let unfit = "the access token cannot stand in a header";
    check(json(&json!({"access_token": "canary canary", "token_type": "bearer"})), unfit, false).await;
}

#[tokio::test]
async fn the_life_of_a_token_is_read_in_any_form() {
    // A token with a life of 0 ends at once, so a second read fetches another. Any other token lasts longer
    // than this test.
    let asked = async |expires_in: Option<Value>| {
        let mut body = json!({"access_token": "t", "token_type": "bearer"});
        if let Some(expires_in) = expires_in {
            body["expires_in"] = expires_in;
        }
        let script = Script::new([json(&body), encounter(), json(&body), encounter()]);
        let fhir = script.client_with(credentials());
        read(&fhir).await.unwrap();
        let _ = read(&fhir).await;
        script.lines().iter().filter(|line| line.starts_with("POST")).count()
    };
    assert_eq!(asked(Some(json!(0))).await, 2);
    assert_eq!(asked(Some(json!("0"))).await, 2);
    assert_eq!(asked(Some(json!(-5))).await, 2);
}

#[tokio::test]
async fn an_odd_life_of_a_token_counts_as_unknown() {
    for expires_in in [json!(null), json!("soon"), json!({}), json!(3599.5), json!("3600"), json!(1e300)] {
        let body = json!({"access_token": "t", "expires_in": expires_in});
        let script = Script::new([json(&body), encounter(), encounter()]);
        let fhir = script.client_with(credentials());
        read(&fhir).await.unwrap();
        read(&fhir).await.unwrap();
    }
}

struct Slow;

impl TokenProvider for Slow {
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a> {
        assert!(request.deadline().is_some());
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_takes_too_long_ends_at_the_deadline() {
    let script = Script::new([]);
    let fhir = script.client_with(Authorization::Provider(Arc::new(Slow)));
    let error = read(&fhir.with_deadline(Deadline::after(Duration::from_secs(2)))).await.unwrap_err();
    assert!(error.is_timeout() && error.is_transient());
    assert_eq!(error.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_does_not_answer_is_left_at_the_deadline() {
    let script = Script::new([Reply::Never, token(1), encounter()]);
    let fhir = script.client_with(credentials());
    let error = read(&fhir.with_deadline(Deadline::after(Duration::from_secs(2)))).await.unwrap_err();
    assert!(error.is_timeout());
    read(&fhir).await.unwrap();
}

struct Counter(AtomicUsize);

impl TokenProvider for Counter {
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        assert_eq!(request.refused().is_some(), number > 1);
        Box::pin(async move { Ok(AccessToken::new(format!("token-{number}"))) })
    }
}

#[tokio::test]
async fn fifty_callers_sign_in_once_and_after_a_revocation_once_more() {
    let server = Server::start(|request| async move {
        match request.headers()["authorization"].to_str().unwrap() {
            "Bearer token-2" => response(200, &[], r#"{"resourceType":"Encounter"}"#),
            _ => response(401, &[], ""),
        }
    })
    .await;
    let provider = Arc::new(Counter(AtomicUsize::new(0)));
    let config = server.config().authorization(Authorization::Provider(provider.clone()));
    let fhir = FhirClient::new(config).unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let fhir = fhir.clone();
                async move { read(&fhir).await.map(drop) }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(provider.0.load(Ordering::SeqCst), 2);
}
