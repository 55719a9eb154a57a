//! `GET /ready`: whether notifications should be sent to this instance.

use futures_util::future::join_all;
use http::StatusCode;

use super::{Answer, Answered, Record};
use crate::app::App;
use crate::delivery::Severity;

/// Answers whether the stores answer. Anyone may ask, so the answer says no more, and each store is asked at most once
/// in a few seconds.
///
/// With tenants, `/ready` needs the stores of all tenants, and `/north/ready` needs the store of `north`. The FHIR
/// server does not count: all instances share it, so taking instances away would only make its failure worse.
pub(super) async fn answer(app: &App) -> Answered {
    let answers = app.apps().map(async |app| match app.store() {
        Some(store) => app.memory().readiness.of(store.answers()).await,
        None => true,
    });
    let is_ready = join_all(answers).await.into_iter().all(|is_ready| is_ready);
    let (status, body) = if is_ready {
        (StatusCode::OK, r#"{"status":"ready"}"#)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not ready"}"#)
    };
    let record = Record::request(Some("ready"), "asked for readiness", Severity::Silent);
    Answered::new(Answer::json(status, body.to_owned()), record)
}
