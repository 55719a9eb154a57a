mod attack;
#[cfg(feature = "local")]
mod every;
mod kit;
mod missed;
mod paging;
mod storm;
mod topics;

use std::time::Duration;

use serde_json::json;

use self::kit::{Kit, encounter, encounters, on, swept};
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;
use crate::testing::TestRequest;

#[tokio::test(start_paused = true)]
async fn a_first_sweep_begins_where_the_subscription_was_created() {
    let kit = Kit::new(encounters());
    kit.create("before").await;
    kit.later().await;
    kit.register().await;
    kit.turn("off").await;
    kit.create("after").await;
    kit.later().await;
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [1, 0, 1, 0, 0]);
    assert_eq!(kit.ran(), ["Encounter/after@1 unknown"]);
    // Not even within the overlap.
    assert_eq!(swept(&kit.sweep("").await), [1, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_backfill_begins_where_it_is_told_to() {
    let kit = Kit::new(encounters());
    kit.create("long ago").await;
    kit.later().await;
    let since = kit.created("long-before").await;
    kit.later().await;
    kit.register().await;
    kit.later().await;
    assert_eq!(swept(&kit.sweep("").await), [0; 5]);
    let row = kit.sweep(&format!("?since={since}&endpoint=e")).await;
    assert_eq!(swept(&row), [1, 0, 1, 0, 0], "{row}");
    assert_eq!(kit.ran(), ["Encounter/long-before@1 unknown"]);
    // It does not move forward: there may be unsettled changes in between.
    let row = kit.sweep("?since=2999-01-01T00:00:00Z").await;
    assert!(row["watermark"].as_str() < Some("2100"), "{row}");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_says_that_it_looks_back_further_than_the_store() {
    let kit = Kit::new(encounters());
    kit.register().await;
    kit.later().await;
    let told =
        async |query| kit.sweep(query).await["notes"].to_string().contains("FHIR_SUBSCRIPTION_STORE_DAYS");
    assert!(!told("").await);
    assert!(told("?since=2020-01-01T00:00:00Z").await);
}

#[tokio::test(start_paused = true)]
async fn without_a_subscription_it_polls() {
    let kit = Kit::new(encounters());
    kit.create("before").await;
    kit.later().await;
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [0; 5]);
    assert!(row["notes"][0].as_str().unwrap().starts_with("no Subscription of it is registered"), "{row}");
    kit.create("1").await;
    kit.later().await;
    assert_eq!(swept(&kit.sweep("").await), [1, 0, 1, 0, 0]);
    assert_eq!(kit.ran(), ["Encounter/1@1 unknown"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_put_in_error_is_armed_again_and_what_is_off_stays_off() {
    for (status, then, is_rearmed) in [("error", "active", json!(true)), ("off", "off", json!(null))] {
        let kit = Kit::new(encounters());
        kit.register().await;
        kit.turn(status).await;
        let row = kit.sweep("").await;
        assert_eq!(row["rearmed"], is_rearmed, "{row}");
        kit.test.sandbox().idle().await;
        assert_eq!(kit.test.sandbox().all("Subscription")[0]["status"], then);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_in_error_after_each_sweep_is_told_of() {
    let kit = Kit::new(encounters());
    kit.register().await;
    // Each sweep re-arms it. Only an error that comes back is a failure.
    for (is_in_error, is_again) in [(true, false), (true, true), (true, true), (false, false), (true, false)]
    {
        if is_in_error {
            kit.turn("error").await;
        }
        let (lines, guard) = crate::fixtures::captured::capture();
        let answer = kit.test.send(TestRequest::post("sweep")).await;
        drop(guard);
        assert_eq!(answer.status(), if is_again { 502 } else { 200 }, "{}", answer.body());
        let row = answer.json()["subscriptions"][0].clone();
        assert_eq!(row["rearmed"] == true, is_in_error, "{row}");
        let note = json!("in `error` again since the last sweep re-armed it: `status` shows why");
        assert_eq!(row["notes"].as_array().is_some_and(|notes| notes.contains(&note)), is_again, "{row}");
        let lines = lines.read();
        let is_logged = |level: &str, end: &str| {
            lines
                .iter()
                .any(|line| line["level"] == level && line["message"].as_str().unwrap().ends_with(end))
        };
        assert_eq!(is_logged("WARN", "the sweep re-armed it"), is_in_error, "{lines:?}");
        assert_eq!(is_logged("ERROR", "sweep failed"), is_again, "{lines:?}");
        kit.later().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_at_once_are_one() {
    let kit = Kit::gated(encounters());
    kit.register().await;
    kit.turn("off").await;
    kit.create("1").await;
    kit.later().await;
    let (one, other) = tokio::join!(kit.sweep(""), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let other = kit.sweep("").await;
        kit.open();
        other
    });
    assert_eq!((swept(&one), swept(&other)), ([1, 0, 1, 0, 0], [0; 5]));
    assert_eq!((&one["result"], &other["result"]), (&json!("swept"), &json!("under-way")));
    assert_eq!(swept(&kit.sweep("").await), [1, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn it_stops_in_time_and_goes_on_the_next_time() {
    let kit = Kit::taking(encounters(), Duration::from_secs(2));
    kit.register().await;
    kit.turn("off").await;
    for number in 0..60 {
        kit.create(&number.to_string()).await;
        kit.later().await;
    }
    let row = kit.sweep("").await;
    assert_eq!(row["left"], true, "{row}");
    let handled = row["handled"].as_u64().unwrap();
    assert!((20..60).contains(&handled), "{row}");
    let mut sweeps = 1;
    while kit.sweep("").await["left"] == true {
        sweeps += 1;
    }
    assert!(sweeps < 4);
    let mut ran = kit.ran();
    assert_eq!(ran.len(), 60);
    ran.sort();
    ran.dedup();
    assert_eq!(ran.len(), 60);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_swept_that_would_all_be_handled_again() {
    let kit = Kit::with(encounters(), |builder| builder.set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off"), false);
    let answer = kit.test.send(TestRequest::post("sweep")).await;
    assert_eq!((answer.status(), answer.outcome()), (422, "refused"));
    for said in ["FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:TABLE", "postgres://", "sqlite:FILE"] {
        assert!(answer.body().contains(said), "{}", answer.body());
    }

    let kit = Kit::with(encounters(), |builder| builder, false);
    let answer = kit.test.send(TestRequest::post("sweep")).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.json()["note"].as_str().unwrap().contains("is memory"), "{}", answer.body());
}

#[tokio::test(start_paused = true)]
async fn what_it_is_asked_for_wrongly_is_said() {
    let kit = Kit::new(encounters());
    for (query, status) in
        [("?since=yesterday", 400), ("?sinse=2026-01-01T00:00:00Z", 400), ("?endpoint=other", 404)]
    {
        assert_eq!(kit.test.send(TestRequest::post(&format!("sweep{query}"))).await.status(), status);
    }
    assert_eq!(kit.test.send(TestRequest::new(http::Method::GET, "sweep")).await.status(), 405);
    assert_eq!(kit.test.send(TestRequest::post("sweep").without_secret()).await.status(), 401);
    let kit = Kit::with(
        encounters(),
        |builder| builder.set("FHIR_SUBSCRIPTION_ADMIN_SECRET", "the-secret-of-an-administrator-!!!"),
        true,
    );
    assert_eq!(kit.test.send(TestRequest::post("sweep")).await.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn of_creates_only_updates_are_left_out() {
    let creates = Interactions { create: true, update: false, delete: false };
    let kit = Kit::of(Behaviour::Medplum, on(encounters(), creates));
    kit.register().await;
    kit.turn("off").await;
    for id in ["1", "2", "3"] {
        kit.create(id).await;
    }
    kit.test.sandbox().update(&encounter("2", "arrived", "a reason")).await.unwrap();
    // It is deleted and created again.
    kit.test.sandbox().delete("Encounter/3").await.unwrap();
    kit.create("3").await;
    kit.later().await;
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [3, 0, 2, 0, 0], "{row}");
    assert_eq!(kit.ran(), ["Encounter/1@1 create", "Encounter/3@3 create"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_searched_for_is_named() {
    let everything = crate::fixtures::declaration::<kit::Ran, kit::Keep>("[*]", "e");
    let kit = Kit::new(everything);
    let row = kit.sweep("").await;
    assert_eq!((&row["result"], row["notes"].as_array().unwrap().len()), (&json!("cannot-be-swept"), 1));
}
