//! A listener on a local port: `serve`, and the sandbox beside it.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use super::ResponseBody;

/// How long what is under way may take to end, once the program is told to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(30);

/// How long to wait after `accept` failed, as it does while file descriptors are short.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// Serves `listener` until `stop` is ready; then no new connection is taken, and what is under way ends.
pub(crate) async fn serve<S>(listener: TcpListener, service: S, stop: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let graceful = GracefulShutdown::new();
    // Every request under way has a hold of it, whether or not its caller is still there.
    let (under_way, mut all_done) = tokio::sync::mpsc::channel::<()>(1);
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "a connection could not be accepted");
                    tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let (service, under_way) = (service.clone(), under_way.clone());
        let service = service_fn(move |request| {
            let (answer, under_way) = (service.call(request), under_way.clone());
            // A task of its own: a caller who hangs up would end the handler half-way, and leave no line in the log.
            tokio::spawn(async move {
                let answer = answer.await;
                drop(under_way);
                answer.unwrap_or_else(|never| match never {})
            })
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(hyper_util::rt::TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        // A connection that breaks is the caller's to know of.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop((listener, under_way));
    let done = async { tokio::join!(graceful.shutdown(), all_done.recv()) };
    drop(tokio::time::timeout(LAST_REQUESTS, done).await);
}
