//! Faults, latency and logs.

use std::time::Duration;

use super::*;
use crate::Fault;

#[tokio::test]
async fn a_fault_meets_what_it_is_for() {
    let sandbox = sandbox();
    sandbox
        .fail_next(Fault::status(StatusCode::SERVICE_UNAVAILABLE).on(Method::GET, "/Subscription").times(2));
    assert_eq!(get(&sandbox, "/Appointment").await.status, 200);
    assert_eq!(get(&sandbox, "/fhir/Subscription?status=active").await.status, 503);
    assert_eq!(get(&sandbox, "/SubscriptionStatus").await.status, 404);
    assert_eq!(post(&sandbox, "/Subscription", json!({})).await.status, 422);
    assert_eq!(get(&sandbox, "/Subscription/1").await.status, 503);
    assert_eq!(get(&sandbox, "/Subscription").await.status, 200);
}

#[tokio::test]
async fn a_fault_comes_before_or_after_the_work() {
    let sandbox = sandbox();
    sandbox.fail_next(Fault::status(StatusCode::BAD_GATEWAY).retry_after(Duration::from_secs(7)));
    let reply = post(&sandbox, "/Appointment", appointment("booked")).await;
    assert_eq!((reply.status, reply.header("retry-after"), sandbox.all("Appointment").len()), (502, "7", 0));
    sandbox.fail_next(Fault::broken().after_work());
    let reply = post(&sandbox, "/Appointment", appointment("booked")).await;
    assert_eq!((reply.status, &reply.body, sandbox.all("Appointment").len()), (200, &Value::Null, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fault_may_be_silence() {
    let sandbox = sandbox();
    sandbox.fail_next(Fault::hanging());
    let answer = tokio::time::timeout(Duration::from_secs(3600), get(&sandbox, "/Appointment")).await;
    assert!(answer.is_err());
}

#[tokio::test]
async fn requests_are_logged_without_queries() {
    let sandbox = sandbox();
    get(&sandbox, "/fhir/Patient?family=Secret").await;
    post(&sandbox, "/Appointment", appointment("booked")).await;
    let log: Vec<_> =
        sandbox.requests().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(log, ["GET Patient", "POST Appointment"]);
}

#[test]
fn a_handle_is_cheap_to_share() {
    fn check<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    check::<Sandbox>();
    check::<Builder>();
}
