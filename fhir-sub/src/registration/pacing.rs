//! [`Pacing`]: stays within the server's limit of requests per minute.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::server::Pace;

/// For how long a server counts a request.
const MINUTE: Duration = Duration::from_secs(60);

/// Keeps the requests of a registration under the server's limit. They wait in the order of their arrival.
pub(super) struct Pacing {
    pace: Option<&'static Pace>,
    deadline: Deadline,
    /// The points that were spent in the last minute, and when.
    spent: Mutex<VecDeque<(Instant, u32)>>,
}

impl Pacing {
    pub(super) fn new(pace: Option<&'static Pace>, deadline: Deadline) -> Self {
        Self { pace, deadline, spent: Mutex::default() }
    }

    /// Waits until a search may be sent.
    pub(super) async fn search(&self) {
        self.spend(|pace| pace.search).await;
    }

    /// Waits until a write may be sent.
    pub(super) async fn write(&self) {
        self.spend(|pace| pace.write).await;
    }

    /// Waits until a history may be requested.
    pub(super) async fn history(&self) {
        self.spend(|pace| pace.history).await;
    }

    async fn spend(&self, points: fn(&Pace) -> u32) {
        let Some(pace) = self.pace else { return };
        let points = points(pace);
        // The waiting request holds the lock, so that no other one overtakes it.
        let mut spent = self.spent.lock().await;
        loop {
            while spent.front().is_some_and(|(at, _)| at.elapsed() >= MINUTE) {
                spent.pop_front();
            }
            let sum: u32 = spent.iter().map(|(_, points)| points).sum();
            let Some((oldest, _)) = spent.front().filter(|_| sum + points > pace.points) else { break };
            let free = *oldest + MINUTE;
            if free >= self.deadline.instant() {
                // The client then reports that no time is left.
                break;
            }
            tokio::time::sleep_until(free).await;
        }
        spent.push_back((Instant::now(), points));
    }
}

/// How much longer the registration of this many subscriptions takes at this pace.
pub(super) fn further_time(pace: Option<&Pace>, subscriptions: usize) -> Duration {
    let Some(pace) = pace else { return Duration::ZERO };
    // The requests: a read, a write, a check for duplicates, and a last check.
    let each = u64::from(pace.write + 3 * pace.search + pace.history);
    let points = each.saturating_mul(u64::try_from(subscriptions).unwrap_or(u64::MAX));
    MINUTE.saturating_mul(u32::try_from(points / u64::from(pace.points.max(1))).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    static PACE: Pace = Pace { points: 45_000, search: 20, write: 100, history: 10 };

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_than_the_server_takes() {
        let pacing = Pacing::new(Some(&PACE), Deadline::after(Duration::from_secs(3600)));
        let begun = Instant::now();
        let mut written = Vec::new();
        for _ in 0..2_000 {
            pacing.search().await;
            pacing.write().await;
            written.push(begun.elapsed());
        }
        for (first, at) in written.iter().enumerate() {
            let within = written[first..].iter().take_while(|other| **other < *at + MINUTE).count();
            assert!(within * 120 <= 45_000, "{within} writes within a minute");
        }
        assert_eq!(written[374], Duration::ZERO);
        assert!(written[1_999] < Duration::from_secs(6 * 60), "{:?}", written[1_999]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_deadline_or_without_a_pace() {
        let begun = Instant::now();
        let pacing = Pacing::new(Some(&PACE), Deadline::after(Duration::from_secs(10)));
        for _ in 0..1_000 {
            pacing.write().await;
        }
        let unlimited = Pacing::new(None, Deadline::after(Duration::from_secs(3600)));
        for _ in 0..1_000 {
            unlimited.write().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
