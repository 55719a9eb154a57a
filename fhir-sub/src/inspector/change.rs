//! The change of a resource that makes a handler run.

use crate::declaration::Declaration;
use crate::interaction::Interaction;

/// The first interaction that the handler wants.
pub(crate) fn first_wanted(declaration: &Declaration) -> Interaction {
    let wanted = declaration.interactions;
    match (wanted.create, wanted.update) {
        (true, _) => Interaction::Create,
        (false, true) => Interaction::Update,
        (false, false) => Interaction::Delete,
    }
}
