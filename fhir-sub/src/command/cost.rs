//! `check --cost`: what a month on AWS costs with these settings, from numbers that the caller gives.
//!
//! The numbers of writes and reads come from docs/dynamodb.md. `tests/calls.rs` compares them with the calls of the engine.

mod bill;
mod numbers;

use serde_json::json;

use self::bill::{Bill, Store, Way, bill};
use self::numbers::{AS_OF, Numbers, REGION};
use super::table::table;
use super::{Exit, complain, say};
use crate::app::AppBuilder;
use crate::declaration::Order;
use crate::settings::Reference;
use crate::sorted;

/// Prints the bill. `words` are `notifications=1000000`, `price.sqs=0.4`, `store=postgres` or `queue=yes`.
pub(super) fn print(builder: &AppBuilder, words: &[String], as_json: bool) -> Exit {
    let mut numbers = Numbers::default();
    let mut way = Way::default();
    known_of(builder, &mut numbers, &mut way);
    let problems = take_all(words, &mut numbers, &mut way);
    if !problems.is_empty() {
        complain(&problems.join("\n"));
        return Exit::Unusable;
    }
    let bill = bill(&numbers, way);
    if as_json {
        say(&as_object(&bill, &numbers, way).to_string())
    } else {
        show(&bill, &numbers, way)
    }
    Exit::Sound
}

/// Numbers that the program and its settings imply.
fn known_of(builder: &AppBuilder, numbers: &mut Numbers, way: &mut Way) {
    let declarations = builder.declarations();
    let latest = declarations.iter().filter(|declaration| declaration.order == Order::Latest).count();
    let share = 100.0 * latest as f64 / declarations.len().max(1) as f64;
    numbers.set("latest", share);
    let variables = builder.variables_of_all();
    // All but the program's own. Each tenant has a subscription for each handler.
    way.tenants = variables.len() - 1;
    numbers.set("subscriptions", (declarations.len() * way.tenants.max(1)) as f64);
    let mut secrets: Vec<_> = variables
        .iter()
        .flat_map(|of_one| of_one.references())
        .filter_map(|(_, reference)| match reference {
            Ok(Reference::Secret { id, .. }) => Some(id),
            _ => None,
        })
        .collect();
    sorted::by(&mut secrets, Ord::cmp);
    secrets.dedup();
    numbers.set("secrets", secrets.len() as f64);
    let store = variables.iter().find_map(|of_one| of_one.get("FHIR_SUBSCRIPTION_IDEMPOTENCY"));
    way.store = store.and_then(Store::of_setting).unwrap_or(way.store);
    way.queue = variables.iter().any(|of_one| of_one.get("FHIR_SUBSCRIPTION_QUEUE").is_some());
    way.metrics = variables.iter().all(|of_one| of_one.get("FHIR_SUBSCRIPTION_METRICS") != Some("off"));
    if let Some(days) =
        variables.iter().find_map(|of_one| number(of_one.get("FHIR_SUBSCRIPTION_STORE_DAYS")?))
    {
        numbers.set("days", days);
    }
}

/// Takes the words of the command line. Returns what is wrong with them.
fn take_all(words: &[String], numbers: &mut Numbers, way: &mut Way) -> Vec<String> {
    let mut problems: Vec<_> = words.iter().filter_map(|word| take(word, numbers, way).err()).collect();
    let name = |word: &String| word.split('=').next().unwrap_or_default().to_owned();
    for (at, word) in words.iter().enumerate() {
        if words[..at].iter().any(|earlier| name(earlier) == name(word)) {
            problems.push(format!("{} is given twice: leave one out", name(word)));
        }
    }
    problems
}

/// Takes one word of the command line.
fn take(word: &str, numbers: &mut Numbers, way: &mut Way) -> Result<(), String> {
    let (name, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is not NAME=VALUE"))?;
    match (name, value) {
        ("store", _) => {
            way.store = Store::of_name(value)
                .ok_or_else(|| format!("store={value}: write dynamodb, postgres or local"))?;
        }
        ("queue", "yes") => way.queue = true,
        ("queue", "no") => way.queue = false,
        ("queue", _) => return Err(format!("queue={value}: write yes or no")),
        _ => {
            let number = number(value).ok_or_else(|| {
                format!(
                    "{name}={value}: write a number that is not negative, such as 1000000, 1,000,000 or 0.5"
                )
            })?;
            numbers.give(name, number)?;
        }
    }
    Ok(())
}

/// A number as people write it: 1_000_000 or 1,000,000. A comma elsewhere may be meant for a decimal point, and is refused.
fn number(text: &str) -> Option<f64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default().len();
    let mut others = groups.peekable();
    let separates_thousands =
        others.peek().is_none() || (1..=3).contains(&first) && others.all(|group| group.len() == 3);
    if !separates_thousands || part.contains(',') {
        return None;
    }
    let number: f64 = text.replace(['_', ','], "").parse().ok()?;
    (number.is_finite() && number.is_sign_positive()).then_some(number)
}

fn as_object(bill: &Bill, numbers: &Numbers, way: Way) -> serde_json::Value {
    json!({
        "total": bill.total(), "currency": "USD", "items": bill.items, "unknown": bill.unknown,
        "store": way.store.name(), "queue": way.queue, "inputs": numbers.inputs(), "prices": numbers.prices(),
        "prices_of": { "region": REGION, "month": AS_OF },
    })
}

fn show(bill: &Bill, numbers: &Numbers, way: Way) {
    let queue = if way.queue { ", with a queue" } else { "" };
    say(&format!("A month on AWS, with the store `{}`{queue}, for\n", way.store.name()));
    let rows: Vec<_> = numbers
        .rows("")
        .map(|(name, value, meaning)| [format!("  {name}={value}"), meaning.to_owned()])
        .collect();
    say(&format!("{}\n", table(["  input", "meaning"], &rows)));
    let rows: Vec<_> = bill
        .items
        .iter()
        .map(|item| {
            let quantity = format!("{:.0} {}", item.quantity, item.unit);
            [
                format!("  {}", item.name),
                quantity,
                format!("{} USD for {}", item.price, item.per),
                format!("{:.2} USD", item.usd),
            ]
        })
        .collect();
    say(&table(["  item", "quantity", "price", "a month"], &rows));
    say(&format!("  total  {:.2} USD\n", bill.total()));
    bill.unknown.iter().for_each(|unknown| say(&format!("Not in it: {unknown}")));
    say(&format!(
        "The prices apply to {REGION}, as of {AS_OF}. Give your own as price.NAME=USD; the names are:\n  {}",
        numbers
            .rows("price.")
            .map(|(name, value, _)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    ));
}

#[cfg(test)]
mod tests;
