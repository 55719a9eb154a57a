//! [`Live`]: new deliveries, as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

use super::recorder::Recorder;
use crate::app::App;

/// A stream of deliveries, which ends when its reader leaves.
#[derive(Debug)]
pub(super) struct Live(mpsc::Receiver<Bytes>);

/// How often something is sent even if there is no delivery, so that a reader that has left is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

impl Live {
    /// The kept deliveries after the delivery with this number, and all new ones.
    pub(super) fn after(recorder: Recorder, app: App, mut last: u64) -> Self {
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut newest = recorder.newest();
            loop {
                newest.mark_unchanged();
                for delivery in recorder.since(last) {
                    let summary = serde_json::to_string(&delivery.summary(&app)).expect("texts and numbers");
                    let event = format!("id: {}\nevent: delivery\ndata: {summary}\n\n", delivery.id);
                    last = delivery.id;
                    if sender.send(event.into()).await.is_err() {
                        return;
                    }
                }
                let is_quiet = tokio::time::timeout(KEEP_ALIVE, newest.changed()).await.is_err();
                if is_quiet && sender.send(Bytes::from_static(b": nothing came\n\n")).await.is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }
}

impl Body for Live {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
