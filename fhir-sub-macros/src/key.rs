//! [`Key`]: what may stand before a `=` in an attribute.

use proc_macro2::Ident;
use syn::ext::IdentExt as _;

use crate::nearest::nearest;

/// A key of `#[fhir_subscription(…)]` or of `#[fhir(…)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Criteria,
    Endpoint,
    Reason,
    On,
    Content,
    Registration,
    End,
    Fhir,
    Also,
    Unchecked,
    Type,
    Crate,
}

/// Keys of the topic subscriptions, which this version does not have.
const OF_TOPICS: [&str; 5] = ["topic", "filter", "timeout", "heartbeat", "max_count"];

impl Key {
    /// Those of `#[fhir_subscription(…)]`, in the order in which a message lists them.
    pub(crate) const OF_SUBSCRIPTIONS: &[Self] = &[
        Self::Criteria,
        Self::Endpoint,
        Self::Reason,
        Self::On,
        Self::Content,
        Self::Registration,
        Self::End,
        Self::Fhir,
        Self::Also,
        Self::Unchecked,
        Self::Crate,
    ];

    /// Those of `#[fhir(…)]`, which stands above a type.
    pub(crate) const OF_TYPES: &[Self] = &[Self::Type, Self::Unchecked, Self::Crate];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Criteria => "criteria",
            Self::Endpoint => "endpoint",
            Self::Reason => "reason",
            Self::On => "on",
            Self::Content => "content",
            Self::Registration => "registration",
            Self::End => "end",
            Self::Fhir => "fhir",
            Self::Also => "also",
            Self::Unchecked => "unchecked",
            Self::Type => "type",
            Self::Crate => "crate",
        }
    }

    /// The kind of value that the key takes, and one to copy.
    pub(crate) fn usage(self) -> &'static str {
        match self {
            Self::Criteria => r#"a FHIR search in quotes: `criteria = "Encounter?status=finished"`"#,
            Self::Endpoint => r#"one path segment in quotes: `endpoint = "finished-encounters"`"#,
            Self::Reason => r#"a text in quotes: `reason = "Bill what was done"`"#,
            Self::On => "a list of `create`, `update`, `delete`: `on = [create, update]`",
            Self::Content => r#"`"empty"` or `"full-resource"`: `content = "empty"`"#,
            Self::Registration => {
                "the path of a `fn(&mut Subscription)`, without quotes: `registration = with_contact`"
            }
            Self::End => {
                r#"a FHIR instant in quotes, with seconds and a zone: `end = "2030-12-31T23:59:59Z"`"#
            }
            Self::Fhir => r#"`"R4"` or `"R4B"`: `fhir = "R4B"`"#,
            Self::Also => {
                r#"a list of parameters that only your server has, in quotes: `also = ["my-parameter"]`"#
            }
            Self::Unchecked => "`true` or `false`, without quotes: `unchecked = true`",
            Self::Type => r#"the name of a FHIR resource type in quotes: `#[fhir(type = "Appointment")]`"#,
            Self::Crate => "the path of `fhir_sub`, without quotes: `crate = my_library::fhir_sub`",
        }
    }

    /// The one of `keys` that `name` most resembles, if it resembles one.
    fn nearest(name: &str, keys: &[Self]) -> Option<Self> {
        let nearest = nearest(name, keys.iter().map(|key| key.name()))?;
        keys.iter().copied().find(|key| key.name() == nearest)
    }
}

/// A name that is no key's.
pub(crate) struct Unknown {
    pub(crate) message: String,
    /// The key that was probably meant: it is not reported as missing as well.
    pub(crate) meant: Option<Key>,
}

/// The one of `keys` that `name` names.
pub(crate) fn look_up(name: &Ident, keys: &[Key]) -> Result<Key, Unknown> {
    let name = name.unraw().to_string();
    if let Some(key) = keys.iter().find(|key| key.name() == name) {
        return Ok(*key);
    }
    if keys == Key::OF_SUBSCRIPTIONS && OF_TOPICS.contains(&name.as_str()) {
        return Err(Unknown {
            message: format!(
                "`{name}` belongs to topic subscriptions, which this version of fhir-sub does not have; \
                 a subscription says what it watches with `criteria`"
            ),
            meant: (name == "topic").then_some(Key::Criteria),
        });
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
