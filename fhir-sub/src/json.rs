//! JSON as text: the code reads it in place and builds no values. This module knows no requests and no
//! answers.

mod outline;
mod scanner;
pub(crate) mod strict;
pub(crate) mod swar;
mod text;
#[cfg(feature = "lambda")]
mod unescape;

pub(crate) use outline::Outline;
pub(crate) use scanner::{Mistake, Scanner, once};
pub(crate) use text::Text;
#[cfg(feature = "lambda")]
pub(crate) use unescape::has_control_character;

/// Whether a number is zero. A zero is not written.
pub(crate) fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}
