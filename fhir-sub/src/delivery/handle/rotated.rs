//! An event while the store's key is rotated: it is known by a name of each key.

use super::{Body, Ready, old_keys, run};
use crate::app::App;
use crate::declaration::Declaration;
use crate::delivery::delivered::{Delivered, End};
use crate::delivery::failure::Failure;
use crate::delivery::once::{Known, Suspect, Suspects, Terms, once};
use crate::delivery::time::Time;
use crate::event::{Event, Retry};
use crate::store::Begun;

/// The identity of an event before the rotation.
#[derive(Debug)]
pub(super) struct Before {
    /// The app with the key of before.
    pub(super) app: App,
    pub(super) known: Known,
}

/// Handles an event while the store's key is rotated, unless that was done before. The event is begun under both names, because
/// instances without the new key know only the old one.
pub(super) async fn settle(
    app: &App,
    declaration: &'static Declaration,
    event: Box<Event>,
    Ready { known, before, resource, included, way }: &mut Ready<'_>,
    time: Time,
    suspects: Suspects,
) -> Result<Delivered, Box<Suspect>> {
    let (text, way) = (resource.as_ref().map(Body::text), *way);
    let (included, endpoint) = (&*included, declaration.endpoint);
    let Before { app: earlier, known: known_before } = &mut **before.as_mut().expect("it was looked at");
    let earlier = &*earlier;
    let old_keys_before = |event: &Event| old_keys(earlier, declaration, event, text);
    let terms = Terms { deadline: time.deadline(), suspects, ends: 2 };
    once(earlier, endpoint, event, Some(known_before), terms, old_keys_before, async |event| {
        let key = event.key;
        let old_keys = |event: &Event| old_keys(app, declaration, event, text);
        let terms = Terms { suspects: Suspects::Alone, ends: 1, ..terms };
        let settled = once(app, endpoint, event, known.as_mut(), terms, old_keys, async |mut event| {
            // A handler of another instance may have run under this key.
            event.key = key;
            run(app, declaration, event, text, (included, way), time).await
        });
        let settled = Box::pin(settled).await;
        settled.unwrap_or_else(|suspect| Delivered::new(endpoint, suspect.event, End::UnderWay))
    })
    .await
}

/// The end of a retry if the store knows under the key of before that nothing is left to do: the version that the retry has read was
/// handled, or a newer version was. The retry itself is begun under the name of its letter.
pub(super) async fn end_of_retry(
    app: &App,
    event: &Event,
    Ready { known, before, .. }: &Ready<'_>,
) -> Option<End> {
    let Retry { record, .. } = event.retry?;
    let (entry, known, store) = (&before.as_ref()?.known.entry, known.as_ref()?, app.store()?);
    // An event that is given up under one key is done under the other one.
    let is_another = record != entry.key && record != known.entry.key;
    match store.ended(entry, is_another).await {
        Ok(None) => None,
        Ok(Some(Begun::Superseded)) => Some(End::Superseded),
        Ok(Some(_)) => Some(End::Repeated),
        Err(unavailable) => Some(End::StoreUnavailable(Failure::of_store(&unavailable))),
    }
}
