//! [`Readiness`]: whether the program can handle notifications, by what the store answered last.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer of the store counts. Anyone may ask for readiness, so not every request may reach the store.
const HOLDS: Duration = Duration::from_secs(5);

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the store answered when it was asked last.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Whether the store answers. `ask` asks the store, unless it was asked a moment ago. A caller that comes meanwhile
    /// waits for the same answer.
    pub(crate) async fn of(&self, ask: impl Future<Output = bool>) -> bool {
        let mut last = self.0.lock().await;
        match *last {
            Some((at, answers)) if at.elapsed() < HOLDS => answers,
            _ => {
                let answers = tokio::time::timeout(PATIENCE, ask).await.unwrap_or(false);
                *last = Some((Instant::now(), answers));
                answers
            }
        }
    }
}
