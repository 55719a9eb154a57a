//! [`Time`]: how long events may take, and how much time is fair for one of them.

use std::time::Duration;

use crate::deadline::Deadline;

/// The time for events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    deadline: Deadline,
    /// The time that an event must have had, so that it counts as tried.
    fair: Duration,
}

impl Time {
    /// All the time of a request, from now on.
    ///
    /// A quarter of it is a fair time for a single event. It is also fair for the first of several events:
    /// that event gets more than a quarter, however long the resources take to read. So each request has an
    /// event that counts as tried, and no event is given up because of the events before it.
    pub(crate) fn until(deadline: Deadline) -> Self {
        Self { deadline, fair: deadline.remaining() / 4 }
    }

    /// This time, but with an earlier deadline.
    pub(crate) fn no_later_than(self, deadline: Deadline) -> Self {
        Self { deadline: self.deadline.min(deadline), ..self }
    }

    /// The time of an event that begins later: the same is fair.
    pub(crate) fn ending_at(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// All the time for the last event, and half of it if other events wait. An event that takes all the time
    /// would starve them again at each retry.
    pub(crate) fn unless_waited_for(self, is_last: bool) -> Self {
        if is_last { self } else { self.no_later_than(self.deadline.sooner_by_half()) }
    }

    /// The time that is reserved for each of so many events, whatever the events before it take. Together it
    /// is a quarter of all the time.
    pub(super) fn reserve(self, events: usize) -> Duration {
        self.deadline.remaining() / u32::try_from(events).unwrap_or(u32::MAX).saturating_mul(4).max(1)
    }

    /// The time for the next event, if this many events wait and each of them must keep `reserve`.
    pub(super) fn share(self, waiting: usize, reserve: Duration) -> Self {
        if waiting == 0 {
            return self;
        }
        let (remaining, waiting) = (self.deadline.remaining(), u32::try_from(waiting).unwrap_or(u32::MAX));
        let left = remaining.saturating_sub(reserve.saturating_mul(waiting));
        self.no_later_than(Deadline::after(left.min(remaining / 2).max(reserve)))
    }

    pub(crate) fn deadline(self) -> Deadline {
        self.deadline
    }

    /// The same time, if the first of several events gets `first`. Three quarters of `first` are fair for
    /// each of the others: otherwise an event that hangs at the head would make the events behind it count as
    /// tried too.
    pub(super) fn fair_beside(self, first: Self) -> Self {
        Self { fair: self.fair.max(first.deadline.remaining() * 3 / 4), ..self }
    }

    /// Whether enough time is left for an event to have its fair share.
    pub(super) fn is_fair(self) -> bool {
        self.deadline.remaining() >= self.fair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Duration = Duration::from_secs(24);

    /// For each of so many events: the time it takes if it takes all that it gets, and whether that is fair.
    async fn shares(events: usize) -> Vec<(Duration, bool)> {
        let time = Time::until(Deadline::after(WHOLE));
        let (reserve, mut shares) = (time.reserve(events), Vec::new());
        let time = time.fair_beside(time.share(events - 1, reserve));
        for waiting in (0..events).rev() {
            let share = time.share(waiting, reserve);
            shares.push((share.deadline().remaining(), share.is_fair()));
            tokio::time::sleep_until(share.deadline().instant()).await;
        }
        shares
    }

    #[tokio::test(start_paused = true)]
    async fn one_alone_has_all_of_it() {
        assert_eq!(shares(1).await, [(WHOLE, true)]);
        assert_eq!(shares(2).await, [(WHOLE / 2, true); 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_of_many_gets_some_and_the_first_what_is_fair() {
        for events in [3, 10, 40, 1000] {
            let shares = shares(events).await;
            assert!(shares[0].1 && shares[0].0 == WHOLE / 2, "{events}: {shares:?}");
            assert!(shares[1..].iter().all(|(_, is_fair)| !is_fair), "{events}: {shares:?}");
            let least = WHOLE / (4 * u32::try_from(events).unwrap()) - Duration::from_millis(2);
            assert!(shares.iter().all(|(share, _)| *share >= least), "{events}: {shares:?}");
            assert!(
                shares.iter().map(|(share, _)| *share).sum::<Duration>() <= WHOLE + Duration::from_secs(1)
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn quick_ones_leave_it_to_those_behind_them() {
        let time = Time::until(Deadline::after(WHOLE));
        let reserve = time.reserve(40);
        let time = time.fair_beside(time.share(39, reserve));
        for waiting in (1..40).rev() {
            assert!(time.share(waiting, reserve).is_fair(), "{waiting}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
