//! A server whose list of Subscriptions never ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde_json::json;

use super::*;
use crate::client::transport::{Limits, Transport, TransportError};
use crate::registration::tests::fixtures::SECRET;
use crate::settings::Variables;

/// Answers every request with a page of other programs' Subscriptions, and a link to the next page.
#[derive(Default)]
struct Endless {
    pages: AtomicUsize,
    entries: usize,
}

impl Transport for Endless {
    fn send<'a>(
        &'a self,
        _: http::Request<Bytes>,
        _: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let number = self.pages.fetch_add(1, Ordering::SeqCst);
        let endpoint = "https://other.example.org/hook";
        let resource = json!({"resourceType": "Subscription", "id": "x", "channel": {"endpoint": endpoint}});
        let entry = vec![json!({"resource": resource}); self.entries];
        let next = format!("https://fhir.example.org/Subscription?page={number}");
        let link = [json!({"relation": "next", "url": next})];
        let body = json!({"resourceType": "Bundle", "link": link, "entry": entry}).to_string();
        Box::pin(async move { Ok(http::Response::new(body.into())) })
    }
}

fn app(entries: usize) -> (App, Arc<Endless>) {
    let server = Arc::new(Endless { entries, ..Endless::default() });
    let declarations = leak([patients("a"), patients("b")]);
    let builder = crate::app::AppBuilder::new(Variables::default(), declarations)
        .set("APP_BASE_URL", "https://app.example.org/hooks")
        .set("FHIR_BASE_URL", "https://fhir.example.org")
        .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
        .set("FHIR_SERVER", "hapi")
        .transport(server.clone());
    (builder.build().unwrap(), server)
}

#[tokio::test(start_paused = true)]
async fn registering_ends_at_a_limit_and_says_which() {
    for (entries, limit) in [(0, "`PageLimits::pages`"), (1_000, "`PageLimits::entries`")] {
        let (app, server) = app(entries);
        let report = app.register(Options { prune: true, ..Options::default() }).await;
        let rows: Vec<_> = report.rows().iter().chain(report.pruned()).collect();
        assert_eq!(rows.len(), 3, "{report:?}");
        for row in rows {
            let message = row.message.as_deref().unwrap_or_default();
            assert_eq!(row.result, RowResult::Failed);
            assert!(message.contains(limit), "{message}");
        }
        // Two searches for one URL, and one for all Subscriptions.
        let pages = server.pages.load(Ordering::SeqCst);
        assert_eq!(pages, if entries == 0 { 500 + 500 + 2_000 } else { 3 + 3 + 21 });
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_ends_at_a_limit_and_says_which() {
    let (app, server) = app(1_000);
    let rows = status(&app, Deadline::after(Duration::from_secs(60))).await;
    assert!(rows.iter().all(|row| format!("{row:?}").contains("`PageLimits::entries`")), "{rows:?}");
    assert_eq!(server.pages.load(Ordering::SeqCst), 6);
}
