//! The contract of a backend, without the rules of the store.

use futures_util::future::join_all;

use super::timed::{Timed, instant, key, letter};
use crate::store::record::{Body, EventRecord, FoundVersion, Record, ResourceRecord, SweepRecord};
use crate::store::{Put, RecordId, RecordKind, SweepState};

const ID: RecordKind = RecordKind::Event;

fn id(name: &str) -> RecordId {
    RecordId { kind: ID, key: key(name) }
}

/// Far from expiring.
const EXPIRES: Option<u64> = Some(4_000_000_000_000);

fn event(tries: u32) -> Record {
    Record::new(EXPIRES, Body::Event(EventRecord { tries, ..EventRecord::default() }))
}

pub(super) async fn a_record_is_put_where_it_is_expected(store: &Timed) {
    let (store, id) = (&store.backend, id("record"));
    assert_eq!(store.get(&id).await.unwrap(), None);
    let (first, second) = (event(1), event(2));
    let unexpected = store.put(&id, Some(7), Some(&first)).await.unwrap();
    assert_eq!(unexpected, Put::Refused(None), "nothing is there");
    assert_eq!(store.put(&id, None, Some(&first)).await.unwrap(), Put::Done);
    assert_eq!(store.get(&id).await.unwrap(), Some(first.clone()));
    for expected in [None, Some(first.revision() ^ 1)] {
        let refused = store.put(&id, expected, Some(&second)).await.unwrap();
        assert_eq!(refused, Put::Refused(Some(first.clone())));
    }
    assert_eq!(store.put(&id, Some(first.revision()), Some(&second)).await.unwrap(), Put::Done);
    assert_eq!(store.get(&id).await.unwrap(), Some(second));
    assert_eq!(store.get(&self::id("another")).await.unwrap(), None);
}

pub(super) async fn a_record_is_removed_where_it_is_expected(store: &Timed) {
    let (store, id) = (&store.backend, id("record"));
    let record = event(1);
    store.put(&id, None, Some(&record)).await.unwrap();
    let refused = store.put(&id, Some(record.revision() ^ 1), None).await.unwrap();
    assert_eq!(refused, Put::Refused(Some(record.clone())));
    assert_eq!(store.put(&id, Some(record.revision()), None).await.unwrap(), Put::Done);
    assert_eq!(store.get(&id).await.unwrap(), None);
    assert_eq!(store.put(&id, Some(record.revision()), None).await.unwrap(), Put::Refused(None));
}

pub(super) async fn every_kind_of_record_is_kept_as_it_was(store: &Timed) {
    let at = instant("2026-01-01T00:00:00.001Z");
    let event = EventRecord {
        lease: Some(1_800_000_000_123),
        is_done: true,
        is_dead: true,
        tries: 7,
        version: Some(key("content")),
        sequence: 3,
        asked: Some(Box::new(at)),
        latest: None,
    };
    let resource = ResourceRecord {
        lease: Some(1_800_000_000_123),
        newest: Some(at),
        is_deleted: true,
        numbered: Some(at),
        unnamed: vec![at],
        found: vec![FoundVersion { updated: at, at: 1_800_000_000_123 }],
        deletions: vec![at],
        given_up: Some(Box::new(ResourceRecord { unnamed: vec![at], ..ResourceRecord::default() })),
    };
    let state =
        SweepState { number: Some(u64::MAX), watermark: Some(at.to_string()), ..SweepState::default() };
    let sweep = SweepRecord { lease: Some(1_800_000_000_123), state };
    let kinds = [
        (RecordKind::Event, EXPIRES, Body::Event(event)),
        (RecordKind::Event, EXPIRES, Body::Event(EventRecord::default())),
        (RecordKind::Resource, EXPIRES, Body::Resource(Box::new(resource))),
        (RecordKind::Sweep, None, Body::Sweep(Box::new(sweep))),
        (RecordKind::DeadLetter, EXPIRES, Body::DeadLetter(Box::new(letter("kept", "2026-01-01T00:00:00Z")))),
        (RecordKind::Store, None, Body::Since(1_800_000_000_123)),
    ];
    for (number, (kind, expires, body)) in kinds.into_iter().enumerate() {
        let name = if kind == RecordKind::DeadLetter { "kept".to_owned() } else { number.to_string() };
        let (id, record) = (RecordId { kind, key: key(&name) }, Record::new(expires, body));
        assert_eq!(store.backend.put(&id, None, Some(&record)).await.unwrap(), Put::Done);
        let kept = store.backend.get(&id).await.unwrap().unwrap();
        assert_eq!((kept.revision, kept.expires, kept.body), (record.revision, record.expires, record.body));
    }
}

pub(super) async fn dead_letters_are_listed_and_nothing_else(store: &Timed) {
    let backend = &store.backend;
    assert_eq!(backend.list(RecordKind::DeadLetter).await.unwrap(), []);
    backend.put(&id("an event"), None, Some(&event(1))).await.unwrap();
    let mut expected = Vec::new();
    for number in 0..30 {
        let letter = letter(&number.to_string(), "2026-01-01T00:00:00Z");
        let id = RecordId { kind: RecordKind::DeadLetter, key: letter.key };
        let record = Record::new(EXPIRES, Body::DeadLetter(Box::new(letter)));
        backend.put(&id, None, Some(&record)).await.unwrap();
        expected.push(record.revision());
    }
    let listed = backend.list(RecordKind::DeadLetter).await.unwrap();
    let mut listed: Vec<_> = listed.iter().map(Record::revision).collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

pub(super) async fn of_many_who_put_at_once_one_succeeds(store: &Timed) {
    let id = id("raced for");
    let mut expected = None;
    for _ in 0..3 {
        let records: Vec<_> = (0..20).map(event).collect();
        let puts =
            join_all(records.iter().map(|record| store.backend.put(&id, expected, Some(record)))).await;
        let done: Vec<_> = (0..20).filter(|place| matches!(puts[*place], Ok(Put::Done))).collect();
        assert_eq!(done.len(), 1, "{puts:?}");
        expected = Some(records[done[0]].revision());
    }
}
