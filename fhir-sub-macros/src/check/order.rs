//! Checks `order` together with `content`.

use super::given::Given;
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::{Content, Order};

/// `None` if there is a mistake.
pub(super) fn check(given: &Given<'_>, content: Option<Content>, errors: &mut Errors) -> Option<Order> {
    let order = given.text(Key::Order, errors, |literal| match &*literal.value() {
        "any" => Ok(Order::Any),
        "latest" if content == Some(Content::Empty) => Err(
            "a notification with `content = \"empty\"` names no resource, so no version can be the latest: take out `order` \
             or `content`"
                .to_owned(),
        ),
        "latest" => Ok(Order::Latest),
        other => Err(format!("no order is called {other:?}: `order` takes {}", Key::Order.usage())),
    });
    order.map(|order| order.unwrap_or(Order::Any))
}
