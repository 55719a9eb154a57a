//! An event that kills the process delays no other event, while it is tried again and again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::kit::*;
use crate::app::App;
use crate::declaration::{Declaration, Order};
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, StoreBackend};

/// The results of a search: ids, versions, and times.
type Rows = Arc<Mutex<Vec<(String, String, u64)>>>;

/// A program that is killed while it handles `Encounter/poison`, and started again.
struct Killed {
    app: App,
    script: Arc<Script>,
    store: Arc<dyn StoreBackend>,
    killed: Arc<tokio::sync::Notify>,
    clock: Arc<Mutex<SystemTime>>,
}

impl Killed {
    fn new(declaration: Declaration, rows: &Rows) -> Self {
        let killed = Arc::new(tokio::sync::Notify::new());
        let of_handler = Arc::clone(&killed);
        let script = script(move |event| {
            if event.focus() == Some("Encounter/poison") {
                of_handler.notify_one();
                return Do::Take(Duration::from_secs(3600));
            }
            Do::Take(Duration::from_millis(20))
        });
        let clock = Arc::new(Mutex::new(SystemTime::now()));
        let of_store = Arc::clone(&clock);
        let store: Arc<dyn StoreBackend> =
            Arc::new(MemoryStore::shared(Arc::new(move || *of_store.lock().unwrap())));
        let rows = Arc::clone(rows);
        let server = front(move |asked| {
            let mut reply = if asked.starts_with("GET Encounter?") && !asked.contains("_id=") {
                reply(200, page(asked, &rows.lock().unwrap()))
            } else {
                otherwise(asked)
            };
            reply.date = Some(moment(7_200_000));
            reply
        });
        let app = app(Behaviour::Generic, declaration, Some(store.clone()), server, &script, &[]);
        Self { app, script, store, killed, clock }
    }

    /// Whether the program survived this work. If not, its leases run out.
    async fn lives<T>(&self, work: impl Future<Output = T>) -> bool {
        let lives = tokio::select! {
            _ = work => true,
            () = self.killed.notified() => false,
        };
        *self.clock.lock().unwrap() += Duration::from_secs(15 * 60);
        lives
    }

    /// The handled events, apart from the deadly one.
    fn done(&self) -> usize {
        let mut done = self.script.done.lock().unwrap().clone();
        done.sort();
        done.dedup();
        done.len()
    }

    fn tries_of_poison(&self) -> usize {
        self.script.ran.lock().unwrap().iter().filter(|line| line.contains("poison")).count()
    }
}

fn rows(count: u64) -> Rows {
    let mut rows = vec![("poison".to_owned(), "1".to_owned(), 1_000)];
    rows.extend((0..count).map(|number| (format!("n{number}"), "1".to_owned(), 10_000 + number)));
    Arc::new(Mutex::new(rows))
}

/// A sweep that dies of the event has handled all other events before, and so has the next sweep with later
/// changes.
#[tokio::test(start_paused = true)]
async fn a_sweep_handles_all_others_first() {
    for order in [Order::Any, Order::Latest] {
        let rows = rows(250);
        let program = Killed::new(Declaration { order, ..criteria::<REQUIRED>() }, &rows);
        let mut sweeps = 0;
        while program.done() < 250 {
            let since = (sweeps == 0).then_some("2026-01-01T00:00:00Z");
            program.lives(swept(&program.app, since, 600)).await;
            sweeps += 1;
            assert!(sweeps <= 4, "{:?}: {} of 250 are done", order, program.done());
        }
        for number in 0..5 {
            rows.lock().unwrap().push((format!("later{number}"), "1".to_owned(), 20_000 + number));
            assert!(!program.lives(swept(&program.app, None, 600)).await, "it dies at the poison only");
            assert_eq!(program.done() as u64, 251 + number, "{order:?}");
        }
        assert!(program.tries_of_poison() < 12);
        while !program.lives(swept(&program.app, None, 600)).await {}
        let letters = letters(&program.store).await;
        assert_eq!((letters.len(), program.tries_of_poison()), (1, 30), "it is given up");
        let row = swept(&program.app, None, 600).await;
        assert_eq!((&row["left"], &row["handled"]), (&json!(false), &json!(0)), "{row}");
    }
}

/// The same for a sweep with little time, which leaves enough for the end.
#[tokio::test(start_paused = true)]
async fn a_sweep_of_little_time_comes_to_the_poison_too() {
    let program = Killed::new(criteria::<REQUIRED>(), &rows(50));
    for number in 0..60 {
        let since = (number == 0).then_some("2026-01-01T00:00:00Z");
        program.lives(swept(&program.app, since, 25)).await;
    }
    assert_eq!((program.done(), program.tries_of_poison(), letters(&program.store).await.len()), (50, 30, 1));
}

/// A notification of several events, which the server retries.
#[tokio::test(start_paused = true)]
async fn a_notification_handles_all_others_first() {
    let program = Killed::new(topic::<UNUSED>(), &rows(0));
    let event = |number: u64| {
        let id = if number == 1 { "poison".to_owned() } else { number.to_string() };
        json!({
            "eventNumber": number.to_string(), "timestamp": at(number * 1000),
            "focus": { "reference": format!("Encounter/{id}") },
        })
    };
    let status = json!({
        "resourceType": "SubscriptionStatus", "type": "event-notification",
        "subscription": { "reference": "Subscription/s1" },
        "eventsSinceSubscriptionStart": "20", "notificationEvent": (1..=20).map(event).collect::<Vec<Value>>(),
    });
    let body = json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] });
    assert!(!program.lives(post(&program.app, &body)).await, "it is not known yet what kills it");
    assert!(!program.lives(post(&program.app, &body)).await);
    assert_eq!(program.done(), 19, "all others are done before it dies again");
    while !program.lives(post(&program.app, &body)).await {}
    assert_eq!((program.tries_of_poison(), letters(&program.store).await.len()), (30, 1));
    assert_eq!(post(&program.app, &body).await, (204, vec!["handled before"; 20]));
}
