//! JSON as text: read in place, without building anything of it. It knows no request and no answer.

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
