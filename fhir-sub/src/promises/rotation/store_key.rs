//! The store's key, rotated by instances that start anew one after the other: they share the store, and some have the old key alone.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::declaration::{Declaration, Order};
use crate::delivery::dead_letters;
use crate::promises::kit::*;
use crate::sandbox::Behaviour;
use crate::store::StoreBackend;

const OLD: (&str, &str) = ("FHIR_SUBSCRIPTION_STORE_KEY", "the-old-key-of-the-store-of-the-ward");
const NEW: (&str, &str) = ("FHIR_SUBSCRIPTION_STORE_KEY", "the-new-key-of-the-store-of-the-ward");
const AND_OLD: (&str, &str) = ("FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS", OLD.1);

struct Instances {
    store: Arc<dyn StoreBackend>,
    script: Arc<Script>,
    order: Order,
}

impl Instances {
    fn new(order: Order, how: impl Fn(&crate::Event) -> Do + Send + Sync + 'static) -> Self {
        Self { store: shared(), script: script(how), order }
    }

    fn start(&self, keys: &[(&str, &str)]) -> App {
        let declaration = Declaration { order: self.order, ..criteria::<REQUIRED>() };
        let server = front(|asked| match asked {
            "GET Encounter/1" | "GET Encounter/1/_history/1" => reply(200, encounter("1", Some("1"), 1000)),
            _ => reply(404, outcome()),
        });
        app(Behaviour::Hapi, declaration, Some(self.store.clone()), server, &self.script, keys)
    }
}

/// The deployments, one after the other: of each, the keys of two instances. In the middle one, an old and a new instance run.
const DEPLOYMENTS: [[&[(&str, &str)]; 2]; 4] = [
    [&[OLD], &[OLD]],
    [&[OLD], &[NEW, AND_OLD]],
    [&[NEW, AND_OLD], &[NEW, AND_OLD]],
    [&[NEW, AND_OLD], &[NEW]],
];

#[tokio::test(start_paused = true)]
async fn each_version_is_handled_once_through_the_rotation() {
    for order in [Order::Any, Order::Latest] {
        let instances = Instances::new(order, |_| Do::Take(Duration::from_millis(200)));
        // Without a version in the third, which is known by lesser names.
        let told = |deployment: usize, number: usize| {
            let version = (number % 3 != 2).then(|| format!("{deployment}"));
            encounter(&number.to_string(), version.as_deref(), (deployment * 1000 + number) as u64)
        };
        for (deployment, keys) in DEPLOYMENTS.iter().enumerate() {
            let [one, other] = keys.map(|keys| instances.start(keys));
            for number in 0..9 {
                // To both at once; then again what this deployment has done, and what the one before it has.
                tokio::join!(post(&one, told(deployment, number)), post(&other, told(deployment, number)));
                for instance in [&one, &other] {
                    post(instance, told(deployment, number)).await;
                    if let Some(before) = deployment.checked_sub(1).filter(|_| deployment < 3) {
                        post(instance, told(before, number)).await;
                    }
                }
            }
        }
        let mut done = instances.script.ran();
        done.sort();
        let before = done.len();
        done.dedup();
        assert_eq!((before, done.len() >= 24), (36, true), "{order:?}: {done:?}");
    }
}

/// An event that failed under the old key is tried again under the new one, with the same idempotency key for its handler; and what
/// was given up is one dead letter, which the new instances settle.
#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_and_given_up_once() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static IS_MENDED: AtomicBool = AtomicBool::new(false);
    let how = |_: &crate::Event| if IS_MENDED.load(Ordering::SeqCst) { Do::Ok } else { Do::Fail };
    let instances = Instances::new(Order::Any, how);
    let tries = ("FHIR_SUBSCRIPTION_TRIES", "4");
    let old = instances.start(&[OLD, tries]);
    let new = instances.start(&[NEW, AND_OLD, tries]);
    for instance in [&old, &new, &old, &new, &new, &old] {
        post(instance, encounter("1", Some("1"), 1000)).await;
    }
    let keys = std::mem::take(&mut *instances.script.keys.lock().unwrap());
    assert_eq!((keys.len(), keys.iter().all(|key| *key == keys[0])), (4, true), "{keys:?}");
    let left = letters(&instances.store).await;
    assert_eq!(left.len(), 1, "{left:?}");

    IS_MENDED.store(true, Ordering::SeqCst);
    let deadline = new.deadline(None);
    let retried = dead_letters::retry(&new, &left[0], deadline).await.unwrap().unwrap();
    assert!(retried.is_settled);
    assert!(letters(&instances.store).await.is_empty());
    for instance in [&old, &new] {
        post(instance, encounter("1", Some("1"), 1000)).await;
    }
    assert_eq!(instances.script.done.lock().unwrap().len(), 1);
}

