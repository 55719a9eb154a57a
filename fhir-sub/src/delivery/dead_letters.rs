//! Lists the dead letters (the events that were given up), retries them, or drops them.

use super::deliver::deliver;
use super::delivered::Ended;
use super::identity::program;
use super::read::Deletion;
use super::record::Record;
use super::time::Time;
use crate::app::App;
use crate::deadline::Deadline;
use crate::decode::Happened;
use crate::event::{Event, Retry};
use crate::fhir::Reference;
use crate::interaction::Interaction;
use crate::key::Key;
use crate::store::{DeadLetter, Stored};

/// The result of retrying a dead letter.
#[derive(Debug)]
pub(crate) struct Retried {
    pub(crate) record: Record,
    /// Whether the dead letter was removed.
    pub(crate) is_settled: bool,
}

/// All dead letters of this program, oldest first; empty without a store.
///
/// A program of another FHIR server may share the store. The letters of that program name resources of its
/// own server, and this program would read other resources under these names.
pub(crate) async fn list(app: &App) -> Stored<Vec<DeadLetter>> {
    let Some(store) = app.store() else { return Ok(Vec::new()) };
    let (own, before) = (program(app), app.before_rotation().map(program));
    let mut letters = store.dead_letters().await?;
    letters.retain(|letter| letter.program.is_none_or(|program| program == own || Some(program) == before));
    Ok(letters)
}

/// Handles a dead letter once more. Its resource is read from the server: the version that was given up if
/// the server still has it, else the current one.
///
/// `None` if no handler has this endpoint any more.
pub(crate) async fn retry(app: &App, letter: &DeadLetter, deadline: Deadline) -> Stored<Option<Retried>> {
    let (Some(store), Some(declaration)) = (app.store(), app.registry().find(&letter.endpoint)) else {
        return Ok(None);
    };
    let event = event(letter);
    let deletion = Deletion::in_answer(declaration);
    let happened = vec![Happened::new(event, None)];
    let delivered = deliver(app, declaration, deletion, happened, Time::until(deadline)).await;
    let Some(delivered) = delivered.into_iter().next() else { return Ok(None) };
    let is_settled = matches!(delivered.ended(), Ended::Handled | Ended::AlreadyHandled | Ended::NothingToDo);
    if is_settled {
        store.remove_dead_letter(&letter.key).await?;
    }
    Ok(Some(Retried { record: Record::of(delivered), is_settled }))
}

/// Handles the event of a letter of another program, which keeps the letter. `None` if no handler here has its endpoint.
#[cfg(feature = "inspector")]
pub(crate) async fn rehearse(app: &App, letter: &DeadLetter, deadline: Deadline) -> Option<Record> {
    let declaration = app.registry().find(&letter.endpoint)?;
    let happened = vec![Happened::new(Event { retry: None, ..event(letter) }, None)];
    let deletion = Deletion::in_answer(declaration);
    let delivered = deliver(app, declaration, deletion, happened, Time::until(deadline)).await;
    delivered.into_iter().next().map(Record::of)
}

/// Removes a dead letter without handling it, and returns whether it was there. Its event then counts as
/// done.
pub(crate) async fn drop(app: &App, key: &Key) -> Stored<bool> {
    let Some(store) = app.store() else { return Ok(false) };
    // Another program may share the store.
    if !list(app).await?.iter().any(|letter| letter.key == *key) {
        return Ok(false);
    }
    store.remove_dead_letter(key).await
}

fn event(letter: &DeadLetter) -> Event {
    let reference = letter.reference.as_deref();
    let elsewhere = reference.filter(|reference| Reference::base(reference).is_some());
    Event {
        interaction: Interaction::from_name(&letter.interaction),
        focus: reference.filter(|_| elsewhere.is_none()).map(str::to_owned),
        written: elsewhere.map(str::to_owned),
        unnamed_type: elsewhere.and_then(Reference::parse).map(|named| named.resource_type.to_owned()),
        version_id: letter.version_id.clone(),
        subscription: letter.subscription.clone(),
        timestamp: letter.timestamp.clone(),
        number: letter.number,
        updated: letter.updated,
        retry: Some(Retry {
            letter: letter.key,
            record: letter.record.unwrap_or(letter.key),
            is_passing: letter.is_passing,
        }),
        ..Event::unknown()
    }
}
