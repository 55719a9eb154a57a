//! Creations: if a notification does not say the interaction, the history of its resource does.

use http::Method;
use serde_json::{Value, json};

use super::kit::*;
use crate::declaration::Declaration;
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;

fn creations() -> Declaration {
    let interactions = Interactions { create: true, update: false, delete: false };
    Declaration { interactions, ..criteria::<UNUSED>() }
}

/// An entry of a history.
fn entry(version: &str, method: &str, status: &str, if_none_match: Option<&str>) -> Value {
    let mut request = json!({ "method": method, "url": "Encounter/1" });
    if let Some(condition) = if_none_match {
        request["ifNoneMatch"] = json!(condition);
    }
    json!({ "request": request, "response": { "status": status, "etag": format!("W/\"{version}\"") } })
}

/// The events that the handler ran on, after notifications of these versions, if the server answers a request
/// for the history like this.
async fn told(versions: &[&str], history: Reply) -> (Vec<String>, Vec<(u16, Vec<&'static str>)>) {
    let script = script(|_| Do::Ok);
    let Reply { status, body, .. } = history;
    let server = front(move |asked| match asked {
        _ if asked.starts_with("GET Encounter/1/_history") => reply(status, body.clone()),
        _ => reply(404, outcome()),
    });
    let app = app(Behaviour::Hapi, creations(), Some(shared()), server, &script, &[]);
    let mut answers = Vec::new();
    for version in versions {
        let told = encounter("1", Some(version), 1_000 * u64::try_from(version.len()).unwrap());
        answers.push(send(&app, Method::PUT, Some("Encounter/1"), told).await);
    }
    (script.ran(), answers)
}

fn history(entries: impl IntoIterator<Item = Value>) -> Reply {
    let entries: Vec<_> = entries.into_iter().collect();
    reply(200, json!({ "resourceType": "Bundle", "type": "history", "entry": entries }))
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_does_not_say_is_held_against_the_history() {
    // HAPI writes `PUT` for both, and a status that distinguishes them.
    let all = || {
        history([
            entry("5", "PUT", "200 OK", None),
            entry("4", "PUT", "201 Created", None),
            entry("3", "DELETE", "204", None),
            entry("2", "PUT", "200 OK", None),
            entry("1", "POST", "201 Created", None),
        ])
    };
    let (ran, answers) = told(&["1", "2", "4", "5"], all()).await;
    assert_eq!(ran, ["Encounter/1@1", "Encounter/1@4"]);
    assert!(answers.iter().all(|(status, _)| *status == 204), "{answers:?}");
    assert_eq!(answers[1].1, ["not wanted"]);
    // A server with versions that are not numbers, and a history that says only `GET`.
    let other = || {
        history([
            entry("cc", "PUT", "200", None),
            entry("bb", "GET", "410", None),
            entry("aa", "GET", "200", None),
        ])
    };
    assert_eq!(told(&["aa", "cc"], other()).await.0, ["Encounter/1@aa", "Encounter/1@cc"]);
    let conditional = || history([entry("b", "PUT", "200", None), entry("a", "PUT", "200", Some("*"))]);
    assert_eq!(told(&["a", "b"], conditional()).await.0, ["Encounter/1@a"]);
    // A number alone proves neither a creation nor an update.
    assert_eq!(
        told(&["7"], history([entry("7", "PUT", "200", None)])).await.0,
        ["Encounter/1@7"],
        "the first"
    );
    let before = || history([entry("7", "PUT", "200", None), entry("6", "PUT", "200", None)]);
    assert!(told(&["7"], before()).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_history_that_says_nothing_lets_the_handler_run_and_one_that_is_late_is_asked_again() {
    assert_eq!(told(&["2"], reply(404, outcome())).await.0, ["Encounter/1@2"]);
    assert_eq!(told(&["2"], history([])).await.0, ["Encounter/1@2"]);
    // A program that may not read the history will not be able to later.
    assert_eq!(told(&["2"], reply(403, outcome())).await.0, ["Encounter/1@2"]);
    let (ran, answers) = told(&["2"], reply(503, outcome())).await;
    assert!(ran.is_empty());
    assert_eq!(answers, [(503, vec!["unread"])]);
}

/// A handler of both gets what it asked for, and costs no request.
#[tokio::test(start_paused = true)]
async fn whoever_takes_both_asks_for_neither() {
    let script = script(|_| Do::Ok);
    let server = front(|asked| panic!("{asked}"));
    let app = app(Behaviour::Hapi, criteria::<REQUIRED>(), Some(shared()), server, &script, &[]);
    send(&app, Method::PUT, Some("Encounter/1"), encounter("1", Some("2"), 1_000)).await;
    assert_eq!(script.ran(), ["Encounter/1@2"]);
}
