//! Events: begun by one write, and completed or released by another.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::failure::unreadable;
use super::item::{
    COMPLETED, EXPIRATION, ID, IN_PROGRESS, IN_PROGRESS_EXPIRATION, Id, Item, LATEST_UPDATED, LATEST_VERSION,
    Record, STATUS, TOKEN, TRIES, VERSION, names, number, read_number, text,
};
use super::{DynamoDbStore, Moment};
use crate::store::{Begun, Claim, Entry, Key, Stored, token};

/// How often a record is begun that others keep changing.
const ROUNDS: usize = 3;

/// What a lease is begun with. The tries are those since the event was last done.
const BEGIN: &str = "SET #status = :in_progress, #in_progress_expiration = :until, #expiration = :expiration, \
                     #token = :token, #tries = if_not_exists(#tries, :none) + :one";

/// A record that has not expired and is not under way.
const IS_FREE: &str = "#expiration > :now_seconds AND #in_progress_expiration <= :now";

/// What a lease is ended with: the token becomes another, so that no call of the claim has an effect any more.
const END: &str = "SET #status = :status, #in_progress_expiration = :none, #expiration = :expiration, \
                   #token = :next";

const IS_OWN: &str = "#token = :token";

/// What it is ended on: a record that has expired is gone, whether or not it is still there.
const CAN_END: &str = "#token = :token AND #expiration > :now_seconds";

/// A lease that is being taken.
struct Begin<'a> {
    entry: &'a Entry,
    token: u64,
    now: Moment,
    until: Moment,
    expiration: u64,
}

/// What came of one write.
enum Attempt {
    Begun {
        tries: u32,
    },
    /// The record that is there instead.
    Refused(Record),
}

impl DynamoDbStore {
    pub(super) async fn begin_event(&self, entry: &Entry, lease: Duration) -> Stored<Begun> {
        let now = self.now();
        let until = now.after(lease);
        let expiration = until.after(self.retention).seconds_rounded_up();
        let begin = Begin { entry, token: token(), now, until, expiration };
        let claim = |tries| Ok(Begun::Fresh(Claim { entry: entry.clone(), token: begin.token, tries }));

        let mut attempt = self.update(&begin).await?;
        for _ in 0..ROUNDS {
            let record = match attempt {
                Attempt::Begun { tries } => return claim(tries),
                Attempt::Refused(record) => record,
            };
            if record.token == begin.token {
                // The answer to the write was lost, and the SDK has sent it again.
                return claim(record.tries);
            }
            if let Some(refused) = record.refuses(entry, now) {
                return Ok(refused);
            }
            attempt = self.replace(&begin, &record).await?;
        }
        // Others are at it, whatever came of that.
        Ok(Begun::UnderWay)
    }

