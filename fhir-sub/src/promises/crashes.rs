//! A try counts from its beginning: an event that kills its process is given up, and delays no other event.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::kit::*;
use crate::declaration::{Declaration, Order};
use crate::fixtures::{SeveredStore, Way};
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, StoreBackend};

/// 15: a resource with a handler that kills the process: memory runs out, the stack overflows, it aborts, or
/// Lambda kills it.
#[tokio::test(start_paused = true)]
async fn t15_a_resource_that_kills_the_process() {
    let mut rows = vec![("poison".to_owned(), "1".to_owned(), 1_000)];
    rows.extend((0..50).map(|number| (format!("n{number}"), "1".to_owned(), 10_000 + number)));
    let killed = Arc::new(tokio::sync::Notify::new());
    let of_handler = Arc::clone(&killed);
    let script = script(move |event| {
        if event.focus() == Some("Encounter/poison") {
            of_handler.notify_one();
            return Do::Take(Duration::from_secs(3600));
        }
        // The other events need a moment that they do not get.
        Do::Take(Duration::from_millis(20))
    });
    let clock: Arc<Mutex<SystemTime>> = Arc::new(Mutex::new(SystemTime::now()));
    let of_store = Arc::clone(&clock);
    let store: Arc<dyn StoreBackend> =
        Arc::new(MemoryStore::shared(Arc::new(move || *of_store.lock().unwrap())));
    let server = front(move |asked| {
        let mut reply = if asked.starts_with("GET Encounter?") {
            reply(200, page(asked, &rows))
        } else {
            otherwise(asked)
        };
        reply.date = Some(moment(7_200_000));
        reply
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(store.clone()), server, &script, &[]);
    for number in 0..100 {
        let since = (number == 0).then_some("2026-01-01T00:00:00Z");
        tokio::select! {
            _ = swept(&app, since, 600) => break,
            // The process dies with all its futures.
            () = killed.notified() => {}
        }
        *clock.lock().unwrap() += Duration::from_secs(15 * 60);
    }
    let runs = script.ran();
    let of_poison = runs.iter().filter(|line| line.contains("poison")).count();
    let letters = letters(&store).await.len();
    let mut done = script.done.lock().unwrap().clone();
    done.sort();
    done.dedup();
    assert_eq!(letters, 1, "FHIR_SUBSCRIPTION_TRIES is 30");
    assert_eq!((of_poison, done.len()), (30, 50), "the others are handled");
}

/// The same by notifications, beside other events that the process handles meanwhile.
#[tokio::test(start_paused = true)]
async fn a_notification_that_kills_the_process_again_and_again() {
    let killed = Arc::new(tokio::sync::Notify::new());
    let of_handler = Arc::clone(&killed);
    let script = script(move |event| match event.focus() {
        Some("Encounter/poison") => {
            of_handler.notify_one();
            Do::Take(Duration::from_secs(3600))
        }
        _ => Do::Take(Duration::from_millis(20)),
    });
    let clock: Arc<Mutex<SystemTime>> = Arc::new(Mutex::new(SystemTime::now()));
    let of_store = Arc::clone(&clock);
    let store: Arc<dyn StoreBackend> =
        Arc::new(MemoryStore::shared(Arc::new(move || *of_store.lock().unwrap())));
    let app = app(
        Behaviour::Hapi,
        criteria::<REQUIRED>(),
        Some(store.clone()),
        front(|_| reply(404, outcome())),
        &script,
        &[("FHIR_SUBSCRIPTION_TRIES", "3")],
    );
    let (poison, other) = (encounter("poison", Some("1"), 1000), encounter("other", Some("1"), 1000));
    for _ in 0..3 {
        tokio::select! {
            _ = async { tokio::join!(post(&app, &poison), post(&app, &other)) } => panic!("it is killed"),
            () = killed.notified() => {}
        }
        *clock.lock().unwrap() += Duration::from_secs(60);
    }
    assert_eq!(letters(&store).await.len(), 0, "nobody has seen that it was tried enough");
    assert_eq!(post(&app, &poison).await, (204, vec!["died"]));
    assert_eq!(post(&app, &poison).await, (204, vec!["handled before"]));
    let letters = letters(&store).await;
    assert_eq!((letters.len(), letters[0].tries, &*letters[0].outcome), (1, 3, "died"));
    assert_eq!(post(&app, &other).await.0, 204);
    assert_eq!(script.done.lock().unwrap().iter().filter(|line| line.contains("other")).count(), 1);
}

/// The store does what it is asked, and its answer is lost: no handler runs. That is no try, and holds up nothing.
#[tokio::test(start_paused = true)]
async fn a_beginning_whose_answer_is_lost_is_no_try() {
    for order in [Order::Any, Order::Latest] {
        let store = Arc::new(SeveredStore::new(MemoryStore::shared(Arc::new(SystemTime::now)), Way::Open));
        let script = script(|_| Do::Fail);
        let app = app(
            Behaviour::Hapi,
            Declaration { order, ..criteria::<REQUIRED>() },
            Some(store.clone()),
            front(|_| reply(404, outcome())),
            &script,
            &[("FHIR_SUBSCRIPTION_TRIES", "2")],
        );
        let told = encounter("1", Some("1"), 1000);
        for _ in 0..5 {
            store.set(Way::Unanswered);
            assert_eq!(post(&app, &told).await, (503, vec!["store unavailable"]));
        }
        store.set(Way::Open);
        assert_eq!(post(&app, &told).await, (500, vec!["failed"]), "{order:?}");
        assert_eq!(post(&app, &told).await, (204, vec!["failed"]), "{order:?}: given up at the second try");
    }
}
