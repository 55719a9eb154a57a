//! A listener on a local port: `serve`, and the sandbox beside it.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use super::ResponseBody;

/// How long what is under way may take to end, once the program is told to stop.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_secs(30);

/// How long to wait after `accept` failed, as it does while file descriptors are short.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// The service that answers requests.
///
/// It is boxed, so that connections and tasks are of one type each: hyper's and tokio's code for each is tens of kilobytes
/// of the program.
pub(crate) type Answer =
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> + Send + Sync>;

/// Serves `listener` until `stop` is ready; then no new connection is taken, and what is under way ends.
pub(crate) async fn serve(listener: TcpListener, answer: Answer, mut stop: BoxFuture<'static, ()>) {
    let graceful = GracefulShutdown::new();
    // Every request under way has a hold of it, whether or not its caller is still there.
    let (under_way, mut all_done) = tokio::sync::mpsc::channel::<()>(1);
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
        let (answer, under_way) = (answer.clone(), under_way.clone());
        let service = service_fn(move |request| {
            let (answer, under_way) = (answer(request), under_way.clone());
            // A task of its own: a caller who hangs up would end the handler half-way, and leave no line in the log.
            tokio::spawn(async move {
                let answer = answer.await;
                drop(under_way);
                answer
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
