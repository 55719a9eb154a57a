//! [`Text`]: a JSON string, borrowed from its source where it has no escapes.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// A JSON string, borrowed where it has no escapes.
///
/// serde borrows a bare `Cow<str>`, but not one in an `Option` or in a list: this it borrows everywhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
