//! `dead-letters`: lists, retries or drops the events that were given up.

use super::table::table;
use super::{CannotGoOn, Exit, complain, say, say_report};
use crate::app::App;
use crate::delivery::dead_letters::{self, Retried};
use crate::error::BoxError;
use crate::store::DeadLetter;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeadLetters {
    List,
    Retry(Which),
    Drop(Which),
}

/// The dead letters to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// The letter with a key that begins like this.
    One(String),
}

pub(super) async fn dead_letters(app: &App, what: DeadLetters, json: bool) -> Result<Exit, BoxError> {
    if let Some(reason) = unseen(app) {
        complain(reason);
        return Ok(Exit::Unusable);
    }
    let letters = dead_letters::list(app).await?;
    match what {
        DeadLetters::List => {
            if json {
                say_report(app, &serde_json::json!({ "deadLetters": letters }).to_string());
            } else if letters.is_empty() {
                say("there are no dead letters");
            } else {
                say(&list(&letters));
            }
            Ok(Exit::Sound)
        }
        DeadLetters::Retry(which) => match chosen(&letters, &which) {
            Ok(letters) => retry(app, &letters, json).await,
            Err(mistake) => Ok(mistaken(&mistake)),
        },
        DeadLetters::Drop(which) => match chosen(&letters, &which) {
            Ok(letters) => drop(app, &letters, json).await,
            Err(mistake) => Ok(mistaken(&mistake)),
        },
    }
}

/// The apps that the command is for. If the command names a letter, these are the app with the letter, and each app whose store
/// cannot be asked: the command fails there. If no app has the letter, the first app reports that.
pub(super) async fn concerned<'a>(
    apps: Vec<&'a App>,
    what: &DeadLetters,
) -> Result<Vec<&'a App>, CannotGoOn> {
    let (DeadLetters::Retry(Which::One(begin)) | DeadLetters::Drop(Which::One(begin))) = what else {
        return Ok(apps);
    };
    if apps.len() == 1 {
        return Ok(apps);
    }
    let (mut owners, mut unasked) = (Vec::new(), Vec::new());
    for app in apps.iter().filter(|app| unseen(app).is_none()) {
        match dead_letters::list(app).await {
            Ok(letters) if letters.iter().any(|letter| is_named(letter, begin)) => owners.push(*app),
            Ok(_) => {}
            Err(_unavailable) => unasked.push(*app),
        }
    }
    match owners.len() {
        0 if unasked.is_empty() => Ok(apps.into_iter().take(1).collect()),
        0 | 1 => Ok(owners.into_iter().chain(unasked).collect()),
        _ => Err(CannotGoOn::Arguments(format!(
            "dead letters of {} tenants begin with {begin}: write more of the key, or choose a tenant by --tenant NAME",
            owners.len()
        ))),
    }
}

fn is_named(letter: &DeadLetter, begin: &str) -> bool {
    letter.key.to_string().starts_with(begin)
}

/// Why this process cannot see the dead letters of other processes.
pub(super) fn unseen(app: &App) -> Option<&'static str> {
    match app.store() {
        None => {
            Some("FHIR_SUBSCRIPTION_IDEMPOTENCY is off: nothing is given up, so there are no dead letters")
        }
        Some(store) if !store.is_durable() => Some(
            "FHIR_SUBSCRIPTION_IDEMPOTENCY is memory: the dead letters are in the memory of the program that serves, where \
             this command cannot see them. Ask that program: GET …/dead-letters with FHIR_SUBSCRIPTION_ADMIN_SECRET",
        ),
        Some(_) => None,
    }
}

fn mistaken(mistake: &str) -> Exit {
    complain(mistake);
    Exit::Unusable
}

async fn drop(app: &App, letters: &[&DeadLetter], json: bool) -> Result<Exit, BoxError> {
    for letter in letters {
        dead_letters::drop(app, &letter.key).await?;
        if !json {
            say(&format!("{} was dropped", name(letter)));
        }
    }
    if json {
        let keys: Vec<_> = letters.iter().map(|letter| letter.key).collect();
        say_report(app, &serde_json::json!({ "dropped": keys }).to_string());
    }
    Ok(Exit::Sound)
}

async fn retry(app: &App, letters: &[&DeadLetter], json: bool) -> Result<Exit, BoxError> {
    let (mut exit, mut rows) = (Exit::Sound, Vec::new());
    let mut tell = |letter: &DeadLetter, outcome: &str, is_settled: bool| match json {
        true => {
            rows.push(serde_json::json!({ "key": letter.key, "outcome": outcome, "isSettled": is_settled }))
        }
        false => say(&format!("{}: {outcome}", name(letter))),
    };
    for letter in letters {
        let begun = std::time::Instant::now();
        let deadline = app.deadline_without_caller();
        match dead_letters::retry(app, letter, deadline).await? {
            None => {
                tell(letter, "no handler has its endpoint any more: drop it", false);
                exit = Exit::Unsound;
            }
            Some(Retried { record, is_settled }) => {
                record.write(app, begun.elapsed(), None);
                tell(letter, record.outcome(), is_settled);
                if !is_settled {
                    exit = Exit::Unsound;
                }
            }
        }
    }
    if json {
        say_report(app, &serde_json::json!({ "retried": rows }).to_string());
    }
    Ok(exit)
}

/// The selected letters: at least one, unless `all` is selected.
pub(super) fn chosen<'a>(letters: &'a [DeadLetter], which: &Which) -> Result<Vec<&'a DeadLetter>, String> {
    let Which::One(begin) = which else { return Ok(letters.iter().collect()) };
    let found: Vec<_> = letters.iter().filter(|letter| is_named(letter, begin)).collect();
    match found[..] {
        [] => Err(format!("there is no dead letter {begin}: `dead-letters list` shows all")),
        [_] => Ok(found),
        _ => Err(format!("{} dead letters begin with {begin}: write more of the key", found.len())),
    }
}

/// The letters as a table, and how to name one.
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

/// The beginning of the key, which is long enough to be unique.
fn name(letter: &DeadLetter) -> String {
    letter.key.to_string()[..16].to_owned()
}
