//! A listener on a local port: `serve`, and the sandbox beside it.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
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
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(hyper_util::rt::TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        // A connection that breaks is the caller's to know of.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop(listener);
    drop(tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await);
}
