//! The items of the table: what their attributes are called, and how a record is read from one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::Moment;
use super::failure::unreadable;
use crate::fhir::Instant;
use crate::store::{Begun, Entry, Key, Stored};

/// The attributes of an item.
pub(super) type Item = HashMap<String, AttributeValue>;

// As AWS Lambda Powertools has them.
pub(super) const ID: &str = "id";
/// Seconds since 1970; the TTL attribute.
pub(super) const EXPIRATION: &str = "expiration";
/// Milliseconds since 1970; nothing where it is not under way.
pub(super) const IN_PROGRESS_EXPIRATION: &str = "in_progress_expiration";
pub(super) const STATUS: &str = "status";
pub(super) const DATA: &str = "data";

// Ours.
/// Another after each write that takes or ends a lease.
pub(super) const TOKEN: &str = "token";
/// How often the version was begun since it was last done.
pub(super) const TRIES: &str = "tries";
/// The version that was begun last, where only newer ones are wanted.
pub(super) const VERSION: &str = "version";
/// The newest version that is done, and when that was written.
pub(super) const LATEST_VERSION: &str = "latest_version";
pub(super) const LATEST_UPDATED: &str = "latest_updated";

/// What an item of the table is found by.
#[derive(Clone, Copy)]
pub(super) enum Id<'a> {
    Event(&'a Key),
    Sweep(&'a Key),
    DeadLetter(&'a Key),
    /// The keys of dead letters that begin with this hexadecimal digit.
    DeadLetters(char),
}

impl Id<'_> {
    pub(super) fn value(self) -> AttributeValue {
        AttributeValue::S(match self {
            Self::Event(key) => format!("event#{key}"),
            Self::Sweep(key) => format!("sweep#{key}"),
            Self::DeadLetter(key) => format!("dead#{key}"),
            Self::DeadLetters(digit) => format!("dead-letters#{digit}"),
        })
    }
}

pub(super) const IN_PROGRESS: &str = "INPROGRESS";
pub(super) const COMPLETED: &str = "COMPLETED";

pub(super) fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// What the names of an expression stand for: each is written as `#name`, since DynamoDB reserves many words.
pub(super) fn names(expressions: &[&str]) -> HashMap<String, String> {
    let after_signs = expressions.iter().flat_map(|expression| expression.split('#').skip(1));
    let name = |after: &str| -> String {
        after.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '_').collect()
    };
    after_signs.map(name).map(|name| (format!("#{name}"), name)).collect()
}

/// The record of an event.
pub(super) struct Record {
    pub(super) token: u64,
    pub(super) tries: u32,
    pub(super) version: Option<Key>,
    pub(super) latest: Option<(Instant, Key)>,
    until: u64,
    expiration: u64,
    is_done: bool,
}

impl Record {
    pub(super) fn read(item: &Item) -> Stored<Self> {
        let read = || {
            let latest = match (item.get(LATEST_UPDATED), item.get(LATEST_VERSION)) {
                (Some(updated), Some(version)) => {
                    Some((Instant::parse(updated.as_s().ok()?)?, Key::parse(version.as_s().ok()?)?))
                }
                _ => None,
            };
            let version = match item.get(VERSION) {
                Some(version) => Some(Key::parse(version.as_s().ok()?)?),
                None => None,
            };
            Some(Self {
                token: read_number(item, TOKEN)?,
                tries: u32::try_from(read_number(item, TRIES)?).ok()?,
                version,
                latest,
                until: read_number(item, IN_PROGRESS_EXPIRATION)?,
                expiration: read_number(item, EXPIRATION)?,
                is_done: item.get(STATUS)?.as_s().ok()? == COMPLETED,
            })
        };
        read().ok_or_else(unreadable)
    }

    pub(super) fn has_expired(&self, now: Moment) -> bool {
        self.expiration <= now.seconds()
    }

    /// Why it cannot be begun; `None` where it can.
    pub(super) fn refuses(&self, entry: &Entry, now: Moment) -> Option<Begun> {
        if self.has_expired(now) {
            return None;
        }
        if self.until > now.milliseconds {
            return Some(Begun::UnderWay);
        }
        match (entry, &self.latest) {
            (Entry::Latest { version, .. }, Some((_, done))) if done == version => Some(Begun::Done),
            (Entry::Latest { updated: Some(updated), .. }, Some((latest, _))) if updated < latest => {
                Some(Begun::Superseded)
            }
            (Entry::Latest { .. }, _) => None,
            (Entry::Once(_) | Entry::Passing(_), _) => self.is_done.then_some(Begun::Done),
        }
    }

    /// How often the entry's version was begun.
    pub(super) fn tries_of(&self, entry: &Entry) -> u32 {
        let is_same = match entry {
            Entry::Once(_) | Entry::Passing(_) => true,
            Entry::Latest { version, .. } => self.version == Some(*version),
        };
        if is_same { self.tries } else { 0 }
    }
}

/// A whole number that an item has under a name.
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
