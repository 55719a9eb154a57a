//! [`Given`]: the entries of an attribute, by key.

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::{LitStr, Path};

use crate::entry::{Entry, Value};
use crate::key::{self, Key};
use crate::report::Errors;

/// The entries with a known key. Each key occurs once, unless it is repeatable.
pub(crate) struct Given<'a> {
    entries: Vec<(Key, &'a Entry)>,
    /// The keys that unknown ones probably mean.
    meant: Vec<Key>,
}

/// The value of a key: `Some(None)` if the key is absent, `None` if it has a mistake, which was reported.
type Said<T> = Option<Option<T>>;

impl<'a> Given<'a> {
    pub(crate) fn new(entries: &'a [Entry], keys: &[Key], errors: &mut Errors) -> Self {
        let mut given = Self { entries: Vec::new(), meant: Vec::new() };
        for entry in entries {
            match key::look_up(&entry.key, keys) {
                Ok(key) => match given.entry(key).filter(|_| !key.is_repeatable()) {
                    None => given.entries.push((key, entry)),
                    Some(first) => errors.push(
                        &entry.key,
                        format!(
                            "the key `{name}` is given twice, first as `{name} = {}`: take one of them out",
                            first.value.to_token_stream(),
                            name = key.name(),
                        ),
                    ),
                },
                Err(unknown) => {
                    errors.push(&entry.key, unknown.message);
                    given.meant.extend(unknown.meant);
                }
            }
        }
        given
    }

    /// The key's entry, whatever its value.
    pub(super) fn entry(&self, key: Key) -> Option<&'a Entry> {
        self.entries.iter().find(|(other, _)| *other == key).map(|(_, entry)| *entry)
    }

    /// All entries of a repeatable key.
    pub(super) fn entries(&self, key: Key) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |(other, _)| *other == key).map(|(_, entry)| *entry)
    }

    /// Whether the first one of two present keys stands before the second one.
    pub(super) fn is_before(&self, first: Key, second: Key) -> bool {
        let place = |key| self.entries.iter().position(|(other, _)| *other == key);
        place(first) < place(second)
    }

    /// Whether the key is present, or is probably meant by an unknown one.
    pub(super) fn is_meant(&self, key: Key) -> bool {
        self.entry(key).is_some() || self.meant.contains(&key)
    }

    /// The text of a required key.
    pub(crate) fn required_text<T>(
        &self,
        key: Key,
        errors: &mut Errors,
        make: impl FnOnce(&LitStr) -> Result<T, String>,
    ) -> Option<T> {
        if !self.is_meant(key) {
            // The only token to point at is the attribute itself.
            errors
                .push_at(Span::call_site(), format!("`{}` is missing; it takes {}", key.name(), key.usage()));
        }
        self.text(key, errors, make).flatten()
    }

    /// The text of a key.
    pub(crate) fn text<T>(
        &self,
        key: Key,
        errors: &mut Errors,
        make: impl FnOnce(&LitStr) -> Result<T, String>,
    ) -> Said<T> {
        self.read(key, errors, |value, errors| {
            let Value::Text(text) = value else { return None };
            Some(make(text).map_err(|message| errors.push(text, message)).ok())
        })
    }

    /// The texts of a repeatable key.
    pub(super) fn texts(&self, key: Key, errors: &mut Errors) -> Option<Vec<LitStr>> {
        let read = |entry: &Entry, errors: &mut Errors| {
            read(entry, key, errors, |value, _| {
                let Value::Text(text) = value else { return None };
                Some(Some(text.clone()))
            })
        };
        // All texts are checked, even after a mistake.
        let texts: Vec<_> = self.entries(key).map(|entry| read(entry, errors)).collect();
        texts.into_iter().collect()
    }

    /// The number of a key, within its limits.
    pub(super) fn number(&self, key: Key, errors: &mut Errors) -> Said<u32> {
        self.read(key, errors, |value, errors| {
            let Value::Number(number) = value else { return None };
            let is_within = |number: &u32| key.bounds().contains(number);
            let read = number.base10_parse().ok().filter(is_within);
            if read.is_none() || !number.suffix().is_empty() {
                errors.push(number, format!("`{}` takes {}", key.name(), key.usage()));
                return Some(None);
            }
            Some(read)
        })
    }

    /// The list of a key.
    pub(crate) fn list<T>(
        &self,
        key: Key,
        errors: &mut Errors,
        make: impl FnOnce(&TokenTree, &mut Errors) -> Option<T>,
    ) -> Said<T> {
        self.read(key, errors, |value, errors| {
            let Value::List(list) = value else { return None };
            Some(make(list, errors))
        })
    }

    /// The `true` or `false` of a key.
    pub(crate) fn truth(&self, key: Key, errors: &mut Errors) -> Said<bool> {
        self.read(key, errors, |value, _| {
            let Value::Truth(truth) = value else { return None };
            Some(Some(truth.value))
        })
    }

    /// The path of a key.
    pub(crate) fn path(&self, key: Key, errors: &mut Errors) -> Said<Path> {
        self.read(key, errors, |value, _| {
            let Value::Path(path) = value else { return None };
            Some(Some(path.clone()))
        })
    }

    fn read<T>(
        &self,
        key: Key,
        errors: &mut Errors,
        make: impl FnOnce(&Value, &mut Errors) -> Option<Option<T>>,
    ) -> Said<T> {
        let Some(entry) = self.entry(key) else { return Some(None) };
        read(entry, key, errors, make).map(Some)
    }
}

/// `make` returns `None` for a value of the wrong kind, and `Some(None)` if it has reported a mistake itself.
fn read<T>(
    entry: &Entry,
    key: Key,
    errors: &mut Errors,
    make: impl FnOnce(&Value, &mut Errors) -> Option<Option<T>>,
) -> Option<T> {
    if let Some(made) = make(&entry.value, errors) {
        return made;
    }
    let (name, usage) = (key.name(), key.usage());
    match &entry.value {
        Value::Absent => errors.push(&entry.key, format!("`{name}` has no value; it takes {usage}")),
        value => errors.push(value, format!("`{name}` takes {usage}")),
    }
    None
}
