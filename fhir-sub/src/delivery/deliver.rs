//! [`deliver`] handles events, one after the other. Nothing else runs a handler.

use serde_json::value::RawValue;

use super::delivered::Delivered;
use super::handle::{Deferred, handle, ready};
use super::once::Suspects;
use super::read::{self, Deletion};
use super::reader::{Found, Read};
use super::time::Time;
use crate::app::App;
use crate::declaration::Declaration;
use crate::decode::Happened;
use crate::event::Event;
use crate::incoming::Way;
use crate::sorted;

/// The most resources that are read, and held in memory, at the same time.
const READ_AT_ONCE: usize = 50;

/// Delivers events to the handler of `declaration`, and returns the result of each event, in the same order.
///
/// Events that have killed an instance come last: all other events are done before such an event can kill
/// this instance too.
pub(crate) async fn deliver(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    events: Vec<Happened<'_>>,
    time: Time,
) -> Vec<Delivered> {
    let suspects = if events.len() > 1 { Suspects::Deferred } else { Suspects::AtOnce };
    let Pass { mut delivered, deferred, time } =
        pass(app, declaration, deletion, events, time, suspects).await;
    if !deferred.is_empty() {
        Box::pin(deliver_late(app, declaration, deferred, time, &mut delivered)).await;
    }
    delivered
}

/// Delivers the deferred events, and puts each result in its place.
async fn deliver_late(
    app: &App,
    declaration: &'static Declaration,
    mut deferred: Vec<(usize, Box<Deferred<'_>>)>,
    time: Time,
    delivered: &mut Vec<Delivered>,
) {
    sorted::by_key(&mut deferred, |(_, one)| one.tries());
    let (reserve, mut late) = (time.reserve(deferred.len()), Vec::with_capacity(deferred.len()));
    let mut deferred = deferred.into_iter();
    while let Some((place, one)) = deferred.next() {
        let share = time.share(deferred.len(), reserve);
        late.push((place, one.deliver(app, declaration, share).await));
    }
    sorted::by_key(&mut late, |(place, _)| *place);
    for (place, one) in late {
        delivered.insert(place, one);
    }
}

/// Delivers one event of several that are delivered one by one. Returns an error if the event has killed an
/// instance: then the caller must deliver it after all others.
pub(crate) async fn deliver_unless_suspect(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    happened: Happened<'_>,
    time: Time,
) -> Result<Delivered, Box<Deferred<'static>>> {
    let Pass { delivered, deferred, .. } =
        pass(app, declaration, deletion, vec![happened], time, Suspects::Deferred).await;
    match deferred.into_iter().next() {
        Some((_, deferred)) => Err(deferred.into_owned()),
        None => Ok(delivered.into_iter().next().expect("what became of the event")),
    }
}

/// The results of events, and the deferred events with their places among all events.
struct Pass<'a> {
    delivered: Vec<Delivered>,
    deferred: Vec<(usize, Box<Deferred<'a>>)>,
    time: Time,
}

async fn pass<'a>(
    app: &App,
    declaration: &'static Declaration,
    deletion: Deletion,
    events: Vec<Happened<'a>>,
    mut time: Time,
    suspects: Suspects,
) -> Pass<'a> {
    let (reserve, count) = (time.reserve(events.len()), events.len());
    let (mut delivered, mut deferred) = (Vec::with_capacity(events.len()), Vec::new());
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
            let (event, mut ready) = match ready(app, declaration, happened, read, share) {
                Ok(ready) => ready,
                Err(ended) => {
                    delivered.push(ended);
                    continue;
                }
            };
            match handle(app, declaration, event, &mut ready, share, suspects).await {
                Ok(one) => delivered.push(one),
                Err(suspect) => {
                    deferred.push((delivered.len() + deferred.len(), Deferred::new(*suspect, ready)));
                }
            }
        }
    }
    Pass { delivered, deferred, time }
}

/// Delivers an event with the resource that the server just returned. Returns an error if the event has
/// killed an instance: then the caller must deliver it after all others.
pub(crate) async fn deliver_found<'a>(
    app: &App,
    declaration: &'static Declaration,
    event: Event,
    json: Box<RawValue>,
    way: Way<'a>,
    time: Time,
) -> Result<Delivered, Box<Deferred<'a>>> {
    let found = Found { version_id: event.version_id.clone(), json: json.into() };
    let happened = Happened { way, ..Happened::new(event, None) };
    let (event, mut ready) = match ready(app, declaration, happened, Some(Read::Found(found)), time) {
        Ok(ready) => ready,
        Err(ended) => return Ok(ended),
    };
    let delivered = handle(app, declaration, event, &mut ready, time, Suspects::Deferred).await;
    delivered.map_err(|suspect| Deferred::new(*suspect, ready))
}
