//! The next release of this program: two programs in one binary.

use fhir_sub::prelude::*;

/// Lets the environment change a subscription, as a new release would.
pub(crate) fn change_registration(subscription: &mut Subscription) {
    for (variable, element) in [("WARD_REASON", "reason"), ("WARD_CRITERIA", "criteria")] {
        if let Ok(value) = std::env::var(variable) {
            subscription.set(element, value);
        }
    }
}
