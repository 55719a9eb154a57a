//! The log lines of a test, formatted as under Lambda.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use super::Emf;

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

/// Captures what this thread logs until the guard is dropped.
pub(crate) fn capture() -> (Lines, DefaultGuard) {
    capture_of(None)
}

/// The same of a function of this name.
pub(crate) fn capture_of(function: Option<&str>) -> (Lines, DefaultGuard) {
    crate::fixtures::keep_every_callsite();
    let function = function.map(str::to_owned);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_current_span(false)
        .map_event_format(|format| Emf::new(format, function))
        .with_writer(move || writer.clone())
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

impl Lines {
    /// The lines so far.
    pub(crate) fn read(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
