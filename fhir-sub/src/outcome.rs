//! [`Outcome`]: how a handler ended, and [`IntoOutcome`]: what a handler may return.

use crate::error::{BoxError, Error};
use crate::rejection::Rejection;

/// How the handling of one event ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Done: the server need not send it again (`204`).
    Handled,
    /// Not done; another try may succeed, so the server must send it again (`500`).
    Transient(Error),
    /// Not done; no other try can succeed (a dead letter with a durable store, else `422`).
    Permanent(Error),
    /// An argument could not be made, so the handler did not run.
    Rejected(Rejection),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        if error.is_permanent() { Self::Permanent(error) } else { Self::Transient(error) }
    }
}

/// The return type of a handler: `()`, or a `Result<(), E>` whose error converts into a boxed one.
///
/// ```
/// use fhir_sub::{Error, IntoOutcome, Outcome};
///
/// /// Whether the message went out.
/// enum Sent { Yes, Later }
///
/// impl IntoOutcome for Sent {
///     fn into_outcome(self) -> Outcome {
///         match self {
///             Sent::Yes => Outcome::Handled,
///             Sent::Later => Outcome::Transient(Error::transient("the gateway is busy")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "neither `()` nor a `Result<(), E>` whose `E` is an error",
    note = "return `()`, or `Result<(), E>` where `E: Into<Box<dyn Error + Send + Sync>>`; \
            `fhir_sub::Result<()>` takes any error through `?`"
)]
pub trait IntoOutcome {
    /// The outcome of this value.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Handled
    }
}

// Without this, for an `E` that is no error, the compiler would report `E` alone instead of the handler's
// result.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(()) => Outcome::Handled,
            Err(error) => Error::from_boxed(std::any::type_name::<E>(), error.into()).into(),
        }
    }
}
