//! [`observe`]: answers as `serve` does, and keeps the request and its outcome.

use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response};
use http_body::Body;

use super::delivery::{Delivery, Origin};
use super::files::Files;
use super::recorder::Recorder;
use crate::adapter::ResponseBody;
use crate::adapter::tower::{answered, respond};
use crate::app::App;
use crate::service::Host;

/// Answers one request, and keeps it in `recorder`, and in `files` if there are some.
pub(crate) async fn observe<B>(
    app: App,
    recorder: Recorder,
    files: Option<Arc<Files>>,
    request: Request<B>,
) -> Response<ResponseBody>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let app = app.serving(parts.uri.path());
    let (answered, body) = answered(app, &parts, body, Host::Invocation(None)).await;
    let elapsed = started.elapsed();
    let draft = Delivery::draft(app, Origin::Server, (&parts.method, parts.uri.path(), &parts.headers), body);
    if let Some(delivery) = draft.answered(app, &answered, elapsed) {
        let delivery = recorder.add(delivery);
        if let Some(files) = files {
            files.write(app, delivery).await;
        }
    }
    respond(app, answered, &parts.headers, elapsed)
}
