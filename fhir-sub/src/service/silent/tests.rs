use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::json;

use super::*;
use crate::declaration::{Content, Topic, Trigger};
use crate::fhir::Subscription;
use crate::fhir::backport::HEARTBEAT_PERIOD;
use crate::fixtures::scripted::notification;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::store::MemoryStore;
use crate::testing::{TestApp, TestRequest};

const PERIOD: u64 = 60;

/// The instances of a program share this: their store, and the time.
struct Shared {
    store: Arc<MemoryStore>,
    started: SystemTime,
    since: tokio::time::Instant,
}

/// An instance with two topics. The first one has heartbeats.
struct Two {
    test: TestApp,
    beating: &'static Declaration,
    other: &'static Declaration,
}

impl Two {
    fn new(shared: &Shared) -> Self {
        Self::of(shared, Some(60), None)
    }

    /// The same with the period of the attribute, and with a `registration` function.
    fn of(shared: &Shared, period: Option<u32>, registration: Option<fn(&mut Subscription)>) -> Self {
        let of = |endpoint, heartbeat| {
            let url = "http://example.org/encounter-start";
            let topic = Topic { url, filters: &[], heartbeat, timeout: None, max_count: None };
            let declaration = declaration::<crate::Event, Succeed>("", endpoint);
            Declaration { trigger: Trigger::Topic(topic), content: Content::IdOnly, ..declaration }
        };
        let beating = Declaration { registration, ..of("beating", period) };
        let declarations = leak([beating, of("other", None)]);
        let Shared { store, started, since } = shared;
        let (started, since) = (*started, *since);
        let builder = TestApp::builder(Behaviour::Generic, declarations).store(Arc::clone(store));
        // An instance that starts later has the time of the others.
        let builder = builder.clock(move || started + since.elapsed());
        let test = TestApp::build(Behaviour::Generic, builder).unwrap();
        let find = |endpoint| test.app().registry().find(endpoint).unwrap();
        Self { beating: find("beating"), other: find("other"), test }
    }

    /// The outcomes of the records that a request of the other topic adds.
    async fn look(&self) -> Vec<&'static str> {
        let time = Time::until(Deadline::after(Duration::from_secs(30)));
        let records = look(self.test.app(), self.other, time).await;
        records.iter().map(Record::outcome).collect()
    }

    async fn status(&self) -> serde_json::Value {
        let answer = self.test.send(TestRequest::new(Method::GET, "prod/status")).await;
        let rows = answer.json()["subscriptions"].clone();
        rows.as_array().unwrap().iter().find(|row| row["endpoint"] == self.beating.endpoint).unwrap().clone()
    }

    /// The Subscription with heartbeats, as the server has it.
    fn subscription(&self) -> serde_json::Value {
        let mut all = self.test.sandbox().all("Subscription");
        all.retain(|it| it.to_string().contains("/beating"));
        all.remove(0)
    }

    /// Returns the outcomes of the records.
    async fn hears(&self, kind: &str) -> Vec<&'static str> {
        let told = notification(kind, 0, &[]).to_string();
        let request =
            TestRequest::post(self.beating.endpoint).header("content-type", "application/fhir+json");
        let answer = self.test.send(request.body(told)).await;
        assert_eq!(answer.status(), 200);
        answer.outcomes().collect()
    }
}

