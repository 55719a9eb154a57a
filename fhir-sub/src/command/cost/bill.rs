//! [`Bill`]: the items of a month.

use serde::Serialize;

use super::numbers::Numbers;
use crate::settings::Reference;

/// The calls of the DynamoDB store, each one write unit: a record has less than 1 KB.
pub(super) const HANDLED: f64 = 2.0;
pub(super) const REPEATED: f64 = 1.0;
pub(super) const FAILED: f64 = 3.0;
/// In addition, with `order = "latest"`: writes, and consistent reads.
pub(super) const LATEST: (f64, f64) = (2.0, 1.0);
/// Of the sweep of a subscription that finds nothing new: writes, and consistent reads.
pub(super) const SWEEP: (f64, f64) = (2.0, 1.0);

const MILLION: f64 = 1_000_000.0;
const MINUTES: f64 = 30.0 * 24.0 * 60.0;
const GB: f64 = 1024.0 * 1024.0 * 1024.0;
/// The size of a record, with what DynamoDB adds.
const RECORD: f64 = 400.0;
/// Lambda asks an empty queue with five connections, each for 20 seconds at a time.
const ASKED_IN_A_MINUTE: f64 = 5.0 * 3.0;

/// The way of a notification through AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) store: Store,
    /// Whether notifications go through a queue.
    pub(super) queue: bool,
    pub(super) metrics: bool,
    /// How many tenants the program has; 0 for a program without tenants.
    pub(super) tenants: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Store {
    DynamoDb,
    Postgres,
    /// In the process, or in a file of its machine.
    #[default]
    Local,
    /// The setting is a reference, and its value was not read.
    Unknown,
}

impl Store {
    /// By the value of `FHIR_SUBSCRIPTION_IDEMPOTENCY`.
    pub(super) fn of_setting(value: &str) -> Option<Self> {
        match value.split_once(':').map_or(value, |(kind, _)| kind) {
            "dynamodb" => Some(Self::DynamoDb),
            "postgres" | "postgresql" => Some(Self::Postgres),
            "memory" | "sqlite" | "off" => Some(Self::Local),
            _ => Reference::parse(value).map(|_| Self::Unknown),
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Self::DynamoDb, Self::Postgres, Self::Local].into_iter().find(|store| store.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Postgres => "postgres",
            Self::Local => "local",
            Self::Unknown => "unknown",
        }
    }
}

/// A line of the bill.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub(super) name: &'static str,
    pub(super) quantity: f64,
    pub(super) unit: &'static str,
    pub(super) price: f64,
    /// The unit of the price.
    pub(super) per: &'static str,
    pub(super) usd: f64,
}

#[derive(Debug)]
pub(super) struct Bill {
    pub(super) items: Vec<Item>,
    /// Costs that this program cannot know.
    pub(super) unknown: Vec<String>,
}

impl Bill {
    pub(super) fn total(&self) -> f64 {
        self.items.iter().map(|item| item.usd).sum()
    }

    fn add(
        &mut self,
        name: &'static str,
        quantity: f64,
        unit: &'static str,
        price: f64,
        per: &'static str,
        size: f64,
    ) {
        if quantity > 0.0 {
            self.items.push(Item { name, quantity, unit, price, per, usd: quantity / size * price });
        }
    }

    fn millions(&mut self, name: &'static str, quantity: f64, unit: &'static str, price: f64) {
        self.add(name, quantity, unit, price, "a million", MILLION);
    }

    fn each(&mut self, name: &'static str, quantity: f64, unit: &'static str, price: f64) {
        self.add(name, quantity, unit, price, "one", 1.0);
    }
}

