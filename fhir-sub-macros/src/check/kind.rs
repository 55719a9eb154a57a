//! [`Kind`]: whether the keys name a criteria or a topic.

use proc_macro2::Span;

use super::given::Given;
use crate::key::Key;
use crate::report::Errors;

/// The trigger that the keys name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Criteria,
    Topic,
    /// Both or neither, which is reported. Then keys of a criteria or of a topic are not reported.
    Unknown,
}

/// Requires exactly one of `criteria` and `topic`, and no keys of the other one.
pub(super) fn kind(given: &Given<'_>, errors: &mut Errors) -> Kind {
    if let (Some(criteria), Some(topic)) = (given.entry(Key::Criteria), given.entry(Key::Topic)) {
        let second = if given.is_before(Key::Criteria, Key::Topic) { topic } else { criteria };
        errors.push(
            &second.key,
            "a subscription watches a criteria or a topic, not both: take one of them out",
        );
        return Kind::Unknown;
    }
    if given.is_meant(Key::Topic) {
        return Kind::Topic;
    }
    let of_topics =
        || Key::OF_TOPICS.iter().flat_map(|key| given.entries(*key).map(move |entry| (key, entry)));
    if given.is_meant(Key::Criteria) {
        for (key, entry) in of_topics() {
            errors.push(&entry.key, of_no_criteria(*key));
        }
        return Kind::Criteria;
    }
    let (criteria, topic) = (Key::Criteria.usage(), Key::Topic.usage());
    // The only token to point at is the attribute itself.
    if of_topics().next().is_some() {
        errors.push_at(Span::call_site(), format!("`topic` is missing; it takes {topic}"));
        return Kind::Topic;
    }
    errors.push_at(
        Span::call_site(),
        format!("`criteria` or `topic` is missing; `criteria` takes {criteria}, and `topic` takes {topic}"),
    );
    Kind::Unknown
}

fn of_no_criteria(key: Key) -> String {
    let name = key.name();
    if key == Key::Filter {
        return "`filter` narrows a topic, and a criteria is a search itself: write the parameters into it, as in \
                `criteria = \"Encounter?status=finished&patient=Patient/1\"`"
            .to_owned();
    }
    format!(
        "`{name}` belongs to topic subscriptions, and a criteria subscription has nothing of the kind: take it out"
    )
}
