//! [`Bodies`]: the memory for the bodies of requests.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit in which memory is taken.
const KIBIBYTE: usize = 1024;

/// Callers that have not proven who they are may use one part in this many.
const UNPROVEN: usize = 4;

/// The memory for the bodies of requests: of the whole process and, if the program has tenants, of this tenant.
#[derive(Clone)]
pub(crate) struct Bodies {
    process: Arc<Pool>,
    own: Arc<Pool>,
}

/// An amount of memory, in KiB.
struct Pool {
    maximum: usize,
    free: Arc<Semaphore>,
    /// The part of it that unproven callers may use.
    free_for_unproven: Arc<Semaphore>,
}

/// The memory of one body, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken(Vec<OwnedSemaphorePermit>);

impl Bodies {
    /// The memory of a process: `maximum` bytes. The share of unproven callers has room for at least one body of
    /// `body_limit` bytes.
    pub(crate) fn new(maximum: usize, body_limit: usize) -> Self {
        let pool = Arc::new(Pool::new(maximum, body_limit));
        Self { process: pool.clone(), own: pool }
    }

    /// The memory of a tenant: at most `maximum` bytes of the process's memory.
    pub(crate) fn of_tenant(&self, maximum: usize, body_limit: usize) -> Self {
        Self { process: self.process.clone(), own: Arc::new(Pool::new(maximum, body_limit)) }
    }

    /// The memory for a body of `bytes` bytes; `None` if not enough is free.
    pub(crate) fn take(&self, bytes: usize, is_unproven: bool) -> Option<Taken> {
        let mut taken = Vec::new();
        for pool in self.pools() {
            let shares = [Some(&pool.free), is_unproven.then_some(&pool.free_for_unproven)];
            for free in shares.into_iter().flatten() {
                taken.push(free.clone().try_acquire_many_owned(kibibytes(bytes)).ok()?);
            }
        }
        Some(Taken(taken))
    }

    /// The bytes that are taken.
    #[cfg(any(feature = "local", test))]
    pub(crate) fn taken(&self) -> usize {
        self.own.maximum.saturating_sub(self.own.free.available_permits()) * KIBIBYTE
    }

    /// The bytes that may be taken.
    pub(crate) fn maximum(&self) -> usize {
        self.own.maximum * KIBIBYTE
    }

    fn pools(&self) -> impl Iterator<Item = &Pool> {
        let own = (!Arc::ptr_eq(&self.process, &self.own)).then_some(&*self.own);
        std::iter::once(&*self.process).chain(own)
    }
}

impl Pool {
    fn new(maximum: usize, body_limit: usize) -> Self {
        let maximum = maximum / KIBIBYTE;
        let unproven = (maximum / UNPROVEN).max(body_limit.div_ceil(KIBIBYTE)).min(maximum);
        let free = |kibibytes| Arc::new(Semaphore::new(kibibytes));
        Self { maximum, free: free(maximum), free_for_unproven: free(unproven) }
    }
}

impl Taken {
    /// Gives back the memory that a body of `bytes` bytes does not need.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        for permit in &mut self.0 {
            let spare = permit.num_permits().saturating_sub(kibibytes(bytes) as usize);
            drop(permit.split(spare));
        }
    }
}

fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(KIBIBYTE)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: usize = 1 << 20;

    #[test]
    fn unproven_callers_leave_memory_for_the_others() {
        let bodies = Bodies::new(16 * MEBIBYTE, 2 * MEBIBYTE);
        let strangers: Vec<_> = std::iter::from_fn(|| bodies.take(2 * MEBIBYTE, true)).collect();
        assert_eq!(strangers.len(), 2, "a quarter");
        assert!(bodies.take(12 * MEBIBYTE, false).is_some());
        drop(strangers);
        assert!(bodies.take(2 * MEBIBYTE, true).is_some());
        assert_eq!(bodies.taken(), 0);
        // If a quarter is too small for one body, one body still fits.
        let small = Bodies::new(6 * MEBIBYTE, 6 * MEBIBYTE);
        assert!(small.take(6 * MEBIBYTE, true).is_some());
    }

    #[test]
    fn tenants_share_the_memory_of_the_process() {
        let process = Bodies::new(8 * MEBIBYTE, MEBIBYTE);
        let (north, south) =
            (process.of_tenant(8 * MEBIBYTE, MEBIBYTE), process.of_tenant(3 * MEBIBYTE, MEBIBYTE));
        let large = north.take(6 * MEBIBYTE, false).unwrap();
        assert!(south.take(3 * MEBIBYTE, false).is_none(), "the process has two left");
        assert!(south.take(2 * MEBIBYTE, false).is_some());
        drop(large);
        assert!(south.take(4 * MEBIBYTE, false).is_none(), "the tenant has three");
        assert_eq!((south.maximum(), south.taken(), process.taken()), (3 * MEBIBYTE, 0, 0));
    }

    #[test]
    fn what_a_body_does_not_need_is_given_back() {
        let bodies = Bodies::new(8 * MEBIBYTE, 8 * MEBIBYTE);
        let mut taken = bodies.take(8 * MEBIBYTE, true).unwrap();
        taken.shrink(1);
        assert_eq!(bodies.taken(), KIBIBYTE);
        assert!(bodies.take(8 * MEBIBYTE - KIBIBYTE, true).is_some());
    }
}
