//! [`Idempotency`]: the store for handled events.

use std::time::Duration;

use super::secret::Form;
use super::secrets::Secrets;
use super::{SharedSecret, Variables};
use crate::problems::Problems;

/// The store for handled events, and how long it remembers them.
#[derive(Clone, Debug)]
pub(crate) struct Idempotency {
    pub(crate) place: Place,
    /// The key for the hashes in the records' names, so that the names identify no patient.
    pub(crate) key: Option<SharedSecret>,
    /// The key before the current rotation.
    pub(crate) previous_key: Option<SharedSecret>,
    /// How long an event is remembered.
    pub(crate) retention: Duration,
    /// The most events that are remembered in memory.
    pub(crate) maximum: usize,
    /// How often an event is tried before it is given up, if the store keeps dead letters.
    pub(crate) tries: u32,
}

/// The place of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Nowhere,
    Memory,
    /// The name of a table.
    DynamoDb(String),
    #[cfg(feature = "postgres")]
    Postgres(Box<super::PostgresUrl>),
    /// The path of a file.
    #[cfg(feature = "sqlite")]
    Sqlite(std::path::PathBuf),
}

const PLACE: &str = "FHIR_SUBSCRIPTION_IDEMPOTENCY";
const KEY: &str = "FHIR_SUBSCRIPTION_STORE_KEY";
const PREVIOUS_KEY: &str = "FHIR_SUBSCRIPTION_STORE_KEY_PREVIOUS";
const DAYS: &str = "FHIR_SUBSCRIPTION_STORE_DAYS";
const MAXIMUM: &str = "FHIR_SUBSCRIPTION_STORE_MAXIMUM";
const TRIES: &str = "FHIR_SUBSCRIPTION_TRIES";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Idempotency {
    /// Reads the settings, and adds their mistakes to `problems`.
    pub(super) fn read(variables: &Variables, problems: &mut Problems) -> Self {
        let key = problems.collect(SharedSecret::optional(variables, KEY, Form::Bare)).flatten();
        let previous_key = SharedSecret::optional(variables, PREVIOUS_KEY, Form::Bare);
        let previous_key = problems.collect(previous_key).flatten();
        if previous_key.is_some() && key.is_none() {
            problems.add(format!("{PREVIOUS_KEY} is set, but {KEY} is not: set both, or neither"));
        }
        let previous_key = previous_key.filter(|previous| Some(previous) != key.as_ref());
        let place = match variables.get(PLACE) {
            None | Some("memory") => Place::Memory,
            Some("off") => Place::Nowhere,
            Some(text) => Place::durable(text).unwrap_or_else(|problem| {
                problems.add(format!("{PLACE} {problem}"));
                Place::Memory
            }),
        };
        if place.is_durable() && variables.get(KEY).is_none() {
            problems.add(format!(
                "{KEY} is not set: without it, anyone could guess the names of the store's records from \
                 the ids of patients; make one with `openssl rand -hex 32`, for all instances"
            ));
        }
        let retention = DAY * number(variables, DAYS, 7, 365, problems);
        let tries = number(variables, TRIES, 30, 10_000, problems);
        let maximum = number(variables, MAXIMUM, 100_000, 100_000_000, problems) as usize;
        Self { place, key, previous_key, retention, maximum, tries }
    }

    /// Whether the store outlives the process.
    pub(crate) fn is_durable(&self) -> bool {
        self.place.is_durable()
    }

    /// Settings that are allowed but unwise.
    pub(super) fn warnings(&self, on_lambda: bool, secrets: &Secrets) -> Vec<String> {
        let mut warnings = Vec::new();
        if on_lambda && self.place == Place::Memory {
            warnings.push(format!(
                "{PLACE} keeps what was handled within one instance: if a notification comes again to \
                 another instance, it is handled again; set it to dynamodb:TABLE, or to postgres://…"
            ));
        }
        #[cfg(feature = "sqlite")]
        if on_lambda && matches!(self.place, Place::Sqlite(_)) {
            warnings.push(format!(
                "{PLACE} names a file, but each instance of a Lambda has its own files, and loses them with the dead letters: \
                 set it to dynamodb:TABLE, or to postgres://…"
            ));
        }
        if self.key.as_ref().is_some_and(SharedSecret::is_short) {
            warnings.push(format!(
                "{KEY} has fewer than 32 characters: `openssl rand -hex 32` makes a better one"
            ));
        }
        for (name, _) in secrets.by_name().filter(|(_, secret)| self.key.as_ref() == Some(*secret)) {
            warnings.push(format!(
                "{KEY} is the same as {name}: whoever knows it and sees the store can tell which resources were handled; \
                 rotate the key, with the old one in {PREVIOUS_KEY}"
            ));
        }
        warnings
    }
}

impl Place {
    /// The place of a durable store. An error quotes no URL, which may contain a password.
    fn durable(text: &str) -> Result<Self, String> {
        if let Some(table) = text.strip_prefix("dynamodb:") {
            if !is_table(table) {
                return Err(format!("is {text:?}: write dynamodb:TABLE with the name or the ARN of a table"));
            }
            return if cfg!(feature = "dynamodb") {
                Ok(Self::DynamoDb(table.to_owned()))
            } else {
                Err(without("a DynamoDB table", "dynamodb"))
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            #[cfg(feature = "postgres")]
            return super::PostgresUrl::parse(text)
                .map(|url| Self::Postgres(Box::new(url)))
                .map_err(str::to_owned);
            #[cfg(not(feature = "postgres"))]
            return Err(without("a PostgreSQL database", "postgres"));
        }
        if let Some(_path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            #[cfg(feature = "sqlite")]
            return Ok(Self::Sqlite(_path.into()));
            #[cfg(not(feature = "sqlite"))]
            return Err(without("an SQLite file", "sqlite"));
        }
        Err("is not one of memory, off, dynamodb:TABLE, postgres://USER:PASSWORD@HOST/DATABASE and sqlite:FILE"
            .to_owned())
    }

    fn is_durable(&self) -> bool {
        !matches!(self, Self::Nowhere | Self::Memory)
    }
}

/// The message about a store that needs another feature.
fn without(place: &str, feature: &str) -> String {
    format!(
        "names {place}, and this program is built without it: add the feature `{feature}` of fhir-sub in Cargo.toml"
    )
}

/// Whether DynamoDB accepts the text as a table's name, or as the ARN of a table:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>.
fn is_table(text: &str) -> bool {
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_name = (3..=255).contains(&text.len()) && text.bytes().all(is_of_a_name);
    let is_arn = || {
        let table = text.rsplit_once(":table/").filter(|(place, _)| place.starts_with("arn:"));
        table.is_some_and(|(_, name)| (3..=255).contains(&name.len()) && name.bytes().all(is_of_a_name))
    };
    is_name || is_arn()
}

/// A number from 1 to `maximum`.
fn number(variables: &Variables, name: &str, absent: u32, maximum: u32, problems: &mut Problems) -> u32 {
    let Some(text) = variables.get(name) else { return absent };
    text.parse().ok().filter(|number| (1..=maximum).contains(number)).unwrap_or_else(|| {
        problems.add(format!("{name} is {text:?}: write a number from 1 to {maximum}"));
        absent
    })
}
