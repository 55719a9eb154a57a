mod calls;

use super::*;

fn billed(words: &[&str]) -> Bill {
    let (mut numbers, mut way) = (Numbers::default(), Way { store: Store::DynamoDb, ..Way::default() });
    words.iter().for_each(|word| take(word, &mut numbers, &mut way).unwrap());
    bill(&numbers, way)
}

fn item(bill: &Bill, name: &str) -> Option<(f64, f64)> {
    bill.items
        .iter()
        .find(|item| item.name == name)
        .map(|item| (item.quantity, (item.usd * 100.0).round() / 100.0))
}

#[test]
fn a_million_notifications_cost_what_docs_dynamodb_md_says() {
    // A tenth is sent twice, and a hundredth fails once.
    let bill = billed(&["notifications=1_000_000", "repeated=10", "failed=1", "sweep-minutes=0"]);
    assert_eq!(item(&bill, "DynamoDB: writes"), Some((2_130_000.0, 1.33)));
    assert_eq!(item(&bill, "DynamoDB: reads"), None);
    // 1,000,000 are sent, a tenth again, and those that failed.
    assert_eq!(item(&bill, "HTTP API"), Some((1_110_000.0, 1.11)));
    assert_eq!(item(&bill, "Lambda: invocations"), Some((1_110_000.0, 0.22)));
}

#[test]
fn sweeps_cost_though_nothing_comes() {
    let bill = billed(&["notifications=0", "subscriptions=3"]);
    assert_eq!(item(&bill, "Lambda: invocations"), Some((8_640.0, 0.0)));
    assert_eq!(item(&bill, "DynamoDB: writes"), Some((8_640.0 * 3.0 * 2.0, 0.03)));
    assert_eq!(item(&bill, "HTTP API"), None);
}

#[test]
fn the_time_is_that_of_the_memory_that_a_function_has() {
    let of = |memory: &str| item(&billed(&[memory, "sweep-minutes=0"]), "Lambda: time").unwrap();
    assert_eq!(of("memory=256"), (12_500.0, 0.17));
    assert_eq!(of("memory=1024").0, 4.0 * of("memory=256").0);
}

#[test]
fn an_order_is_paid_for_where_there_is_one() {
    let bill = billed(&["latest=50", "sweep-minutes=0"]);
    assert_eq!(item(&bill, "DynamoDB: writes").unwrap().0, 3_000_000.0);
    assert_eq!(item(&bill, "DynamoDB: reads").unwrap().0, 500_000.0);
}

#[test]
fn a_queue_is_asked_while_it_is_empty_and_invokes_the_function_again() {
    let bill = billed(&["queue=yes", "sweep-minutes=0", "kilobytes=100"]);
    assert_eq!(item(&bill, "Lambda: invocations").unwrap().0, 2_000_000.0);
    // Two parts of 64 KB to send and to receive, and one to delete.
    assert_eq!(item(&bill, "SQS: messages"), Some((5_000_000.0, 2.0)));
    assert_eq!(item(&bill, "SQS: an empty queue is asked"), Some((648_000.0, 0.26)));
    assert_eq!(item(&bill, "Lambda: time").unwrap().0, 17_500.0);
    assert_eq!(item(&billed(&["queue=no"]), "SQS: messages"), None);
}

#[test]
fn the_price_of_a_database_is_not_guessed() {
    let bill = billed(&["store=postgres"]);
    assert!(bill.unknown[0].contains("give database=USD"), "{:?}", bill.unknown);
    assert_eq!(item(&bill, "DynamoDB: writes"), None);
    let bill = billed(&["store=postgres", "database=55.5"]);
    assert_eq!(item(&bill, "PostgreSQL"), Some((1.0, 55.5)));
    assert!(bill.unknown.iter().all(|unknown| !unknown.contains("PostgreSQL")));
}

#[test]
fn a_price_of_ones_own_counts() {
    let bill = billed(&["price.api=2", "sweep-minutes=0"]);
    assert_eq!(item(&bill, "HTTP API"), Some((1_000_000.0, 2.0)));
    let sum: f64 = bill.items.iter().map(|item| item.usd).sum();
    assert!((bill.total() - sum).abs() < 1e-9 && sum > 2.0);
}

