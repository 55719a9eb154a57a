//! The periods of a Subscription's heartbeats: the registered period, and the period that the server shows.
//!
//! A `registration` function may set, change or remove the attribute's period. A server may send heartbeats less often than it
//! is asked to.

use super::hidden::value;
use super::wanted::{Wanted, wanted};
use crate::app::App;
use crate::declaration::Declaration;
use crate::fhir::Subscription;
use crate::fhir::backport::HEARTBEAT_PERIOD;

/// Asks the `registration` function of `declaration` for its period, once in a process.
pub(crate) fn learn(app: &App, declaration: &'static Declaration) {
    let is_known = || app.memory().silences.periods(declaration.endpoint).registered.is_some();
    if declaration.registration.is_some()
        && !is_known()
        && let Ok(wanted) = wanted(declaration, app.settings())
    {
        app.memory().silences.register(declaration.endpoint, period(&wanted.resource));
    }
}

/// Notes the period of the wanted Subscription, and the period that the server shows.
pub(super) fn note(
    app: &App,
    declaration: &'static Declaration,
    wanted: &Wanted,
    shown: Option<&Subscription>,
) {
    let silences = &app.memory().silences;
    if declaration.registration.is_some() {
        silences.register(declaration.endpoint, period(&wanted.resource));
    }
    silences.show(declaration.endpoint, shown.and_then(period));
}

/// The period in a Subscription: an element in R5, and else an extension of its channel.
fn period(subscription: &Subscription) -> Option<u32> {
    let extended = || {
        let extensions = subscription.channel()?.get("extension")?.as_array()?;
        value(extensions.iter().find(|extension| extension["url"] == HEARTBEAT_PERIOD)?)
    };
    u32::try_from(subscription.get("heartbeatPeriod").or_else(extended)?.as_u64()?).ok()
}
