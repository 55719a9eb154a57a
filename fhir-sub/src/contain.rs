//! [`contain`]: runs the user's code, and stops its panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;

/// The user's code has panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs a future that contains the user's code. A panic ends this future, and nothing else. That also holds
/// if the future panics when it is dropped early, for instance at a timeout, or if the payload of a panic
/// panics when it is dropped.
///
/// The user is responsible for state that a panic leaves half done: locks are poisoned, and the rest of the
/// future is dropped.
pub(crate) fn contain<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Contained<'a, T> {
    Contained::new(Box::pin(future))
}

/// The future of [`contain`].
pub(crate) struct Contained<'a, T>(Option<BoxFuture<'a, T>>);

impl<'a, T> Contained<'a, T> {
    /// The same for a boxed future.
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

/// Calls the user's function.
pub(crate) fn attempt<T>(function: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| {
        dispose_of_payload(payload);
        Panicked
    })
}

/// Drops the user's value.
pub(crate) fn dispose<T>(value: T) {
    let _ = attempt(|| drop(value));
}

/// The payload of a panic is the user's value too. If dropping it panics, the new payload is leaked.
fn dispose_of_payload(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

#[cfg(test)]
mod tests;
