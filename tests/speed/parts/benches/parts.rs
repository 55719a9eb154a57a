//! The parts of a request and of a registration, each with its lower limit: the time of the minimum without
//! our code.
//!
//! Run it with `cargo bench` in `tests/speed`.

#[path = "../../encounter.rs"]
mod encounter;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use encounter::Encounter;
use fhir_sub::__parts::{PATH, Parts, SECRET};
use fhir_sub::Resource;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

const SIZES: [(&str, usize); 3] = [("1.5 KB", 1536), ("64 KB", 65_536), ("5 MB", 5_000_000)];

fn parts(subscriptions: usize) -> Parts {
    Parts::new::<Resource<Encounter>>(subscriptions)
}

fn authenticate(criterion: &mut Criterion) {
    let parts = parts(1);
    let mut group = criterion.benchmark_group("authenticate");
    group.bench_function("ours", |bencher| bencher.iter(|| black_box(&parts).authenticate()));
    let compare = || bool::from(black_box(SECRET).as_bytes().ct_eq(black_box(SECRET).as_bytes()));
    group.bench_function("limit: a comparison in constant time", |bencher| bencher.iter(compare));
}

/// Authentication is part of it: a stranger must not learn which routes exist.
fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for subscriptions in [1, 100, 10_000] {
        let parts = parts(subscriptions);
        assert!(parts.route(PATH));
        let id = BenchmarkId::new("ours", subscriptions);
        group.bench_function(id, |bencher| bencher.iter(|| parts.route(black_box(PATH))));
        let endpoints: HashMap<_, _> =
            (0..subscriptions).map(|number| (format!("ward-{number}"), number)).collect();
        let id = BenchmarkId::new("limit: a look-up in a hash table", subscriptions);
        group.bench_function(id, |bencher| bencher.iter(|| endpoints.get(black_box("ward-0"))));
    }
}

/// Decoding finds the events. The resource is parsed when the handler's argument is made, which `dispatch`
/// includes.
fn decode(criterion: &mut Criterion) {
    let parts = parts(1);
    let mut group = criterion.benchmark_group("decode");
    for (name, size) in SIZES {
        let body = encounter(size);
        assert_eq!(parts.decode(body.as_bytes()), 1);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("ours", name), |bencher| {
            bencher.iter(|| parts.decode(black_box(body.as_bytes())));
        });
        group.bench_function(BenchmarkId::new("limit: serde_json into the same type", name), |bencher| {
            bencher.iter(|| {
                serde_json::from_slice::<Encounter>(black_box(body.as_bytes())).map(|read| read.weight())
            });
        });
    }
}

fn dispatch(criterion: &mut Criterion) {
    let parts = parts(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("dispatch");
    for (name, size) in SIZES {
        let body = encounter(size);
        assert_eq!(runtime.block_on(parts.answer(body.as_bytes())), 204);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("ours", name), |bencher| {
            bencher.iter(|| runtime.block_on(parts.answer(black_box(body.as_bytes()))));
        });
        group.bench_function(BenchmarkId::new("limit: serde_json into the same type", name), |bencher| {
            bencher.iter(|| {
                serde_json::from_slice::<Encounter>(black_box(body.as_bytes())).map(|read| read.weight())
            });
        });
    }
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    let planned = parts(10_000).planned();
    assert_eq!(planned.plan(), 0);
    group.bench_function(BenchmarkId::new("ours", 10_000), |bencher| bencher.iter(|| planned.plan()));
    let urls: Vec<_> = (0..10_000).map(|number| format!("https://app.example.org/ward-{number}")).collect();
    let found: HashMap<_, _> = urls.iter().map(|url| (url.as_str(), url.len())).collect();
    let look_up = || urls.iter().filter(|url| found.contains_key(url.as_str())).count();
    group.bench_function(BenchmarkId::new("limit: as many look-ups in a hash table", 10_000), |bencher| {
        bencher.iter(look_up);
    });
}

/// An Encounter with participants until it has `bytes`.
fn encounter(bytes: usize) -> String {
    let participant = |number: usize| -> Value {
        json!({
            "period": { "start": "2026-03-12T19:03:58+00:00" },
            "individual": { "reference": format!("Practitioner/{number:06}"), "display": "Dr. Adam \"Ad\" Careful" },
        })
    };
    let mut encounter = json!({
        "resourceType": "Encounter",
        "id": "f201",
        "meta": { "versionId": "1", "lastUpdated": "2026-03-12T19:03:58.123+00:00" },
        "status": "in-progress",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
        "subject": { "reference": "Patient/f201", "display": "Roel" },
        "participant": [],
    });
    let participants = (bytes - encounter.to_string().len()) / participant(0).to_string().len();
    encounter["participant"] = (0..participants).map(participant).collect();
    encounter.to_string()
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = authenticate, route, decode, dispatch, plan
}
criterion_main!(benches);
