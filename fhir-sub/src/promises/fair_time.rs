//! An event that got less than its fair time has not been tried.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::kit::*;
use crate::app::App;
use crate::sandbox::Behaviour;
use crate::store::StoreBackend;

/// A notification of events that happened a minute apart, numbered from 1.
fn notification(events: u64) -> Value {
    let events: Vec<_> = (1..=events)
        .map(|number| {
            json!({
                "eventNumber": number.to_string(), "timestamp": at(number * 60_000),
                "focus": { "reference": format!("Encounter/{number}") },
            })
        })
        .collect();
    let status = json!({
        "resourceType": "SubscriptionStatus", "type": "event-notification",
        "subscription": { "reference": "Subscription/s1" },
        "eventsSinceSubscriptionStart": events.len().to_string(), "notificationEvent": events,
    });
    json!({
        "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }],
    })
}

fn app_of(store: &Arc<dyn StoreBackend>, script: &Arc<Script>) -> App {
    app(
        Behaviour::Generic,
        topic::<UNUSED>(),
        Some(store.clone()),
        front(|_| reply(404, outcome())),
        script,
        &[("FHIR_SUBSCRIPTION_GAPS", "log")],
    )
}

const HANGS: Duration = Duration::from_secs(3600);

/// Events with a handler that hangs do not make dead letters of the other events, which take 50 ms each.
#[tokio::test(start_paused = true)]
async fn those_that_hang_do_not_give_up_their_neighbours() {
    let script = script(|event| {
        let number = event.number().unwrap();
        Do::Take(if number <= 9 { HANGS } else { Duration::from_millis(50) })
    });
    let store = shared();
    let app = app_of(&store, &script);
    let body = notification(40);
    for _ in 0..30 {
        post(&app, &body).await;
    }
    let letters = letters(&store).await;
    let innocent: Vec<_> = letters.iter().filter(|letter| letter.number > Some(9)).collect();
    assert!(innocent.is_empty(), "{innocent:?}");
    assert!(!letters.is_empty(), "those that hang are given up all the same");
}

/// An event that takes long, but not too long for a notification of its own, waits until the hanging events
/// are given up.
#[tokio::test(start_paused = true)]
async fn a_slow_one_is_tried_in_the_end() {
    for slow in [2, 5, 10] {
        let script = script(move |event| {
            let number = event.number().unwrap();
            Do::Take(if number < 10 && number != slow { HANGS } else { Duration::from_secs(5) })
        });
        let (store, body) = (shared(), notification(10));
        let app = app_of(&store, &script);
        for _ in 0..10 * 30 {
            post(&app, &body).await;
        }
        let mut given_up: Vec<_> = letters(&store).await.iter().filter_map(|letter| letter.number).collect();
        given_up.sort_unstable();
        let hang: Vec<_> = (1..10).filter(|number| *number != slow).collect();
        assert_eq!(given_up, hang, "slow is {slow}");
        assert_eq!(post(&app, &body).await, (204, vec!["handled before"; 10]));
    }
}
