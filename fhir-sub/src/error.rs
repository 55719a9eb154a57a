//! [`Error`]: the error of a handler.

use std::fmt;
use std::panic::Location;

/// A boxed error, as the standard library makes it from any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The result of a handler. A handler may name its own error type as `E`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a handler could not do its work, and whether the server should send the notification again.
///
/// `?` makes an `Error` of any [`std::error::Error`]. Such an error is *transient*: the notification is answered `500`, and the
/// server sends it again. [`Error::permanent`] says that another try cannot succeed. Without a durable store, a permanent error is
/// answered `422`. With one, the event becomes a dead letter, and is answered `204`.
///
/// The text of an error never reaches the caller. It may quote a patient, so it reaches the log only if
/// `FHIR_SUBSCRIPTION_LOG_ERRORS` is `text`, which is the default outside of Lambda.
///
/// ```
/// use fhir_sub::{Error, Result};
///
/// fn parse(minutes: &str) -> Result<u32> {
///     if minutes.is_empty() {
///         return Err(Error::permanent("the appointment has no length"));
///     }
///     Ok(minutes.parse()?)
/// }
///
/// assert!(parse("").unwrap_err().is_permanent());
/// assert!(!parse("twelve").unwrap_err().is_permanent());
/// ```
pub struct Error {
    source: BoxError,
    kind: &'static str,
    place: Option<&'static Location<'static>>,
    permanent: bool,
}

impl Error {
    /// An error that another try may overcome: the server should send the notification again.
    #[track_caller]
    pub fn transient<E: Into<BoxError>>(error: E) -> Self {
        let source: BoxError = error.into();
        // A boxed `Error` keeps its kind.
        let boxed = source.downcast_ref::<Boxed>().map(|Boxed(error)| error.kind);
        let kind = boxed.unwrap_or_else(|| kind_of(std::any::type_name::<E>()));
        Self { source, kind, place: Some(Location::caller()), permanent: false }
    }

    /// An error that no other try can overcome: the server must not send the notification again.
    #[track_caller]
    pub fn permanent<E: Into<BoxError>>(error: E) -> Self {
        Self { permanent: true, ..Self::transient(error) }
    }

    /// Whether no other try can succeed: the error was made by [`permanent`](Self::permanent).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// The name of the type that the error was made from: `core::num::error::ParseIntError`. It quotes nothing.
    ///
    /// For an error that was made from a text, it is `message`. For an error that was boxed before, it is
    /// `boxed error`, because the name of the type is no longer known. [`place`](Self::place) says where the error was
    /// made.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Where in the source the error was made, or where `?` converted it; `None` if the handler returned an error type
    /// of its own.
    #[must_use]
    pub fn place(&self) -> Option<&'static Location<'static>> {
        self.place
    }

    /// The error that this error was made from.
    #[must_use]
    pub fn source(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.source
    }

    /// Undoes [`Boxed`], so that a boxed error stays permanent.
    pub(crate) fn from_boxed(kind: &'static str, error: BoxError) -> Self {
        match error.downcast::<Boxed>() {
            Ok(boxed) => boxed.0,
            Err(source) => Self { source, kind: kind_of(kind), place: None, permanent: false },
        }
    }
}

/// The kind of an error that was made from a type of this name.
fn kind_of(name: &'static str) -> &'static str {
    let is_boxed = |name: &str| name.starts_with("alloc::boxed::Box<dyn core::error::Error");
    match name {
        "&str" | "alloc::string::String" | "alloc::boxed::Box<str>" => "message",
        name if name.starts_with("alloc::borrow::Cow<") => "message",
        name if is_boxed(name) => "boxed error",
        name => name,
    }
}

impl<E: IntoError> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::transient(error)
    }
}

/// The errors that `?` takes: any [`std::error::Error`]. A text is not an error, because it does not say whether another try may
/// succeed.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`?` makes no `fhir_sub::Error` of `{Self}`",
    label = "not a `std::error::Error`: say whether another try may succeed, with \
             `.ok_or_else(|| Error::permanent(\"…\"))?` or `.map_err(Error::permanent)?`, else with `Error::transient`"
)]
pub trait IntoError: Into<BoxError> {}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error + Send + Sync + 'static> IntoError for E {}

impl From<Error> for BoxError {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(formatter)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, formatter)
    }
}

/// [`Error`] as a [`std::error::Error`]. `Error` itself cannot be one, or converting it from every
/// error would overlap with converting it from itself.
struct Boxed(Error);

impl std::error::Error for Boxed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.source()
    }
}

impl fmt::Display for Boxed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Boxed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
