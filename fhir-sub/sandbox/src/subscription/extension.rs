//! The extensions of a `Subscription` with requests beyond the specification.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::refuse;
use crate::{builder::Behaviour, notification::Interaction, refusal::Refusal};

const HAPI: &str = "http://hapifhir.io/fhir/StructureDefinition/";
const MEDPLUM: &str = "https://medplum.com/fhir/StructureDefinition/";
const MEDPLUM_SECRET: &str = "https://www.medplum.com/fhir/StructureDefinition/subscription-secret";

/// Extensions that change the content or time of notifications, and that the sandbox does not imitate.
const REFUSED: [(Behaviour, &str); 3] = [
    (Behaviour::Hapi, "http://hapifhir.io/fhir/StructureDefinition/subscription-payload-search-criteria"),
    (Behaviour::Medplum, "https://medplum.com/fhir/StructureDefinition/fhir-path-criteria-expression"),
    (Behaviour::Medplum, "https://www.medplum.com/fhir/StructureDefinition-subscriptionSecret"),
];

/// The requests of the extensions.
pub(crate) struct Extensions {
    pub(crate) interactions: Vec<Interaction>,
    pub(crate) strips_versions: bool,
    pub(crate) delivers_latest: bool,
    pub(crate) retries: Option<u32>,
    pub(crate) success: Vec<RangeInclusive<u16>>,
    /// The secret that signs notifications.
    pub(crate) secret: Option<String>,
}

impl Extensions {
    /// Reads the extensions of the imitated server, and refuses those that only the sandbox lacks.
    pub(crate) fn read(subscription: &Value, behaviour: Behaviour) -> Result<Self, Refusal> {
        let on_root = || items(&subscription["extension"]);
        let on_channel = || items(&subscription["channel"]["extension"]);
        let refused = |url: &Value| REFUSED.iter().any(|refused| refused.0 == behaviour && *url == refused.1);
        if let Some(url) =
            on_root().chain(on_channel()).map(|extension| &extension["url"]).find(|url| refused(url))
        {
            let url = url.as_str().unwrap_or_default();
            return Err(refuse("extension", &format!("`{url}` is one that the sandbox does not imitate")));
        }
        Ok(match behaviour {
            Behaviour::Generic => Self {
                interactions: vec![Interaction::Create, Interaction::Update],
                strips_versions: false,
                delivers_latest: false,
                retries: None,
                success: Vec::new(),
                secret: None,
            },
            Behaviour::Hapi => {
                let is_on = |extension: &Value, name| {
                    named(extension, HAPI, name) && extension["valueBoolean"] == true
                };
                // HAPI has it on the root up to 6.0, and on the channel from 6.1 on.
                let deletes =
                    on_root().chain(on_channel()).any(|it| is_on(it, "subscription-send-delete-messages"));
                let mut interactions = vec![Interaction::Create, Interaction::Update];
                interactions.extend(deletes.then_some(Interaction::Delete));
                Self {
                    interactions,
                    strips_versions: on_channel()
                        .any(|it| is_on(it, "subscription-resthook-strip-version-ids")),
                    delivers_latest: on_channel()
                        .any(|it| is_on(it, "subscription-resthook-deliver-latest-version")),
                    retries: None,
                    success: Vec::new(),
                    secret: None,
                }
            }
            Behaviour::Medplum => {
                let all_named = |name| on_root().filter(move |extension| named(extension, MEDPLUM, name));
                let attempts =
                    all_named("subscription-max-attempts").find_map(|it| it["valueInteger"].as_u64());
                let codes = all_named("subscription-success-codes").find_map(|it| it["valueString"].as_str());
                // `@medplum/core` 4.5.2 to 5.1.26 uses only the first one.
                let wanted =
                    all_named("subscription-supported-interaction").find_map(|it| it["valueCode"].as_str());
                let secret = on_root().find(|extension| extension["url"] == MEDPLUM_SECRET);
                Self {
                    interactions: Interaction::ALL
                        .into_iter()
                        .filter(|interaction| wanted.is_none_or(|wanted| wanted == interaction.name()))
                        .collect(),
                    strips_versions: false,
                    delivers_latest: false,
                    retries: attempts.map(|attempts| u32::try_from(attempts.min(18)).unwrap_or(18)),
                    success: codes.map_or(Some(vec![200..=399]), success_codes).ok_or_else(|| {
                        refuse(
                            "extension",
                            "subscription-success-codes is not codes and ranges such as `200-399,404`",
                        )
                    })?,
                    secret: secret.and_then(|it| it["valueString"].as_str()).map(str::to_owned),
                }
            }
        })
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn named(extension: &Value, prefix: &str, name: &str) -> bool {
    extension["url"].as_str().and_then(|url| url.strip_prefix(prefix)) == Some(name)
}

/// `200,201,410-600`.
fn success_codes(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
        })
        .collect()
}
