//! [`TestAnswer`]: the app's answer.

use serde_json::Value;

use crate::app::App;
use crate::delivery::Record;
use crate::service::Answered;

/// The app's answer, and the handler that ran.
#[derive(Debug)]
pub struct TestAnswer {
    answered: Answered,
    handler: Option<&'static str>,
}

impl TestAnswer {
    pub(super) fn new(app: &App, answered: Answered) -> Self {
        let ran = answered.records().find_map(Record::ran);
        let declaration = ran.and_then(|endpoint| app.registry().find(endpoint));
        Self { handler: declaration.map(|declaration| declaration.handler), answered }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answered.answer.status.as_u16()
    }

    /// The name of the handler that ran, whether it succeeded or failed; `None` if none did.
    #[must_use]
    pub fn handler(&self) -> Option<&'static str> {
        self.handler
    }

    /// The outcome of the first event, in the words of the log line: `handled`, `failed`, `not wanted`, ….
    ///
    /// [`outcomes`](Self::outcomes) has the outcomes of all events.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.answered.record.outcome()
    }

    /// The outcome of each event of the notification, in the order of the events.
    pub fn outcomes(&self) -> impl Iterator<Item = &'static str> {
        self.answered.records().map(Record::outcome)
    }

    /// The answer's header `name`, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answered.answer.headers().find(|(header, _)| *header == name).map(|(_, value)| value)
    }

    /// The body, which is empty after success.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.answered.answer.body
    }

    /// The body as JSON; `null` if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap_or_default()
    }
}
