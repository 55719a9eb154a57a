//! Dead letters: each is an item of its own. Sixteen other items list their keys, because a scan would read
//! every record of the table.
//!
//! A letter is written before its key is listed. A key is removed from a list only in a transaction that
//! checks that its letter is gone. So every letter is listed, even if an instance dies in between.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, KeysAndAttributes, TransactWriteItem, Update};
use tokio::time::sleep;

use super::DynamoDbStore;
use super::failure::unreadable;
use super::item::{self, ID, Item, names, number, text};
use crate::store::record::{Body, Millis, millis};
use crate::store::{Key, Put, Record, RecordId, RecordKind, Stored, Unavailable};

/// The attribute with the set of keys, in an item that lists dead letters.
const KEYS: &str = "keys";

/// The most items in one request of a batch.
const BATCH: usize = 100;

/// The most keys that one transaction removes from a list.
const PRUNED: usize = 50;

/// How often the items that a batch has left out are requested again.
const ROUNDS: u32 = 6;

/// The shortest pause between two rounds. It doubles each time.
const PAUSE: Duration = Duration::from_millis(25);

const IS_GONE: &str = "attribute_not_exists(#id) OR #expiration <= :now_seconds";

impl DynamoDbStore {
    pub(super) async fn put_letter(
        &self,
        id: &RecordId,
        expected: Option<u64>,
        record: Option<&Record>,
    ) -> Stored<Put> {
        let Some(record) = record else {
            let put = self.delete_item(id, expected).await?;
            if put == Put::Done {
                self.prune(&[id.key], now()).await;
            }
            return Ok(put);
        };
        let put = self.put_item(id, expected, record).await?;
        let is_put = match &put {
            Put::Done => true,
            // The answer to the put was lost, and the SDK repeated the put.
            Put::Refused(there) => there.as_ref().is_some_and(|there| there.revision() == record.revision()),
        };
        if !is_put || self.list_key(&id.key).await? {
            return Ok(put);
        }
        // Listing the letters removes the keys of expired letters.
        self.letters().await?;
        if self.list_key(&id.key).await? {
            return Ok(put);
        }
        Err(Unavailable::new("there are too many dead letters: drop some"))
    }

    /// Adds the key to its list. Returns whether there was room: an item ends at 400 KB, which is some 6,000
    /// keys.
    async fn list_key(&self, key: &Key) -> Stored<bool> {
        let update = "ADD #keys :key";
        let client = self.client().await?;
        let answer = client
            .update_item()
            .table_name(&self.table)
            .key(ID, list_of(digit_of(key)))
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

    /// The letters that have not expired.
    pub(super) async fn letters(&self) -> Stored<Vec<Record>> {
        let now = now();
        let lists = "0123456789abcdef".chars().map(list_of);
        let mut listed = Vec::new();
        for list in self.items(lists.collect()).await? {
            let keys = list.get(KEYS).map_or(Ok(&[][..]), |keys| keys.as_ss().map(Vec::as_slice));
            for key in keys.map_err(|_| unreadable())? {
                listed.push(Key::parse(key).ok_or_else(unreadable)?);
            }
        }
        let (mut letters, mut there) = (Vec::new(), HashSet::new());
        for keys in listed.chunks(BATCH) {
            let ids = keys.iter().map(|key| text(letter_id(key)));
            for item in self.items(ids.collect()).await? {
                let record = item::read(&item)?;
                if let (false, Body::DeadLetter(letter)) = (record.has_expired(now), &record.body) {
                    there.insert(letter.key);
                    letters.push(record);
                }
            }
        }
        let gone: Vec<_> = listed.into_iter().filter(|key| !there.contains(key)).collect();
        self.prune(&gone, now).await;
        Ok(letters)
    }

    /// Removes the keys of letters that are gone. If that fails, the next listing tries again.
    async fn prune(&self, gone: &[Key], now: Millis) {
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

    async fn prune_list(&self, digit: char, keys: &[Key], now: Millis) -> Stored<()> {
        let update = "DELETE #keys :keys";
        let client = self.client().await?;
        let texts = keys.iter().map(Key::to_string).collect();
        let update = Update::builder()
            .table_name(&self.table)
            .key(ID, list_of(digit))
            .update_expression(update)
            .set_expression_attribute_names(Some(names(&[update])))
            .expression_attribute_values(":keys", AttributeValue::Ss(texts));
        let update = TransactWriteItem::builder().update(update.build().map_err(|_| unreadable())?).build();
        let mut call = client.transact_write_items().transact_items(update);
        for key in keys {
            let check = ConditionCheck::builder()
                .table_name(&self.table)
                .key(ID, text(letter_id(key)))
                .condition_expression(IS_GONE)
                .set_expression_attribute_names(Some(names(&[IS_GONE])))
                .expression_attribute_values(":now_seconds", number(now / 1000));
            let check = check.build().map_err(|_| unreadable())?;
            call = call.transact_items(TransactWriteItem::builder().condition_check(check).build());
        }
        call.send().await?;
        Ok(())
    }

    /// The existing items with these ids, at most a hundred.
    pub(super) async fn items(&self, ids: Vec<AttributeValue>) -> Stored<Vec<Item>> {
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
        Err(Unavailable::new("it keeps leaving out a part of its answer"))
    }
}

fn now() -> Millis {
    millis(SystemTime::now())
}

fn letter_id(key: &Key) -> RecordId {
    RecordId { kind: RecordKind::DeadLetter, key: *key }
}

/// The id of the item that lists the dead letters with keys that begin with this digit.
pub(super) fn list_of(digit: char) -> AttributeValue {
    text(format!("dead-letters#{digit}"))
}

fn digit_of(key: &Key) -> char {
    key.to_string().chars().next().unwrap_or_default()
}

fn is_too_large<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().and_then(UpdateItemError::code) == Some("ValidationException")
}
