//! Simultaneous registrations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;
use http::Method;
use tokio::sync::Barrier;

use crate::support::{Proxy, Snapshot, World};

/// How many processes register at the same time.
const CROWD: usize = 4;

const ENDPOINTS: [&str; 4] = ["observations", "patients", "slots", "tasks"];

pub(crate) async fn four_at_once_leave_one_subscription_an_endpoint(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;

    // Each process has searched and found nothing before the first of them writes.
    let creates = CROWD * ENDPOINTS.len();
    let (barrier, seen) = (Arc::new(Barrier::new(creates)), AtomicUsize::new(0));
    let together = move |method: &Method| {
        let is_held = method == Method::POST && seen.fetch_add(1, Ordering::Relaxed) < creates;
        let barrier = Arc::clone(&barrier);
        async move {
            if is_held {
                barrier.wait().await;
            }
        }
        .boxed()
    };
    let proxy = Proxy::start_with(world.server.port(), Box::new(together)).await;
    let one = deployed.program.with("FHIR_BASE_URL", &proxy.base_url());
    let all = join_all((0..CROWD).map(|_| one.run(&["register"]))).await;
    for finished in &all {
        finished.expect(0, &[]);
    }
    deployed.await_active().await;
    let left = Snapshot::take(&fhir, &deployed.base_url).await;
    assert_eq!(left.count(), ENDPOINTS.len(), "{left:?}");
    let done = |method| {
        let done = proxy.passed().into_iter().filter(|passed| passed.method == method && passed.status < 300);
        done.count()
    };
    assert_eq!((done(Method::POST), done(Method::DELETE)), (creates, creates - ENDPOINTS.len()));
    for endpoint in ENDPOINTS {
        left.of(endpoint);
        let results: Vec<_> = all.iter().map(|finished| finished.row(endpoint)[2]).collect();
        assert!(
            results.iter().all(|result| ["created", "unchanged", "pending"].contains(result)),
            "{results:?}"
        );
        // At most one process says that it created the remaining one.
        assert!(results.iter().filter(|result| **result == "created").count() <= 1, "{results:?}");
    }

    deployed.program.run(&["register"]).await.expect(0, &["unchanged"]);
    assert_eq!(Snapshot::take(&fhir, &deployed.base_url).await, left);
    deployed.withdraw(&fhir).await;
}
