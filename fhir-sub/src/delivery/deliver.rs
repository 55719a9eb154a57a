//! [`deliver`]: events are handled, one after the other. Nothing else runs a handler.

use serde_json::value::RawValue;

use super::delivered::Delivered;
use super::handle::handle;
use super::read::{self, Deletion, Found, Read};
use super::time::Time;
use crate::app::App;
use crate::declaration::Declaration;
use crate::decode::Happened;
use crate::event::Event;
use crate::incoming::Way;

/// Of how many events the resources are read, and held, at once.
const READ_AT_ONCE: usize = 50;

/// Delivers events to the handler of `declaration`: what became of each, in their order.
pub(crate) async fn deliver(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    events: Vec<Happened<'_>>,
    mut time: Time,
) -> Vec<Delivered> {
    let (reserve, count) = (time.reserve(events.len()), events.len());
    let mut delivered = Vec::with_capacity(events.len());
    let mut events = events.into_iter();
    let mut tells_versions = true;
    while events.len() > 0 {
        let some: Vec<_> = events.by_ref().take(READ_AT_ONCE).collect();
        let further = events.len();
        let missing = read::missing(app, declaration, deletion, &some);
        let reads = if missing.is_empty() {
            Vec::new()
        } else {
            let is_alone = some.len() == 1 && further == 0;
            let waiting = if is_alone { 0 } else { some.len() + further };
            let until = time.share(waiting, reserve).deadline();
            Box::pin(read::read(app, declaration, deletion, &some, &missing, until, &mut tells_versions))
                .await
        };
        if delivered.is_empty() && count > 1 {
            time = time.fair_beside(time.share(count - 1, reserve));
        }
        let mut reads = reads.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let mut some = some.into_iter();
        while some.len() > 0 {
            let happened = some.next().expect("there are some left");
            let share = time.share(some.len() + further, reserve);
            let read = reads.next().flatten().flatten();
            delivered.push(handle(app, declaration, happened, read, share).await);
        }
    }
    delivered
}

/// Delivers an event whose resource the server itself has just said.
pub(crate) async fn deliver_found(
    app: &App,
    declaration: &'static Declaration,
    event: Event,
    json: Box<RawValue>,
    time: Time,
) -> Delivered {
    deliver_found_for(app, declaration, event, json, Way::default(), time).await
}

/// The same, for a notification that came in by that way.
pub(super) async fn deliver_found_for(
    app: &App,
    declaration: &'static Declaration,
    event: Event,
    json: Box<RawValue>,
    way: Way<'_>,
    time: Time,
) -> Delivered {
    let found = Found { version_id: event.version_id.clone(), json: json.into() };
    let happened = Happened { way, ..Happened::new(event, None) };
    handle(app, declaration, happened, Some(Read::Found(found)), time).await
}