/// The record under the old key has more tries than the record under the new one, so the event is given up under the old key.
/// After the rotation, a program that has only the new key settles the letter.
#[tokio::test(start_paused = true)]
async fn a_letter_under_the_old_key_outlives_the_rotation() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static IS_MENDED: AtomicBool = AtomicBool::new(false);
    let how = |_: &crate::Event| if IS_MENDED.load(Ordering::SeqCst) { Do::Ok } else { Do::Fail };
    let instances = Instances::new(Order::Any, how);
    let tries = ("FHIR_SUBSCRIPTION_TRIES", "3");
    let old = instances.start(&[OLD, tries]);
    let both = instances.start(&[NEW, AND_OLD, tries]);
    for id in ["1", "2"] {
        for instance in [&old, &old, &both] {
            post(instance, encounter(id, Some("1"), 1000)).await;
        }
    }
    assert_eq!(letters(&instances.store).await.len(), 2);

    let after = instances.start(&[NEW, tries]);
    for instance in [&both, &after] {
        assert_eq!(dead_letters::list(instance).await.unwrap().len(), 2);
    }
    IS_MENDED.store(true, Ordering::SeqCst);
    for letter in dead_letters::list(&after).await.unwrap() {
        if letter.reference.as_deref() == Some("Encounter/1") {
            let deadline = after.deadline(None);
            let retried = dead_letters::retry(&after, &letter, deadline).await.unwrap().unwrap();
            assert!(retried.is_settled);
        } else {
            assert!(dead_letters::drop(&after, &letter.key).await.unwrap());
        }
    }
    assert!(letters(&instances.store).await.is_empty());
    assert_eq!(*instances.script.done.lock().unwrap(), ["Encounter/1@1"]);
}

/// A letter of before the rotation is retried beside a newer version that was handled before the rotation too. A server that has lost
/// the letter's version shows the newer one; with `order = "latest"`, the letter's version is too old.
#[tokio::test(start_paused = true)]
async fn a_retry_knows_what_was_handled_under_the_old_key() {
    for (order, keeps_versions) in [(Order::Any, false), (Order::Latest, true), (Order::Latest, false)] {
        let fails_first =
            |event: &crate::Event| if event.version_id() == Some("1") { Do::ForGood } else { Do::Ok };
        let instances = Instances::new(order, fails_first);
        let start = |keys: &[(&str, &str)]| {
            let declaration = Declaration { order, ..criteria::<REQUIRED>() };
            let server = front(move |asked| match asked {
                "GET Encounter/1" | "GET Encounter/1/_history/2" => {
                    reply(200, encounter("1", Some("2"), 2000))
                }
                "GET Encounter/1/_history/1" if keeps_versions => reply(200, encounter("1", Some("1"), 1000)),
                _ => reply(404, outcome()),
            });
            app(Behaviour::Hapi, declaration, Some(instances.store.clone()), server, &instances.script, keys)
        };
        let old = start(&[OLD]);
        for version in ["1", "2"] {
            post(&old, encounter("1", Some(version), version.parse::<u64>().unwrap() * 1000)).await;
        }
        assert_eq!(instances.script.ran(), ["Encounter/1@1", "Encounter/1@2"], "{order:?}");
        let both = start(&[NEW, AND_OLD]);
        let [letter] = &letters(&instances.store).await[..] else { panic!("{order:?}") };
        let retried = dead_letters::retry(&both, letter, both.deadline(None)).await.unwrap().unwrap();
        assert!(retried.is_settled, "{order:?}");
        assert!(instances.script.ran().is_empty(), "{order:?}, keeps versions: {keeps_versions}");
        assert!(letters(&instances.store).await.is_empty());
    }
}

/// While the store's key is rotated, a delivery that the desk sends leaves the store as it was.
#[cfg(all(feature = "inspector", debug_assertions))]
#[tokio::test(start_paused = true)]
async fn the_desk_tells_the_store_nothing() {
    let instances = Instances::new(Order::Any, |_| Do::Ok);
    let deployed = instances.start(&[NEW, AND_OLD]);
    post(&deployed.at_desk(), encounter("1", Some("1"), 1000)).await;
    post(&deployed.at_desk(), encounter("1", Some("1"), 1000)).await;
    assert_eq!(instances.script.ran().len(), 2, "at the desk an event is handled each time");
    post(&deployed, encounter("1", Some("1"), 1000)).await;
    assert_eq!(instances.script.ran().len(), 1, "the event is lost: the desk has marked it as done");
}
