//! [`Numbers`]: all that a bill is calculated from, by name.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The region of the prices.
pub(super) const REGION: &str = "us-east-1";

/// The month of the prices.
pub(super) const AS_OF: &str = "November 2024";

/// The name, what it is without being given, and its meaning. `None` is not known.
const NUMBERS: [(&str, Option<f64>, &str); 30] = [
    ("notifications", Some(1_000_000.0), "notifications a month"),
    ("events", Some(1.0), "events of a notification"),
    ("repeated", Some(0.0), "percent of the notifications that the server sends twice"),
    ("failed", Some(0.0), "percent of the events that fail once"),
    ("latest", Some(0.0), "percent of the events whose handler has order = \"latest\""),
    ("subscriptions", Some(1.0), "subscriptions that are swept"),
    ("sweep-minutes", Some(5.0), "minutes between two sweeps; 0 for no sweeps"),
    ("milliseconds", Some(50.0), "that the events of a notification take"),
    ("queue-milliseconds", Some(20.0), "that it takes to put a notification on the queue"),
    ("sweep-milliseconds", Some(1_000.0), "that a sweep takes"),
    ("memory", Some(256.0), "MB of the function"),
    ("kilobytes", Some(4.0), "of a notification"),
    ("log-bytes", Some(1_000.0), "of the log for each invocation"),
    ("days", Some(7.0), "that a record is kept: FHIR_SUBSCRIPTION_STORE_DAYS"),
    ("secrets", Some(0.0), "secrets of Secrets Manager"),
    ("keys", Some(1.0), "KMS keys of your own"),
    ("alarms", Some(10.0), "alarms of CloudWatch"),
    ("database", None, "USD a month for the PostgreSQL database"),
    ("price.lambda-request", Some(0.20), "a million invocations"),
    ("price.lambda-time", Some(0.0000133334), "a second with 1 GB, on arm64"),
    ("price.api", Some(1.00), "a million requests of an HTTP API, of 512 KB each"),
    ("price.write", Some(0.625), "a million write units of DynamoDB, on demand"),
    ("price.read", Some(0.125), "a million read units of DynamoDB, on demand"),
    ("price.storage", Some(0.45), "a GB of DynamoDB with point-in-time recovery"),
    ("price.sqs", Some(0.40), "a million requests of a standard queue, of 64 KB each"),
    ("price.log", Some(0.50), "a GB of log"),
    ("price.metric", Some(0.30), "a metric of CloudWatch"),
    ("price.secret", Some(0.40), "a secret of Secrets Manager"),
    ("price.key", Some(1.00), "a KMS key"),
    ("price.alarm", Some(0.10), "an alarm of CloudWatch"),
];

/// The MB that a function may have.
const MEMORY: std::ops::RangeInclusive<f64> = 128.0..=10_240.0;

/// Values by name.
#[derive(Clone, Debug)]
pub(super) struct Numbers(BTreeMap<&'static str, f64>);

impl Default for Numbers {
    fn default() -> Self {
        Self(NUMBERS.iter().filter_map(|(name, absent, _)| Some((*name, (*absent)?))).collect())
    }
}

impl Numbers {
    /// The value of a name of the table, if it is known.
    pub(super) fn known(&self, name: &str) -> Option<f64> {
        debug_assert!(NUMBERS.iter().any(|(known, ..)| *known == name), "{name}");
        self.0.get(name).copied()
    }

    pub(super) fn get(&self, name: &str) -> f64 {
        self.known(name).unwrap_or_default()
    }

    pub(super) fn set(&mut self, name: &'static str, value: f64) {
        self.0.insert(name, value);
    }

    /// Takes a number from the command line.
    pub(super) fn give(&mut self, name: &str, value: f64) -> Result<(), String> {
        let Some((known, _, meaning)) = NUMBERS.iter().find(|(known, ..)| *known == name) else {
            let names: Vec<_> = NUMBERS.iter().map(|(known, ..)| *known).collect();
            return Err(format!("there is no number {name:?}; there are store, queue, {}", names.join(", ")));
        };
        if meaning.starts_with("percent ") && value > 100.0 {
            return Err(format!("{name}={value}: write a percentage of at most 100"));
        }
        if *known == "memory" && !MEMORY.contains(&value) {
            let (least, most) = (MEMORY.start(), MEMORY.end());
            return Err(format!("{name}={value}: a function has {least} to {most} MB"));
        }
        self.0.insert(*known, value);
        Ok(())
    }

    /// Name, value and meaning of the prices, or of all others.
    pub(super) fn rows(&self, prefix: &str) -> impl Iterator<Item = (&'static str, f64, &'static str)> {
        let is_price = prefix == "price.";
        let rows = NUMBERS.iter().filter(move |(name, ..)| name.starts_with("price.") == is_price);
        rows.filter_map(move |(name, _, meaning)| Some((*name, *self.0.get(name)?, *meaning)))
    }

    pub(super) fn inputs(&self) -> Value {
        let rows = self.rows("").map(|(name, value, _)| (name.to_owned(), json!(value)));
        rows.collect::<Map<_, _>>().into()
    }

    pub(super) fn prices(&self) -> Value {
        let rows = self
            .rows("price.")
            .map(|(name, value, _)| (name.trim_start_matches("price.").to_owned(), json!(value)));
        rows.collect::<Map<_, _>>().into()
    }
}
