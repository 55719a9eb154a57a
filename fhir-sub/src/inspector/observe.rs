//! [`observe`]: answers as `serve` does, and keeps the request and its outcome.

use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response};
use http_body::Body;

use super::delivery::{Delivery, Origin};
use super::files::Files;
use super::reads::with_reads;
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
    let app = app.serving(request.uri().path());
    let (response, delivery) = observed(app, request).await;
    if let Some(delivery) = delivery {
        let delivery = recorder.add(delivery);
        if let Some(files) = files {
            files.write(app, delivery).await;
        }
    }
    response
}

/// Answers one request of a server to `app`. The delivery is `None` for a request that is not for a handler.
pub(crate) async fn observed<B>(app: &App, request: Request<B>) -> (Response<ResponseBody>, Option<Delivery>)
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let ((answered, body), reads) = with_reads(answered(app, &parts, body, Host::Invocation(None))).await;
    let elapsed = started.elapsed();
    let draft = Delivery::draft(app, Origin::Server, (&parts.method, parts.uri.path(), &parts.headers), body);
    let delivery = draft.answered(app, &answered, reads, elapsed);
    (respond(app, answered, &parts.headers, elapsed), delivery)
}
