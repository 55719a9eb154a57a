//! The effects that must exist in the end, given the server's content.

use std::collections::{BTreeSet, HashMap};

use fhir_sub::FhirClient;
use fhir_sub_real::{Done, id, version_id};
use serde_json::Value;

use super::balancer::Completed;
use super::{Kind, Writers};

/// Checks that each resource that now matches the criteria has its effect, and each deleted one too if the
/// program wants deletions. Other resources must have none. Returns the number of required effects.
pub(crate) async fn expect_effects(fhir: &FhirClient, run: &str, writers: &Writers, done: &Done) -> usize {
    let (mut there, mut wanted, mut wrong) = (BTreeSet::new(), 0, Vec::new());
    for kind in Kind::ALL {
        let identifier = format!("urn:canary|canary-{run}");
        let query = [("identifier", identifier.as_str()), ("_count", "200")];
        for resource in fhir.search_type::<Value>(kind.resource_type(), &query).all().await.expect("a search")
        {
            let reference = format!("{}/{}", kind.resource_type(), id(&resource));
            let event = format!("{} {reference} {}", kind.endpoint(), version_id(&resource));
            there.insert(reference);
            let meets = resource["status"] == kind.status(true);
            let change = resource["identifier"][1]["value"].as_str().filter(|_| meets);
            wanted += usize::from(meets);
            let effect = done.effects.get(&event).map(String::as_str);
            if effect != change {
                wrong.push(format!("{event}: the effect is {effect:?}, and should be {change:?}"));
            }
        }
    }
    let known = writers.known().clone();
    for known in &known {
        let reference = format!("{}/{}", known.kind.resource_type(), known.id);
        if there.contains(&reference) {
            continue;
        }
        // Only these are ever deleted.
        assert!(known.kind == Kind::Appointment, "the search has not found {reference}");
        let newest = fhir.history::<Value>("Appointment", &known.id).next().await;
        let newest = newest.expect("a history that is not empty").expect("a history");
        let request = newest.request.expect("what was done");
        assert_eq!(request.method, "DELETE", "{reference}");
        let version = request.url.rsplit('/').next().unwrap_or_default();
        let event = format!("appointments {reference} {version}");
        wanted += 1;
        let effect = done.effects.get(&event).map(String::as_str);
        if effect != Some("deleted") {
            wrong.push(format!("{event}: the effect is {effect:?}, and should be that of a deletion"));
        }
    }
    assert!(wrong.is_empty(), "{} of {wanted} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    wanted
}

/// The events that ran again after the server was told that they are done.
pub(crate) fn runs_after_the_end<'a>(done: &'a Done, completed: &[Completed]) -> BTreeSet<&'a str> {
    let mut first = HashMap::<&str, u128>::new();
    for Completed { event, at } in completed {
        first.entry(event).and_modify(|first| *first = (*first).min(*at)).or_insert(*at);
    }
    let is_late = |event: &str, at: u128| first.get(event).is_some_and(|end| at > *end);
    done.runs.iter().filter(|run| is_late(&run.event, run.at)).map(|run| run.event.as_str()).collect()
}
