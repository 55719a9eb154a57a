//! [`Key`]: the keys of the attributes.

use std::ops::RangeInclusive;

use proc_macro2::Ident;
use syn::ext::IdentExt as _;

use fhir_sub_search::nearest::nearest;

/// A key of `#[fhir_subscription(…)]` or of `#[fhir(…)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Criteria,
    Topic,
    Filter,
    Endpoint,
    Reason,
    On,
    Content,
    Trust,
    Order,
    Heartbeat,
    Timeout,
    MaxCount,
    Registration,
    End,
    Fhir,
    Also,
    Unchecked,
    Type,
    Crate,
}

impl Key {
    /// The keys of `#[fhir_subscription(…)]`, in the order of messages.
    pub(crate) const OF_SUBSCRIPTIONS: &[Self] = &[
        Self::Criteria,
        Self::Topic,
        Self::Filter,
        Self::Endpoint,
        Self::Reason,
        Self::On,
        Self::Content,
        Self::Trust,
        Self::Order,
        Self::Heartbeat,
        Self::Timeout,
        Self::MaxCount,
        Self::Registration,
        Self::End,
        Self::Fhir,
        Self::Also,
        Self::Unchecked,
        Self::Crate,
    ];

    /// The keys that apply to a `topic` only.
    pub(crate) const OF_TOPICS: &[Self] = &[Self::Filter, Self::Heartbeat, Self::Timeout, Self::MaxCount];

    /// The keys of `#[fhir(…)]`, which stands above a type.
    pub(crate) const OF_TYPES: &[Self] = &[Self::Type, Self::Unchecked, Self::Crate];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Criteria => "criteria",
            Self::Topic => "topic",
            Self::Filter => "filter",
            Self::Endpoint => "endpoint",
            Self::Reason => "reason",
            Self::On => "on",
            Self::Content => "content",
            Self::Trust => "trust",
            Self::Order => "order",
            Self::Heartbeat => "heartbeat",
            Self::Timeout => "timeout",
            Self::MaxCount => "max_count",
            Self::Registration => "registration",
            Self::End => "end",
            Self::Fhir => "fhir",
            Self::Also => "also",
            Self::Unchecked => "unchecked",
            Self::Type => "type",
            Self::Crate => "crate",
        }
    }

    /// The kind of value of the key, with an example to copy.
    pub(crate) fn usage(self) -> &'static str {
        match self {
            Self::Criteria => r#"a FHIR search in quotes: `criteria = "Encounter?status=finished"`"#,
            Self::Topic => {
                r#"the canonical URL of a SubscriptionTopic in quotes: `topic = "https://example.org/topics/admission"`"#
            }
            Self::Filter => r#"a FHIR search in quotes: `filter = "Encounter?patient=Patient/1"`"#,
            Self::Endpoint => r#"one path segment in quotes: `endpoint = "finished-encounters"`"#,
            Self::Reason => r#"a text in quotes: `reason = "Bill what was done"`"#,
            Self::On => "a list of `create`, `update`, `delete`: `on = [create, update]`",
            Self::Content => {
                r#"`"empty"`, `"full-resource"` or, with a topic, `"id-only"`: `content = "empty"`"#
            }
            Self::Trust => r#"`"notification"` or `"reference"`: `trust = "reference"`"#,
            Self::Order => r#"`"any"` or `"latest"`: `order = "latest"`"#,
            Self::Heartbeat => {
                "a whole number of seconds, from 1 to 86400 (a day), without quotes: `heartbeat = 60`"
            }
            Self::Timeout => {
                "a whole number of seconds, from 1 to 900 (as long as a Lambda can run), without quotes: `timeout = 30`"
            }
            Self::MaxCount => "a whole number of events, from 1 to 1000, without quotes: `max_count = 10`",
            Self::Registration => {
                "the path of a `fn(&mut Subscription)`, without quotes: `registration = with_contact`"
            }
            Self::End => {
                r#"a FHIR instant in quotes, with seconds and a zone: `end = "2030-12-31T23:59:59Z"`"#
            }
            Self::Fhir => r#"`"R4"`, `"R4B"` or, with a topic, `"R5"`: `fhir = "R4B"`"#,
            Self::Also => {
                r#"a list of parameters that only your server has, in quotes: `also = ["my-parameter"]`"#
            }
            Self::Unchecked => "`true` or `false`, without quotes: `unchecked = true`",
            Self::Type => r#"the name of a FHIR resource type in quotes: `#[fhir(type = "Appointment")]`"#,
            Self::Crate => "the path of `fhir_sub`, without quotes: `crate = my_library::fhir_sub`",
        }
    }

    /// The smallest and the largest number.
    pub(crate) fn bounds(self) -> RangeInclusive<u32> {
        match self {
            // A heartbeat less than once a day is useless.
            Self::Heartbeat => 1..=86_400,
            Self::Timeout => 1..=900,
            // As many resources as fit into a body that a gateway accepts.
            Self::MaxCount => 1..=1000,
            _ => 0..=u32::MAX,
        }
    }

    /// Whether the key may be repeated.
    pub(crate) fn is_repeatable(self) -> bool {
        self == Self::Filter
    }

    /// The key among `keys` that `name` resembles most, if it resembles one.
    fn nearest(name: &str, keys: &[Self]) -> Option<Self> {
        let nearest = nearest(name, keys.iter().map(|key| key.name()))?;
        keys.iter().copied().find(|key| key.name() == nearest)
    }
}

/// An unknown name of a key.
pub(crate) struct Unknown {
    pub(crate) message: String,
    /// The key that was probably meant: it is not also reported as missing.
    pub(crate) meant: Option<Key>,
}

/// The key with the name `name` among `keys`.
pub(crate) fn look_up(name: &Ident, keys: &[Key]) -> Result<Key, Unknown> {
    let name = name.unraw().to_string();
    if let Some(key) = keys.iter().find(|key| key.name() == name) {
        return Ok(*key);
    }
    let meant = Key::nearest(&name, keys);
    let message = match meant {
        Some(key) => format!("unknown key `{name}`: did you mean `{}`?", key.name()),
        None => {
            let keys: Vec<_> = keys.iter().map(|key| format!("`{}`", key.name())).collect();
            format!("unknown key `{name}`: the keys are {}", keys.join(", "))
        }
    };
    Err(Unknown { message, meant })
}

#[cfg(test)]
mod tests;