fn shared() -> Shared {
    let (started, since) = (SystemTime::now(), tokio::time::Instant::now());
    let store = MemoryStore::shared(Arc::new(move || started + since.elapsed()));
    Shared { store: Arc::new(store), started, since }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_about_another_tells_of_a_silence_once_in_a_period() {
    let two = Two::new(&shared());
    assert_eq!(two.look().await, [""; 0], "the time begins");
    pass(PERIOD).await;
    assert_eq!(two.look().await, [""; 0], "it may be late");
    pass(PERIOD).await;
    assert_eq!(two.look().await, ["heartbeat missed"]);
    assert_eq!(two.look().await, [""; 0]);
    pass(PERIOD).await;
    assert_eq!(two.look().await, ["heartbeat missed"]);
    two.hears("heartbeat").await;
    pass(PERIOD).await;
    assert_eq!(two.look().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_late_heartbeat_tells_of_the_silence_that_it_ends() {
    let shared = shared();
    let (one, another) = (Two::new(&shared), Two::new(&shared));
    assert_eq!(one.hears("heartbeat").await, ["heartbeat"], "the time begins");
    pass(PERIOD + PERIOD / 4).await;
    assert_eq!(one.hears("heartbeat").await, ["heartbeat"], "it may be late");
    pass(2 * PERIOD).await;
    assert_eq!(another.hears("heartbeat").await, ["heartbeat", "heartbeat missed"], "as the store says");
    assert_eq!(one.hears("heartbeat").await, ["heartbeat"], "another instance has heard one");
    pass(2 * PERIOD).await;
    assert_eq!(one.look().await, ["heartbeat missed"]);
    assert_eq!(one.hears("heartbeat").await, ["heartbeat"], "the silence is already reported");
}

/// Sets the period of a Subscription's heartbeats.
fn beat_every(subscription: &mut Subscription, seconds: u32) {
    let extensions = subscription.channel_mut().entry("extension").or_insert_with(|| json!([]));
    let extensions = extensions.as_array_mut().unwrap();
    extensions.retain(|extension| extension["url"] != HEARTBEAT_PERIOD);
    extensions.push(json!({ "url": HEARTBEAT_PERIOD, "valueUnsignedInt": seconds }));
}

#[tokio::test(start_paused = true)]
async fn the_period_is_the_registered_one() {
    let ten_minutes = Two::of(&shared(), Some(60), Some(|it| beat_every(it, 600)));
    assert_eq!(ten_minutes.look().await, [""; 0], "the time begins");
    pass(600).await;
    assert_eq!(ten_minutes.look().await, [""; 0]);
    pass(600).await;
    assert_eq!(ten_minutes.look().await, ["heartbeat missed"]);
    // The function alone asks for heartbeats, or for none.
    for (period, registration, told) in [
        (None, (|it| beat_every(it, 60)) as fn(&mut Subscription), &["heartbeat missed"][..]),
        (Some(60), |it| beat_every(it, 0), &[]),
        (None, |it| it.set("reason", "another"), &[]),
    ] {
        let two = Two::of(&shared(), period, Some(registration));
        assert_eq!(two.look().await, [""; 0], "the time begins");
        pass(2 * PERIOD).await;
        assert_eq!(two.look().await, told, "{period:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_send_heartbeats_less_often_than_it_is_asked_to() {
    let two = Two::new(&shared());
    assert!(two.test.register().await.is_complete());
    let mut limited: Subscription = serde_json::from_value(two.subscription()).unwrap();
    beat_every(&mut limited, 300);
    two.test.sandbox().update(&serde_json::to_value(&limited).unwrap()).await.unwrap();
    // The last heartbeat is 200 s old.
    pass(3 * 300 + 200).await;
    assert_eq!(two.look().await, [""; 0]);
    assert_eq!(two.status().await["heartbeatsMissed"], json!(null));
    assert_eq!(two.hears("heartbeat").await, ["heartbeat"]);

    limited.set("status", "off");
    two.test.sandbox().update(&serde_json::to_value(&limited).unwrap()).await.unwrap();
    pass(4 * 300).await;
    assert_eq!(two.look().await[0], "heartbeat missed");
    let row = two.status().await;
    assert!((3..=4).contains(&row["heartbeatsMissed"].as_u64().unwrap()), "{row}");
}

#[tokio::test(start_paused = true)]
async fn status_tells_how_many_heartbeats_did_not_come() {
    let two = Two::new(&shared());
    assert!(two.test.register().await.is_complete());
    // The sandbox sends heartbeats.
    pass(10 * PERIOD).await;
    let row = two.status().await;
    assert_eq!((&row["status"], &row["heartbeatsMissed"]), (&json!("active"), &json!(null)), "{row}");
    let mut subscription = two.subscription();
    subscription["status"] = json!("off");
    two.test.sandbox().update(&subscription).await.unwrap();
    pass(10 * PERIOD).await;
    let row = two.status().await;
    assert!((9..=11).contains(&row["heartbeatsMissed"].as_u64().unwrap()), "{row}");
    two.hears("heartbeat").await;
    assert_eq!(two.status().await["heartbeatsMissed"], json!(null));
}

#[tokio::test(start_paused = true)]
async fn what_another_instance_has_heard_is_no_silence() {
    let shared = shared();
    let (one, another) = (Two::new(&shared), Two::new(&shared));
    one.hears("heartbeat").await;
    assert_eq!(another.look().await, [""; 0]);
    for _ in 0..5 {
        pass(PERIOD).await;
        one.hears("heartbeat").await;
        assert_eq!(another.look().await, [""; 0]);
    }
    pass(2 * PERIOD).await;
    // An instance that has just started knows it too.
    for instance in [&another, &Two::new(&shared)] {
        assert_eq!(instance.look().await, ["heartbeat missed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_did_not_come_are_asked_for() {
    let two = Two::new(&shared());
    assert!(two.test.register().await.is_complete());
    let sandbox = two.test.sandbox();
    let encounter = |id: &str| json!({ "resourceType": "Encounter", "id": id, "status": "arrived" });
    sandbox.update(&encounter("1")).await.unwrap();
    sandbox.idle().await;
    // The server has given up, and does not say so.
    let mut subscription = two.subscription();
    subscription["status"] = json!("error");
    sandbox.update(&subscription).await.unwrap();
    sandbox.update(&encounter("2")).await.unwrap();
    pass(2 * PERIOD).await;
    let seen = two.look().await;
    assert_eq!(seen[0], "heartbeat missed");
    assert!(seen.contains(&"handled"), "{seen:?}");
}

/// A server activates a Subscription once its handshake is answered, so the handshake waits for no other Subscription.
#[tokio::test(start_paused = true)]
async fn a_handshake_does_not_look_for_others_that_are_silent() {
    let two = Two::new(&shared());
    assert_eq!(two.look().await, [""; 0], "the time begins");
    pass(3 * PERIOD).await;
    for (kind, outcomes) in
        [("handshake", vec!["handshake"]), ("heartbeat", vec!["heartbeat", "heartbeat missed"])]
    {
        let told = notification(kind, 0, &[]).to_string();
        let request = TestRequest::post(two.other.endpoint).header("content-type", "application/fhir+json");
        let answer = two.test.send(request.body(told)).await;
        assert_eq!(answer.outcomes().collect::<Vec<_>>(), outcomes, "{kind}");
    }
}
