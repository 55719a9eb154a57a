//! `pull`: the event of a dead letter of the deployed program is handled here, by reference.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::super::dead_letters::{Which, chosen};
use super::super::{COMMAND_LIMIT, Exit, complain, head, say, say_report};
use crate::app::App;
use crate::client::transport::{Limits, Network, Transport};
use crate::deadline::Deadline;
use crate::delivery::dead_letters::rehearse;
use crate::error::BoxError;
use crate::store::DeadLetter;

/// The largest list that is read.
const LIST_BYTES: usize = 16 << 20;

/// Asks the program at `APP_BASE_URL` for its dead letters, and handles the event of one here. That program keeps the letter.
///
/// `apps` has an app for each tenant that may own the letter. No two tenants have the same key.
pub(super) async fn pull(apps: &[&App], key: String, json: bool) -> Result<Exit, BoxError> {
    let (mut letters, mut asked) = (Vec::new(), Vec::new());
    for app in apps {
        match list(app).await {
            Ok(of_app) => {
                letters.extend(of_app.into_iter().map(|letter| (letter, *app)));
                asked.push(app.tenant_name());
            }
            Err(mistake) => complain(&match app.tenant_name() {
                Some(tenant) => format!("tenant {tenant}: {mistake}"),
                None => mistake,
            }),
        }
    }
    if asked.is_empty() {
        return Ok(Exit::Unusable);
    }
    let (letters, owners): (Vec<_>, Vec<_>) = letters.into_iter().unzip();
    let letter = match chosen(&letters, &Which::One(key)).as_deref() {
        Ok([letter]) => *letter,
        Ok(_) => unreachable!("one key names one letter"),
        Err(mistake) => {
            complain(mistake);
            return Ok(Exit::Unusable);
        }
    };
    let app = letters.iter().position(|other| other.key == letter.key).map_or(apps[0], |at| owners[at]);
    head(app, json);
    let begun = std::time::Instant::now();
    let app = app.at_desk();
    let deadline = app.deadline(Some(Deadline::after(COMMAND_LIMIT)));
    let Some(record) = rehearse(&app, letter, deadline).await else {
        complain("no handler of this program has the endpoint of the dead letter");
        return Ok(Exit::Unusable);
    };
    record.write(&app, begun.elapsed(), None);
    let reference = letter.reference.as_deref().unwrap_or("no resource");
    if json {
        let outcome = record.outcome();
        let report = json!({ "key": letter.key, "reference": letter.reference, "outcome": outcome });
        say_report(&app, &report.to_string());
    } else {
        let was = &letter.outcome;
        say(&format!(
            "{}: {reference} was given up ({was}); here it is: {}",
            letter.endpoint,
            record.outcome()
        ));
    }
    Ok(if record.outcome() == "handled" { Exit::Sound } else { Exit::Unsound })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    dead_letters: Vec<DeadLetter>,
}

/// The dead letters of the deployed program.
async fn list(app: &App) -> Result<Vec<DeadLetter>, String> {
    let settings = app.settings();
    let Some(admin) = &settings.secrets.admin else {
        return Err(
            "FHIR_SUBSCRIPTION_ADMIN_SECRET is not set: the deployed program shows its dead letters to that secret only"
                .to_owned(),
        );
    };
    let url = format!("{}/dead-letters", settings.base_url.as_str().trim_end_matches('/'));
    let request = Request::builder()
        .method(Method::GET)
        .uri(&url)
        .header(settings.header.clone(), admin.to_header())
        .body(Bytes::new())
        .map_err(|_| format!("{url} cannot be asked: APP_BASE_URL is the URL of the deployed program"))?;
    let network = Network::new(settings.connection.clone(), Duration::from_secs(30));
    let answer = network.send(request, Limits { answer_bytes: LIST_BYTES }).await;
    let answer = answer.map_err(|error| format!("{url} cannot be asked: {error}"))?;
    match answer.status() {
        StatusCode::OK => serde_json::from_slice::<List>(answer.body())
            .map(|list| list.dead_letters)
            .map_err(|_| format!("{url} did not answer with a list of dead letters: check that this program is deployed there")),
        StatusCode::UNAUTHORIZED => Err(format!(
            "{url} has refused FHIR_SUBSCRIPTION_ADMIN_SECRET: set the secret of the deployed program"
        )),
        status => {
            Err(format!("{url} answered {}: check that this program is deployed there", status.as_u16()))
        }
    }
}