    /// Begins what is new, and what was begun before where that can be told by a condition: all but what has expired, and a
    /// version after another that has failed.
    async fn update(&self, begin: &Begin<'_>) -> Stored<Attempt> {
        let mut update = BEGIN.to_owned();
        let mut condition = format!("attribute_not_exists(#id) OR ({IS_FREE}");
        match begin.entry {
            Entry::Once(_) | Entry::Passing(_) => condition.push_str(" AND #status = :in_progress"),
            Entry::Latest { updated, .. } => {
                update.push_str(", #version = :version");
                condition.push_str(
                    " AND (#tries = :none OR #version = :version) \
                     AND (attribute_not_exists(#latest_version) OR #latest_version <> :version)",
                );
                if updated.is_some() {
                    condition.push_str(
                        " AND (attribute_not_exists(#latest_updated) OR #latest_updated <= :updated)",
                    );
                }
            }
        }
        condition.push(')');
        let mut call = self.update_of(&update, &condition).await?;
        if let Entry::Latest { version, updated, .. } = begin.entry {
            call = call.expression_attribute_values(":version", text(version));
            if let Some(updated) = updated {
                call = call.expression_attribute_values(":updated", text(updated));
            }
        }
        let answer = call
            .key(ID, Id::Event(begin.entry.key()).value())
            .expression_attribute_values(":in_progress", text(IN_PROGRESS))
            .expression_attribute_values(":until", number(begin.until.milliseconds))
            .expression_attribute_values(":expiration", number(begin.expiration))
            .expression_attribute_values(":token", number(begin.token))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(begin.now.milliseconds))
            .expression_attribute_values(":now_seconds", number(begin.now.seconds()))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let tries = answer.attributes().and_then(|item| read_number(item, TRIES));
                let tries = tries.and_then(|tries| u32::try_from(tries).ok()).ok_or_else(unreadable)?;
                Ok(Attempt::Begun { tries })
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused_by(refused.item()),
                _ => Err(error.into()),
            },
        }
    }

    /// Begins what is free, and writes its record as a whole, unless that has changed meanwhile.
    async fn replace(&self, begin: &Begin<'_>, record: &Record) -> Stored<Attempt> {
        let kept = Some(record).filter(|record| !record.has_expired(begin.now));
        let tries = kept.map_or(0, |record| record.tries_of(begin.entry)).saturating_add(1);
        let mut item = Item::from([
            (ID.to_owned(), Id::Event(begin.entry.key()).value()),
            (STATUS.to_owned(), text(IN_PROGRESS)),
            (IN_PROGRESS_EXPIRATION.to_owned(), number(begin.until.milliseconds)),
            (EXPIRATION.to_owned(), number(begin.expiration)),
            (TOKEN.to_owned(), number(begin.token)),
            (TRIES.to_owned(), number(tries.into())),
        ]);
        if let Entry::Latest { version, .. } = begin.entry {
            item.insert(VERSION.to_owned(), text(version));
        }
        if let Some((updated, version)) = kept.and_then(|record| record.latest) {
            item.insert(LATEST_UPDATED.to_owned(), text(updated));
            item.insert(LATEST_VERSION.to_owned(), text(version));
        }
        let condition = "attribute_not_exists(#id) OR #token = :old";
        let answer = self
            .client()
            .await?
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&[condition])))
            .expression_attribute_values(":old", number(record.token))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Attempt::Begun { tries }),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => refused_by(refused.item()),
                _ => Err(error.into()),
            },
        }
    }

    pub(super) async fn complete_event(&self, claim: &Claim) -> Stored<()> {
        if let Entry::Passing(key) = &claim.entry {
            return self.delete(key, IS_OWN, (":token", claim.token)).await;
        }
        // What is done was not tried since.
        let mut update = format!("{END}, #tries = :none");
        let latest = match &claim.entry {
            Entry::Latest { version, updated: Some(updated), .. } => Some((version, updated)),
            _ => None,
        };
        if latest.is_some() {
            update.push_str(", #latest_version = :version, #latest_updated = :updated");
        }
        let mut call = self.update_of(&update, CAN_END).await?;
        if let Some((version, updated)) = latest {
            call = call
                .expression_attribute_values(":version", text(version))
                .expression_attribute_values(":updated", text(updated));
        }
        self.end(call, claim, COMPLETED).await
    }

    pub(super) async fn release_event(&self, claim: &Claim) -> Stored<()> {
        self.end(self.update_of(END, CAN_END).await?, claim, IN_PROGRESS).await
    }

    async fn end(&self, call: UpdateItemFluentBuilder, claim: &Claim, status: &str) -> Stored<()> {
        let now = self.now();
        let expiration = now.after(self.retention).seconds_rounded_up();
        let answer = call
            .key(ID, Id::Event(claim.entry.key()).value())
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":expiration", number(expiration))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":token", number(claim.token))
            .expression_attribute_values(":next", number(token()))
            .expression_attribute_values(":now_seconds", number(now.seconds()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            // It is another's by now; or the answer was lost, and the SDK has sent it again.
            Err(error) if is_refused(&error, UpdateItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn reopen_event(&self, key: &Key) -> Stored<()> {
        self.delete(key, "#in_progress_expiration <= :now", (":now", self.now().milliseconds)).await
    }

    /// Deletes the record of an event where a condition holds.
    async fn delete(&self, key: &Key, condition: &str, (name, value): (&str, u64)) -> Stored<()> {
        let answer = self
            .client()
            .await?
            .delete_item()
            .table_name(&self.table)
            .key(ID, Id::Event(key).value())
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&[condition])))
            .expression_attribute_values(name, number(value))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if is_refused(&error, |error| error.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// An update where a condition holds, to which its key and its values are still to be added.
    pub(super) async fn update_of(&self, update: &str, condition: &str) -> Stored<UpdateItemFluentBuilder> {
        let call = self.client().await?.update_item().table_name(&self.table);
        Ok(call
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&[update, condition]))))
    }
}

fn refused_by(item: Option<&Item>) -> Stored<Attempt> {
    item.map_or_else(|| Err(unreadable()), Record::read).map(Attempt::Refused)
}

fn is_refused<E, R>(error: &SdkError<E, R>, is_refused: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(is_refused)
}
