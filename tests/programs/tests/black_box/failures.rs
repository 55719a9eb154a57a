//! A failure ends one request: other requests continue, and no detail of the cause gets out.

use crate::support::door::Door;
use crate::support::gate::Gate;
use crate::support::launch::{APP, Launch};
use crate::support::patient;
use crate::support::wire::Request;

#[tokio::test]
async fn a_panic_does_not_disturb_the_requests_beside_it() {
    let gate = Gate::new().await;
    let mut door = Door::local(Launch::new(APP).set("GATE", gate.address())).await;
    let waits = Request::new("POST", "/waits").json(patient::text());
    let panics = Request::new("POST", "/panics").json(patient::text());
    let beside = async {
        let held = gate.arrival().await;
        for _ in 0..5 {
            assert_eq!(door.send(&panics).await.status, 500);
        }
        drop(held);
    };
    let (answer, ()) = tokio::join!(door.send(&waits), beside);
    assert_eq!(answer.status, 204);
    assert!(door.program.is_alive());
}

#[tokio::test]
async fn the_caller_is_told_the_same_of_every_failure() {
    let door = Door::local(Launch::new(APP)).await;
    let mut texts = Vec::new();
    for endpoint in ["/fails", "/fails-its-own-way", "/panics", "/panics-oddly"] {
        texts.push(door.send(&Request::new("POST", endpoint).json(patient::text())).await.text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn a_lambda_goes_on_after_every_kind_of_failure() {
    for mut door in Door::all(|| Launch::new(APP)).await {
        for endpoint in ["/fails", "/panics", "/panics-oddly", "/fails-for-good"].iter().cycle().take(20) {
            let answer = door.send(&Request::new("POST", endpoint).json(patient::text())).await;
            assert!([500, 422].contains(&answer.status), "{}: {}", door.name(), answer.status);
        }
        assert_eq!(door.send(&Request::of_a_stranger("GET", "/health")).await.status, 200);
        assert!(door.program.is_alive());
    }
}
