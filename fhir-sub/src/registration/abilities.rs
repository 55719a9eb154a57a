//! What no server can do, and what this one cannot: told before anything is written, with the cure. Of a server that is
//! yet to be recognised nothing is said.

use fhir_sub_search::search::{self, ParameterType};

use crate::declaration::{Content, Declaration, Trigger};
use crate::interaction::Interactions;
use crate::problems::Problems;
use crate::server::{Ask, Cannot, Criteria, Room, Shows, Signature, TellsApart, filters};
use crate::settings::{CALLER_TOKEN_SETTINGS, Settings};

/// What `declaration` asks of its server.
pub(super) fn ask<'s>(declaration: &Declaration, settings: &'s Settings) -> Ask<'s> {
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
        base_url: settings.base_url.url(),
        has_end: declaration.end.is_some(),
        topic: match &declaration.trigger {
            Trigger::Criteria(_) => None,
            Trigger::Topic(topic) => Some(topic.url),
        },
        has_signing_secret: settings.told_to_sign_with().is_some(),
        filters,
    }
}

/// What keeps the server of `settings` from doing what is asked of it, whatever the criteria is.
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
    if matches!(room.registering.shows, Shows::Token(_)) && settings.secrets.caller_token.is_none() {
        cannot(&format!(
            "{} shows an OAuth token with each notification, and registration tells it where to fetch that: set {}",
            room.title,
            CALLER_TOKEN_SETTINGS.join(", ")
        ));
    }
    match (&room.criteria, &room.topics) {
        (Err(why), _) if ask.is_criteria() => {
            cannot(&format!("FHIR_SERVER is {name}, which {why}; write `topic`"));
        }
        (_, Err(why)) if !ask.is_criteria() => {
            cannot(&format!("FHIR_SERVER is {name}, which {why}: write `criteria`"));
        }
        _ => {}
    }
    (room.refuse)(ask, cannot);
}

/// What keeps the server from firing as is asked for the criteria that is registered in the end: after the user's
/// `registration` function, which `extends` the Subscription where it adds an extension to it. Gives what may keep it from
/// that.
pub(super) fn check_criteria(
    declaration: &Declaration,
    registered: &str,
    extends: bool,
    settings: &Settings,
) -> Result<Vec<String>, Problems> {
    let (mut problems, mut doubts) = (Problems::default(), Vec::new());
    let (room, mut cannot) = (settings.fhir_server, |what: &str| problems.add(problem(declaration, what)));
    let Some(criteria) = room.criteria.as_ref().ok().filter(|_| !settings.is_server_unknown) else {
        return Ok(doubts);
    };
    // Only of a server that is not known may an extension ask for what the specification cannot.
    if room.is_known() || !extends {
        interactions(declaration, criteria, &mut cannot);
    }
    if search::resource_type(registered).is_none() && !criteria.has_several_types {
        cannot(&format!(
            "its criteria `{registered}` is of several types, which {} stores and never fires for: write a handler for \
             each type",
            room.title
        ));
    }
    let declared: Vec<_> = declaration.parameters().collect();
    let is_checked = declared.is_empty() || !declaration.parameter_types.is_empty();
    let written = search::split_filter(registered).map(|written| {
        // A value may be known only here, and the whole of it be the user's function's.
        let declared = declared.iter().find(|(declared, _)| declared.name == written.name);
        (written, declared.map_or(ParameterType::Unknown, |(_, of)| *of))
    });
    for filter in filters(written, None) {
        let is_undefined = is_checked
            && filter.kind() == ParameterType::Unknown
            && declared.iter().any(|(declared, _)| declared.name == filter.name());
        let why = (criteria.never_fires)(&filter).or_else(|| {
            let own = criteria.own_parameters.filter(|_| is_undefined)?;
            let (of, code) = (filter.resource_type().unwrap_or_default(), filter.parameter());
            let is_own = own.iter().any(|own| own.split_once('.') == Some((of, code.as_str())));
            let why = format!(
                "{} matches no parameter but those that FHIR or itself defines, and `{code}` is not one of them: look in the \
                 handler",
                room.title
            );
            (!is_own).then_some(why)
        });
        if let Some(why) = why {
            cannot(&format!("its criteria has `{filter}`, for which {} would never fire: {why}", room.title));
        } else if let Some(why) = (criteria.may_not_fire)(&filter) {
            doubts.push(format!("its criteria has `{filter}`: {why}"));
        }
    }
    problems.or(doubts)
}

/// Which interactions of a topic fire is its own; those of a criteria are asked for.
fn interactions(declaration: &Declaration, criteria: &Criteria, cannot: &mut Cannot<'_>) {
    let Interactions { create, update, delete } = declaration.interactions;
    if delete && !criteria.has_deletions {
        cannot(
            "it wants deletions, which R4 has no way to ask for: leave `delete` out of `on`, or, where the server \
             is one that can, say FHIR_SERVER=hapi or FHIR_SERVER=medplum, or have a `registration` function add the \
             extension by which it is asked",
        );
    }
    if create == update {
        return;
    }
    match criteria.tells_apart {
        TellsApart::Itself => {}
        TellsApart::ByHistory if declaration.content == Content::Empty && !declaration.looks_up() => cannot(
            "it wants creates or updates only, the server tells of both alike, and with `content = \"empty\"` not of \
             which resource, so that nothing tells them apart: leave `content` out, or write `on = [create, update]`",
        ),
        TellsApart::ByHistory => {}
        TellsApart::No => cannot(
            "it wants creates or updates only, and the server tells of both alike: write `on = [create, update]`, \
             with or without `delete`; FHIR_SERVER=medplum and FHIR_SERVER=hapi can tell them apart, and where another \
             server has an extension for it, have a `registration` function add that, with FHIR_SERVER=generic",
        ),
    }
}

/// What the server does otherwise than is asked, so that whoever registers may know.
pub(super) fn notes(ask: &Ask<'_>, settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if !settings.is_server_unknown {
        (settings.fhir_server.note)(ask, &mut |what| notes.push(what.to_owned()));
    }
    notes
}

/// What is wrong, with the subscription's name before it.
pub(super) fn problem(declaration: &Declaration, what: &str) -> String {
    let Declaration { endpoint, handler, source, .. } = declaration;
    format!("the subscription {endpoint:?} (`{handler}`, {source}): {what}")
}

#[cfg(test)]
mod tests;
