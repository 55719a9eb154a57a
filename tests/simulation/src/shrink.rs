//! Shrinks a plan that breaks a promise.

use crate::plan::{MANY, Plan, What};
use crate::schedule::run;

/// Removes everything from a plan that is not needed to break a promise.
pub(crate) fn shrink(mut plan: Plan) -> Plan {
    loop {
        let smaller = smaller(&plan).find(|smaller| run(smaller, false).violation.is_some());
        match smaller {
            Some(smaller) => plan = smaller,
            None => return plan,
        }
    }
}

/// Plans with one thing less. Faults come first, because they matter most.
fn smaller(plan: &Plan) -> impl Iterator<Item = Plan> + '_ {
    let without_fault = (0..plan.faults.len()).map(|place| {
        let mut plan = plan.clone();
        plan.faults.remove(place);
        plan
    });
    let without_step = (0..plan.steps.len()).map(|place| {
        let mut plan = plan.clone();
        plan.steps.remove(place);
        plan
    });
    let without_write = (0..plan.steps.len()).filter_map(|place| {
        let mut plan = plan.clone();
        match &mut plan.steps[place].what {
            What::Write(writes) if writes.len() > 1 => drop(writes.pop()),
            _ => return None,
        }
        Some(plan)
    });
    let simpler = [
        (plan.setup.instances > 1).then(|| {
            let mut plan = plan.clone();
            plan.setup.instances = 1;
            plan
        }),
        (plan.setup.page < 100).then(|| {
            let mut plan = plan.clone();
            plan.setup.page = 100;
            plan
        }),
        plan.setup.has_twin.then(|| {
            let mut plan = plan.clone();
            plan.setup.has_twin = false;
            plan
        }),
        (plan.setup.events < MANY).then(|| {
            let mut plan = plan.clone();
            plan.setup.events = MANY;
            plan
        }),
    ];
    without_fault.chain(without_step).chain(without_write).chain(simpler.into_iter().flatten())
}
