//! `…/dead-letters`: lists, retries or drops dead letters over HTTP.

use http::{Method, StatusCode};
use serde::Serialize;

use super::refusal::Refusal;
use super::{Answer, Answered, Record};
use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::dead_letters::{Retried, drop, list, retry};
use crate::delivery::{Failure, Severity};
use crate::key::Key;
use crate::store::{DeadLetter, Stored};

/// A request for dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    List,
    Retry(Key),
    Drop(Key),
}

/// Executes the request.
pub(super) async fn answer(app: &App, request: Request, deadline: Deadline) -> Answered {
    let ended = match request {
        Request::List => list(app).await.map(Ended::Listed),
        Request::Drop(key) => drop(app, &key).await.map(|was_there| match was_there {
            true => Ended::Dropped,
            false => Ended::Refused(Refusal::UnknownDeadLetter),
        }),
        Request::Retry(key) => retry_one(app, key, deadline).await,
    };
    let ended = ended.unwrap_or_else(|unavailable| {
        Ended::Refused(Refusal::StoreUnavailable(Failure::of_store(&unavailable)))
    });
    ended.answered()
}

async fn retry_one(app: &App, key: Key, deadline: Deadline) -> Stored<Ended> {
    let letters = list(app).await?;
    let Some(letter) = letters.iter().find(|letter| letter.key == key) else {
        return Ok(Ended::Refused(Refusal::UnknownDeadLetter));
    };
    Ok(match retry(app, letter, deadline).await? {
        None => Ended::Refused(Refusal::NoHandler),
        Some(retried) => Ended::Retried(key, Box::new(retried)),
    })
}

/// The result. The answer and the log line are both derived from it.
enum Ended {
    Listed(Vec<DeadLetter>),
    Dropped,
    Retried(Key, Box<Retried>),
    Refused(Refusal),
}

impl Ended {
    fn answered(self) -> Answered {
        let done = |answer, words| Answered::new(answer, Record::request(Some(ROUTE), words, Severity::Fine));
        match self {
            Self::Listed(letters) => {
                let body = json(&List { dead_letters: &letters });
                done(Answer::json(StatusCode::OK, body), "listed")
            }
            Self::Dropped => done(Answer::handled(), "dropped"),
            Self::Retried(key, retried) => {
                let Retried { record, is_settled } = *retried;
                let body = json(&Row { key, outcome: record.outcome(), is_settled });
                let status = if is_settled { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
                Answered::new(Answer::json(status, body), record)
            }
            Self::Refused(refusal) => refusal.answered(Some(ROUTE)),
        }
    }
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
    /// The result, in the words of the log.
    outcome: &'static str,
    is_settled: bool,
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("dead letters are plain strings and numbers")
}

/// The request that a method and the key in the path mean. The error lists the allowed methods.
pub(super) fn request(method: &Method, key: Option<Key>) -> Result<Request, &'static str> {
    match (method, key) {
        (&Method::GET, None) => Ok(Request::List),
        (&Method::POST, Some(key)) => Ok(Request::Retry(key)),
        (&Method::DELETE, Some(key)) => Ok(Request::Drop(key)),
        (_, None) => Err("GET"),
        (_, Some(_)) => Err("POST, DELETE"),
    }
}

#[cfg(test)]
mod tests;
