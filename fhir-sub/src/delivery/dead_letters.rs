//! Dead letters: events that were given up are listed, handled once more, or dropped.

use super::deliver::deliver;
use super::delivered::Ended;
use super::read::Deletion;
use super::record::Record;
use super::time::Time;
use crate::app::App;
use crate::deadline::Deadline;
use crate::decode::Happened;
use crate::event::{Event, Retry};
use crate::interaction::Interaction;
use crate::key::Key;
use crate::store::{DeadLetter, Stored};

/// What came of handling one once more.
#[derive(Debug)]
pub(crate) struct Retried {
    pub(crate) record: Record,
    /// Whether it is a dead letter no more.
    pub(crate) is_settled: bool,
}

/// Those that there are, the oldest first; none without a store.
pub(crate) async fn list(app: &App) -> Stored<Vec<DeadLetter>> {
    match app.store() {
        Some(store) => store.dead_letters().await,
        None => Ok(Vec::new()),
    }
}

/// Handles one once more: its resource is read from the server, in the version that was given up if that is still there.
///
/// `None` where no handler has its endpoint any more.
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

/// Takes one away, without handling it; whether it was there. Its event counts as done.
pub(crate) async fn drop(app: &App, key: &Key) -> Stored<bool> {
    match app.store() {
        Some(store) => store.remove_dead_letter(key).await,
        None => Ok(false),
    }
}

fn event(letter: &DeadLetter) -> Event {
    Event {
        interaction: Interaction::from_name(&letter.interaction),
        focus: letter.reference.clone(),
        version_id: letter.version_id.clone(),
        subscription: letter.subscription.clone(),
        timestamp: letter.timestamp.clone(),
        number: letter.number,
        retry: Some(Retry {
            letter: letter.key,
            record: letter.record.unwrap_or(letter.key),
            is_passing: letter.is_passing,
        }),
        ..Event::unknown()
    }
}
