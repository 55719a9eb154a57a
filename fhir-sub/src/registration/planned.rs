//! [`Planned`]: the part of a registration that `tests/speed` measures.

use super::plan::{Action, Given, plan};
use super::wanted::{Wanted, wanted};
use crate::app::App;
use crate::fhir::Subscription;
use crate::problems::Problems;

/// The wanted Subscriptions of an app, and those on its server.
pub struct Planned(Vec<(Wanted, Subscription)>);

impl Planned {
    pub(crate) fn new(app: &App) -> Result<Self, Problems> {
        let wanted = app.registry().declarations().iter().enumerate().map(|(number, declaration)| {
            let wanted = wanted(declaration, app.settings())?;
            let mut found = wanted.resource.clone();
            found.set("id", number.to_string());
            found.set("status", "active");
            Ok((wanted, found))
        });
        wanted.collect::<Result<_, _>>().map(Self)
    }

    /// Plans all of them, and returns how many must be written.
    #[must_use]
    pub fn plan(&self) -> usize {
        let planned =
            self.0.iter().map(|(wanted, found)| plan(wanted, vec![found.clone()], &Given::default()));
        planned.filter(|plan| !matches!(plan.action, Action::Keep { .. })).count()
    }
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Planned").field(&self.0.len()).finish()
    }
}
