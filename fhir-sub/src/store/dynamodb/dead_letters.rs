//! Dead letters: each an item of its own, and found by sixteen items that list their keys, since to scan the table would read
//! every record in it.
//!
//! A letter is written before its key is listed, and a key is taken off a list only in one transaction with a look at
//! whether its letter is gone: so no letter is there that is not listed, whoever dies in between.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, KeysAndAttributes, ReturnValue, TransactWriteItem, Update,
};
use tokio::time::sleep;

use super::failure::unreadable;
use super::item::{DATA, EXPIRATION, ID, Id, Item, names, number, read_number, text};
use super::{DynamoDbStore, Moment};
use crate::store::{DeadLetter, Key, Stored, Unavailable};

/// The set of keys of an item that lists dead letters.
const KEYS: &str = "keys";

/// The most items of one request of a batch.
const BATCH: usize = 100;

/// The most keys that one transaction takes off a list.
const PRUNED: usize = 50;

/// How often what a batch has left out is asked for again.
const ROUNDS: u32 = 6;

/// The least that lies between two rounds, doubled each time.
const PAUSE: Duration = Duration::from_millis(25);

const IS_GONE: &str = "attribute_not_exists(#id) OR #expiration <= :now_seconds";

impl DynamoDbStore {
    pub(super) async fn add_letter(&self, letter: &DeadLetter) -> Stored<()> {
        let data = serde_json::to_string(letter).map_err(|_| unreadable())?;
        let expiration = self.now().after(DeadLetter::kept(self.retention)).seconds_rounded_up();
        let client = self.client().await?;
        let put = client
            .put_item()
            .table_name(&self.table)
            .item(ID, Id::DeadLetter(&letter.key).value())
            .item(DATA, text(data))
            .item(EXPIRATION, number(expiration));
        put.send().await?;
        if self.list_key(&letter.key).await? {
            return Ok(());
        }
        // Keys of letters that have expired are taken off by who lists them.
        self.letters().await?;
        if self.list_key(&letter.key).await? {
            return Ok(());
        }
        Err(Unavailable { reason: "there are too many dead letters: drop some".to_owned() })
    }

