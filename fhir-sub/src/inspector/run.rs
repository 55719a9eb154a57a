//! [`run`]: a request from the desk, through the whole service.

use std::time::Instant;

use super::delivery::{Delivery, Origin};
use super::reads::with_reads;
use crate::app::App;
use crate::recorded::Sent;
use crate::request::Head;
use crate::service::Answered;

/// Sends a request from the desk, which needs no secret. The handler runs even if the event was handled before, and the
/// store does not record it.
pub(crate) async fn run(app: &App, sent: &Sent, again: Option<u64>) -> (Answered, Option<Delivery>) {
    own(&app.serving(&sent.path).at_desk(), sent, again).await
}

/// The same, as if the server had sent it: an event that was handled before is not handled again.
pub(crate) async fn own(app: &App, sent: &Sent, again: Option<u64>) -> (Answered, Option<Delivery>) {
    let (started, app) = (Instant::now(), app.serving(&sent.path));
    let head = Head { method: &sent.method, path: &sent.path, query: None, headers: &sent.headers };
    let deadline = app.deadline(None);
    let answer = async {
        match app.admit_own(&head) {
            Err(answered) => answered,
            Ok(_) if sent.body.len() > app.settings().body_limit => app.too_large(),
            Ok(route) => app.answer(&head, route, &sent.body, deadline).await,
        }
    };
    let (answered, reads) = with_reads(answer).await;
    let elapsed = started.elapsed();
    answered.write(app, elapsed, None);
    let head = (&sent.method, &*sent.path, &sent.headers);
    let draft = Delivery::draft(app, Origin::Desk { again }, head, sent.body.clone());
    let delivery = draft.answered(app, &answered, reads, elapsed);
    (answered, delivery)
}