/// The bill of a month.
pub(super) fn bill(numbers: &Numbers, way: Way) -> Bill {
    let get = |name| numbers.get(name);
    let percent = |name| numbers.get(name) / 100.0;
    let mut bill = Bill { items: Vec::new(), unknown: Vec::new() };

    let notifications = get("notifications");
    let events = notifications * get("events");
    let failed = events * percent("failed");
    // A server sends a notification again if one of its events failed.
    let sent_again = notifications * percent("repeated") + failed.min(notifications);
    let requests = notifications + sent_again;
    let sweeps = if get("sweep-minutes") > 0.0 { MINUTES / get("sweep-minutes") } else { 0.0 };
    // Without a queue, a request is handled while the server waits.
    let (queued, put) =
        if way.queue { (requests, get("queue-milliseconds")) } else { (0.0, get("milliseconds")) };
    let invocations = requests + queued + sweeps;
    let seconds =
        (requests * put + queued * get("milliseconds") + sweeps * get("sweep-milliseconds")) / 1000.0;

    bill.millions("Lambda: invocations", invocations, "invocations", get("price.lambda-request"));
    let gigabytes = seconds * get("memory") / 1024.0;
    bill.each("Lambda: time", gigabytes, "GB seconds", get("price.lambda-time"));
    let parts = |kilobytes: f64| (get("kilobytes") / kilobytes).ceil().max(1.0);
    bill.millions("HTTP API", requests * parts(512.0), "requests", get("price.api"));
    if way.queue {
        let sent = queued * parts(64.0);
        // Of batches of one, which is the most: each is received, and deleted.
        bill.millions("SQS: messages", 2.0 * sent + queued, "requests", get("price.sqs"));
        bill.millions(
            "SQS: an empty queue is asked",
            ASKED_IN_A_MINUTE * MINUTES,
            "requests",
            get("price.sqs"),
        );
    }
    match way.store {
        Store::DynamoDb => {
            let latest = events * percent("latest");
            let swept = sweeps * get("subscriptions");
            let repeated = events * percent("repeated");
            let writes = events * HANDLED + repeated * REPEATED + failed * FAILED + latest * LATEST.0 + swept * SWEEP.0;
            let reads = latest * LATEST.1 + swept * SWEEP.1;
            bill.millions("DynamoDB: writes", writes, "units", get("price.write"));
            bill.millions("DynamoDB: reads", reads, "units", get("price.read"));
            let records = events * (1.0 + percent("latest")) * get("days") / 30.0;
            bill.each("DynamoDB: storage", records * RECORD / GB, "GB", get("price.storage"));
        }
        Store::Postgres => match numbers.known("database") {
            Some(usd) => bill.each("PostgreSQL", 1.0, "database", usd),
            None => bill.unknown.push(
                "the PostgreSQL database. You pay for an instance and its storage, and not for events: give database=USD"
                    .into(),
            ),
        },
        Store::Local => {}
        Store::Unknown => {
            bill.unknown.push("the store, which is a reference: give store=dynamodb, postgres or local".into());
        }
    }
    bill.each("CloudWatch: logs", invocations * get("log-bytes") / GB, "GB", get("price.log"));
    if way.metrics {
        // For each endpoint, for each tenant, and for the whole program: those that are written in such a month.
        let mut names = 2.0 + 1.0; // Handled, Duration and Lag.
        names += if sweeps > 0.0 { 2.0 } else { 0.0 };
        names += if get("repeated") > 0.0 { 1.0 } else { 0.0 };
        names += if get("failed") > 0.0 { 1.0 } else { 0.0 };
        let sets = get("subscriptions") + way.tenants as f64 + 1.0;
        // ColdStart has neither an endpoint nor a tenant.
        bill.each("CloudWatch: metrics", names * sets + 1.0, "metrics", get("price.metric"));
    }
    bill.each("CloudWatch: alarms", get("alarms"), "alarms", get("price.alarm"));
    bill.each("Secrets Manager", get("secrets"), "secrets", get("price.secret"));
    bill.each("KMS", get("keys"), "keys", get("price.key"));
    bill.unknown
        .push("the FHIR server, data that leaves AWS, taxes; and what the free tier gives you".into());
    bill
}
