//! The output of a program so far, on both of its streams.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use super::within;

/// The lines of a program as they arrive.
#[derive(Clone)]
pub(crate) struct Output(Arc<watch::Sender<Lines>>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// How many streams are still open.
    open: usize,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Lines::default())))
    }

    /// Reads `stream` to its end, in a separate task.
    pub(crate) fn read(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let Self(sender) = self.clone();
        sender.send_modify(|lines| lines.open += 1);
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                sender.send_modify(|lines| lines.lines.push(text));
                line.clear();
            }
            sender.send_modify(|lines| lines.open -= 1);
        });
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().lines.clone()
    }

    /// All lines so far, as one text.
    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// The calls of handlers so far, in order, with their details.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line.strip_prefix("called ")).map(str::to_owned).collect()
    }

    /// The first line that `is_it`, as soon as it arrives.
    pub(crate) async fn line(&self, what: &str, mut is_it: impl FnMut(&str) -> bool) -> String {
        self.until(what, |lines| lines.iter().any(|line| is_it(line))).await;
        self.lines().into_iter().find(|line| is_it(line)).expect("it was there a moment ago")
    }

    /// Ready as soon as `enough` is true for the lines.
    pub(crate) async fn until(&self, what: &str, mut enough: impl FnMut(&[String]) -> bool) {
        let mut receiver = self.0.subscribe();
        let seen = within(what, receiver.wait_for(|lines| lines.open == 0 || enough(&lines.lines))).await;
        let is_there = enough(&seen.expect("the sender is here").lines);
        assert!(is_there, "the program ended without {what}; it said:\n{}", self.text());
    }

    /// Ready as soon as the program has closed both streams.
    pub(crate) async fn end(&self) {
        let mut receiver = self.0.subscribe();
        let _ = within("the end of the output", receiver.wait_for(|lines| lines.open == 0)).await;
    }
}
