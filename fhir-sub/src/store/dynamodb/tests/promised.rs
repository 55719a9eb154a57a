//! The promises of DynamoDB that the store relies on, tested against the emulator without the store:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/>. `docs/dynamodb.md` says where the
//! emulator differs.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use futures_util::future::join_all;

use super::super::connect::connect;
use super::super::item::{ID, Item};
use super::support::{table, wired};
use crate::client::transport::Connection;
use crate::store::suite::timed::letter;

const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

struct Table {
    client: Client,
    name: String,
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: usize) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

impl Table {
    async fn new() -> Self {
        let client = connect(&Connection::default()).await.unwrap();
        let name = table(&client).await;
        Self { client, name }
    }

    async fn get(&self, id: &str) -> Option<Item> {
        let get = self.client.get_item().table_name(&self.name).key(ID, text(id)).consistent_read(true);
        get.send().await.unwrap().item
    }

    /// Puts a value if there is none, or if the expected one is there. A refusal returns the existing item.
    async fn put(&self, id: &str, expected: Option<usize>, value: usize) -> Result<(), Option<Item>> {
        let mut put = self.client.put_item().table_name(&self.name).item(ID, text(id));
        put = put.item("value", number(value)).return_values_on_condition_check_failure(ALL_OLD);
        put = match expected {
            None => put.condition_expression("attribute_not_exists(id)"),
            Some(expected) => put
                .condition_expression("#value = :expected")
                .expression_attribute_names("#value", "value")
                .expression_attribute_values(":expected", number(expected)),
        };
        match put.send().await.map_err(|error| error.into_service_error()) {
            Ok(_) => Ok(()),
            Err(PutItemError::ConditionalCheckFailedException(refused)) => Err(refused.item),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// A put within a transaction, if no item exists.
    fn in_transaction(&self, id: &str, value: usize, returned: bool) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(&self.name)
            .item(ID, text(id))
            .item("value", number(value))
            .condition_expression("attribute_not_exists(id)")
            .set_return_values_on_condition_check_failure(returned.then_some(ALL_OLD));
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    }

    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), Vec<CancellationReason>> {
        let call = self.client.transact_write_items().set_transact_items(Some(items));
        match call.send().await.map_err(|error| error.into_service_error()) {
            Ok(_) => Ok(()),
            Err(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                Err(canceled.cancellation_reasons.unwrap_or_default())
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn item(id: &str, value: usize) -> Item {
    HashMap::from([(ID.to_owned(), text(id)), ("value".to_owned(), number(value))])
}

/// "DynamoDB … evaluates the condition … if it is false, the operation fails": of several writes at once,
/// each is evaluated after the write before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn of_conditional_writes_at_once_one_succeeds_and_the_others_are_shown_its_item() {
    let table = Table::new().await;
    let mut expected = None;
    for round in 0..20 {
        let values: Vec<_> = (0..20).map(|number| 1 + round * 20 + number).collect();
        let puts = join_all(values.iter().map(|value| table.put("raced for", expected, *value))).await;
        let won: Vec<_> = values.iter().zip(&puts).filter(|(_, put)| put.is_ok()).collect();
        let [(value, _)] = won[..] else { panic!("{} have won", won.len()) };
        let shown = Some(item("raced for", *value));
        for put in puts.into_iter().filter_map(Result::err) {
            assert_eq!(put, shown, "it is the item that the condition did not hold of");
        }
        assert_eq!(table.get("raced for").await, shown);
        expected = Some(*value);
    }
}

/// Several connections count up, each from the value that a refusal returned: no step is lost, and no step is
/// taken twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn what_a_refusal_shows_is_what_the_next_write_may_expect() {
    let table = std::sync::Arc::new(Table::new().await);
    table.put("counter", None, 0).await.unwrap();
    let count = |table: std::sync::Arc<Table>| async move {
        let client = connect(&Connection::default()).await.unwrap();
        let table = Table { client, name: table.name.clone() };
        let (mut steps, mut seen) = (0, 0);
        while steps < 25 {
            match table.put("counter", Some(seen), seen + 1).await {
                Ok(()) => (steps, seen) = (steps + 1, seen + 1),
                Err(there) => seen = there.unwrap()["value"].as_n().unwrap().parse().unwrap(),
            }
        }
    };
    let counting: Vec<_> = (0..8).map(|_| tokio::spawn(count(table.clone()))).collect();
    for one in counting {
        one.await.unwrap();
    }
    assert_eq!(table.get("counter").await, Some(item("counter", 200)));
}

/// `ReturnValuesOnConditionCheckFailure`: `ALL_OLD` returns the item that did not meet the condition. By
/// default, and if there is no item, nothing is returned.
#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn a_refusal_shows_the_item_if_it_is_asked_to_and_there_is_one() {
    let table = Table::new().await;
    assert_eq!(table.put("absent", Some(7), 8).await, Err(None));
    table.put("there", None, 1).await.unwrap();
    assert_eq!(table.put("there", None, 2).await, Err(Some(item("there", 1))));

    let id = || text("there");
    let put = table.client.put_item().table_name(&table.name).item(ID, id());
    let refused = put.condition_expression("attribute_not_exists(id)").send().await.unwrap_err();
    let PutItemError::ConditionalCheckFailedException(refused) = refused.into_service_error() else {
        panic!("it is refused")
    };
    assert_eq!(refused.item, None, "nobody asked for it");

    let delete = table.client.delete_item().table_name(&table.name).key(ID, id());
    let delete = delete.condition_expression("attribute_not_exists(id)");
    let refused = delete.return_values_on_condition_check_failure(ALL_OLD).send().await.unwrap_err();
    let DeleteItemError::ConditionalCheckFailedException(refused) = refused.into_service_error() else {
        panic!("it is refused")
    };
    assert_eq!(refused.item, Some(item("there", 1)));

    let update = table.client.update_item().table_name(&table.name).key(ID, id());
    let update =
        update.update_expression("SET #value = :value").expression_attribute_names("#value", "value");
    let update = update.condition_expression("attribute_not_exists(id)");
    let update = update.expression_attribute_values(":value", number(9));
    let refused = update.return_values_on_condition_check_failure(ALL_OLD).send().await.unwrap_err();
    let UpdateItemError::ConditionalCheckFailedException(refused) = refused.into_service_error() else {
        panic!("it is refused")
    };
    assert_eq!(refused.item, Some(item("there", 1)));
    assert_eq!(table.get("there").await, Some(item("there", 1)), "what is refused changes nothing");
}

/// "TransactWriteItems … either all of them succeed, or none": the reasons are in the order of the items. An
/// item that would have succeeded has `None`, and `ALL_OLD` adds the existing item.
#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn a_transaction_is_done_whole_or_not_at_all_and_says_why() {
    let table = Table::new().await;
    table.put("taken", None, 1).await.unwrap();
    let items = vec![
        table.in_transaction("free", 2, true),
        table.in_transaction("taken", 2, true),
        table.in_transaction("also free", 2, true),
    ];
    let reasons = table.transact(items).await.unwrap_err();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap_or("None")).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item, Some(item("taken", 1)));
    assert_eq!((table.get("free").await, table.get("also free").await), (None, None));

    let items = vec![table.in_transaction("free", 2, false), table.in_transaction("taken", 2, false)];
    assert_eq!(table.transact(items).await.unwrap_err()[1].item, None, "nobody asked for it");

    let check = |condition: &str| {
        let check = ConditionCheck::builder().table_name(&table.name).key(ID, text("taken"));
        let check = check.condition_expression(condition).build().unwrap();
        TransactWriteItem::builder().condition_check(check).build()
    };
    let items = vec![table.in_transaction("free", 2, false), check("attribute_not_exists(id)")];
    assert!(table.transact(items).await.is_err());
    assert_eq!(table.get("free").await, None);
    let items = vec![table.in_transaction("free", 2, false), check("attribute_exists(id)")];
    table.transact(items).await.unwrap();
    assert_eq!(table.get("free").await, Some(item("free", 2)));
}

