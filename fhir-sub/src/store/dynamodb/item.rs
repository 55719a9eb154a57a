//! The items of the table: the names of their attributes, and how a record is written to an item and read
//! from it.
//!
//! Items of earlier versions are read too. They lack `token` for a dead letter, and have `latest_version` and
//! `latest_updated` for the ordered events of a resource.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::failure::unreadable;
use crate::fhir::Instant;
use crate::store::record::{Body, EventRecord, Millis, Record, ResourceRecord, SweepRecord};
use crate::store::{DeadLetter, Key, RecordId, RecordKind, Stored, SweepState};

/// The attributes of an item.
pub(super) type Item = HashMap<String, AttributeValue>;

// AWS Lambda Powertools has these names.
pub(super) const ID: &str = "id";
/// Seconds since 1970; the TTL attribute.
pub(super) const EXPIRATION: &str = "expiration";
/// Milliseconds since 1970; absent if the event is not under way.
const IN_PROGRESS_EXPIRATION: &str = "in_progress_expiration";
const STATUS: &str = "status";
pub(super) const DATA: &str = "data";

// These names are our own.
/// The record's revision, which changes with each write.
pub(super) const TOKEN: &str = "token";
/// How often the event was begun since it was last done.
const TRIES: &str = "tries";
/// Whether the event is a dead letter.
const DEAD: &str = "dead";
/// For an event that is identified by its content: the content that was begun last, and how many came before
/// it.
const VERSION: &str = "version";
const SEQUENCE: &str = "sequence";
/// Only for a deletion: when the history was requested for its version.
const ASKED: &str = "asked";
/// Only in items of earlier versions: the newest version of a resource that is done, and when it was written.
const LATEST_VERSION: &str = "latest_version";
const LATEST_UPDATED: &str = "latest_updated";
/// Since when keys have their present form: milliseconds since 1970.
const SINCE: &str = "since";

const IN_PROGRESS: &str = "INPROGRESS";
const COMPLETED: &str = "COMPLETED";

pub(super) fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The names of an expression: each is written as `#name`, because DynamoDB reserves many words.
pub(super) fn names(expressions: &[&str]) -> HashMap<String, String> {
    let after_signs = expressions.iter().flat_map(|expression| expression.split('#').skip(1));
    let name = |after: &str| -> String {
        after.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '_').collect()
    };
    after_signs.map(name).map(|name| (format!("#{name}"), name)).collect()
}

/// The item of a record.
pub(super) fn write(id: &RecordId, record: &Record) -> Stored<Item> {
    let mut item = Item::from([(ID.to_owned(), text(id)), (TOKEN.to_owned(), number(record.revision))]);
    let mut set = |name: &str, value| drop(item.insert(name.to_owned(), value));
    if let Some(expires) = record.expires {
        // Rounded up, so that the record is kept until the last millisecond is over.
        set(EXPIRATION, number(expires.div_ceil(1000)));
    }
    let mut lease = |lease: Option<Millis>, is_done: bool| {
        set(STATUS, text(if is_done { COMPLETED } else { IN_PROGRESS }));
        set(IN_PROGRESS_EXPIRATION, number(lease.unwrap_or(0)));
    };
    match &record.body {
        Body::Event(event) => {
            lease(event.lease, event.is_done);
            set(TRIES, number(event.tries.into()));
            if event.is_dead {
                set(DEAD, AttributeValue::Bool(true));
            }
            if let Some(version) = event.version {
                set(VERSION, text(version));
                set(SEQUENCE, number(event.sequence.into()));
            }
            if let Some(asked) = &event.asked {
                set(ASKED, text(asked));
            }
        }
        Body::Resource(resource) => {
            lease(resource.lease, resource.lease.is_none());
            set(DATA, text(json(&ResourceRecord { lease: None, ..(**resource).clone() })?));
        }
        Body::Sweep(sweep) => {
            lease(sweep.lease, sweep.lease.is_none());
            set(DATA, text(json(&sweep.state)?));
        }
        Body::DeadLetter(letter) => set(DATA, text(json(letter)?)),
        Body::Since(since) => set(SINCE, number(*since)),
    }
    Ok(item)
}

/// The record of an item.
pub(super) fn read(item: &Item) -> Stored<Record> {
    read_record(item).ok_or_else(unreadable)
}

fn read_record(item: &Item) -> Option<Record> {
    let id = item.get(ID)?.as_s().ok()?;
    let is = |kind: RecordKind| id.starts_with(kind.prefix());
    let lease = || read_number(item, IN_PROGRESS_EXPIRATION).filter(|until| *until > 0);
    let body = if is(RecordKind::Event) {
        let key = |name: &str| item.get(name).map(|key| Key::parse(key.as_s().ok()?));
        let version = match key(VERSION) {
            Some(version) => Some(version?),
            None => None,
        };
        let latest = match (item.get(LATEST_UPDATED), key(LATEST_VERSION)) {
            (Some(updated), Some(version)) => {
                Some(Box::new((Instant::parse(updated.as_s().ok()?)?, version?)))
            }
            _ => None,
        };
        let asked = match item.get(ASKED) {
            Some(asked) => Some(Box::new(Instant::parse(asked.as_s().ok()?)?)),
            None => None,
        };
        read_number(item, IN_PROGRESS_EXPIRATION)?;
        Body::Event(EventRecord {
            lease: lease(),
            is_done: item.get(STATUS)?.as_s().ok()? == COMPLETED,
            is_dead: item.get(DEAD).is_some_and(|dead| dead.as_bool() == Ok(&true)),
            tries: u32::try_from(read_number(item, TRIES)?).ok()?,
            version,
            sequence: read_number(item, SEQUENCE).map_or(Some(0), |number| u32::try_from(number).ok())?,
            asked,
            latest,
        })
    } else if is(RecordKind::Resource) {
        let record: ResourceRecord = read_data(item)?;
        Body::Resource(Box::new(ResourceRecord { lease: lease(), ..record }))
    } else if is(RecordKind::Sweep) {
        let state: SweepState =
            if item.contains_key(DATA) { read_data(item)? } else { SweepState::default() };
        Body::Sweep(Box::new(SweepRecord { lease: lease(), state }))
    } else if is(RecordKind::DeadLetter) {
        Body::DeadLetter(Box::new(read_data::<DeadLetter>(item)?))
    } else {
        Body::Since(read_number(item, SINCE)?)
    };
    let expires = read_number(item, EXPIRATION);
    let expires = expires.map(|seconds| seconds.saturating_mul(1000));
    Some(Record { revision: read_number(item, TOKEN).unwrap_or(0), expires, body })
}

fn json(value: &impl serde::Serialize) -> Stored<String> {
    serde_json::to_string(value).map_err(|_| unreadable())
}

fn read_data<T: serde::de::DeserializeOwned>(item: &Item) -> Option<T> {
    serde_json::from_str(item.get(DATA)?.as_s().ok()?).ok()
}

/// The whole number of an attribute.
pub(super) fn read_number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_expression_are_found() {
        let found = names(&["attribute_not_exists(#id) OR #in_progress_expiration<=:now", "SET #id = :id"]);
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort();
        let expected = [("#id", "id"), ("#in_progress_expiration", "in_progress_expiration")];
        assert_eq!(found, expected.map(|(sign, name)| (sign.to_owned(), name.to_owned())));
    }
}
