//! [`PageLimits`]: the limits of a walk over the pages of a search or a history.

use std::fmt;
use std::time::Duration;

/// The limits of a walk over the pages of a search or a history: pages, entries, bytes and time.
///
/// Without limits, a server that never stops sending pages would fill the memory. A walk that reaches a limit ends with an error that
/// names the limit ([`Error::is_page_limit`](crate::Error::is_page_limit)). The results before the error are right, but
/// incomplete.
///
/// | | default |
/// |---|---|
/// | [`pages`](PageLimits::pages) | 1,000 |
/// | [`entries`](PageLimits::entries) | 100,000 |
/// | [`bytes`](PageLimits::bytes) | 128 MiB |
/// | [`time`](PageLimits::time) | 10 minutes |
///
/// ```
/// use fhir_sub::client::{ClientConfig, PageLimits};
///
/// let limits = PageLimits::default().entries(1_000_000).bytes(4 << 30);
/// let config = ClientConfig::new("https://fhir.example.org/r4".parse()?).page_limits(limits);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct PageLimits {
    pages: usize,
    entries: usize,
    bytes: u64,
    time: Duration,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self::new(1_000, 100_000, 128 << 20, Duration::from_secs(600))
    }
}

impl PageLimits {
    #[doc(hidden)]
    pub const fn new(pages: usize, entries: usize, bytes: u64, time: Duration) -> Self {
        Self { pages, entries, bytes, time }
    }

    /// The most pages.
    pub fn pages(self, pages: usize) -> Self {
        Self { pages, ..self }
    }

    /// The most entries of all pages together.
    pub fn entries(self, entries: usize) -> Self {
        Self { entries, ..self }
    }

    /// The most bytes of all pages together. The client does not read a page beyond the rest of this limit.
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// The longest wait for all pages together. The caller's time between pages does not count.
    pub fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }
}

/// The progress of a walk, and its limits.
#[derive(Clone, Copy)]
pub(crate) struct Walked {
    limits: PageLimits,
    pages: usize,
    entries: usize,
    bytes: u64,
    time: Duration,
}

impl Walked {
    pub(crate) fn new(limits: PageLimits) -> Self {
        Self { limits, pages: 0, entries: 0, bytes: 0, time: Duration::ZERO }
    }

    /// The bytes and the time left for the next page, or the limit that the walk has reached.
    pub(crate) fn next(&mut self) -> Result<(usize, Duration), Bound> {
        let PageLimits { pages, bytes, time, .. } = self.limits;
        if self.pages >= pages {
            return Err(Bound::Pages(pages));
        }
        self.pages += 1;
        match (bytes.saturating_sub(self.bytes), time.saturating_sub(self.time)) {
            (0, _) => Err(self.out_of_bytes()),
            (_, Duration::ZERO) => Err(self.out_of_time()),
            (bytes, time) => Ok((usize::try_from(bytes).unwrap_or(usize::MAX), time)),
        }
    }

    /// Counts a page.
    pub(crate) fn count(&mut self, entries: usize, bytes: usize, time: Duration) -> Result<(), Bound> {
        self.entries += entries;
        self.bytes += bytes as u64;
        self.time += time;
        if self.entries > self.limits.entries {
            return Err(Bound::Entries(self.limits.entries));
        }
        if self.bytes > self.limits.bytes { Err(self.out_of_bytes()) } else { Ok(()) }
    }

    pub(crate) fn out_of_bytes(&self) -> Bound {
        Bound::Bytes(self.limits.bytes)
    }

    pub(crate) fn out_of_time(&self) -> Bound {
        Bound::Time(self.limits.time)
    }
}

/// The limit that ended a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Pages(usize),
    Entries(usize),
    Bytes(u64),
    Time(Duration),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Pages(limit) => {
                write!(f, "there are more than {limit} pages")?;
                "pages"
            }
            Self::Entries(limit) => {
                write!(f, "the pages have more than {limit} entries")?;
                "entries"
            }
            Self::Bytes(limit) => {
                write!(f, "the pages have more than {limit} bytes")?;
                "bytes"
            }
            Self::Time(limit) => {
                write!(f, "the pages took longer than {} s", limit.as_secs_f64())?;
                "time"
            }
        };
        write!(
            f,
            ", which is the limit (`PageLimits::{name}`): the server may never end; narrow the search, or raise the limit"
        )
    }
}