#[test]
fn a_word_that_is_no_number_of_ours_is_refused_by_name() {
    let mut given = (Numbers::default(), Way::default());
    for (word, told) in [
        ("notifications", "is not NAME=VALUE"),
        ("notification=1", "there is no number \"notification\"; there are store, queue, notifications"),
        ("notifications=many", "write a number that is not negative"),
        ("notifications=-1", "write a number that is not negative"),
        ("notifications=inf", "write a number that is not negative"),
        ("notifications=-0", "write a number that is not negative"),
        // Where a comma is a decimal point, this would be 110 USD.
        ("price.api=1,10", "write a number that is not negative"),
        ("notifications=1,000,00", "write a number that is not negative"),
        ("notifications=,100", "write a number that is not negative"),
        ("notifications=1.000,5", "write a number that is not negative"),
        ("failed=101", "write a percentage of at most 100"),
        ("latest=150", "write a percentage of at most 100"),
        ("memory=0", "a function has 128 to 10240 MB"),
        ("memory=10241", "a function has 128 to 10240 MB"),
        ("store=mysql", "write dynamodb, postgres or local"),
        ("queue=maybe", "write yes or no"),
    ] {
        let problem = take(word, &mut given.0, &mut given.1).unwrap_err();
        assert!(problem.contains(told), "{word}: {problem}");
    }
    for (word, expected) in [
        ("1_000_000", 1e6),
        ("1,000,000", 1e6),
        ("12,345.5", 12_345.5),
        ("1000000", 1e6),
        ("1e6", 1e6),
        ("0", 0.0),
    ] {
        assert_eq!(number(word), Some(expected), "{word}");
    }
    let words = ["failed=1", "store=local", "failed=2", "store=local"].map(str::to_owned);
    let problems = take_all(&words, &mut given.0, &mut given.1);
    assert_eq!(problems, ["failed is given twice: leave one out", "store is given twice: leave one out"]);
}

#[test]
fn the_settings_say_what_they_can() {
    let builder = AppBuilder::new(crate::settings::Variables::default(), Vec::new())
        .set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "dynamodb:notifications")
        .set("FHIR_SUBSCRIPTION_QUEUE", "https://sqs.eu-west-2.amazonaws.com/123456789012/hooks")
        .set("FHIR_SUBSCRIPTION_SECRET", "secretsmanager:ward#shared")
        .set("FHIR_SUBSCRIPTION_ADMIN_SECRET", "secretsmanager:ward#admin")
        .set("FHIR_SUBSCRIPTION_STORE_KEY", "secretsmanager:key")
        .set("FHIR_SUBSCRIPTION_STORE_DAYS", "30");
    let (mut numbers, mut way) = (Numbers::default(), Way::default());
    known_of(&builder, &mut numbers, &mut way);
    assert_eq!((way.store, way.queue), (Store::DynamoDb, true));
    assert_eq!((numbers.get("secrets"), numbers.get("days"), numbers.get("subscriptions")), (2.0, 30.0, 0.0));
    let told = as_object(&bill(&numbers, way), &numbers, way);
    assert_eq!(told["prices"]["write"], 0.625);
    assert_eq!(told["inputs"]["notifications"], 1_000_000.0);
    assert_eq!(told["prices_of"]["region"], "us-east-1");
}

fn known(builder: &AppBuilder) -> (Numbers, Way) {
    let (mut numbers, mut way) = (Numbers::default(), Way::default());
    known_of(builder, &mut numbers, &mut way);
    (numbers, way)
}

#[test]
fn each_tenant_has_its_subscriptions_and_metrics() {
    use crate::fixtures::{Succeed, declaration, leak};

    let builder = |tenants: &[&'static str]| {
        let declarations =
            leak(["a", "b"].map(|endpoint| declaration::<crate::Event, Succeed>("Patient?", endpoint)));
        let builder = AppBuilder::new(crate::settings::Variables::default(), declarations);
        let mut builder =
            tenants.iter().fold(builder, |builder, &name| builder.tenant(name, |tenant| tenant));
        builder.expand();
        builder
    };
    // Handled, Duration, Lag, Swept and SweepAge for each set of dimensions, and ColdStart.
    for (tenants, subscriptions, metrics) in [
        (&[][..], 2.0, 5.0 * (2.0 + 1.0) + 1.0),
        (&["north", "south", "west"], 6.0, 5.0 * (6.0 + 3.0 + 1.0) + 1.0),
    ] {
        let (numbers, way) = known(&builder(tenants));
        assert_eq!((numbers.get("subscriptions"), way.tenants), (subscriptions, tenants.len()));
        assert_eq!(item(&bill(&numbers, way), "CloudWatch: metrics").unwrap().0, metrics);
    }
}

#[test]
fn a_store_that_is_a_reference_is_not_billed_as_local() {
    for value in ["secretsmanager:hooks/db", "ssm:/ward/store", "file:/run/secrets/store"] {
        let builder = AppBuilder::new(crate::settings::Variables::default(), Vec::new());
        let (mut numbers, mut way) = known(&builder.set("FHIR_SUBSCRIPTION_IDEMPOTENCY", value));
        let told = bill(&numbers, way).unknown;
        assert!(
            told[0].contains("the store, which is a reference: give store=dynamodb"),
            "{value}: {told:?}"
        );
        assert_eq!(as_object(&bill(&numbers, way), &numbers, way)["store"], "unknown");
        take("store=local", &mut numbers, &mut way).unwrap();
        assert!(bill(&numbers, way).unknown.iter().all(|unknown| !unknown.contains("reference")), "{value}");
    }
    // It is no answer to the question.
    assert!(take("store=unknown", &mut Numbers::default(), &mut Way::default()).is_err());
}
