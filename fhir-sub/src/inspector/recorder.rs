//! [`Recorder`]: the last deliveries.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::delivery::{Delivery, Origin};

/// The last deliveries, up to a limit. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
    most: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    deliveries: VecDeque<Arc<Delivery>>,
    bytes: usize,
}

/// The most deliveries that are kept, and the most bytes that they may take.
const MOST: (usize, usize) = (1_000, 64 << 20);

/// The most requests of strangers among them, so that strangers cannot displace all deliveries of the server.
const MOST_OF_STRANGERS: usize = 50;

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::holding(MOST)
    }

    fn holding((most, most_bytes): (usize, usize)) -> Self {
        let (kept, newest) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Shared { kept, newest, most, most_bytes }))
    }

    /// Keeps a delivery. If there is no room, the oldest deliveries are dropped. Of the requests of strangers, only the
    /// newest are kept.
    pub(crate) fn add(&self, mut delivery: Delivery) -> Arc<Delivery> {
        let mut kept = self.lock();
        delivery.id = *self.0.newest.borrow() + 1;
        count_tries(&kept.deliveries, &mut delivery);
        let delivery = Arc::new(delivery);
        kept.bytes += delivery.size();
        kept.deliveries.push_back(delivery.clone());
        if delivery.is_of_stranger() {
            kept.limit_strangers();
        }
        while kept.deliveries.len() > self.0.most
            || (kept.bytes > self.0.most_bytes && kept.deliveries.len() > 1)
        {
            let Some(oldest) = kept.deliveries.pop_front() else { break };
            kept.bytes -= oldest.size();
        }
        self.0.newest.send_replace(delivery.id);
        delivery
    }

    /// The kept deliveries after the delivery with this number, oldest first.
    pub(crate) fn since(&self, id: u64) -> Vec<Arc<Delivery>> {
        self.lock().deliveries.iter().filter(|delivery| delivery.id > id).cloned().collect()
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Delivery>> {
        self.lock().deliveries.iter().find(|delivery| delivery.id == id).cloned()
    }

    /// The number of the newest delivery, so that a caller can wait for the next.
    pub(crate) fn newest(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }

    /// The kept deliveries, even after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Drops the oldest request of a stranger, if there are too many.
    fn limit_strangers(&mut self) {
        let strangers = || self.deliveries.iter().enumerate().filter(|(_, kept)| kept.is_of_stranger());
        if strangers().count() <= MOST_OF_STRANGERS {
            return;
        }
        let oldest = strangers().next().map(|(place, _)| place);
        if let Some(dropped) = oldest.and_then(|place| self.deliveries.remove(place)) {
            self.bytes -= dropped.size();
        }
    }
}

