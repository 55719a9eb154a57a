use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::support::{Reply, Script, answer, json};
use crate::Error;
use crate::deadline::Deadline;
use crate::fhir::Bundle;
use crate::transport::TransportErrorKind::{Broken, NotSent, TooLarge};

fn encounter() -> Reply {
    json(&json!({"resourceType": "Encounter", "id": "1"}))
}

async fn read(script: &std::sync::Arc<Script>) -> Result<Value, Error> {
    script.client().read("Encounter", "1").await
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_until_it_is_answered() {
    let script = Script::new([answer(503, &[], ""), Reply::Fail(Broken), Reply::Fail(NotSent), encounter()]);
    read(&script).await.unwrap();
    assert_eq!(script.sent(), 4);
}

#[tokio::test(start_paused = true)]
async fn after_four_attempts_it_gives_up() {
    let script = Script::new((0..4).map(|_| answer(502, &[], "")));
    let error = read(&script).await.unwrap_err();
    assert_eq!((error.status(), error.attempts(), error.is_transient()), (Some(502), 4, true));
    assert!(script.is_used_up());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_ends_after_ten_seconds() {
    let script = Script::new([Reply::Never, encounter()]);
    let start = Instant::now();
    read(&script).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(10) && start.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_attempt_and_the_call() {
    let script = Script::new([Reply::Never]);
    let fhir = script.client().with_deadline(Deadline::after(Duration::from_secs(3)));
    let start = Instant::now();
    let error = fhir.read::<Value>("Encounter", "1").await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert!(error.is_timeout() && error.is_transient() && error.status().is_none());
    // If no time is left, the client sends nothing.
    assert!(fhir.read::<Value>("Encounter", "1").await.unwrap_err().is_timeout());
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_but_not_beyond_the_deadline() {
    let later = || answer(429, &[("retry-after", "5")], "");
    let script = Script::new([later(), encounter()]);
    let start = Instant::now();
    read(&script).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(5) && start.elapsed() < Duration::from_secs(6));

    let script = Script::new([later()]);
    let fhir = script.client().with_deadline(Deadline::after(Duration::from_secs(4)));
    let start = Instant::now();
    let error = fhir.read::<Value>("Encounter", "1").await.unwrap_err();
    assert_eq!((error.status(), error.retry_after()), (Some(429), Some(Duration::from_secs(5))));
    assert_eq!(start.elapsed(), Duration::ZERO, "there is no use in waiting");
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_is_waited_for_even_by_a_create() {
    let later = || answer(429, &[("RateLimit", "\"fhirInteractions\";r=0;t=36")], "");
    let script = Script::new([later(), answer(201, &[], "")]);
    let start = Instant::now();
    script.client().create("Encounter", &json!({})).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(36) && start.elapsed() < Duration::from_secs(37));

    let script = Script::new([later()]);
    let fhir = script.client().with_deadline(Deadline::after(Duration::from_secs(25)));
    let start = Instant::now();
    let error = fhir.create("Encounter", &json!({})).await.unwrap_err();
    assert_eq!((error.status(), error.retry_after()), (Some(429), Some(Duration::from_secs(36))));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_no_promise_that_a_503_did_nothing() {
    let script = Script::new([answer(503, &[("RateLimit", "\"a\";r=0;t=1")], "")]);
    let error = script.client().create("Encounter", &json!({})).await.unwrap_err();
    assert_eq!((error.status(), error.attempts(), error.retry_after()), (Some(503), 1, None));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_date_is_understood() {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(8));
    let script = Script::new([answer(503, &[("retry-after", &date)], ""), encounter()]);
    let start = Instant::now();
    read(&script).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(2) && start.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_only_where_it_was_not_done() {
    let create = async |replies: Vec<Reply>, condition: bool| {
        let script = Script::new(replies);
        let create = script.client().create("Encounter", &json!({}));
        let create = if condition { create.if_none_exist(&[("identifier", "1")]) } else { create };
        (create.await.map(|_| ()).map_err(|error| error.attempts()), script.sent())
    };
    let done = || answer(201, &[], "");
    let turned_away =
        || vec![Reply::Fail(NotSent), answer(429, &[], ""), answer(503, &[("retry-after", "1")], ""), done()];
    assert_eq!(create(turned_away(), false).await, (Ok(()), 4));
    for unclear in [
        || Reply::Fail(Broken),
        || Reply::Never,
        || answer(502, &[], ""),
        || answer(503, &[], ""),
        || answer(504, &[], ""),
    ] {
        assert_eq!(create(vec![unclear()], false).await, (Err(1), 1));
        assert_eq!(create(vec![unclear(), done()], true).await, (Ok(()), 2));
    }
    assert_eq!(create(vec![Reply::Fail(TooLarge)], true).await, (Err(1), 1));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_repeated_where_each_of_its_entries_may_be() {
    let sent = async |bundle: Value| {
        let reply = json(&json!({"resourceType": "Bundle", "type": "transaction-response"}));
        let script = Script::new([Reply::Fail(Broken), reply]);
        let _ = script.client().transaction(&bundle).await;
        script.sent()
    };
    let built =
        |builder: crate::fhir::TransactionBuilder| serde_json::to_value(builder.build().unwrap()).unwrap();
    let start = || {
        Bundle::transaction().update("Patient", "1", &json!({})).delete("Patient", "2").read("Patient", "3")
    };
    assert_eq!(sent(built(start())).await, 2);
    assert_eq!(sent(built(start().create("Patient", &json!({})).if_none_exist(&[("a", "b")]))).await, 2);
    assert_eq!(sent(built(start().create("Patient", &json!({})))).await, 1);
    assert_eq!(sent(json!({"entry": [{"request": {"method": "PATCH", "url": "Patient/1"}}]})).await, 1);
    assert_eq!(sent(json!({"entry": [{"resource": {}}]})).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_repeated_by_its_method_or_its_callers_word() {
    let sent = async |repeatable: bool, get: bool| {
        let script = Script::new([Reply::Fail(Broken), json(&json!({}))]);
        let operation = script.client().operation("x");
        let operation = if repeatable { operation.repeatable() } else { operation };
        let _ = if get { operation.get::<Value>(&[]).await } else { operation.post(&json!({})).await };
        script.sent()
    };
    assert_eq!(sent(false, true).await, 2);
    assert_eq!(sent(false, false).await, 1);
    assert_eq!(sent(true, false).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_answer_was_lost_may_meet_itself() {
    let script = Script::new([Reply::Fail(Broken), answer(412, &[], "")]);
    let error = script.client().update("Encounter", "1", &json!({})).if_match("1").await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(error.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_delete_that_finds_nothing_is_done() {
    let fhir = |replies: Vec<Reply>| Script::new(replies).client();
    for status in [404, 410] {
        let lost = vec![Reply::Fail(Broken), answer(status, &[], "")];
        fhir(lost).delete("Encounter", "1").await.unwrap();
        assert!(fhir(vec![answer(status, &[], "")]).delete("Encounter", "1").await.is_err());
    }
}