/// Simultaneous transactions over the same two items, in either order: one of them gets both. AWS may cancel
/// all of them (`TransactionConflict`), and then the losers try again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn of_transactions_at_once_none_is_done_by_half() {
    let table = Table::new().await;
    for round in 0..10 {
        let (left, right) = (format!("left {round}"), format!("right {round}"));
        let attempts = (1..=16).map(|value| {
            let mut items =
                vec![table.in_transaction(&left, value, false), table.in_transaction(&right, value, false)];
            if value % 2 == 0 {
                items.reverse();
            }
            table.transact(items)
        });
        let done = join_all(attempts).await.iter().filter(|attempt| attempt.is_ok()).count();
        assert_eq!(done, 1);
        let (left, right) = (table.get(&left).await.unwrap(), table.get(&right).await.unwrap());
        assert_eq!(left["value"], right["value"]);
    }
}

/// A set loses a key in a transaction that checks that the key's item is gone. Meanwhile, others put the item
/// and then add the key. Dead letters are listed in this way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn an_item_that_is_there_is_never_off_its_list() {
    let table = Table::new().await;
    let names = |update: &'static str| {
        let update =
            Update::builder().table_name(&table.name).key(ID, text("list")).update_expression(update);
        update.expression_attribute_values(":keys", AttributeValue::Ss(vec!["a key".to_owned()]))
    };
    let add = async || {
        let put = table.client.put_item().table_name(&table.name).item(ID, text("a key"));
        put.send().await.unwrap();
        let add = table.client.update_item().table_name(&table.name).key(ID, text("list"));
        let add = add.update_expression("ADD listed :keys");
        add.expression_attribute_values(":keys", AttributeValue::Ss(vec!["a key".to_owned()]))
            .send()
            .await
            .unwrap();
    };
    let prune = async || {
        let update = names("DELETE listed :keys").build().unwrap();
        let check = ConditionCheck::builder().table_name(&table.name).key(ID, text("a key"));
        let check = check.condition_expression("attribute_not_exists(id)").build().unwrap();
        let items = [
            TransactWriteItem::builder().update(update).build(),
            TransactWriteItem::builder().condition_check(check).build(),
        ];
        let _ = table.transact(items.into()).await;
    };
    for _ in 0..30 {
        table.client.delete_item().table_name(&table.name).key(ID, text("a key")).send().await.unwrap();
        tokio::join!(prune(), prune(), add(), prune(), prune());
        let list = table.get("list").await.unwrap();
        assert_eq!(list["listed"].as_ss().unwrap(), &["a key"]);
    }
}

/// AWS refuses a write to an item that a transaction uses (`TransactionConflictException`). The emulator
/// never does, because it has one writer at a time. A dead letter and its list may conflict with the
/// transaction that cleans up the lists.
#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn a_write_that_meets_a_transaction_is_tried_again() {
    let (store, wire) = wired().await;
    let dead = letter("dead", "2026-01-01T00:00:00Z");
    for conflicts in 1..=2 {
        wire.conflict(conflicts);
        store.add_dead_letter(&dead).await.unwrap();
        assert_eq!(store.dead_letters().await.unwrap(), std::slice::from_ref(&dead));
        wire.conflict(conflicts);
        assert!(store.remove_dead_letter(&dead.key).await.unwrap());
        assert_eq!(store.dead_letters().await.unwrap(), []);
    }
    // If the conflict lasts, the call fails with that reason, and may be repeated.
    wire.conflict(100);
    let failure = store.add_dead_letter(&dead).await.unwrap_err();
    assert_eq!(failure.reason, "it answered TransactionConflictException");
    wire.conflict(0);
    store.add_dead_letter(&dead).await.unwrap();
}
