//! [`contain`]: runs code of the user's, and lets no panic of it out.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;

/// Code of the user's has panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs a future, in which code of the user's runs. A panic ends it, and nothing else: also one where the future is dropped
/// before its end, as when its time is over, or one in dropping what another panic carries.
///
/// Whatever it left half done in a state of its own is the user's: locks poison, and the rest of the future is dropped.
pub(crate) fn contain<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Contained<'a, T> {
    Contained::new(Box::pin(future))
}

/// The future of [`contain`].
pub(crate) struct Contained<'a, T>(Option<BoxFuture<'a, T>>);

impl<'a, T> Contained<'a, T> {
    /// The same of a future that is boxed already.
    pub(crate) fn new(future: BoxFuture<'a, T>) -> Self {
        Self(Some(future))
    }

    fn end(&mut self) {
        if let Some(future) = self.0.take() {
            dispose(future);
        }
    }
}

impl<T> Future for Contained<'_, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else { return Poll::Ready(Err(Panicked)) };
        let polled = attempt(|| future.as_mut().poll(context));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(Panicked) => Err(Panicked),
        };
        self.end();
        Poll::Ready(ended)
    }
}

impl<T> Drop for Contained<'_, T> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Calls a function of the user's.
pub(crate) fn attempt<T>(function: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| {
        dispose_of_payload(payload);
        Panicked
    })
}

/// Drops a value of the user's.
pub(crate) fn dispose<T>(value: T) {
    let _ = attempt(|| drop(value));
}

/// What a panic carries is a value of the user's, too. One that panics again, with what it carries, is not dropped any more.
fn dispose_of_payload(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

#[cfg(test)]
mod tests;
