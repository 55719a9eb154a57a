//! A panic ends its event, and nothing else.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::kit::*;
use crate::fixtures::{Handler, declaration};
use crate::outcome::Outcome;
use crate::sandbox::Behaviour;
use crate::store::{MemoryStore, StoreBackend};

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in drop");
        }
    }
}

struct Dropper;

impl Handler<Got<REQUIRED>> for Dropper {
    async fn handle(Got(event, script): Got<REQUIRED>) -> Outcome {
        script.ran.lock().unwrap().push(event.focus().unwrap().to_owned());
        if event.focus() == Some("Encounter/poison") {
            let _guard = PanicsInDrop;
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        Outcome::Handled
    }
}

/// A handler that runs out of time, and panics when its future is dropped.
#[tokio::test(start_paused = true)]
async fn a_panic_in_drop() {
    let mut rows = vec![("poison".to_owned(), "1".to_owned(), 1_000)];
    rows.extend((0..50).map(|number| (format!("n{number}"), "1".to_owned(), 10_000 + number)));
    let script = script(|_| Do::Ok);
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
    let declaration = declaration::<Got<REQUIRED>, Dropper>("Encounter?status=arrived", "e");
    let app = app(Behaviour::Hapi, declaration, Some(store.clone()), server, &script, &[]);
    for number in 0..60 {
        let since = (number == 0).then_some("2026-01-01T00:00:00Z");
        swept(&app, since, 600).await;
        *clock.lock().unwrap() += Duration::from_secs(15 * 60);
    }
    assert_eq!(letters(&store).await.len(), 1);
    // Nobody waited, and nobody ran twice.
    let ran = script.ran();
    let mut others: Vec<_> = ran.iter().filter(|line| !line.contains("poison")).collect();
    others.sort_unstable();
    let runs = others.len();
    others.dedup();
    assert_eq!((others.len(), runs), (50, 50));
}
