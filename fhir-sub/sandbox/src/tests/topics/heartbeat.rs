//! Heartbeats, by tokio's clock.

use std::time::Duration;

use super::*;

const ASKED: Asked<'static> = Asked { heartbeat: Some(60), ..super::ASKED };

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_a_heartbeat() {
    for version in VERSIONS {
        let program = Program::default();
        let sandbox = subscribed(version, &program, json!({}), ASKED).await;
        pass(59).await;
        assert!(told(&program).is_empty());
        pass(2).await;
        assert_eq!(told(&program), ["heartbeat (active, 0)"]);
        pass(30).await;
        sandbox.create(&encounter("1", "planned")).await.unwrap();
        sandbox.idle().await;
        assert_eq!(told(&program).len(), 1);
        // The next heartbeat is due after the event, not after the last heartbeat.
        pass(59).await;
        assert!(told(&program).is_empty());
        pass(2).await;
        assert_eq!(told(&program), ["heartbeat (active, 1)"]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_lost_is_followed_by_the_next() {
    let program = Program::default();
    let sandbox = subscribed(FhirVersion::R5, &program, json!({}), ASKED).await;
    program.answers.lock().unwrap().extend([None, Some(500)]);
    pass(181).await;
    assert_eq!((told(&program).len(), status(&sandbox).as_str()), (3, "active"));
}

#[tokio::test(start_paused = true)]
async fn there_is_none_unless_asked_for_and_active() {
    let program = Program::default();
    let sandbox = subscribed(FhirVersion::R5, &program, json!({}), super::ASKED).await;
    pass(3600).await;
    assert!(told(&program).is_empty());
    for status in ["off", "error"] {
        sandbox.update(&with_id(ASKED.native(), "s")).await.unwrap();
        sandbox.idle().await;
        assert_eq!(told(&program), ["handshake (requested, 0)"]);
        sandbox.update(&with_id(Asked { status, ..ASKED }.native(), "s")).await.unwrap();
        pass(3600).await;
        assert!(told(&program).is_empty(), "{status}");
    }
    sandbox.update(&with_id(ASKED.native(), "s")).await.unwrap();
    sandbox.idle().await;
    told(&program);
    sandbox.delete("Subscription/s").await.unwrap();
    pass(3600).await;
    assert!(told(&program).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_heart_does_not_keep_the_sandbox() {
    let program = Program::default();
    let sandbox = subscribed(FhirVersion::R5, &program, json!({}), ASKED).await;
    drop(sandbox);
    pass(3600).await;
    assert!(told(&program).is_empty());
    assert_eq!(Arc::strong_count(&program.received), 1);
}
