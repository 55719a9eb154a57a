//! [`Text`]: a JSON string, borrowed from its source if it has no escapes.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// A JSON string, borrowed if it has no escapes.
///
/// serde borrows a bare `Cow<str>`, but no `Cow<str>` in an `Option` or in a list. A `Text` is borrowed
/// everywhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
