//! What no server can do, and what this one cannot: told before anything is written, with the cure. Of a server that is
//! yet to be recognised nothing is said.

use fhir_sub_search::search;

use crate::declaration::{Declaration, Trigger};
use crate::interaction::Interactions;
use crate::problems::Problems;
use crate::server::{Ask, Cannot, Criteria, Room, Signature, filters};
use crate::settings::Settings;

/// What `declaration` asks of its server.
pub(super) fn ask(declaration: &Declaration, settings: &Settings) -> Ask<'static> {
    let filters = match &declaration.trigger {
        Trigger::Criteria(_) => None,
        Trigger::Topic(_) => {
            let assumed = declaration.search();
            let assumed = assumed.as_deref().map(|search| search::split(search).0);
            Some(filters(declaration.parameters(), assumed))
        }
    };
    Ask {
        version: settings.fhir_version,
        interactions: declaration.interactions,
        content: declaration.content,
        is_https: settings.base_url.url().scheme() == "https",
        filters,
    }
}

pub(super) fn check(declaration: &Declaration, ask: &Ask<'_>, settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut cannot = |what: &str| problems.add(problem(declaration, what));
    if let Trigger::Topic(topic) = &declaration.trigger {
        let maximum = settings.events_maximum;
        if let Some(count) =
            topic.max_count.filter(|count| usize::try_from(*count).is_ok_and(|it| it > maximum))
        {
            cannot(&format!(
                "its max_count is {count}, and FHIR_SUBSCRIPTION_EVENTS_MAXIMUM refuses a notification of more than \
                 {maximum} events: lower the one, or raise the other"
            ));
        }
    }
    if !settings.is_server_unknown {
        of_server(settings.fhir_server, ask, settings, &mut cannot);
    }
    problems.or(())
}

fn of_server(room: &Room, ask: &Ask<'_>, settings: &Settings, cannot: &mut Cannot<'_>) {
    let name = room.name;
    if settings.secrets.signing.is_some() && matches!(room.signature, Signature::Nothing) {
        cannot(&format!(
            "FHIR_SUBSCRIPTION_SIGNING_SECRET is set, and {name} signs nothing, so that every notification would be \
             refused: leave it out, and write `trust = \"reference\"` where what a notification carries must not be \
             believed"
        ));
    }
    if ask.is_criteria() {
        match &room.criteria {
            Err(why) => cannot(&format!("FHIR_SERVER is {name}, which {why}; write `topic`")),
            Ok(criteria) => interactions(ask, criteria, cannot),
        }
    } else if let Err(why) = &room.topics {
        cannot(&format!("FHIR_SERVER is {name}, which {why}: write `criteria`"));
    }
    (room.refuse)(ask, cannot);
}

/// Which interactions of a topic fire is its own; those of a criteria are asked for.
fn interactions(ask: &Ask<'_>, criteria: &Criteria, cannot: &mut Cannot<'_>) {
    let Interactions { create, update, delete } = ask.interactions;
    if delete && !criteria.has_deletions {
        cannot(
            "it wants deletions, which R4 has no way to ask for: leave `delete` out of `on`, or, where the server \
             is one that can, say FHIR_SERVER=hapi or FHIR_SERVER=medplum",
        );
    }
    if !(criteria.tells_interactions || create && update) {
        cannot(
            "it wants creates or updates only, and the server tells of both alike: write `on = [create, update]`, \
             with or without `delete`; FHIR_SERVER=medplum can tell them apart",
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
