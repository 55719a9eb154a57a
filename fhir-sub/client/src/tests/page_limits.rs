//! Servers that never stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use serde::de::IgnoredAny;
use serde_json::json;

use super::support::{BASE, Server, response};
use crate::transport::{Limits, Transport, TransportError};
use crate::{ClientConfig, Error, FhirClient, PageLimits};

/// Endless pages of two entries, each after a pause.
struct Endless {
    pages: AtomicUsize,
    pause: Duration,
}

fn page(number: usize) -> String {
    let next = format!("{BASE}/Encounter?page={}", number + 1);
    let entry = json!({"resource": {"resourceType": "Encounter", "id": "1"}});
    let link = [json!({"relation": "next", "url": next})];
    json!({"resourceType": "Bundle", "link": link, "entry": [entry, entry]}).to_string()
}

impl Transport for Endless {
    fn send<'a>(
        &'a self,
        _: Request<Bytes>,
        _: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        let number = self.pages.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            tokio::time::sleep(self.pause).await;
            Ok(response(200, &[], page(number)))
        })
    }
}

/// The number of requested pages, and the error that ended the walk.
async fn walk(limits: PageLimits, pause: Duration) -> (usize, Error) {
    let server = Arc::new(Endless { pages: AtomicUsize::new(0), pause });
    let config = ClientConfig::new(BASE.parse().unwrap()).page_limits(limits);
    let fhir = FhirClient::with_transport(config, server.clone()).unwrap();
    let error = fhir.search_type::<IgnoredAny>("Encounter", &[("code", "canary")]).all().await.unwrap_err();
    assert!(error.is_page_limit() && !error.is_transient() && !format!("{error:?}").contains("canary"));
    (server.pages.load(Ordering::SeqCst), error)
}

#[tokio::test(start_paused = true)]
async fn each_limit_ends_a_walk_and_is_named() {
    let none = Duration::ZERO;
    let (pages, error) = walk(PageLimits::default().pages(3), none).await;
    assert_eq!(
        (pages, error.to_string()),
        (
            3,
            "GET Encounter?…: there are more than 3 pages, which is the limit (`PageLimits::pages`): \
             the server may never end; narrow the search, or raise the limit"
                .to_owned()
        )
    );
    let (pages, error) = walk(PageLimits::default().entries(5), none).await;
    assert!(pages == 3 && error.to_string().contains("`PageLimits::entries`"), "{error}");
    let (pages, error) = walk(PageLimits::default().bytes(page(1).len() as u64 * 2 + 1), none).await;
    assert!(pages == 3 && error.to_string().contains("`PageLimits::bytes`"), "{error}");
    let limits = PageLimits::default().time(Duration::from_secs(5));
    let (pages, error) = walk(limits, Duration::from_secs(2)).await;
    assert!(pages == 3 && error.to_string().contains("longer than 5 s"), "{error}");
    // The default limits work, too.
    let (pages, error) = walk(PageLimits::default(), none).await;
    assert!(pages == 1_000 && error.to_string().contains("`PageLimits::pages`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_fits_the_limits_is_given_and_the_callers_own_time_does_not_count() {
    let server = Arc::new(Endless { pages: AtomicUsize::new(0), pause: Duration::from_secs(1) });
    let config = ClientConfig::new(BASE.parse().unwrap());
    let fhir = FhirClient::with_transport(config, server.clone()).unwrap();
    let limits = PageLimits::default().entries(4).pages(2).time(Duration::from_secs(3));
    let mut search = fhir.search_type::<IgnoredAny>("Encounter", &[]).limits(limits);
    for _ in 0..4 {
        search.next().await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert!(search.next().await.unwrap().unwrap_err().is_page_limit());
    assert!(search.next().await.is_none());
    let mut history = fhir.with_page_limits(limits).history::<IgnoredAny>("Encounter", "1");
    for _ in 0..4 {
        history.next().await.unwrap().unwrap();
    }
    assert!(history.next().await.unwrap().unwrap_err().is_page_limit());
}

#[tokio::test]
async fn a_page_is_not_read_beyond_what_is_left_of_the_bytes() {
    let server = Server::start(|_| async { response(200, &[], vec![b' '; 200_000]) }).await;
    let limits = PageLimits::default().bytes(100_000);
    let fhir = FhirClient::new(server.config().page_limits(limits)).unwrap();
    let error = fhir.search_type::<IgnoredAny>("Encounter", &[]).all().await.unwrap_err();
    assert!(error.is_page_limit() && error.to_string().contains("`PageLimits::bytes`"), "{error}");
    // The limit of a single answer is separate.
    let fhir = FhirClient::new(server.config().max_answer_bytes(50_000)).unwrap();
    let error = fhir.search_type::<IgnoredAny>("Encounter", &[]).all().await.unwrap_err();
    assert!(!error.is_page_limit() && error.to_string().contains("larger than the limit"), "{error}");
}
