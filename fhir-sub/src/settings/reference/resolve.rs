//! Reads the values of all references at the same time.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use futures_core::future::BoxFuture;
use futures_util::future::join_all;

use super::Reference;
use crate::settings::file;

/// The largest value: a certificate chain fits, but a file that was named by mistake does not.
const LARGEST: u64 = 64 * 1024;

/// Where parameters and secrets are read: the extension, or a stand-in for tests.
pub(crate) trait Places: Send + Sync {
    /// The parameter `name`, decrypted.
    fn parameter<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, Failure>>;

    /// The secret `id`: its current version, or the one before it.
    fn secret<'a>(&'a self, id: &'a str, version: Version) -> BoxFuture<'a, Result<String, Failure>>;
}

/// The version of a secret to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    Current,
    Previous,
}

/// Why a value could not be read. The text quotes neither the place nor the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The extension has started, but does not answer requests yet.
    NotReady,
    /// Nothing listens where parameters and secrets are read.
    Nobody(String),
    /// The secret has no such version.
    NoSuchVersion,
    /// The place was read, and its value cannot be used.
    Unfit(String),
    Other(String),
}

impl Failure {
    pub(crate) fn text(self) -> String {
        match self {
            Self::NotReady => {
                "the AWS Parameters and Secrets Lambda Extension does not answer: add its layer to the function".into()
            }
            Self::NoSuchVersion => "the secret does not exist, or has no current version".into(),
            Self::Nobody(text) | Self::Unfit(text) | Self::Other(text) => text,
        }
    }
}

/// A place that one request reads: several keys of a secret are one place.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    File(PathBuf),
    Parameter(String),
    Secret(String, Version),
}

/// A setting's name, and where its value is read.
pub(crate) type Wanted = (&'static str, Reference, Version);

/// The values of `wanted`, by name, or why there is no value.
pub(crate) async fn resolve(
    wanted: Vec<Wanted>,
    places: &dyn Places,
) -> Vec<(&'static str, Version, Result<String, Failure>)> {
    let distinct: HashSet<Place> =
        wanted.iter().map(|(_, reference, version)| place(reference, *version)).collect();
    let reads = distinct.into_iter().map(|place| async move {
        let read = read(&place, places).await;
        (place, read)
    });
    let values: HashMap<_, _> = join_all(reads).await.into_iter().collect();
    let values = wanted.into_iter().map(|(name, reference, version)| {
        let value = values[&place(&reference, version)].clone();
        (name, version, value.and_then(|value| part(&reference, value)))
    });
    values.collect()
}

fn place(reference: &Reference, version: Version) -> Place {
    match reference {
        Reference::File(path) => Place::File(path.clone()),
        Reference::Parameter(name) => Place::Parameter(name.clone()),
        Reference::Secret { id, .. } => Place::Secret(id.clone(), version),
    }
}

async fn read(place: &Place, places: &dyn Places) -> Result<String, Failure> {
    match place {
        Place::File(path) => file(path),
        Place::Parameter(name) => places.parameter(name).await,
        Place::Secret(id, version) => places.secret(id, *version).await,
    }
}

fn file(path: &Path) -> Result<String, Failure> {
    let wrong = |what: String| Failure::Other(format!("the file {what}"));
    let content = file::read(path, LARGEST).map_err(wrong)?;
    let text = String::from_utf8(content).map_err(|_| wrong("is not UTF-8 text".into()))?;
    // Editors on Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line)).to_owned())
}

/// The part of `value` that the reference names.
fn part(reference: &Reference, value: String) -> Result<String, Failure> {
    let value = match reference {
        Reference::Secret { key: Some(key), .. } => string_of(&value, key)?,
        _ => value,
    };
    // An empty setting counts as absent, so an empty secret would switch off a check.
    if value.is_empty() { Err(Failure::Unfit("the value is empty".into())) } else { Ok(value) }
}

/// The string under `key` in the JSON object in `text`. serde's own messages may quote the secret.
fn string_of(text: &str, key: &str) -> Result<String, Failure> {
    let wrong = |what: &str| Err(Failure::Unfit(format!("the secret {what}")));
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(mut object)) => match object.remove(key) {
            Some(serde_json::Value::String(string)) => Ok(string),
            Some(_) => wrong("has no string under the key after `#`: store a string there"),
            None => wrong(
                "has no key with the name after `#`: correct the reference, or add the key to the secret",
            ),
        },
        _ => wrong("is not a JSON object, so it has no keys: leave out `#` and what follows"),
    }
}
