//! What no server can do, and what this one cannot: told before anything is written, with the cure. Of a server that is
//! yet to be recognised nothing is said.

mod topic;

use crate::declaration::{Content, Declaration, Trigger};
use crate::problems::Problems;
use crate::settings::{FhirServer, Settings};

pub(super) fn check(declaration: &Declaration, settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut cannot = |what: &str| problems.add(problem(declaration, what));
    let signs = matches!(settings.fhir_server, FhirServer::Medplum | FhirServer::Generic | FhirServer::Auto);
    if settings.secrets.signing.is_some() && !signs {
        cannot(&format!(
            "FHIR_SUBSCRIPTION_SIGNING_SECRET is set, and {} signs nothing, so that every notification would be refused: \
             leave it out, and write `trust = \"reference\"` where what a notification carries must not be believed",
            settings.fhir_server.name()
        ));
    }
    match &declaration.trigger {
        Trigger::Criteria(_) => criteria(declaration, settings, &mut cannot),
        Trigger::Topic(topic) => {
            let maximum = settings.events_maximum;
            if let Some(count) =
                topic.max_count.filter(|count| usize::try_from(*count).is_ok_and(|it| it > maximum))
            {
                cannot(&format!(
                    "its max_count is {count}, and FHIR_SUBSCRIPTION_EVENTS_MAXIMUM refuses a notification of more than \
                     {maximum} events: lower the one, or raise the other"
                ));
            }
            topic::check(topic, declaration, settings, &mut cannot);
        }
    }
    problems.or(())
}

fn criteria(declaration: &Declaration, settings: &Settings, cannot: &mut dyn FnMut(&str)) {
    let (server, interactions) = (settings.fhir_server, declaration.interactions);
    match server {
        FhirServer::Helios | FhirServer::Aidbox => cannot(&format!(
            "FHIR_SERVER is {}, which evaluates topics, not criteria: it would store the Subscription and never fire it; \
             write `topic`",
            server.name()
        )),
        FhirServer::Generic | FhirServer::Firely if interactions.delete => cannot(
            "it wants deletions, which R4 has no way to ask for: leave `delete` out of `on`, or, where the server \
             is one that can, say FHIR_SERVER=hapi or FHIR_SERVER=medplum",
        ),
        _ => {}
    }
    let tells_apart = matches!(server, FhirServer::Medplum | FhirServer::Auto);
    let wants_both = interactions.create && interactions.update;
    if !(tells_apart || wants_both) {
        cannot(
            "it wants creates or updates only, and the server tells of both alike: write `on = [create, update]`, \
             with or without `delete`; FHIR_SERVER=medplum can tell them apart",
        );
    }
    if server == FhirServer::Medplum && declaration.content == Content::Empty {
        cannot(
            "it has content = \"empty\", but Medplum sends the whole resource whatever the Subscription says: \
             leave `content` out",
        );
    }
}

/// What is wrong, with the subscription's name before it.
pub(super) fn problem(declaration: &Declaration, what: &str) -> String {
    let Declaration { endpoint, handler, source, .. } = declaration;
    format!("the subscription {endpoint:?} (`{handler}`, {source}): {what}")
}

#[cfg(test)]
mod tests;
