//! The moment by which work must be done.

use std::time::Duration;

use tokio::time::Instant;

/// The moment by which work must be done, such as the end of a Lambda invocation.
///
/// It is a moment on tokio's monotonic clock, so a test that pauses time moves it too.
///
/// ```
/// use std::time::Duration;
/// use fhir_sub::Deadline;
///
/// let deadline = Deadline::after(Duration::from_secs(25));
/// assert!(!deadline.has_passed());
/// assert!(deadline.remaining() <= Duration::from_secs(25));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline after a given time from now. A time that the clock cannot express counts as a year.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now + Duration::from_secs(365 * 24 * 3600)))
    }

    /// The time left; zero once the deadline has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The deadline a given time before this one.
    #[doc(hidden)]
    pub fn earlier_by(self, time: Duration) -> Self {
        Self(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// The deadline of the first of `number` tasks that share the remaining time equally.
    #[doc(hidden)]
    pub fn share(self, number: usize) -> Self {
        let number = u32::try_from(number.max(1)).unwrap_or(u32::MAX);
        self.min(Self::after(self.remaining() / number))
    }

    /// The deadline in half of the time that is left.
    #[doc(hidden)]
    pub fn sooner_by_half(self) -> Self {
        self.min(Self::after(self.remaining() / 2))
    }

    /// The moment itself.
    #[doc(hidden)]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// Whether no time is left.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }
}

#[cfg(test)]
mod tests;
