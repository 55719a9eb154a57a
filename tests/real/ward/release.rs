//! What the next release of this program would register: two programs in one binary.

use fhir_sub::prelude::*;

/// Lets the environment change what a subscription says, as a new release would.
pub(crate) fn change_registration(subscription: &mut Subscription) {
    for (variable, element) in [("WARD_REASON", "reason"), ("WARD_CRITERIA", "criteria")] {
        if let Ok(value) = std::env::var(variable) {
            subscription.set(element, value);
        }
    }
}
