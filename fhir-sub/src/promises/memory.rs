//! The store in memory forgets nothing that may come again without saying so.

use std::sync::Arc;

use super::kit::*;
use crate::sandbox::Behaviour;

/// 6: `memory`, one process, more than 10,000 events.
#[tokio::test(start_paused = true)]
async fn t06_memory_forgets() {
    let rows: Arc<Vec<(String, String, u64)>> =
        Arc::new((0..10_500).map(|number| (number.to_string(), "1".to_owned(), number * 10)).collect());
    let script = script(|_| Do::Ok);
    let of_server = Arc::clone(&rows);
    let server = front(move |asked| {
        if asked.starts_with("GET Encounter?") {
            return reply(200, page(asked, &of_server));
        }
        if asked.starts_with("GET Subscription?") {
            return reply(200, bundle([]));
        }
        reply(404, outcome())
    });
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), None, server, &script, &[]);
    for (id, version, milliseconds) in rows.iter() {
        let (status, _) = post(&app, encounter(id, Some(version), *milliseconds)).await;
        assert_eq!(status, 204);
    }
    script.ran();
    swept(&app, Some("2026-01-01T00:00:00Z"), 600).await;
    let ran = script.ran();
    assert!(ran.is_empty(), "{} events were handled twice within one process", ran.len());
}