/// Counts how often the server has sent each event so far, among the kept deliveries.
fn count_tries(kept: &VecDeque<Arc<Delivery>>, delivery: &mut Delivery) {
    if delivery.origin != Origin::Server {
        return;
    }
    for event in &mut delivery.events {
        let before = kept.iter().rev().filter(|before| before.origin == Origin::Server);
        let before = before.flat_map(|before| &before.events).find(|before| {
            let is_named = event.reference.is_some() || event.number.is_some();
            is_named
                && (before.endpoint, &before.reference, &before.version, before.number)
                    == (event.endpoint, &event.reference, &event.version, event.number)
        });
        event.tries = before.map_or(1, |before| before.tries.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, Method, StatusCode};

    use super::super::reads::Reads;
    use super::*;
    use crate::delivery::DeskRecord;
    use crate::fhir::Instant;
    use crate::recorded::Sent;

    fn delivery(reference: &str, bytes: usize) -> Delivery {
        let told = DeskRecord {
            endpoint: Some("patients"),
            interaction: Some("update"),
            reference: Some(reference.into()),
            version: Some("1".into()),
            number: None,
            outcome: "failed",
            severity: "failed",
            ran: true,
            is_duplicate: false,
            given_up: false,
            error_kind: None,
            error_place: None,
            error_text: None,
            tries: 1,
        };
        let (method, path, headers) = (Method::PUT, "/patients".to_owned(), HeaderMap::new());
        let sent = Sent { method, path, headers, body: Bytes::from(vec![b' '; bytes]) };
        Delivery {
            id: 0,
            at: Instant::parse("2026-01-31T12:00:00Z").unwrap(),
            origin: Origin::Server,
            sent,
            events: vec![told],
            status: StatusCode::INTERNAL_SERVER_ERROR,
            answer: String::new(),
            reads: Reads::default(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn the_oldest_go_by_count_and_by_bytes_and_the_newest_stays_whatever_its_size() {
        let recorder = Recorder::holding((3, 10_000));
        let ids = |since| recorder.since(since).iter().map(|delivery| delivery.id).collect::<Vec<_>>();
        (0..5).for_each(|_| drop(recorder.add(delivery("Patient/1", 0))));
        assert_eq!(ids(0), [3, 4, 5]);
        assert_eq!(ids(4), [5]);
        assert!(recorder.get(2).is_none() && recorder.get(3).is_some());
        recorder.add(delivery("Patient/1", 9_000));
        assert_eq!(ids(0).last(), Some(&6));
        recorder.add(delivery("Patient/1", 20_000));
        assert_eq!(ids(0), [7]);
        assert_eq!(*recorder.newest().borrow(), 7);
    }

    #[test]
    fn strangers_displace_one_another() {
        let recorder = Recorder::holding((100, 1 << 20));
        let refused = || Delivery { status: StatusCode::UNAUTHORIZED, ..delivery("Patient/1", 10) };
        (0..60).for_each(|_| drop(recorder.add(delivery("Patient/1", 0))));
        (0..1_000).for_each(|_| drop(recorder.add(refused())));
        let kept = recorder.since(0);
        let of_server = kept.iter().filter(|delivery| !delivery.is_of_stranger()).count();
        assert_eq!((kept.len(), of_server, kept[50].id), (100, 50, 1_011));
        assert_eq!(kept.iter().map(|delivery| delivery.size()).sum::<usize>(), recorder.lock().bytes);
    }

    #[test]
    fn what_comes_again_is_counted_and_what_the_desk_sends_is_not() {
        let recorder = Recorder::new();
        let tries = |delivery| recorder.add(delivery).events[0].tries;
        assert_eq!(tries(delivery("Patient/1", 0)), 1);
        assert_eq!(tries(delivery("Patient/2", 0)), 1);
        let origin = Origin::Desk { again: Some(1) };
        assert_eq!(tries(Delivery { origin, ..delivery("Patient/1", 0) }), 1);
        assert_eq!(tries(delivery("Patient/1", 0)), 2);
        assert_eq!(tries(delivery("Patient/1", 0)), 3);
    }

    #[test]
    fn what_the_sender_does_next_is_its_rooms_to_say() {
        let room = |name: &str| crate::server::Room::named(name).unwrap();
        let failed = |tries| {
            let mut delivery = delivery("Patient/1", 0);
            delivery.events[0].tries = tries;
            delivery
        };
        assert_eq!(failed(1).next(room("hapi")), "HAPI FHIR sends it again in 1 s");
        assert_eq!(failed(3).next(room("hapi")), "HAPI FHIR sends it again in 1.2 s");
        assert_eq!(failed(21).next(room("hapi")), "nothing more: HAPI FHIR has given it up after 21 tries");
        assert_eq!(failed(4).next(room("medplum")), "Medplum sends it again in 8 s");
        assert_eq!(failed(5).next(room("medplum")), "nothing more: Medplum has given it up after 5 tries");
        let refused = Delivery { status: StatusCode::UNPROCESSABLE_ENTITY, ..failed(1) };
        assert!(
            refused.next(room("helios")).ends_with("takes a 422 as final"),
            "{}",
            refused.next(room("helios"))
        );
        assert!(refused.next(room("hapi")).ends_with("again in 1 s"));
        assert!(failed(1).next(room("generic")).contains("may send it again"));
        let done = Delivery { status: StatusCode::NO_CONTENT, ..failed(1) };
        assert_eq!(done.next(room("hapi")), "nothing: the notification is done");
    }
}
