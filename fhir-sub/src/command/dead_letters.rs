//! `dead-letters`: events that were given up are listed, handled once more, or dropped.

use super::table::table;
use super::{COMMAND_LIMIT, Exit, say};
use crate::app::App;
use crate::deadline::Deadline;
use crate::delivery::dead_letters::{self, Retried};
use crate::error::BoxError;
use crate::store::DeadLetter;

/// What is to be done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeadLetters {
    List,
    Retry(Which),
    Drop(Which),
}

/// With which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// The one whose key begins so.
    One(String),
}

pub(super) async fn dead_letters(app: &App, what: DeadLetters) -> Result<Exit, BoxError> {
    let letters = dead_letters::list(app).await?;
    match what {
        DeadLetters::List => {
            if letters.is_empty() {
                say("there are no dead letters");
            } else {
                say(&list(&letters));
            }
            Ok(Exit::Sound)
        }
        DeadLetters::Retry(which) => retry(app, &chosen(&letters, &which)?).await,
        DeadLetters::Drop(which) => {
            for letter in chosen(&letters, &which)? {
                dead_letters::drop(app, &letter.key).await?;
                say(&format!("{} was dropped", name(letter)));
            }
            Ok(Exit::Sound)
        }
    }
}

async fn retry(app: &App, letters: &[&DeadLetter]) -> Result<Exit, BoxError> {
    let mut exit = Exit::Sound;
    for letter in letters {
        // Each has the time that a request has.
        let begun = std::time::Instant::now();
        let deadline = app.deadline(Some(Deadline::after(COMMAND_LIMIT)));
        match dead_letters::retry(app, letter, deadline).await? {
            None => {
                say(&format!("{}: no handler has its endpoint any more: drop it", name(letter)));
                exit = Exit::Unsound;
            }
            Some(Retried { record, is_settled }) => {
                record.write(app, begun.elapsed(), None);
                say(&format!("{}: {}", name(letter), record.outcome()));
                if !is_settled {
                    exit = Exit::Unsound;
                }
            }
        }
    }
    Ok(exit)
}

/// Those that are meant: one at least.
fn chosen<'a>(letters: &'a [DeadLetter], which: &Which) -> Result<Vec<&'a DeadLetter>, BoxError> {
    match which {
        Which::All => Ok(letters.iter().collect()),
        Which::One(begin) => {
            let found: Vec<_> =
                letters.iter().filter(|letter| letter.key.to_string().starts_with(begin.as_str())).collect();
            match found[..] {
                [] => Err(format!(
                    "there is no dead letter {begin}: `dead-letters list` shows those that there are"
                )
                .into()),
                [_] => Ok(found),
                _ => {
                    Err(format!("{} dead letters begin with {begin}: write more of the key", found.len())
                        .into())
                }
            }
        }
    }
}

/// They as a table, and how they are named.
pub(super) fn list(letters: &[DeadLetter]) -> String {
    let cells: Vec<_> = letters.iter().map(cells).collect();
    table(["key", "endpoint", "resource", "version", "tries", "outcome", "error", "since"], &cells)
}

fn cells(letter: &DeadLetter) -> [String; 8] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let version = letter.version_id.clone().or_else(|| letter.number.map(|number| format!("#{number}")));
    [
        name(letter),
        letter.endpoint.clone(),
        text(&letter.reference),
        text(&version),
        letter.tries.to_string(),
        letter.outcome.clone(),
        text(&letter.error_kind),
        letter.since.clone(),
    ]
}

/// As much of the key as tells it from others.
fn name(letter: &DeadLetter) -> String {
    letter.key.to_string()[..16].to_owned()
}
