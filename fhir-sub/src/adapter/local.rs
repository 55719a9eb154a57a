//! A listener on a local port, for `serve` and the sandbox.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::service::{Route, open};

/// The pause after `accept` fails, for instance because file descriptors are short.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// `serve` refuses a request once its head has this many bytes. The last read may have doubled them. Strangers send heads too, on any
/// number of connections, and hyper's own limit is three times as high.
const HEAD_LIMIT: usize = 128 * 1024;

/// How long a head may take, and how long a connection may be idle. Load balancers keep idle connections for 60 seconds, and must be
/// the first to close one: otherwise a notification can meet a connection that has just been closed.
const HEAD_PATIENCE: Duration = Duration::from_secs(75);

/// The body of an answer. It is boxed, so that all answers have one type.
pub(crate) type LocalBody = UnsyncBoxBody<Bytes, Infallible>;

/// The function that answers requests.
///
/// It is boxed, so that connections and tasks have one type each: for each type, hyper and tokio add tens of
/// kilobytes to the program.
pub(crate) type Answer =
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<LocalBody>> + Send + Sync>;

/// Serves `listener` until `stop` is ready. Then it accepts no more connections, and waits at most `last` for the
/// running requests. Requests are answered on `workers`.
pub(crate) async fn serve(
    listener: TcpListener,
    answer: Answer,
    workers: Handle,
    mut stop: BoxFuture<'static, ()>,
    last: Duration,
) {
    let graceful = GracefulShutdown::new();
    // Every running request holds a sender, even if its caller has left.
    let (under_way, mut all_done) = tokio::sync::mpsc::channel::<()>(1);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) => {
                    tracing::warn!(
                        kind = %error.kind(),
                        "a connection could not be accepted: if this repeats, raise the limit of open files (`ulimit -n`)"
                    );
                    tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let (answer, under_way, workers) = (answer.clone(), under_way.clone(), workers.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let is_health = matches!(open(request.method(), request.uri().path()), Some(Route::Health));
            let (answer, under_way) = (answer(request), under_way.clone());
            let answered = async move {
                let answer = answer.await;
                drop(under_way);
                answer
            };
            // A separate task: otherwise a caller who hangs up would end the handler half-way, without a log line.
            // Health is answered on the thread of the connections, because handlers may block all workers.
            if is_health { tokio::spawn(answered) } else { workers.spawn(answered) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(HEAD_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        // Only the caller needs to know of a broken connection.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop((listener, under_way));
    let done = async { tokio::join!(graceful.shutdown(), all_done.recv()) };
    if tokio::time::timeout(last, done).await.is_err() {
        tracing::warn!(
            "requests that are still under way are ended, and the server sends their notifications again: to let `serve` wait \
             longer, raise FHIR_SUBSCRIPTION_STOP_WITHIN"
        );
    }
}

/// Serves `listener` on a separate thread. So even if handlers block every worker, connections are accepted, the signal
/// to stop is noticed, and health is answered. The thread calls `told_to_stop` when it starts. The first future is
/// ready when the program was told to stop, and the second one when the thread has ended.
///
/// # Errors
///
/// The system cannot start the thread, or the thread cannot take over the listener.
pub(crate) fn serve_apart(
    listener: TcpListener,
    answer: Answer,
    told_to_stop: fn() -> BoxFuture<'static, ()>,
    last: Duration,
) -> std::io::Result<(Told, Told)> {
    let (workers, listener) = (Handle::current(), listener.into_std()?);
    let (stop, stopping) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (begin, begun) = std::sync::mpsc::sync_channel(1);
    let connections = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else {
            let _ = begin.send(false);
            return;
        };
        runtime.block_on(async {
            let told = told_to_stop();
            let Ok(listener) = TcpListener::from_std(listener) else {
                let _ = begin.send(false);
                return;
            };
            let _ = begin.send(true);
            let told = async {
                told.await;
                let _ = stop.send(());
            };
            serve(listener, answer, workers, Box::pin(told), last).await;
        });
        let _ = end.send(());
    };
    std::thread::Builder::new().name("connections".into()).spawn(connections)?;
    if begun.recv() != Ok(true) {
        return Err(std::io::Error::other(
            "the thread that accepts connections did not start: free memory, or raise the limit of open files (`ulimit -n`)",
        ));
    }
    // If the sender is dropped, the thread has ended.
    let told = |receiver: oneshot::Receiver<()>| -> Told { Box::pin(async move { _ = receiver.await }) };
    Ok((told(stopping), told(ended)))
}

/// Ready when something has happened.
pub(crate) type Told = BoxFuture<'static, ()>;

#[cfg(test)]
mod tests;
