//! Dead letters: events that were given up are listed, handled once more, or dropped.

use http::{Method, StatusCode};
use serde::Serialize;

use super::dispatch::handle_all;
use super::read::Deletion;
use super::record::Ended;
use super::record::Record;
use crate::app::App;
use crate::deadline::Deadline;
use crate::decode::Happened;
use crate::event::Event;
use crate::interaction::Interaction;
use crate::key::Key;
use crate::service::{Answer, Answered};
use crate::store::{DeadLetter, Stored};

/// What is to be done with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    List,
    Retry(Key),
    Drop(Key),
}

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
    // Given up, it counts as done.
    store.reopen(&letter.key).await?;
    if let Some(focus) = event.focus() {
        store.reopen(&super::identity::resource_key(app, declaration, focus)).await?;
    }
    let deletion = Deletion::in_answer(declaration);
    let happened = vec![Happened::new(event, None)];
    let answered = handle_all(app, declaration, deletion, happened, deadline).await;
    let Some(Answered { record, .. }) = answered.into_iter().next() else { return Ok(None) };
    let is_settled = matches!(record.ended(), Ended::Handled | Ended::AlreadyHandled | Ended::NothingToDo);
    if is_settled {
        store.remove_dead_letter(&letter.key).await?;
    }
    Ok(Some(Retried { record, is_settled }))
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
        number: letter.number,
        ..Event::unknown()
    }
}

/// The answer over HTTP.
pub(crate) async fn answer(app: &App, request: Request, deadline: Deadline) -> Answered {
    let answering = async {
        match request {
            Request::List => {
                let letters = list(app).await?;
                Ok(Answered::new(
                    Answer::json(StatusCode::OK, json(&List { dead_letters: &letters })),
                    record("listed"),
                ))
            }
            Request::Drop(key) => Ok(if drop(app, &key).await? {
                Answered::new(Answer::handled(), record("dropped"))
            } else {
                unknown()
            }),
            Request::Retry(key) => {
                let letters = list(app).await?;
                let Some(letter) = letters.iter().find(|letter| letter.key == key) else {
                    return Ok(unknown());
                };
                Ok(match retry(app, letter, deadline).await? {
                    None => Answered::new(Answer::no_handler(), Record::refused(Some(ROUTE), "no handler")),
                    Some(Retried { record, is_settled }) => {
                        let outcome = record.outcome();
                        let body = json(&Row { key, outcome, is_settled });
                        let status = if is_settled { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
                        Answered::new(Answer::json(status, body), record)
                    }
                })
            }
        }
    };
    answering.await.unwrap_or_else(|unavailable| {
        let failure = super::record::Failure::of_store(&unavailable);
        Answered::new(Answer::store_unavailable(), Record::route_failed(ROUTE, "store unavailable", failure))
    })
}

const ROUTE: &str = "dead-letters";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    dead_letters: &'a [DeadLetter],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key: Key,
    /// How it ended, in the words of the log.
    outcome: &'static str,
    is_settled: bool,
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("dead letters are plain strings and numbers")
}

fn record(outcome: &'static str) -> Record {
    Record::notice(ROUTE, outcome)
}

fn unknown() -> Answered {
    Answered::new(Answer::unknown_dead_letter(), Record::refused(Some(ROUTE), "not found"))
}

/// What a request to the route asks for; `key` is what its path names. The error is what is allowed instead.
pub(crate) fn request(method: &Method, key: Option<Key>) -> Result<Request, &'static str> {
    match (method, key) {
        (&Method::GET, None) => Ok(Request::List),
        (&Method::POST, Some(key)) => Ok(Request::Retry(key)),
        (&Method::DELETE, Some(key)) => Ok(Request::Drop(key)),
        (_, None) => Err("GET"),
        (_, Some(_)) => Err("POST, DELETE"),
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
