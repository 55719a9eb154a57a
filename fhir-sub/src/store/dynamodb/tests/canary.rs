//! The view of a reader of the table. The store knows no secrets.

use super::super::item::{DATA, ID};
use super::support::{dump, running};
use crate::store::suite::timed::{HOW, LEASE, letter};
use crate::store::{Begun, Entry, Keys, OfResource, Told};

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn the_table_names_no_patient_outside_of_dead_letters() {
    let (store, backend) = running().await;
    let keys = Keys::new(None, "https://fhir.example.org/r4");
    let key = |number: u8| keys.key(&["resource", "patients", "Patient/canary", &number.to_string()]);
    let updated = crate::fhir::Instant::parse("2026-01-01T00:00:00Z");
    let of = OfResource { key: key(3), is_ordered: true, updated, is_deletion: false, told: Told::Search };
    let latest = Entry { resource: Some(of), ..Entry::once(key(4)) };
    let passing = Entry::passing(key(2));
    for entry in [Entry::once(key(1)), passing.clone(), latest, Entry::once(key(5))] {
        let Begun::Fresh(claim) = store.begin(&entry, LEASE, HOW).await.unwrap() else {
            panic!("it is fresh")
        };
        if entry == passing {
            store.release(&claim).await.unwrap();
        } else {
            store.complete(&claim).await.unwrap();
        }
    }
    let mut sweeping = store.begin_sweep(&key(6), &[], LEASE).await.unwrap().unwrap();
    sweeping.state.number = Some(7);
    store.save_sweep(&sweeping, None).await.unwrap();
    let mut dead = letter("dead", "2026-01-01T00:00:00Z");
    dead.reference = Some("Patient/canary".to_owned());
    store.add_dead_letter(&dead).await.unwrap();

    let items = dump(&backend).await;
    assert_eq!(items.len(), 8);
    let mut letters = 0;
    for mut item in items {
        if item[ID].as_s().unwrap().starts_with("dead#") {
            let data = item.remove(DATA).unwrap();
            assert!(data.as_s().unwrap().contains("Patient/canary"));
            letters += 1;
        }
        let shown = format!("{item:?}");
        assert!(!shown.contains("canary") && !shown.contains("Patient"), "{shown}");
    }
    assert_eq!(letters, 1);
}
