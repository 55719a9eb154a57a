//! Reports each wish that this server, or every server, cannot fulfil. It names the cure before the program writes anything.
//! For a server that is not recognised yet, nothing is reported.

use fhir_sub_search::search::{self, ParameterType};

use crate::declaration::{Content, Declaration, Trigger};
use crate::interaction::Interactions;
use crate::problems::Problems;
use crate::server::{Ask, Cannot, Criteria, Room, Shows, Signature, TellsApart, filters};
use crate::settings::{CALLER_TOKEN_SETTINGS, Settings};

/// The demands of `declaration` on its server.
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

/// Checks what the server of `settings` cannot do for any criteria.
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
            "FHIR_SUBSCRIPTION_SIGNING_SECRET is set, and {name} signs nothing, so every notification \
             would be refused: leave it out, and write `trust = \"reference\"` for handlers that must not \
             trust the content"
        ));
    }
    if matches!(room.registering.shows, Shows::Token(_)) && settings.secrets.caller_token.is_none() {
        cannot(&format!(
            "{} sends an OAuth token with each notification, and registration tells it where to fetch the \
             token: set {}",
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

/// Why the server would not fire as asked for the criteria that is registered in the end, after the user's
/// `registration` function. `extends` says whether that function adds an extension to the Subscription. Without a
/// problem, returns the reasons why the server may not fire.
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
    // On an unknown server, an extension may ask for more than the specification can.
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
        // The user's function may have written this filter: then the type of its parameter is unknown.
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

/// A topic decides itself which interactions fire; for a criteria, the Subscription asks for them.
fn interactions(declaration: &Declaration, criteria: &Criteria, cannot: &mut Cannot<'_>) {
    let Interactions { create, update, delete } = declaration.interactions;
    if delete && !criteria.has_deletions {
        cannot(
            "it wants deletions, and R4 cannot ask for them: leave `delete` out of `on`; if the server is \
             HAPI FHIR or Medplum, set FHIR_SERVER=hapi or FHIR_SERVER=medplum; if it has an extension for \
             deletions, add that in a `registration` function",
        );
    }
    if create == update {
        return;
    }
    match criteria.tells_apart {
        TellsApart::Itself => {}
        TellsApart::ByHistory if declaration.content == Content::Empty && !declaration.looks_up() => cannot(
            "it wants creates or updates only, the server reports both alike, and with `content = \
             \"empty\"` it names no resource, so the program cannot tell them apart: leave `content` out, \
             or write `on = [create, update]`",
        ),
        TellsApart::ByHistory => {}
        TellsApart::No => cannot(
            "it wants creates or updates only, and the server reports both alike: write `on = [create, \
             update]`, with or without `delete`; FHIR_SERVER=medplum and FHIR_SERVER=hapi can tell them \
             apart; if another server has an extension for this, set FHIR_SERVER=generic, and add the \
             extension in a `registration` function",
        ),
    }
}

/// The differences between the server's behaviour and the demands, for the person who registers.
pub(super) fn notes(ask: &Ask<'_>, settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if !settings.is_server_unknown {
        let room = settings.fhir_server;
        (room.note)(ask, &mut |what| notes.push(what.to_owned()));
        // A gateway may check the token, and add the header.
        if matches!(room.registering.shows, Shows::Token(_)) && !settings.callers.admit_tokens() {
            notes.push(format!(
                "{} shows an OAuth token and nothing else, and the program takes none: if no gateway lets it in, set \
                 FHIR_SUBSCRIPTION_TOKEN_ISSUER and FHIR_SUBSCRIPTION_TOKEN_AUDIENCE (feature `token`)",
                room.title
            ));
        }
    }
    notes
}

/// The problem, with the subscription's name before it.
pub(super) fn problem(declaration: &Declaration, what: &str) -> String {
    let Declaration { endpoint, handler, source, .. } = declaration;
    format!("the subscription {endpoint:?} (`{handler}`, {source}): {what}")
}

#[cfg(test)]
mod tests;
