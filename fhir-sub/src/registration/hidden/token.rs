//! The extensions of `channel.type` that say how the server fetches its token. HealthLake may hide the client secret among them.

use serde_json::{Value, json};

use super::mask::may_be;
use super::{url, value};
use crate::fhir::Subscription;
use crate::registration::difference::covers;
use crate::server::is_token_secret;

/// The `channel._type` of `found` with the wanted extensions, if the server hides the secret among them, or all of them.
pub(super) fn reveal(wanted: &Subscription, found: &Subscription) -> Option<Value> {
    let (wanted, shown) = (of_type(wanted), of_type(found));
    if !wanted.iter().any(|extension| is_token_secret(url(extension))) {
        return None;
    }
    let is_shown = |extension: &&Value| shown.iter().any(|shown| covers(shown, extension));
    let hides_all = !wanted.iter().any(|extension| is_shown(&extension));
    let mut unshown = wanted.iter().filter(|extension| !is_shown(extension)).peekable();
    unshown.peek()?;
    let may_be_hidden = |extension: &Value| {
        let mut alike = shown.iter().filter(|shown| url(shown) == url(extension));
        match (hides_all || is_token_secret(url(extension)), alike.next(), alike.next()) {
            (true, None, _) => true,
            (true, Some(only), None) => text(only).is_none_or(|shown| {
                text(extension).is_some_and(|wanted| shown != wanted && may_be(shown, wanted))
            }),
            _ => false,
        }
    };
    unshown.all(may_be_hidden).then(|| {
        let is_wanted = |shown: &&Value| wanted.iter().any(|wanted| url(wanted) == url(shown));
        let others = shown.iter().filter(|shown| !is_wanted(shown));
        json!({ "extension": others.chain(wanted).cloned().collect::<Vec<_>>() })
    })
}

/// The extensions of `channel.type`.
fn of_type(subscription: &Subscription) -> &[Value] {
    let channel = subscription.channel();
    let extended = channel.and_then(|channel| channel.get("_type")?.get("extension")?.as_array());
    extended.map_or(&[], Vec::as_slice)
}

/// The value of an extension, if it is a text.
fn text(extension: &Value) -> Option<&str> {
    value(extension)?.as_str()
}
