//! [`Given`]: an attribute's entries by their key.

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::{LitStr, Path};

use crate::entry::{Entry, Value};
use crate::key::{self, Key};
use crate::report::Errors;

/// The entries whose key is known, each key once.
pub(crate) struct Given<'a> {
    entries: Vec<(Key, &'a Entry)>,
    /// Keys that were probably meant by unknown ones.
    meant: Vec<Key>,
}

/// What a key says: `Some(None)` where it is absent, `None` where it has a mistake, which has been reported.
type Said<T> = Option<Option<T>>;

impl<'a> Given<'a> {
    pub(crate) fn new(entries: &'a [Entry], keys: &[Key], errors: &mut Errors) -> Self {
        let mut given = Self { entries: Vec::new(), meant: Vec::new() };
        for entry in entries {
            match key::look_up(&entry.key, keys) {
                Ok(key) => match given.entry(key) {
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

    /// What the text of a key that must be there is made into.
    pub(crate) fn required_text<T>(
        &self,
        key: Key,
        errors: &mut Errors,
        make: impl FnOnce(&LitStr) -> Result<T, String>,
    ) -> Option<T> {
        if self.entry(key).is_none() && !self.meant.contains(&key) {
            // There is no token of the user's to point at but the attribute itself.
            errors
                .push_at(Span::call_site(), format!("`{}` is missing; it takes {}", key.name(), key.usage()));
        }
        self.text(key, errors, make).flatten()
    }

    /// What a key's text is made into.
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

    /// What a key's list is made into.
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

    /// A key's `true` or `false`.
    pub(crate) fn truth(&self, key: Key, errors: &mut Errors) -> Said<bool> {
        self.read(key, errors, |value, _| {
            let Value::Truth(truth) = value else { return None };
            Some(Some(truth.value))
        })
    }

    /// A key's path.
    pub(crate) fn path(&self, key: Key, errors: &mut Errors) -> Said<Path> {
        self.read(key, errors, |value, _| {
            let Value::Path(path) = value else { return None };
            Some(Some(path.clone()))
        })
    }

    /// `read` answers `None` to a value of another kind than the key takes, and `Some(None)` where it
    /// reports a mistake itself.
    fn read<T>(
        &self,
        key: Key,
        errors: &mut Errors,
        read: impl FnOnce(&Value, &mut Errors) -> Option<Option<T>>,
    ) -> Said<T> {
        let Some(entry) = self.entry(key) else { return Some(None) };
        if let Some(read) = read(&entry.value, errors) {
            return read.map(Some);
        }
        let (name, usage) = (key.name(), key.usage());
        match &entry.value {
            Value::Absent => errors.push(&entry.key, format!("`{name}` has no value; it takes {usage}")),
            value => errors.push(value, format!("`{name}` takes {usage}")),
        }
        None
    }
}
