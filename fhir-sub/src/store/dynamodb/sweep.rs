//! Sweeps: how far those of a subscription have come, and the lease of the one that runs. Their records do not expire.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::DynamoDbStore;
use super::failure::unreadable;
use super::item::{COMPLETED, DATA, ID, IN_PROGRESS, Id, Item, TOKEN, number, read_number, text};
use crate::store::{Key, Stored, SweepState, Sweeping, token};

const BEGIN: &str = "SET #status = :in_progress, #in_progress_expiration = :until, #token = :token";

const IS_FREE: &str = "attribute_not_exists(#id) OR #in_progress_expiration <= :now";

const SAVE: &str = "SET #status = :status, #in_progress_expiration = :until, #data = :data";

const IS_OWN: &str = "#token = :token AND #status = :in_progress";

impl DynamoDbStore {
    pub(super) async fn take_sweep(&self, sweep: &Key, lease: Duration) -> Stored<Option<Sweeping>> {
        let (now, token) = (self.now(), token());
        let answer = self
            .update_of(BEGIN, IS_FREE)
            .await?
            .key(ID, Id::Sweep(sweep).value())
            .expression_attribute_values(":in_progress", text(IN_PROGRESS))
            .expression_attribute_values(":until", number(now.after(lease).milliseconds))
            .expression_attribute_values(":token", number(token))
            .expression_attribute_values(":now", number(now.milliseconds))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let taken = |item: Option<&Item>| {
            Ok(Some(Sweeping { sweep: *sweep, token, state: read_state(item.ok_or_else(unreadable)?)? }))
        };
        match answer {
            Ok(answer) => taken(answer.attributes()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    // Its own, where the answer to the write was lost and the SDK has sent it again.
                    let item = refused.item().filter(|item| read_number(item, TOKEN) == Some(token));
                    item.map_or(Ok(None), |item| taken(Some(item)))
                }
                _ => Err(error.into()),
            },
        }
    }

    pub(super) async fn keep_sweep(&self, sweeping: &Sweeping, lease: Option<Duration>) -> Stored<bool> {
        let (status, until) = match lease {
            Some(lease) => (IN_PROGRESS, self.now().after(lease).milliseconds),
            None => (COMPLETED, 0),
        };
        let data = serde_json::to_string(&sweeping.state).map_err(|_| unreadable())?;
        let answer = self
            .update_of(SAVE, IS_OWN)
            .await?
            .key(ID, Id::Sweep(&sweeping.sweep).value())
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":in_progress", text(IN_PROGRESS))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":data", text(data))
            .expression_attribute_values(":token", number(sweeping.token))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    // It has ended already, where the answer to that was lost and the SDK has sent it again.
                    let token = refused.item().and_then(|item| read_number(item, TOKEN));
                    Ok(lease.is_none() && token == Some(sweeping.token))
                }
                _ => Err(error.into()),
            },
        }
    }
}

/// How far the sweeps have come; the beginning, where none has come anywhere.
fn read_state(item: &Item) -> Stored<SweepState> {
    let Some(data) = item.get(DATA) else { return Ok(SweepState::default()) };
    let data = data.as_s().map_err(|_| unreadable())?;
    serde_json::from_str(data).map_err(|_| unreadable())
}
