//! Checks `trust` together with `content`.

use super::given::Given;
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::{Content, Trust};

/// `None` if there is a mistake.
pub(super) fn check(given: &Given<'_>, content: Option<Content>, errors: &mut Errors) -> Option<Trust> {
    let trust = given.text(Key::Trust, errors, |literal| match &*literal.value() {
        "notification" => Ok(Trust::Notification),
        "reference" if content == Some(Content::Empty) => Err(
            "a notification with `content = \"empty\"` carries no resource that could be read instead: take \
                 `trust` out, or `content`"
                .to_owned(),
        ),
        "reference" => Ok(Trust::Reference),
        other => Err(format!("no trust is called {other:?}: `trust` takes {}", Key::Trust.usage())),
    });
    trust.map(|trust| trust.unwrap_or(Trust::Notification))
}
