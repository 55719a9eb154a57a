//! An instance with several events at the same time, as Lambda Managed Instances have, handles them at the
//! same time.

use crate::support::door::Door;
use crate::support::event::Sender;
use crate::support::gate::Gate;
use crate::support::launch::{APP, Launch};
use crate::support::patient;
use crate::support::runtime_api::USUAL_TIME;
use crate::support::wire::Request;

#[tokio::test]
async fn a_managed_instance_handles_several_events_at_once() {
    let gate = Gate::new().await;
    let launch = Launch::new(APP).set("GATE", gate.address()).set("AWS_LAMBDA_MAX_CONCURRENCY", "3");
    let door = Door::lambda(Sender::HttpApi, launch).await;
    let waits = Request::new("POST", "/waits").json(patient::text());
    let mut other = patient::patient();
    other["id"] = "2".into();
    let waits_too = Request::new("POST", "/waits").json(other.to_string());
    let (first, second, ()) = tokio::join!(door.send(&waits), door.send(&waits_too), async {
        // Both must arrive before either continues, and a third request is answered meanwhile.
        let held = (gate.arrival().await, gate.arrival().await);
        let succeeds = Request::new("POST", "/succeeds").json(patient::text());
        assert_eq!(door.send(&succeeds).await.status, 204);
        drop(held);
    });
    assert_eq!((first.status, second.status), (204, 204));
    let calls = door.program.output.calls();
    assert_eq!(calls.iter().filter(|call| *call == "waits to its end").count(), 2, "{calls:?}");
}

#[tokio::test]
async fn an_event_that_is_no_request_ends_no_managed_instance() {
    let launch = Launch::new(APP).set("AWS_LAMBDA_MAX_CONCURRENCY", "2");
    let door = Door::lambda(Sender::HttpApi, launch).await;
    for _ in 0..4 {
        let outcome = door.api().invoke(r#"{"source":"aws.events"}"#, USUAL_TIME).await;
        assert!(outcome.is_error, "{outcome:?}");
    }
    let succeeds = Request::new("POST", "/succeeds").json(patient::text());
    assert_eq!(door.send(&succeeds).await.status, 204);
}