    /// Whether there was room for it: an item ends at 400 KB, which is some 6,000 keys.
    async fn list_key(&self, key: &Key) -> Stored<bool> {
        let update = "ADD #keys :key";
        let client = self.client().await?;
        let answer = client
            .update_item()
            .table_name(&self.table)
            .key(ID, list_of(key).value())
            .update_expression(update)
            .set_expression_attribute_names(Some(names(&[update])))
            .expression_attribute_values(":key", AttributeValue::Ss(vec![key.to_string()]))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if is_too_large(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn letters(&self) -> Stored<Vec<DeadLetter>> {
        let now = self.now();
        let lists = "0123456789abcdef".chars().map(|digit| Id::DeadLetters(digit).value());
        let mut listed = Vec::new();
        for list in self.items(lists.collect()).await? {
            let keys = list.get(KEYS).map_or(Ok(&[][..]), |keys| keys.as_ss().map(Vec::as_slice));
            for key in keys.map_err(|_| unreadable())? {
                listed.push(Key::parse(key).ok_or_else(unreadable)?);
            }
        }
        let mut letters = Vec::new();
        for keys in listed.chunks(BATCH) {
            let ids = keys.iter().map(|key| Id::DeadLetter(key).value());
            for item in self.items(ids.collect()).await? {
                letters.extend(read_letter(&item, now)?);
            }
        }
        letters.sort_unstable_by(|one, other| one.age().cmp(&other.age()));

        let there: HashSet<_> = letters.iter().map(|letter| letter.key).collect();
        let gone: Vec<_> = listed.into_iter().filter(|key| !there.contains(key)).collect();
        self.prune(&gone, now).await;
        Ok(letters)
    }

    pub(super) async fn remove_letter(&self, key: &Key) -> Stored<bool> {
        let now = self.now();
        let client = self.client().await?;
        let answer = client
            .delete_item()
            .table_name(&self.table)
            .key(ID, Id::DeadLetter(key).value())
            .return_values(ReturnValue::AllOld)
            .send()
            .await?;
        self.prune(&[*key], now).await;
        let expiration = answer.attributes().and_then(|item| read_number(item, EXPIRATION));
        Ok(expiration.is_some_and(|expiration| expiration > now.seconds()))
    }

    /// Takes keys off the lists whose letters are gone. Whether that succeeds matters to nobody: the next who lists them tries
    /// again.
    async fn prune(&self, gone: &[Key], now: Moment) {
        let mut by_list: HashMap<char, Vec<Key>> = HashMap::new();
        for key in gone {
            by_list.entry(digit_of(key)).or_default().push(*key);
        }
        for (digit, keys) in &by_list {
            for keys in keys.chunks(PRUNED) {
                if let Err(failure) = self.prune_list(*digit, keys, now).await {
                    tracing::debug!(reason = failure.reason, "the list of dead letters was not pruned");
                }
            }
        }
    }

    async fn prune_list(&self, digit: char, keys: &[Key], now: Moment) -> Stored<()> {
        let update = "DELETE #keys :keys";
        let client = self.client().await?;
        let texts = keys.iter().map(Key::to_string).collect();
        let update = Update::builder()
            .table_name(&self.table)
            .key(ID, Id::DeadLetters(digit).value())
            .update_expression(update)
            .set_expression_attribute_names(Some(names(&[update])))
            .expression_attribute_values(":keys", AttributeValue::Ss(texts));
        let update = TransactWriteItem::builder().update(update.build().map_err(|_| unreadable())?).build();
        let mut call = client.transact_write_items().transact_items(update);
        for key in keys {
            let check = ConditionCheck::builder()
                .table_name(&self.table)
                .key(ID, Id::DeadLetter(key).value())
                .condition_expression(IS_GONE)
                .set_expression_attribute_names(Some(names(&[IS_GONE])))
                .expression_attribute_values(":now_seconds", number(now.seconds()));
            let check = check.build().map_err(|_| unreadable())?;
            call = call.transact_items(TransactWriteItem::builder().condition_check(check).build());
        }
        call.send().await?;
        Ok(())
    }

    /// The items of these ids that are there: a hundred at most.
    async fn items(&self, ids: Vec<AttributeValue>) -> Stored<Vec<Item>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client().await?;
        let keys = ids.into_iter().map(|id| Item::from([(ID.to_owned(), id)])).collect();
        let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let asked = asked.build().map_err(|_| unreadable())?;
        let mut asked = HashMap::from([(self.table.clone(), asked)]);
        let mut items = Vec::new();
        for round in 0..ROUNDS {
            let answer = client.batch_get_item().set_request_items(Some(asked)).send().await?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            asked = answer.unprocessed_keys.unwrap_or_default();
            if asked.is_empty() {
                return Ok(items);
            }
            sleep(PAUSE * 2_u32.pow(round)).await;
        }
        Err(Unavailable { reason: "it keeps leaving out a part of its answer".to_owned() })
    }
}

/// A letter; `None` where it has expired.
fn read_letter(item: &Item, now: Moment) -> Stored<Option<DeadLetter>> {
    if read_number(item, EXPIRATION).ok_or_else(unreadable)? <= now.seconds() {
        return Ok(None);
    }
    let data = item.get(DATA).and_then(|data| data.as_s().ok()).ok_or_else(unreadable)?;
    serde_json::from_str(data).map(Some).map_err(|_| unreadable())
}

fn list_of(key: &Key) -> Id<'static> {
    Id::DeadLetters(digit_of(key))
}

fn digit_of(key: &Key) -> char {
    key.to_string().chars().next().unwrap_or_default()
}

fn is_too_large<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().and_then(UpdateItemError::code) == Some("ValidationException")
}
